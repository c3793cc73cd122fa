"""The four streams of random keys of a member's seed."""

import jax
from jax import Array
from jaxtyping import Integer, Key

INIT, NOISE, ORDER, EVALUATION = range(4)


def stream(seed: Integer[Array, ""], which: int) -> Key[Array, ""]:
    """The key of one stream; callers fold in the step, epoch or batch, so no key is carried or used twice."""
    return jax.random.fold_in(jax.random.key(seed), which)
