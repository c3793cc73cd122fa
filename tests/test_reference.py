"""A training run against an independent implementation: float64 NumPy, a gradient by hand, no compiler.

It follows the documented scheme and imports nothing that trains or evaluates. It calls jax.random only for the draws
and flax only for the initial weights. A program that takes the noise of another step, batch or seed, uses another
order, rate or weight, loses its optimizer state or resumes wrongly gets other numbers.
"""

import shutil
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import expit, logsumexp

from aejax import data, records
from aejax.engine import programs, run
from aejax.plan import Plan, parse_axis
from aejax.reports import measure
from aejax.trained import load_group
from tests.conftest import small_config

pytestmark = pytest.mark.slow

INIT, NOISE, ORDER, EVALUATION = range(4)  # the streams of a seed
HIDDEN, K = 8, 2
LOG_2PI = np.log(2.0 * np.pi)
TOLERANCE: dict[str, Any] = {"rtol": 1e-5, "atol": 1e-5}  # float32 against float64, after thirty steps
SWEEP = ("seed=0,1,2", "optimizer.learning_rate=1e-2,3e-3,1e30")  # three members; the last diverges
SAMPLES = 30  # importance samples: two chunks of 15 for a batch of 100 rows


def random_key(seed, stream, *numbers):
    key = jax.random.fold_in(jax.random.key(seed), stream)
    for number in numbers:
        key = jax.random.fold_in(key, number)
    return key


def normal(key, *shape):
    return np.asarray(jax.random.normal(key, shape), np.float64)


class MLP(nn.Module):
    """One hidden layer with flax's initial weights."""

    outputs: int

    @nn.compact
    def __call__(self, rows):
        hidden = jnp.tanh(nn.Dense(HIDDEN)(rows))
        return nn.Dense(self.outputs)(hidden)


def initial(seed, features):
    """{"encoder.Dense_0.kernel": ...} of a member before its first step."""
    encoder_key, decoder_key = jax.random.split(random_key(seed, INIT))
    return flat(
        {
            "encoder": MLP(2 * K).init(encoder_key, jnp.zeros((1, features)))["params"],
            "decoder": MLP(features).init(decoder_key, jnp.zeros((1, K)))["params"],
        }
    )


def flat(tree):
    """A tree of parameters as float64 under dotted names."""
    leaves = jax.tree_util.tree_leaves_with_path(tree)
    return {".".join(entry.key for entry in path): np.float64(leaf) for path, leaf in leaves}


def layer(params, name, rows):
    return rows @ params[f"{name}.kernel"] + params[f"{name}.bias"]


def encode(params, x):
    """(hidden, mean, log σ) of rows."""
    hidden = np.tanh(layer(params, "encoder.Dense_0", x))
    return hidden, *np.split(layer(params, "encoder.Dense_1", hidden), 2, axis=-1)


def decode(params, z):
    """(hidden, logits) of codes."""
    hidden = np.tanh(layer(params, "decoder.Dense_0", z))
    return hidden, layer(params, "decoder.Dense_1", hidden)


def log_bernoulli(x, logits):
    return (x * logits - np.logaddexp(0.0, logits)).sum(axis=-1)


def losses(params, x, epsilon, beta):
    """The metrics of a batch: means over its rows, nats."""
    _, mean, log_sigma = encode(params, x)
    _, logits = decode(params, mean + np.exp(log_sigma) * epsilon)
    reconstruction = -log_bernoulli(x, logits).mean()
    kl = (0.5 * (mean**2 + np.exp(2 * log_sigma) - 2 * log_sigma - 1.0)).sum(axis=-1).mean()
    loss = reconstruction + beta * kl
    return {"loss": loss, "reconstruction": reconstruction, "kl": kl, "elbo": -(reconstruction + kl)}


def gradient(params, x, epsilon, beta):
    """The gradient of the loss, by hand."""
    hidden, mean, log_sigma = encode(params, x)
    z = mean + np.exp(log_sigma) * epsilon
    decoder_hidden, logits = decode(params, z)
    found = {}

    def back(name, rows, change):
        """Stores the gradient of a layer; returns the gradient of its input."""
        found[f"{name}.kernel"], found[f"{name}.bias"] = rows.T @ change, change.sum(axis=0)
        return change @ params[f"{name}.kernel"].T

    change = back("decoder.Dense_1", decoder_hidden, (expit(logits) - x) / len(x))
    change = back("decoder.Dense_0", z, change * (1.0 - decoder_hidden**2))
    dmean = change + beta * mean / len(x)
    dlog_sigma = change * epsilon * np.exp(log_sigma) + beta * (np.exp(2 * log_sigma) - 1.0) / len(x)
    change = back("encoder.Dense_1", hidden, np.concatenate([dmean, dlog_sigma], axis=-1))
    back("encoder.Dense_0", x, change * (1.0 - hidden**2))
    return found


def learning_rate(o, step, total):
    """A linear warm-up, then a decay to `final_fraction` over the remaining steps."""
    rise = min(1.0, (step + 1) / max(o.warmup, 1.0))
    progress = min(max((step - o.warmup) / max(total - o.warmup, 1.0), 0.0), 1.0)
    stage = sum(3280 * progress >= (3**i - 1) / 2 for i in range(1, 8))  # the i-th ends after 1 + 3 + ... epochs
    fraction = {
        "constant": 1.0,
        "cosine": o.final_fraction + (1.0 - o.final_fraction) * (1.0 + np.cos(np.pi * progress)) / 2.0,
        "exponential": o.final_fraction**progress,
        "stages": o.final_fraction ** (stage / 7.0),
    }
    return o.learning_rate * rise * fraction[o.schedule]


def updated(o, params, memory, found, step, total):
    """(parameters, memory) after a step of the optimizer; its memory has two numbers for each parameter."""
    norm = np.sqrt(sum((leaf**2).sum() for leaf in found.values()))
    scale = min(1.0, o.clip_norm / norm) if o.clip_norm else 1.0
    params, memory = dict(params), dict(memory)
    for name, leaf in found.items():
        first, second = memory.get(name, (0.0, 0.0))
        if o.name == "sgd":
            first = o.momentum * first + scale * leaf
            change = first
        else:
            first = o.b1 * first + (1.0 - o.b1) * scale * leaf
            second = o.b2 * second + (1.0 - o.b2) * (scale * leaf) ** 2
            change = first / (1.0 - o.b1 ** (step + 1)) / (np.sqrt(second / (1.0 - o.b2 ** (step + 1))) + o.eps)
        decay = o.weight_decay * params[name] if o.name == "adamw" else 0.0
        params[name] = params[name] - learning_rate(o, step, total) * (change + decay)
        memory[name] = first, second
    return params, memory


def binarized(key, rows):
    return np.asarray(jax.random.bernoulli(key, rows), np.float64)


def means(rows):
    return {name: np.mean([row[name] for row in rows]) for name in rows[0]}


def trained(config, rows):
    """([(parameters, means over steps) for each epoch], the first step whose loss is not finite or -1)."""
    seed, size, epochs = config.seed, config.train.batch_size, config.train.epochs
    per_epoch = len(rows) // size  # the rest of the rows is left out
    params, memory, diverged, visits = initial(seed, rows.shape[1]), {}, -1, []
    for epoch in range(epochs):
        order = np.asarray(jax.random.permutation(random_key(seed, ORDER, epoch), len(rows)))
        steps = []
        for place in range(per_epoch):
            step = epoch * per_epoch + place
            binarization_key, loss_key = jax.random.split(random_key(seed, NOISE, step))
            x = binarized(binarization_key, rows[order[place * size : (place + 1) * size]])
            epsilon = normal(loss_key, 1, size, K)[0]
            beta = config.objective.beta * min(1.0, (step + 1) / max(config.objective.beta_warmup, 1.0))
            steps.append(losses(params, x, epsilon, beta))
            if diverged < 0 and not np.isfinite(steps[-1]["loss"]):
                diverged = step
            found = gradient(params, x, epsilon, beta)
            params, memory = updated(config.optimizer, params, memory, found, step, per_epoch * epochs)
        visits.append((params, means(steps)))
    return visits, diverged


def batches(config, rows):
    """(pixel key, noise key, rows) of every batch of an evaluation; the last batch is short."""
    for index, start in enumerate(range(0, len(rows), config.evaluate.batch_size)):
        yield *jax.random.split(random_key(config.seed, EVALUATION, index)), rows[start:][: config.evaluate.batch_size]


def evaluated(config, params, rows):
    """The metrics of a split: each row counts once, and λ has its value after the warm-up."""
    found, codes = [], []
    for pixel_key, noise_key, batch in batches(config, rows):
        x = binarized(pixel_key, batch)
        values = losses(params, x, normal(noise_key, 1, len(x), K)[0], config.objective.beta)
        _, mean, _ = encode(params, x)
        error = np.square(x - expit(decode(params, mean)[1])).mean(axis=-1)
        codes.append(mean)
        found += [values | {"mse": e, "psnr": -10.0 * np.log10(max(e, 1e-12))} for e in error]
    return means(found) | {"active_units": (np.concatenate(codes).var(axis=0) > 0.01).sum()}


def log_normal(z, mean, log_sigma):
    return (-0.5 * ((z - mean) / np.exp(log_sigma)) ** 2 - log_sigma - 0.5 * LOG_2PI).sum(axis=-1)


def weighed(config, params, rows):
    """−log p(x) by importance samples of binarized rows, its standard error, and the effective sample size."""
    log_w = []
    for pixel_key, noise_key, batch in batches(config, rows):
        x = binarized(pixel_key, batch)
        _, mean, log_sigma = encode(params, x)
        size = max(n for n in range(1, 2000 // config.evaluate.batch_size + 1) if SAMPLES % n == 0)
        draws = [normal(jax.random.fold_in(noise_key, i), size, len(x), K) for i in range(SAMPLES // size)]
        z = mean + np.exp(log_sigma) * np.concatenate(draws)
        log_w.append(log_bernoulli(x, decode(params, z)[1]) + log_normal(z, 0.0, 0.0) - log_normal(z, mean, log_sigma))
    log_w = np.concatenate(log_w, axis=1)
    log_sum = np.asarray(logsumexp(log_w, axis=0))
    ess = np.exp(2.0 * log_sum - np.asarray(logsumexp(2.0 * log_w, axis=0)))
    return {
        "nll_dynamic": np.log(SAMPLES) - log_sum.mean(),
        "nll_stderr": np.sqrt((1.0 / ess - 1.0 / SAMPLES).sum()) / len(ess),
        "ess": ess.mean(),
    }


def informed(config, params, rows):
    """I(x; z) and KL[q(z) ‖ p(z)] from one draw per row, with q(z) a mixture over rows; and each unit's numbers."""
    pixel_key, noise_key = jax.random.split(random_key(config.seed, EVALUATION, 2**31 - 1))
    _, mean, log_sigma = encode(params, binarized(pixel_key, rows))
    z = mean + np.exp(log_sigma) * normal(noise_key, *mean.shape)
    log_q = logsumexp(log_normal(z[:, None], mean[None], log_sigma[None]), axis=1) - np.log(len(z))
    numbers = {
        "mutual_information": (log_normal(z, mean, log_sigma) - log_q).mean(),
        "aggregate_kl": (log_q - log_normal(z, 0.0, 0.0)).mean(),
    }
    kl = 0.5 * (mean**2 + np.exp(2 * log_sigma) - 2 * log_sigma - 1.0)
    return numbers, {"kl": kl.mean(axis=0), "variance": mean.var(axis=0)}


def settings():
    config = small_config()  # three epochs of ten steps
    config.model.hidden, config.model.activation = (HIDDEN,), "tanh"
    config.data.binarization = "dynamic"
    config.objective.beta, config.objective.beta_warmup = 2.0, 15.0
    config.optimizer.schedule, config.optimizer.warmup, config.optimizer.clip_norm = "cosine", 4.0, 5.0
    config.evaluate.batch_size = 100  # for 144 and 359 rows
    return config


def members_of(config, sweep, workdir=None):
    """The configs of a zipped sweep, which is trained in `workdir` if there is one."""
    plan = Plan.make(config, [parse_axis(text, config) for text in sweep], zip=True)
    if workdir:
        run.run(plan, workdir)
    return [member.config for member in plan.members]


def rows_of(config):
    dataset = data.load(config.data)
    return [getattr(dataset, split)["x"].reshape(-1, 64) for split in ("train", "valid", "test")]


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    """The directory of three members that were trained to the end, lost their last checkpoint, and were resumed."""
    workdir = tmp_path_factory.mktemp("reference")
    members_of(settings(), SWEEP, workdir)
    shutil.rmtree(workdir / "checkpoints" / "0" / "30")
    members_of(settings(), SWEEP, workdir)
    return workdir


@pytest.fixture(scope="module")
def tested(program):
    """The members' state, and the results of their evaluation."""
    [group] = programs.make_groups(Plan.read(program))
    members = load_group(program, group)
    return members.state, measure.measure_group(members, SAMPLES)


@pytest.fixture(scope="module")
def account():
    """(config, visits, step of divergence) of each member, by this file's implementation."""
    with np.errstate(all="ignore"):  # one diverges
        return [(config, *trained(config, rows_of(config)[0])) for config in members_of(settings(), SWEEP)]


def assert_close(row, expected):
    """Asserts that a row has every expected metric; non-finite values are null in JSON."""
    for name, value in expected.items():
        found = row[name] if row[name] is not None else np.nan
        np.testing.assert_allclose(found, value if np.isfinite(value) else np.nan, **TOLERANCE, err_msg=name)


def test_the_parameters_are_those_of_the_account(tested, account):
    state, _ = tested
    for lane, (_, visits, diverged) in enumerate(account):
        assert state.step[lane] == 30 and state.diverged[lane] == diverged
        params = flat(jax.tree.map(lambda leaf, lane=lane: leaf[lane], state.params))
        assert set(params) == set(visits[-1][0])
        for name, expected in visits[-1][0].items():
            expected = np.where(np.isfinite(expected), expected, np.nan)
            np.testing.assert_allclose(params[name], expected, **TOLERANCE, err_msg=name)
    assert [diverged for *_, diverged in account] == [-1, -1, 1]


def test_the_rows_of_metrics_are_those_of_the_account(program, account):
    rows = {(row["member"], row["split"], row["step"]): row for row in records.read_lines(program / "metrics.jsonl")}
    assert len(rows) == 3 * 2 * 3
    for member, (config, visits, diverged) in enumerate(account):
        valid = rows_of(config)[1]
        for epoch, (params, expected) in enumerate(visits):
            assert_close(rows[member, "train", 10 * (epoch + 1)], expected)
            if diverged < 0:
                assert_close(rows[member, "valid", 10 * (epoch + 1)], evaluated(config, params, valid))
    status = [row["status"] for row in records.read_csv(program / "members.csv")]
    assert status == ["done", "done", "diverged at step 1"]


def test_the_test_metrics_are_those_of_the_account(tested, account):
    _, measured = tested
    for lane, (config, visits, _) in enumerate(account[:2]):
        params, test = visits[-1][0], rows_of(config)[2]
        numbers, units = informed(config, params, test)
        assert_close(measured.results[lane], evaluated(config, params, test) | weighed(config, params, test) | numbers)
        for name, expected in units.items():
            found = [row[name] for row in measured.units if row["member"] == lane]
            np.testing.assert_allclose(found, expected, **TOLERANCE)


def test_the_other_rules_are_those_of_the_account(tmp_path):
    """SGD with momentum under one schedule, AdamW under another; two epochs of eleven steps."""
    config = settings()
    config.data.valid_fraction, config.train.epochs = 0.0, 2
    config.optimizer.learning_rate, config.optimizer.weight_decay = 3e-2, 0.1
    sweep = ("optimizer.name=sgd,adamw", "optimizer.schedule=exponential,stages", "seed=3,4")
    members = members_of(config, sweep, tmp_path)
    rows = records.read_lines(tmp_path / "metrics.jsonl")
    expected = [means for member in members for _, means in trained(member, rows_of(member)[0])[0]]
    assert [(row["member"], row["step"]) for row in rows] == [(0, 11), (0, 22), (1, 11), (1, 22)]
    for row, values in zip(rows, expected, strict=True):
        assert_close(row, values)
