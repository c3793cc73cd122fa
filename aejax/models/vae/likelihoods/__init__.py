"""Likelihoods p(x|z), one per file: make(config.model, spec) -> Likelihood, with its own parameters and link."""
