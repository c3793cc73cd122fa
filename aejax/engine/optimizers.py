"""Optimizers and learning-rate schedules with traced hyper-parameters, so that one program can sweep them."""

from collections.abc import Callable, Mapping

import jax.numpy as jnp
import optax
from jax import Array, lax
from jaxtyping import Float, Int


def stage(progress: Float[Array, "*steps"]) -> Float[Array, "*steps"]:
    """The current stage, 0 to 7; each is three times as long as the one before (Burda et al. 2015, section 5)."""
    epochs = (3**8 - 1) // 2  # 1 + 3 + ... + 3⁷ = 3,280
    return jnp.clip(jnp.floor(jnp.log(2.0 * epochs * progress + 1.0) / jnp.log(3.0) + 1e-5), 0.0, 7.0)


# optax's own schedules branch on their arguments in Python, so these cannot be traced.
DECAYS = {  # progress [0, 1] after the warm-up, final fraction -> fraction of the peak
    "constant": lambda progress, final: jnp.ones_like(progress),
    "cosine": lambda progress, final: final + (1.0 - final) * 0.5 * (1.0 + jnp.cos(jnp.pi * progress)),
    "exponential": lambda progress, final: final**progress,
    "stages": lambda progress, final: final ** (stage(progress) / 7.0),
}

RULES = {
    "adam": lambda o: optax.scale_by_adam(o["b1"], o["b2"], o["eps"]),
    "adamw": lambda o: optax.chain(
        optax.scale_by_adam(o["b1"], o["b2"], o["eps"]), optax.add_decayed_weights(o["weight_decay"])
    ),
    "sgd": lambda o: optax.trace(o["momentum"]),
}


def learning_rate(
    schedule: str, total_steps: int, numbers: Mapping[str, Float[Array, ""]], step: Int[Array, ""]
) -> Float[Array, ""]:
    """The learning rate at a step: linear warm-up to the peak over `warmup` steps, then `schedule` to the last step."""
    warmup = numbers["warmup"]
    rise = jnp.minimum(1.0, (step + 1) / jnp.maximum(warmup, 1.0))
    progress = jnp.clip((step - warmup) / jnp.maximum(total_steps - warmup, 1.0), 0.0, 1.0)
    return numbers["learning_rate"] * rise * DECAYS[schedule](progress, numbers["final_fraction"])


def clip(clip_norm: Float[Array, ""]) -> optax.GradientTransformation:
    """Scales the whole gradient to norm at most `clip_norm`; 0 turns clipping off, at no cost."""

    def update(updates, state, params=None):
        scale = lax.cond(
            clip_norm > 0.0,
            lambda: jnp.minimum(1.0, clip_norm / (optax.tree.norm(updates) + 1e-12)),
            lambda: jnp.float32(1.0),
        )
        return optax.tree.scale(scale, updates), state

    return optax.GradientTransformation(lambda params: optax.EmptyState(), update)


def make(
    name: str, schedule: str, total_steps: int
) -> Callable[[Mapping[str, Array], Array], optax.GradientTransformation]:
    """`config.optimizer` as a function (numbers, step) -> transformation."""
    rule = RULES[name]

    def transformation(numbers: Mapping[str, Array], step: Array) -> optax.GradientTransformation:
        rate = learning_rate(schedule, total_steps, numbers, step)
        return optax.chain(clip(numbers["clip_norm"]), rule(numbers), optax.scale(-rate))

    return transformation
