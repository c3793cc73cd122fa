"""Priors p(z), one a file: make(config.model, spec, posterior) -> Prior."""
