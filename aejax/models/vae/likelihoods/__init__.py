"""Likelihoods p(x|z), one per file: make(config.model, spec) -> Likelihood, with its own parameters and link.

SUPPORTS lists the kinds of data (`Spec.support`) that a likelihood takes.
"""
