"""An overcomplete linear autoencoder learns the trivial mapping U V = I, and an L1 penalty on its code prevents it.

The slide's Ω needs a bounded decoder: V / s and s U give the same x_hat with Ω s times smaller. With decoder columns of
norm 1, rescaling the code gains nothing at the optimum, so E⟨x − x_hat, U z⟩ = λ/2 E‖z‖₁ there, and x_hat ≠ x.
"""

from functools import cache
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from aejax import models
from configs import overcomplete
from experiments.claims import Outcome, Row, train

SOURCE = "lecture, slides Over/Undercomplete AE"
SPAN = 0.01  # the data's span has the directions whose standard deviation exceeds this part of the largest
FOUND, AVOIDED = 0.01, 0.1  # ‖U V − I‖ / ‖I‖: trivial below the first, not trivial above the second
L1 = 0.1


@cache
def trained(fast: bool) -> dict[str, Outcome]:
    epochs = {"train.epochs": 300 if fast else 1000, "log.every_epochs": 100, "train.save_every_epochs": 100}
    [under] = train("overcomplete", epochs | {"model.latent_dim": 10})
    none, l1 = train("overcomplete", epochs, f"objective.sparsity=0,{L1}")
    [relu] = train("overcomplete", epochs | {"model.code_activation": "relu", "objective.sparsity": L1})
    return {"k = 10": under, "k = 80": none, "k = 80, L1": l1, "k = 80, L1, ReLU": relu}


def measure(fast: bool) -> list[Row]:
    members = trained(fast)
    under, none, l1 = (members[name] for name in ("k = 10", "k = 80", "k = 80, L1"))
    basis = span(flat(none))
    rank = basis.shape[1]
    variance = np.square(flat(none, "test") - flat(none).mean(axis=0)).sum(axis=1).mean()
    lost = none.metrics["reconstruction"] / variance
    distance = f"‖U V − I‖ / ‖I‖ on the data's span ({rank} of {len(basis)} dimensions)"
    rows = [
        Row(f"k = 10: {distance}, at least as its rank", np.sqrt(1 - 10 / rank), gap(under, basis), "at least", SOURCE),
        Row(f"k = 80: {distance}", 0.0, gap(none, basis), FOUND, SOURCE),
        Row("k = 80: share of the test rows' variance that is lost", 0.0, lost, 1e-3, SOURCE),
        Row(f"k = 80, λ = {L1}: {distance}", AVOIDED, gap(l1, basis), "at least", SOURCE),
    ]
    for name in ("k = 80, L1", "k = 80, L1, ReLU"):
        aligned, paid, error, least = balance(members[name])
        rows += [
            Row(
                f"{name}: E⟨x − x_hat, U z⟩ / (λ/2 E‖z‖₁)",
                1.0,
                aligned / paid,
                0.02,
                "derived in the claim's docstring",
            ),
            Row(f"{name}: ‖x − x_hat‖², not 0 by Cauchy-Schwarz", least, error, "at least", "the row above"),
        ]
    return [*rows, Row("V / 10 and 10 U: the same x_hat, Ω divided by", 10.0, escape(none), 1e-3, "exact")]


def draw(directory: Path, fast: bool) -> None:
    from aejax.reports import figures
    from experiments.claims import _figures

    members = trained(fast)
    basis = span(flat(members["k = 80"]))
    panels = [(f"{name}", basis @ basis.T @ mapping(members[name])) for name in ("k = 10", "k = 80", "k = 80, L1")]
    title = "U V of a linear autoencoder: with k > D the identity, unless the code pays for it"
    figures.save(directory / "trivial_mapping.png", _figures.draw_matrices(panels, title=title))


def flat(member: Outcome, split: str = "train") -> np.ndarray:
    x = np.asarray(getattr(member.dataset, split)["x"], np.float64)  # the digits are floats in data units
    return x.reshape(len(x), -1)


def span(x: np.ndarray) -> np.ndarray:
    """An orthonormal basis [D, r] of the directions in which the rows vary."""
    _, scale, directions = np.linalg.svd(x - x.mean(axis=0), full_matrices=False)
    return directions[scale > SPAN * scale[0]].T


def decoder(member: Outcome) -> np.ndarray:
    """U [k, D]: what each unit adds to x_hat."""
    size = member.params["encoder"]["Dense_0"]["kernel"].shape[1]
    images = member.model.decode(member.params, jnp.concatenate([jnp.eye(size), jnp.zeros((1, size))]))
    images = np.asarray(images, np.float64).reshape(size + 1, -1)
    return images[:-1] - images[-1:]


def mapping(member: Outcome) -> np.ndarray:
    """The matrix [D, D] of a linear autoencoder: x_hat = x @ matrix + constant."""
    return np.asarray(member.params["encoder"]["Dense_0"]["kernel"], np.float64) @ decoder(member)


def gap(member: Outcome, basis: np.ndarray) -> float:
    """‖U V − I‖ / ‖I‖ (Frobenius) on the span of `basis`."""
    return float(np.linalg.norm(basis.T @ (mapping(member) - np.eye(len(basis)))) / np.sqrt(basis.shape[1]))


def balance(member: Outcome) -> tuple[float, float, float, float]:
    """On the training rows: E⟨x − x_hat, U z⟩, λ/2 E‖z‖₁, E‖x − x_hat‖², and the lower bound of that."""
    x = flat(member)
    z = np.asarray(member.model.encode(member.params, jnp.asarray(member.dataset.train["x"])), np.float64)
    x_hat = np.asarray(member.model.decode(member.params, jnp.asarray(z, jnp.float32)), np.float64).reshape(x.shape)
    added = z @ decoder(member)
    paid = L1 / 2 * np.abs(z).sum(axis=1).mean()
    aligned = ((x - x_hat) * added).sum(axis=1).mean()
    return aligned, paid, np.square(x - x_hat).sum(axis=1).mean(), paid**2 / np.square(added).sum(axis=1).mean()


def escape(member: Outcome) -> float:
    """The factor by which V / 10 and 10 U reduce Ω without `unit_decoder`; NaN if x_hat changes."""
    config: Any = overcomplete.get_config().model
    config.unit_decoder = False
    model, params = models.make(config, member.dataset.spec), member.params
    matrix = jnp.asarray(decoder(member), jnp.float32)
    constant = {name: leaf for name, leaf in params["decoder"]["Dense_0"].items() if name != "kernel"}
    metrics = []
    for scale in (1.0, 10.0):
        scaled = {
            "encoder": jax.tree.map(lambda leaf, scale=scale: leaf / scale, params["encoder"]),
            "decoder": {"Dense_0": {"kernel": scale * matrix, **constant}},
        }
        batch = {"x": jnp.asarray(member.dataset.train["x"])}
        _, stats = model.init(jax.random.key(0))
        weights = {"sparsity": L1, "target_activation": 0.5, "selection": 1.0}
        metrics.append(model.loss(scaled, stats, jax.random.key(0), batch, **weights)[1][0])
    before, after = metrics
    same = abs(before["reconstruction"] - after["reconstruction"]) < 1e-6
    return float(before["penalty"] / after["penalty"]) if same else float("nan")
