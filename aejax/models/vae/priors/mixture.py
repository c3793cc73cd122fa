"""p(z) = Σ π_c N(z; m_c, v_c): π, m and v of `model.num_components` diagonal Gaussians are learned.

The KL to a mixture has no closed form. `kl` is the mean over draws of log q(z|x) − log p(z), which is unbiased and can
be negative if the true KL is about 0.
"""

from typing import Any

import jax
import jax.numpy as jnp
from jax import Array
from jaxtyping import Float

from aejax.data.types import Spec
from aejax.models.parts import losses
from aejax.models.vae.posteriors.gaussian import draw
from aejax.models.vae.types import Posterior, Prior

Components = tuple[Float[Array, " C"], Float[Array, "C K"], Float[Array, "C K"]]  # log π, mean, logvar


def make(config: Any, spec: Spec, posterior: Posterior) -> Prior:
    """A mixture of Gaussians whose means start as draws from N(0, I)."""
    shape = config.num_components, config.latent_dim

    def init(key: Array):
        return {"logits": jnp.zeros(shape[0]), "mean": jax.random.normal(key, shape), "logvar": jnp.zeros(shape)}

    def components(params) -> Components:
        own = params["prior"]
        return jax.nn.log_softmax(own["logits"]), own["mean"], own["logvar"]

    return Prior(
        init,
        lambda params, z: log_prob(components(params), z),
        lambda params, key, num: sample(components(params), key, num),
    )


def log_prob(mixture: Components, z: Float[Array, "*rows K"]) -> Float[Array, "*rows"]:
    """log Σ π_c N(z; m_c, v_c): nats."""
    shape = (*(1,) * (z.ndim - 1), z.shape[-1])

    def log_joint(log_pi, mean, logvar):
        return log_pi + losses.normal_log_prob(z, mean.reshape(shape), logvar.reshape(shape))

    return jax.nn.logsumexp(jax.vmap(log_joint)(*mixture), axis=0)


def sample(mixture: Components, key: Array, num: int) -> Float[Array, "num K"]:
    """Draws of z, each from a component that is itself drawn from π: [num, K]."""
    log_pi, mean, logvar = mixture
    component_key, key = jax.random.split(key)
    component = jax.random.categorical(component_key, log_pi, shape=(num,))
    return draw(key, mean[component], logvar[component], 1)[0]
