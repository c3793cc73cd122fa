"""Networks: how their parameters are initialized, and their products."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from aejax import config as configs
from aejax.data.types import Condition, Spec
from aejax.engine import programs, train
from aejax.errors import UserError
from aejax.models.parts import networks, products
from aejax.plan import Plan
from aejax.types import Given
from tests import layers
from tests.conftest import small_config

pytestmark = pytest.mark.slow

MEAN = np.array([0.0, 0.25, 0.5, 1.0], np.float32)
SPEC = Spec((4,), "table", "unit", 1.0, (), (), MEAN, None, None)


def test_an_untrained_decoder_with_the_mean_as_bias_gives_the_mean_for_the_code_zero():
    config = small_config().model
    config.output_bias = "train_mean"
    net = networks.decoder(config, SPEC)
    logits = net.apply(net.init(jax.random.key(0)), jnp.zeros((1, config.latent_dim)))
    np.testing.assert_allclose(jax.nn.sigmoid(logits[0]), np.clip(MEAN, 0.001, 0.999), rtol=1e-5)


@pytest.mark.parametrize(("name", "variance"), [("lecun_normal", 1 / 400), ("glorot_uniform", 2 / 600)])
def test_an_initializer_has_the_variance_of_its_paper(name, variance):
    config = small_config().model
    config.initializer, config.hidden = name, (200,)
    net = networks.encoder(config, SPEC._replace(shape=(400,)), 2)
    matrix = networks.first_matrix(net.init(jax.random.key(0)))
    np.testing.assert_allclose(matrix.var(), variance, rtol=0.02)


@pytest.mark.parametrize("changes", [{"likelihood": "gaussian"}, {"network": "conv"}])
def test_a_mean_that_is_no_logit_per_feature_is_refused(changes):
    config: Any = small_config().model
    config.update({"output_bias": "train_mean"} | changes)
    with pytest.raises(UserError, match="model.output_bias=train_mean"):
        networks.decoder(config, SPEC._replace(shape=(4, 4, 1)))


@pytest.mark.parametrize(
    ("shape", "changes", "given"),
    [
        ((4,), {"hidden": (6, 5), "gated": True}, 2),
        ((4,), {"hidden": (), "latent_dim": 3}, 2),
        *(((4,), {"hidden": (5,), "activation": name}, 0) for name in sorted(networks.ACTIVATIONS)),
        ((5, 6, 3), {"network": "conv", "hidden": (4, 3)}, 1),
        ((7, 2), {"network": "conv", "hidden": (4, 3)}, 0),
    ],
)
def test_the_layers_of_a_network_are_what_it_computes(shape, changes, given):
    config: Any = small_config().model
    config.update(changes)
    number = Condition("c", (), 0.0, 1.0, 0.0)
    spec = SPEC._replace(shape=shape, kind="series" if len(shape) == 2 else "image", conditions=(number,) * given)
    z, c = (
        np.array([[0.3, -1.2, 0.7]], np.float32)[:, : config.latent_dim],
        np.array([[0.5, -0.4]], np.float32)[:, :given],
    )
    x = np.random.default_rng(0).normal(size=(1, *shape)).astype(np.float32)
    for net, rows in ((networks.encoder(config, spec, 3), x), (networks.decoder(config, spec), z)):
        params = jax.tree.map(lambda leaf: leaf + 0.1, net.init(jax.random.key(0)))  # biases start at 0
        expected = jax.jit(net.apply)(params, Given(rows, c) if given else rows)
        found = layers.computed(net.layers(params), rows, c)
        np.testing.assert_allclose(found, expected.reshape(1, -1), rtol=1e-4, atol=1e-5)


def factors(seed, num_rows, inputs, outputs):
    """Rows, a matrix and a cotangent of random numbers that bfloat16 holds exactly."""
    rng = np.random.default_rng(seed)
    shapes = ((num_rows, inputs), (inputs, outputs), (num_rows, outputs))
    return [jnp.asarray(rng.normal(size=shape), jnp.bfloat16).astype(jnp.float32) for shape in shapes]


@pytest.mark.parametrize("num_rows", [1, 7, 64])
def test_bf16_products_of_bfloat16_numbers_are_those_of_float64(num_rows):
    """Sums in bfloat16 would be off by a hundredth."""
    x, matrix, gradient = factors(0, num_rows, 300, 40)
    product, pull = jax.vjp(products.bfloat16, x, matrix)
    ours = product, *pull(gradient)
    x, matrix, gradient = (np.asarray(values, np.float64) for values in (x, matrix, gradient))
    for mine, exact in zip(ours, (x @ matrix, gradient @ matrix.T, x.T @ gradient), strict=True):
        np.testing.assert_allclose(mine, exact, atol=2e-5 * np.abs(exact).max())


def test_bf16_products_round_their_factors():
    """As given, 1 + 2⁻¹⁰ would stay; XLA may keep it too, where the processor multiplies only float32."""
    x, matrix, gradient = factors(1, 8, 16, 4)
    product, pull = jax.vjp(products.bfloat16, x * (1 + 2**-10), matrix * (1 + 2**-10))
    for mine, rounded in zip(
        (product, *pull(gradient)), (x @ matrix, gradient @ matrix.T, x.T @ gradient), strict=True
    ):
        np.testing.assert_allclose(mine, rounded, atol=2.2e-3 * np.abs(rounded).max())


def test_bf16_products_of_members_are_those_of_each():
    many = [jnp.stack(leaves) for leaves in zip(*(factors(seed, 6, 9, 5) for seed in range(3)), strict=True)]

    def gradients(x, matrix, gradient):
        return jax.vjp(products.bfloat16, x, matrix)[1](gradient)

    for mine, single in zip(
        jax.vmap(gradients)(*many), map(jnp.stack, zip(*map(gradients, *many), strict=True)), strict=True
    ):
        np.testing.assert_allclose(mine, single, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", ["vae", "made", "classifier"])
def test_only_the_trained_loss_has_bf16_products(name):
    """All dense layers, forward and backward; what evaluates stays in float32."""
    config: Any = small_config()
    config.model.update({"name": name, "hidden": (8,)})
    config.data.binarization, config.train.precision = "threshold", "bf16"
    [group] = programs.make_groups(Plan.make(config))
    task, batch = group.task, {name: jnp.asarray(values[:4]) for name, values in group.dataset.train.items()}
    batch = task.preprocess(jax.random.key(0), batch)
    weights = {name: jnp.float32(value) for name, value in configs.objective_of(config).items()}
    weights = train.warmed(weights, jnp.int32(0))

    def products_of(loss):
        params, stats = task.model.init(jax.random.key(0))
        gradient = jax.grad(lambda params: loss(params, stats, jax.random.key(1), batch, **weights)[0])
        return [line for line in jax.jit(gradient).lower(params).as_text().splitlines() if "dot_general" in line]

    trained, evaluated = products_of(task.loss), products_of(task.model.loss)
    assert len(trained) == len(evaluated) > 4
    assert all(line.count("xbf16>") == 2 and line.rstrip().endswith("xf32>") for line in trained)
    assert not any("bf16" in line for line in evaluated)


def test_an_encoder_sees_the_log_of_counts():
    """1 + x, so that a count of 0 is 0; the key can choose, but not the log of real numbers."""
    config: Any = small_config().model
    x = jnp.float32([[0.0, 3.0, 200.0, 1.0]])
    nets = {}
    for support, chosen in (("counts", "auto"), ("counts", "identity"), ("unit", "auto"), ("unit", "log1p")):
        config.encoder_input = chosen
        nets[support, chosen] = networks.encoder(config, SPEC._replace(support=support), 2)
    params = nets["unit", "auto"].init(jax.random.key(0))
    as_given, of_log = (nets["unit", "auto"].apply(params, rows) for rows in (x, jnp.log1p(x)))
    for key, expected in (("counts", "auto"), of_log), (("counts", "identity"), as_given), (("unit", "log1p"), of_log):
        np.testing.assert_allclose(nets[key].apply(params, x), expected, rtol=1e-6)
    config.encoder_input = "log1p"
    with pytest.raises(UserError, match="model.encoder_input=log1p needs numbers from 0"):
        networks.encoder(config, SPEC._replace(support="real"), 2)
