"""aejax: autoencoders and variational autoencoders in JAX, where a λ × seed sweep is one compiled program."""

__version__ = "0.1.0"
