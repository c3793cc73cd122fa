"""What a VAE's code tells of its input, from q(z|x) of a split's rows: pure functions without a member axis.

The KL that a VAE pays splits in two: E_x KL[q(z|x) ‖ p(z)] = I(x; z) + KL[q(z) ‖ p(z)], with the aggregate posterior
q(z) = (1/N) Σ q(z|x_n) (Hoffman & Johnson 2016, "ELBO surgery", eq. 7). Both are estimated with one draw of z per row
and q(z) as the mixture over the same N rows, so that I(x; z) ≤ log N.
"""

import jax
import jax.numpy as jnp
from jax import Array, lax
from jaxtyping import Float, Key

from aejax import losses
from aejax.keys import EVALUATION, stream
from aejax.types import Batch, HParams, Metrics, Task, TrainState

MOST_ROWS = 2000  # of a split: the estimate is quadratic in them
PAIRS = 100  # rows z whose distances to all others are held at once


def log_aggregate(z: Float[Array, "N K"], mean: Float[Array, "N K"], logvar: Float[Array, "N K"]) -> Float[Array, " N"]:
    """log q(z) = log (1/N) Σ N(z; mean_n, exp(logvar_n)) of every z: nats."""

    def one(z):
        return jax.nn.logsumexp(losses.normal_log_prob(jnp.broadcast_to(z[None], mean.shape), mean, logvar))

    return lax.map(one, z, batch_size=min(PAIRS, len(z))) - jnp.log(len(mean))


def surgery(
    key: Key[Array, ""], mean: Float[Array, "N K"], logvar: Float[Array, "N K"]
) -> tuple[Float[Array, ""], Float[Array, ""]]:
    """Estimates of I(x; z) and of KL[q(z) ‖ N(0, I)]: nats."""
    z = mean + jnp.exp(0.5 * logvar) * jax.random.normal(key, mean.shape)
    log_q = log_aggregate(z, mean, logvar)
    information = (losses.normal_log_prob(z, mean, logvar) - log_q).mean()
    return information, (log_q - losses.standard_normal_log_prob(z)).mean()


def evaluate_member(task: Task, state: TrainState, hp: HParams, rows: Batch) -> Metrics:
    """`mutual_information` and `aggregate_kl` of the first rows (nats), and by unit [K] `unit_kl` and `unit_variance`.

    A unit's variance is that of its posterior mean over the rows: the unit is active above 0.01 (Burda et al. 2015).
    """
    key, draw_key = jax.random.split(stream(hp.seed, EVALUATION))
    x = task.preprocess(key, {name: values[:MOST_ROWS] for name, values in rows.items()})["x"]
    assert task.model.posterior
    mean, logvar = task.model.posterior(state.params, x)
    information, aggregate_kl = surgery(draw_key, mean, logvar)
    return {
        "mutual_information": information,
        "aggregate_kl": aggregate_kl,
        "unit_kl": losses.kl_standard_normal(mean, logvar).mean(axis=0),
        "unit_variance": mean.var(axis=0),
    }
