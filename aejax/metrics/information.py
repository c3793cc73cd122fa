"""How much a VAE's code tells about its input, from q(z|x) of a split's rows: pure functions without a member axis.

The KL of a VAE splits in two: E_x KL[q(z|x) ‖ p(z)] = I(x; z) + KL[q(z) ‖ p(z)], with the aggregate posterior
q(z) = (1/N) Σ q(z|x_n) (Hoffman & Johnson 2016, "ELBO surgery"). Both are estimated with one draw of z per row and q(z)
as the mixture over the same N rows, so the estimate of I(x; z) is at most log N. If a code tells more than that, the
excess is counted in `aggregate_kl`, which is then not a distance to the prior.
"""

from collections.abc import Callable
from functools import partial

import jax
import jax.numpy as jnp
from jax import Array, lax
from jaxtyping import Float, Key

from aejax.data.types import spread
from aejax.engine.streams import EVALUATION, stream
from aejax.models.parts import losses
from aejax.types import Batch, HParams, Metrics, Task, TrainState, conditioned

MOST_ROWS = 2000  # of a split: the cost is quadratic in them
NO_BATCH = 2**31 - 1  # folded into the stream in place of the number of a batch
PAIRS = 100  # rows z whose distances to all others are held at once


def log_aggregate(z: Float[Array, "N K"], mean: Float[Array, "N K"], logvar: Float[Array, "N K"]) -> Float[Array, " N"]:
    """log q(z) = log (1/N) Σ N(z; mean_n, exp(logvar_n)) of every z: nats."""

    def one(z):
        return jax.nn.logsumexp(losses.normal_log_prob(jnp.broadcast_to(z[None], mean.shape), mean, logvar))

    return lax.map(one, z, batch_size=min(PAIRS, len(z))) - jnp.log(len(mean))


def surgery(
    key: Key[Array, ""],
    mean: Float[Array, "N K"],
    logvar: Float[Array, "N K"],
    log_prior: Callable[[Array], Array] | None = losses.standard_normal_log_prob,
) -> dict[str, Array]:
    """Estimates of I(x; z) and, if log p(z) is known, of KL[q(z) ‖ p(z)]: nats."""
    z = mean + jnp.exp(0.5 * logvar) * jax.random.normal(key, mean.shape)
    log_q = log_aggregate(z, mean, logvar)
    parts = {"mutual_information": (losses.normal_log_prob(z, mean, logvar) - log_q).mean()}
    return parts | ({"aggregate_kl": (log_q - log_prior(z)).mean()} if log_prior else {})


def measure(task: Task, state: TrainState, hp: HParams, rows: Batch) -> Metrics:
    """`mutual_information` and `aggregate_kl` of MOST_ROWS rows (nats), and per unit [K] `unit_kl` and `unit_variance`.

    `unit_variance` is the variance of the posterior mean over the rows; a unit is active above 0.01 (Burda et al.
    2015). Without the density of the prior there is no `aggregate_kl`, and without a KL per unit no `unit_kl`.
    """
    model, params = task.model, state.params
    preprocess_key, draw_key = jax.random.split(jax.random.fold_in(stream(hp.seed, EVALUATION), NO_BATCH))
    batch = task.preprocess(
        preprocess_key, {name: values[spread(len(values), MOST_ROWS)] for name, values in rows.items()}
    )
    x = conditioned(batch["x"], batch)
    assert model.posterior
    mean, logvar = model.posterior(params, x)
    metrics = surgery(draw_key, mean, logvar, partial(model.log_prior, params) if model.log_prior else None)
    if model.kl_of_units:
        metrics["unit_kl"] = model.kl_of_units(params, x).mean(axis=0)
    return metrics | {"unit_variance": mean.var(axis=0)}
