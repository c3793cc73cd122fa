"""The four streams of random keys that a member's seed opens."""

import jax
from jax import Array
from jaxtyping import Integer, Key

INIT, NOISE, ORDER, EVALUATION = range(4)


def stream(seed: Integer[Array, ""], which: int) -> Key[Array, ""]:
    """The key of one stream; steps, epochs and batches are folded into it, so none is ever carried or used twice."""
    return jax.random.fold_in(jax.random.key(seed), which)
