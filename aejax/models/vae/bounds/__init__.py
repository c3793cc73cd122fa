"""Bounds on log p(x), one per file: make(config.model, posterior) -> Bound.

The keyword-only arguments of a bound's loss are the weights of its objective.
"""
