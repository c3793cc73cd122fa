"""The variational autoencoder: posterior × prior × likelihood × bound, each a file in the folder of that name.

Kingma & Welling 2013 (arXiv 1312.6114): z is drawn from q(z|x), and training maximizes a bound on
log p(x) = log ∫ p(x|z) p(z) dz. `model.posterior`, `model.prior`, `model.likelihood` and `model.bound` choose the
parts. With `data.condition_columns` all densities are given the conditions c of a row: q(z|x, c), p(x|z, c) and
p(z|c), each of which may ignore them.
"""

import importlib
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from aejax.data.types import ARE_GREY, SUPPORTS, Spec
from aejax.errors import UserError
from aejax.keys import files
from aejax.models.parts import networks
from aejax.models.vae.types import Divergence, Draws, Likelihood, Terms
from aejax.types import Autoencoder, Decoder, Given, Layers, conditioned


def make(config: Any, spec: Spec) -> Autoencoder:
    """The VAE of `config.model`; raises UserError for parts that do not fit each other or the data."""
    posterior = part("posteriors", config.posterior)(config, spec)
    prior = part("priors", config.prior)(config, spec, posterior)
    likelihood = make_likelihood(config, spec)
    bound = part("bounds", config.bound)(config, posterior)
    decoder = networks.decoder(config, spec)
    adaptation = likelihood.adaptation
    alone = not (prior.two_layers or spec.conditions or config.library_size == "observed")  # p(x|z) needs only the code
    closed_kl: Any = prior.kl_of_units if posterior.gaussian else None
    if likelihood.sample is None:
        raise UserError(
            f"model.likelihood={config.likelihood} is not a density, and a VAE needs one: "
            "use --config.model.likelihood=gaussian"
        )

    def init(key: Array):
        encoder_key, decoder_key = jax.random.split(key)
        params = {"encoder": posterior.init(encoder_key), "decoder": decoder.init(decoder_key)}
        own = {
            "prior": prior.init(jax.random.fold_in(key, 2)),
            "likelihood": likelihood.init(jax.random.fold_in(key, 3)),
        }
        stats = bound.init() | (adaptation.init() if adaptation else {})
        return params | {name: values for name, values in own.items() if values}, stats or ()

    def at(params, x):
        """The parameters at the conditions of x, if the prior has some."""
        return prior.at(params, x.c) if prior.at else params

    def log_likelihood(params, x, z):
        """log p(x|z) of draws z[S, B, Z]: [S, B]."""
        # All S x B codes pass the decoder as one batch of rows: a vmap over S costs a sixth of the step on CPU.
        code: Any = z[..., : config.latent_dim].reshape(-1, config.latent_dim)
        if isinstance(x, Given):
            x, code = x.rows, Given(code, jnp.tile(x.c, (len(z), 1)))
        output = decoder.apply(params["decoder"], code).reshape(len(z), *x.shape)
        return jax.vmap(likelihood.log_prob, (None, None, 0))(params, x, output)

    def terms(params, x, draws: Draws) -> Terms:
        params = at(params, x)
        log_prior = prior.log_prob(params, draws.z)
        if closed_kl:
            units = closed_kl(params, draws.mean, draws.logvar)
            kl = Divergence(units.sum(axis=-1), units, {})
        else:
            kl = prior.kl(params, draws) if prior.kl else Divergence(draws.log_q - log_prior, None, {})
        return Terms(draws, log_likelihood(params, x, draws.z), log_prior, kl)

    def loss(params, stats, key, batch, **weights):
        x = conditioned(batch["x"], batch)
        draws = posterior.draw(params, key, x, bound.num_draws)
        value, metrics, after = bound.loss(lambda draws: terms(params, x, draws), draws, stats, **weights)
        if adaptation:
            after = after | adaptation.update(params, stats, metrics["reconstruction"])
        return value, (metrics, after)

    def log_weights(params, key, x, num_samples):
        draws = posterior.draw(params, key, x, num_samples)
        return log_likelihood(params, x, draws.z) + prior.log_prob(at(params, x), draws.z) - draws.log_q

    def kl_of_units(params, x):
        return closed_kl(at(params, x), *posterior.moments(params, x))

    def sample_prior(params, key, num, c=None):
        return prior.sample(prior.at(params, c) if prior.at else params, key, num)

    def sample_x(params, key, z):
        assert likelihood.sample
        return likelihood.sample(params, key, decoder.apply(params["decoder"], z))

    def layers(params):
        made = Decoder(decoder.layers(params["decoder"]), likelihood.link)
        return Layers(posterior.layers(params) if posterior.layers else None, made)

    return Autoencoder(
        init=init,
        loss=loss,
        encode=posterior.encode,
        decode=lambda params, z: likelihood.mean(decoder.apply(params["decoder"], z)),
        posterior=posterior.moments,
        sample_prior=sample_prior,
        log_weights=log_weights,
        log_prior=None if prior.two_layers or prior.at else prior.log_prob,
        log_likelihood=log_likelihood,
        sample_x=sample_x if alone and prior.everywhere else None,
        kl_of_units=kl_of_units if closed_kl else None,
        follow=adaptation.follow if adaptation else None,
        layers=layers,
    )


def make_likelihood(config: Any, spec: Spec) -> Likelihood:
    """The likelihood of `config.model`; raises UserError for data that it does not take."""
    supports = {name: module("likelihoods", name).SUPPORTS for name in files("models/vae/likelihoods")}
    if spec.support not in supports[config.likelihood]:
        needs = " or ".join(SUPPORTS[support] for support in supports[config.likelihood])
        fitting = " or ".join(name for name, known in supports.items() if spec.support in known)
        raise UserError(
            f"model.likelihood={config.likelihood} needs {needs}, but the data are {SUPPORTS[spec.support]}: "
            f"use --config.model.likelihood={fitting}{other_data(spec)}"
        )
    return part("likelihoods", config.likelihood)(config, spec)


def other_data(spec: Spec) -> str:
    """The end of a message: what could be done to data that a likelihood does not take."""
    if spec.categories:
        return ""
    if spec.center is not None:
        return ", or remove data.standardize"
    low, high = spec.limits or (0.0, 0.0)
    top = next((top for top in (255, 65_535) if 1.0 < high <= top), 0)
    found = f" (they lie in [{low:.4g}, {high:.4g}])" if spec.limits else ""
    if spec.support == "real" and low >= 0 and top:
        return f", or divide the data by {top}{found}"
    return f", or rescale the data{found}{ARE_GREY if spec.support == 'counts' else ''}"


def part(kind: str, name: str) -> Any:
    """The `make` function of the part in the file `name` of the folder `kind`."""
    return module(kind, name).make


def module(kind: str, name: str) -> Any:
    """The file `name` of the folder `kind`."""
    return importlib.import_module(f"aejax.models.vae.{kind}.{name}")
