"""Likelihoods p(x|z), one a file: make(config.model, spec) -> Likelihood, with its own parameters and link."""
