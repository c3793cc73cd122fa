"""Priors p(z), one per file: make(config.model, spec, posterior) -> Prior."""
