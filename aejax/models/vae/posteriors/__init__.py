"""Posteriors q(z|x), one per file: make(config.model, spec) -> Posterior."""
