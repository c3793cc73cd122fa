"""A VAE with a learned prior: maximize E_q(z|x) [log p(x|z) − β (log q(z|x) − log p(z))], p(z) = Σ π_c N(z; m_c, v_c).

By `model.prior`: "mixture" learns π, m and v of `model.num_components` diagonal Gaussians; "vamp" has p(z) =
(1/C) Σ q(z|u_c), the posteriors of C learned pseudo-inputs u_c (VampPrior: Tomczak & Welling 2018, arXiv 1705.07120,
eq. 9); "standard_normal" is one N(0, I). The KL to a mixture has no closed form: `kl` is the mean over the draws of z
of log q(z|x) − log p(z), unbiased, and by noise below 0 where the true one is about 0.
"""

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float

from aejax import losses
from aejax.errors import choose
from aejax.models import vae
from aejax.types import Autoencoder, Params, Spec

PRIORS = ("standard_normal", "mixture", "vamp")
Components = tuple[Float[Array, " C"], Float[Array, "C K"], Float[Array, "C K"]]  # log π, mean, logvar


def make(config: Any, spec: Spec) -> Autoencoder:
    """A VAE of `config.model` with its prior; raises UserError for unknown names."""
    net = vae.parts(config, spec)
    prior = choose("model.prior", config.prior, PRIORS)
    shape = config.num_components, config.latent_dim

    def init(key: Array):
        net_key, key = jax.random.split(key)
        params = net.init(net_key)
        if prior == "mixture":
            mean = jax.random.normal(key, shape)
            params["prior"] = {"logits": jnp.zeros(shape[0]), "mean": mean, "logvar": jnp.zeros(shape)}
        if prior == "vamp":
            params["pseudo_inputs"] = free(spec)[None] + jax.random.normal(key, (shape[0], *spec.shape))
        return params, ()

    def components(params: Params) -> Components:
        if prior == "mixture":
            learned = params["prior"]
            return jax.nn.log_softmax(learned["logits"]), learned["mean"], learned["logvar"]
        if prior == "vamp":
            moments = net.posterior(params, bounded(params["pseudo_inputs"], spec))
            return jnp.full(shape[0], -math.log(shape[0])), *moments
        return jnp.zeros(1), jnp.zeros((1, shape[1])), jnp.zeros((1, shape[1]))

    def log_terms(params, key, x, num_samples):
        """log p(x|z), and log p(z) − log q(z|x), of draws from q: [S, B]."""
        mean, logvar = net.posterior(params, x)
        z = vae.draw(key, mean, logvar, num_samples)
        log_q = losses.normal_log_prob(z, mean[None], logvar[None])
        return net.log_likelihood(params, x, z), log_prob(components(params), z) - log_q

    def loss(params, stats, key, batch, *, beta):
        log_likelihood, log_ratio = log_terms(params, key, batch["x"], config.num_samples)
        reconstruction, kl = -log_likelihood.mean(), -log_ratio.mean()
        metrics = {"reconstruction": reconstruction, "kl": kl, "elbo": -(reconstruction + kl)}
        return reconstruction + beta * kl, (metrics, stats)

    def log_weights(params, key, x, num_samples):
        log_likelihood, log_ratio = log_terms(params, key, x, num_samples)
        return log_likelihood + log_ratio

    return Autoencoder(
        init=init,
        loss=loss,
        encode=lambda params, x: net.posterior(params, x)[0],
        decode=net.decode,
        posterior=net.posterior,
        sample_prior=lambda params, key, num: sample(components(params), key, num),
        log_weights=log_weights,
        log_prior=lambda params, z: log_prob(components(params), z),
    )


def free(spec: Spec) -> Float[Array, "*shape"]:
    """The training mean [*shape] as an unbounded parameter: logits of data in [0, 1], kept 0.01 away from its ends."""
    if spec.support == "real":
        return jnp.asarray(spec.mean)
    mean = np.clip(spec.mean, 0.01, 0.99)
    return jnp.asarray(np.log(mean / (1.0 - mean)))


def bounded(parameters: Float[Array, "C *shape"], spec: Spec) -> Float[Array, "C *shape"]:
    """Pseudo-inputs in data units. In [0, 1] by a sigmoid: the hard tanh of the authors has no slope outside."""
    return parameters if spec.support == "real" else jax.nn.sigmoid(parameters)


def log_prob(mixture: Components, z: Float[Array, "*rows K"]) -> Float[Array, "*rows"]:
    """log Σ π_c N(z; m_c, v_c): nats."""
    shape = (*(1,) * (z.ndim - 1), z.shape[-1])

    def log_joint(log_pi, mean, logvar):
        return log_pi + losses.normal_log_prob(z, mean.reshape(shape), logvar.reshape(shape))

    return jax.nn.logsumexp(jax.vmap(log_joint)(*mixture), axis=0)


def sample(mixture: Components, key: Array, num: int) -> Float[Array, "num K"]:
    """Draws of z, each from the component that its π drew: [num, K]."""
    log_pi, mean, logvar = mixture
    component_key, key = jax.random.split(key)
    component = jax.random.categorical(component_key, log_pi, shape=(num,))
    return vae.draw(key, mean[component], logvar[component], 1)[0]
