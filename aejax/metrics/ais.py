"""Bounds on log p(x) of one member by annealed importance sampling (AIS): pure functions without a member axis.

A chain moves through p(z) p(x|z)^β for β_0 = 0 < β_1 < ... < β_T = 1. From z ~ p(z), Σ_t (β_t − β_{t−1}) log p(x|z) is
the log of an unbiased estimate of p(x) (Neal 2001, arXiv physics/9803008, eq. 11): in expectation a lower bound of
log p(x). From an exact draw of p(z|x), the same chain backwards estimates 1 / p(x): in expectation an upper bound. Such
a draw is only known for data simulated from the model (bidirectional Monte Carlo: Grosse, Ancha & Roy 2016, arXiv
1611.02109, section 2.2; of decoders: Wu et al. 2017, arXiv 1611.04273). The encoder is not used.

Each move is Hamiltonian Monte Carlo. A pilot chain with random numbers of its own finds its step sizes, and the chains
that are measured take them as given: steps that depended on a chain's own past would void both bounds.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array, lax
from jaxtyping import Float, Key

from aejax.data.types import spread
from aejax.engine.streams import EVALUATION, stream
from aejax.types import Batch, HParams, Metrics, Task, TrainState

NUM_ROWS = 100  # simulated rows, and test rows
LEAPFROGS = 10  # of a move
ACCEPTANCE = 0.65  # what the pilot aims at: the optimum in many dimensions (Neal 2011, arXiv 1206.1901, section 4.4)
GAIN = 0.1  # of the pilot, in the log of the step size
FIRST_STEP = 0.5  # of the pilot, at β = 0, where the target is about N(0, I)
EDGE = 4.0  # the β are a sigmoid's values between −EDGE and EDGE
NO_BATCH = 2**31 - 2  # folded into the stream in place of the number of a batch


class Target(NamedTuple):
    """Functions z[B, K] -> [B]: nats."""

    log_prior: Callable[[Array], Array]  # log p(z)
    log_likelihood: Callable[[Array], Array]  # log p(x|z)


def schedule(num_steps: int) -> Float[Array, " betas"]:
    """β_0 = 0 to β_T = 1 on a sigmoid: small steps at both ends (Wu et al. 2017, section 3)."""
    values = jax.nn.sigmoid(jnp.linspace(-EDGE, EDGE, num_steps + 1))
    return (values - values[0]) / (values[-1] - values[0])


def move(
    log_density: Callable[[Array], Array], key: Key[Array, ""], z: Float[Array, "B K"], step: Float[Array, " B"]
) -> tuple[Float[Array, "B K"], Float[Array, " B"]]:
    """Hamiltonian Monte Carlo (Neal 2011, arXiv 1206.1901, eqs. 5.18 to 5.21): z after a move, and P(acceptance)."""
    momentum_key, accept_key = jax.random.split(key)
    slope = jax.grad(lambda z: log_density(z).sum())
    start, size = jax.random.normal(momentum_key, z.shape), step[:, None]

    def leapfrog(_, carry):
        z, momentum, force = carry
        momentum = momentum + 0.5 * size * force
        z = z + size * momentum
        force = slope(z)
        return z, momentum + 0.5 * size * force, force

    proposal, end, _ = lax.fori_loop(0, LEAPFROGS, leapfrog, (z, start, slope(z)))
    change = log_density(proposal) - log_density(z) + 0.5 * (jnp.square(start) - jnp.square(end)).sum(axis=-1)
    chance = jnp.where(jnp.isnan(change), 0.0, jnp.exp(jnp.minimum(change, 0.0)))  # a trajectory may overflow
    accepted = jax.random.uniform(accept_key, chance.shape) < chance
    return jnp.where(accepted[:, None], proposal, z), chance


def between(target: Target, beta: Array) -> Callable[[Array], Array]:
    """log p(z) + β log p(x|z), a function of z."""
    return lambda z: target.log_prior(z) + beta * target.log_likelihood(z)


def find_steps(
    target: Target, key: Key[Array, ""], z: Float[Array, "B K"], betas: Float[Array, " betas"]
) -> Float[Array, "betas B"]:
    """The step size of every row at every β, from a pilot chain that starts at z ~ p(z)."""

    def advance(carry, at):
        z, log_step = carry
        z, chance = move(between(target, at["beta"]), jax.random.fold_in(key, at["t"]), z, jnp.exp(log_step))
        return (z, log_step + GAIN * (chance - ACCEPTANCE)), jnp.exp(log_step)

    start = z, jnp.full(len(z), jnp.log(FIRST_STEP))
    return lax.scan(advance, start, {"t": jnp.arange(len(betas)), "beta": betas})[1]


def anneal(
    target: Target,
    key: Key[Array, ""],
    z: Float[Array, "B K"],
    betas: Float[Array, " betas"],
    steps: Float[Array, "betas B"],
) -> Float[Array, " B"]:
    """log w of a chain that starts at z, an exact draw at the first β, and goes to the last: nats.

    E w is the ratio of the normalizers at the last and the first β.
    """

    def advance(carry, at):
        z, log_w = carry
        log_w = log_w + at["increment"] * target.log_likelihood(z)
        z, _ = move(between(target, at["beta"]), jax.random.fold_in(key, at["t"]), z, at["step"])
        return (z, log_w), None

    sequence = {"t": jnp.arange(len(betas) - 1), "increment": jnp.diff(betas), "beta": betas[1:], "step": steps[1:]}
    return lax.scan(advance, (z, jnp.zeros(len(z))), sequence)[0][1]


def measure(task: Task, state: TrainState, hp: HParams, rows: Batch, num_steps: int) -> Metrics:
    """`ais_lower`, `ais_upper` and `ais_gap` of NUM_ROWS simulated rows, `nll_ais` of as many test rows: nats each.

    One chain for each row and direction, of T = `num_steps`.
    """
    model, params = task.model, state.params
    assert model.log_likelihood and model.log_prior and model.sample_prior and model.sample_x
    log_prior, log_likelihood = model.log_prior, model.log_likelihood
    keys = jax.random.split(jax.random.fold_in(stream(hp.seed, EVALUATION), NO_BATCH), 8)
    part = {name: values[spread(len(values), NUM_ROWS)] for name, values in rows.items()}
    x_test = task.preprocess(keys[0], part)["x"]
    exact = model.sample_prior(params, keys[1], NUM_ROWS)
    x_simulated = model.sample_x(params, keys[2], exact)
    x = jnp.concatenate([x_simulated, x_test])

    def target(x):
        return Target(lambda z: log_prior(params, z), lambda z: log_likelihood(params, x, z[None])[0])

    betas = schedule(num_steps)
    steps = find_steps(target(x), keys[3], model.sample_prior(params, keys[4], len(x)), betas)
    forward = anneal(target(x), keys[5], model.sample_prior(params, keys[6], len(x)), betas, steps)
    upper = -anneal(target(x_simulated), keys[7], exact, betas[::-1], steps[::-1, :NUM_ROWS]).mean()
    lower = forward[:NUM_ROWS].mean()
    return {
        "nll_ais": -forward[NUM_ROWS:].mean(),
        "ais_lower": lower,
        "ais_upper": upper,
        "ais_gap": upper - lower,
    }
