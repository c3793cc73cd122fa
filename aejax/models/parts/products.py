"""The products of dense layers, by `train.precision`."""

from typing import Any

import jax
import jax.numpy as jnp
from jax import Array, lax
from jaxtyping import Float


@jax.custom_vjp
def bfloat16(x: Float[Array, "B I"], matrix: Float[Array, "I O"]) -> Float[Array, "B O"]:
    """x @ matrix, and both products of its gradient, from factors rounded to bfloat16 and added up in float32.

    A rounding has the derivative 1. XLA may leave it out where the processor multiplies only float32.
    """
    return rounded_sum(x, matrix, 1, 0)


def forward(x: Array, matrix: Array) -> tuple[Array, tuple[Array, Array]]:
    return bfloat16(x, matrix), (x, matrix)


def backward(factors: tuple[Array, Array], gradient: Array) -> tuple[Array, Array]:
    x, matrix = factors
    # On CPUs, XLA computes xᵀg in float32 if it sums one leading axis, but in bfloat16 if it sums two.
    return rounded_sum(gradient, matrix, 1, 1), rounded_sum(x[:, None], gradient[:, None], (0, 1), (0, 1))


def rounded_sum(left: Array, right: Array, left_axes: Any, right_axes: Any) -> Array:
    """The sum of products over pairs of axes, in float32, of factors rounded to bfloat16."""
    factors = left.astype(jnp.bfloat16), right.astype(jnp.bfloat16)
    return jnp.tensordot(*factors, (left_axes, right_axes), preferred_element_type=jnp.float32)


bfloat16.defvjp(forward, backward)

PRODUCTS = {  # the signature of lax.dot_general, for rows[B, I] and matrix[I, O]
    "float32": lax.dot_general,
    "bf16": lambda rows, matrix, *dimensions, **options: bfloat16(rows, matrix),
}
