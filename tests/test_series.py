"""Series: what counts as one, convolutions over time, generated waves, and their curves."""

import json
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.signal import correlate

from aejax import data
from aejax.data import new_rows, summary, waves
from aejax.models.parts import networks
from aejax.reports import figures
from configs import series as recipe
from tests.test_cases import refused
from tests.test_data import config, save

RNG = np.random.default_rng(0)


@pytest.fixture(scope="module")
def dataset():
    return data.load(recipe.get_config().data)


@pytest.mark.parametrize(
    ("shape", "asked", "kind", "expected"),
    [
        ((50, 3), False, "series", (50, 3)),
        ((50, 8), False, "image", (50, 8, 1)),
        ((50, 8), True, "series", (50, 8)),
        ((50,), True, "series", (50, 1)),
        ((50,), False, "table", (50,)),
        ((3, 2), False, "table", (3, 2)),
    ],
)
def test_what_is_a_series(shape, asked, kind, expected, tmp_path):
    x = RNG.normal(size=(30, *shape)).astype(np.float32)
    asked = config("arrays", path=save(tmp_path / "x.npz", x=x), series=asked)
    found = data.load(asked)
    assert (found.spec.kind, found.spec.shape) == (kind, expected)
    new = new_rows.read(save(tmp_path / "new.npz", x=x[:2]), asked, found.spec)
    np.testing.assert_array_equal(new.x, x[:2].reshape(2, *expected))
    if kind == "series":
        assert f"{expected[0]} x {expected[1]} (series: times x channels)" in summary.lines(found, asked)[0]


def test_images_are_no_series(tmp_path):
    path = save(tmp_path / "x.npz", x=RNG.random((30, 8, 8, 3), np.float32))
    refused(lambda: data.load(config("arrays", path=path, series=True)), "shape (30, 8, 8, 3)", "[rows, times")


def test_waves_are_all_different_and_are_what_their_factors_say(dataset):
    factors = np.concatenate([split["factors"] for split in dataset[:3]])
    x = np.concatenate([split["x"] for split in dataset[:3]])
    assert len(np.unique(factors, axis=0)) == len(x) == 3 * 4 * 8 * 4 * 5 and len({row.tobytes() for row in x}) == len(
        x
    )
    assert dataset.spec.kind == "series" and dataset.spec.factor_names == waves.FACTORS
    time, cycles = np.arange(64), waves.CYCLES[factors[:, 1]]
    is_sine = factors[:, 0] == 0
    turns = cycles[is_sine, None] * time / 64 + factors[is_sine, 2, None] / 8
    amplitude, trend = waves.AMPLITUDES[factors[is_sine, 3], None], waves.TRENDS[factors[is_sine, 4], None]
    first = amplitude * np.sin(2 * np.pi * turns) + trend * (time / 63 - 0.5)
    np.testing.assert_allclose(x[is_sine, :, 0], first, atol=1e-5)
    np.testing.assert_allclose(x[is_sine, :, 1], -amplitude * np.cos(2 * np.pi * turns), atol=1e-5)
    np.testing.assert_array_equal(dataset.test["y"], dataset.test["factors"][:, 0])


def test_a_convolution_over_time_is_scipys(dataset):
    """One layer of stride 2 and kernel 3: the correlation at every second time, padded by 0 after the end."""
    settings: Any = recipe.get_config().model
    settings.hidden, settings.activation = (5,), "identity"
    network = networks.encoder(settings, dataset.spec, 4)
    params = network.init(jax.random.key(0))
    x = dataset.test["x"][:3]
    kernel, dense = np.asarray(params["Conv_0"]["kernel"]), np.asarray(params["Dense_0"]["kernel"])
    assert kernel.shape == (3, 2, 5)
    padded = np.pad(x, ((0, 0), (0, 1), (0, 0)))
    layer = np.zeros((3, 32, 5))
    for row, f, c in np.ndindex(3, 2, 5):
        layer[row, :, c] += correlate(padded[row, :, f], kernel[:, f, c], "valid")[::2]
    expected = layer.reshape(3, -1) @ dense
    np.testing.assert_allclose(network.apply(params, jnp.asarray(x)), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("times", [4, 13, 64])
def test_a_decoder_gives_series_of_any_length(times, dataset):
    settings: Any = recipe.get_config().model
    spec = dataset.spec._replace(shape=(times, 2))
    network = networks.decoder(settings, spec)
    found = jax.eval_shape(
        lambda key: network.apply(network.init(key), jnp.zeros((3, settings.latent_dim))), jax.random.key(0)
    )
    assert found.shape == (3, times, 2)


def test_the_curves_are_those_of_the_panels():
    x = RNG.normal(size=(6, 20, 5))
    figure = figures.draw_series([("original", x), ("λ = 1", x / 2), ("λ = 4", x / 4)], unit="volts")
    for channel, example in np.ndindex(4, 4):
        lines = figure.axes[4 * channel + example].get_lines()
        for line, scale in zip(lines, (1, 2, 4), strict=True):
            np.testing.assert_array_equal(line.get_ydata(), x[example, :, channel] / scale)
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["original", "λ = 1", "λ = 4"]
    assert figure.get_supxlabel() == "the first 4 of 5 channels"
    [axes] = figures.draw_series([("sample", x[:1, :, :1])], unit="volts").axes
    assert axes.get_ylabel() == "volts"


def test_the_spec_of_series_survives_json(dataset):
    values = json.loads(json.dumps(data.spec_to_json(dataset.spec)))
    assert data.spec_from_json(values).kind == "series"
