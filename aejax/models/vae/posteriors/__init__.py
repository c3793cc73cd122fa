"""Posteriors q(z|x), one a file: make(config.model, spec) -> Posterior."""
