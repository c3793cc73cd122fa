"""`encode` and `decode` as programs that jax alone can load: jax.export's format, for any number of rows."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, export

from aejax.data.types import Condition
from aejax.engine import preprocess
from aejax.trained import Trained
from aejax.types import Given

PLATFORMS = ("cpu", "cuda", "tpu")


def encode(model: Trained) -> bytes:
    """x [N, *shape] float32 in data units (items: int32 [N]), and c [N, J] if the encoder reads it, to codes [N, K]."""
    spec, params = model.spec, jax.tree.map(jnp.asarray, model.params)

    def one(x, *c):
        if spec.kind != "pairs":
            x = prepared(model, x)
        return model.model.encode(params, given(model, x[None], *c))[0]

    x = ((), np.int32) if spec.kind == "pairs" else (spec.shape, np.float32)
    return program(one, x, *_conditions(model, "encoder"))


def decode(model: Trained) -> bytes:
    """Codes z [N, K], and c [N, J] if the decoder reads it, to x_hat [N, *shape] in data units."""
    spec, to_x, params = model.spec, model.model.decode, jax.tree.map(jnp.asarray, model.params)
    assert to_x

    def one(z, *c):
        x_hat = to_x(params, given(model, z[None], *c))[0]
        return x_hat if spec.center is None or spec.spread is None else x_hat * spec.spread + spec.center

    return program(one, ((model.config.model.latent_dim,), np.float32), *_conditions(model, "decoder"))


def program(one: Callable[..., Array], *rows: tuple[tuple[int, ...], Any]) -> bytes:
    """A function of one row of each argument, given by its shape and dtype, as a program of N rows."""
    [num] = export.symbolic_shape("N")
    arguments = [jax.ShapeDtypeStruct((num, *shape), dtype) for shape, dtype in rows]
    return bytes(export.export(jax.jit(jax.vmap(one)), platforms=PLATFORMS)(*arguments).serialize())


def prepared(model: Trained, x: Array) -> Array:
    """One row in data units as the model sees it: filled, thresholded and standardized."""
    spec = model.spec
    if spec.fill is not None:
        x = jnp.concatenate(
            [jnp.where(jnp.isnan(x[: len(spec.fill)]), spec.fill, x[: len(spec.fill)]), x[len(spec.fill) :]]
        )
    if model.config.data.binarization == "threshold":
        x = (x >= 0.5).astype(jnp.float32)
    return x if spec.center is None or spec.spread is None else (x - spec.center) / spec.spread


def given(model: Trained, rows: Array, *c: Array) -> Any:
    """Rows [1, ...], with the conditions c [J] of the row if there are some: numbers in units of the data."""
    if not c:
        return rows
    center, spread = (jnp.array([getattr(one, name) for one in model.spec.conditions]) for name in ("center", "spread"))
    return Given(rows, preprocess.one_hot(((c[0] - center) / spread)[None], model.spec.conditions))


def _conditions(model: Trained, reader: str) -> list[tuple[tuple[int, ...], Any]]:
    conditions: tuple[Condition, ...] = model.spec.conditions
    return [((len(conditions),), np.float32)] if model.reads_c[reader] else []
