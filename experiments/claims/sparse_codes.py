"""L1 with ReLU units, a target activation or top-k keep a code sparse; L1 with sigmoid units gives no zeros."""

from functools import cache
from pathlib import Path

import jax.numpy as jnp
import numpy as np

from aejax.models.sparse_autoencoder import running_mean
from experiments.claims import Outcome, Row, train
from experiments.claims._images import images, rows_of

SOURCE = "lecture, slides Regularization"
MOST = 20000  # rows that are encoded
TOP_K, TARGET = 10, 0.05


@cache
def trained(fast: bool) -> dict[str, Outcome]:
    changes = images(fast, epochs=100)
    kl, l1 = {}, 0.1
    if not fast:  # the squared error of 784 pixels needs larger weights than that of 64
        kl = {"objective.sparsity": 30.0, "optimizer.learning_rate": 3e-3, "optimizer.schedule": "cosine"}
        l1 = 0.3
    activations, weights = "model.code_activation=relu,sigmoid", f"objective.sparsity=0,{l1}"
    relu, relu_l1, sigmoid, sigmoid_l1 = train("sparse_l1", changes, activations, weights)
    [target] = train("sparse_kl", changes | kl | {"objective.target_activation": TARGET})
    [top_k] = train("top_k", changes | {"model.top_k": TOP_K})
    free, contractive = train("contractive", changes, weights)
    return {
        "ReLU, λ = 0": relu,
        f"ReLU, L1, λ = {l1:g}": relu_l1,
        "sigmoid, λ = 0": sigmoid,
        f"sigmoid, L1, λ = {l1:g}": sigmoid_l1,
        "target": target,
        "top-k": top_k,
        "free": free,
        "contractive": contractive,
    }


def measure(fast: bool) -> list[Row]:
    members = list(trained(fast).values())
    _, relu, sigmoid, sigmoid_l1, target, top_k, free, contractive = members
    zeros = codes(relu) == 0.0
    living = zeros[:, ~zeros.all(axis=0)]
    gap = np.abs(codes(target, "train").mean(axis=0) - TARGET).max()
    running = np.abs(np.asarray(running_mean(target.stats)) - TARGET).max()
    active = (codes(top_k) != 0.0).sum(axis=1)
    kl, ksparse = f"KL, z₀ = {TARGET}", f"top-k of k = {TOP_K}"
    return [
        Row("ReLU + L1: share of exact zeros, test rows", 0.5, zeros.mean(), "at least", SOURCE),
        Row("ReLU + L1: the same among the units that are ever active", 0.5, living.mean(), "at least", SOURCE),
        Row("sigmoid + L1: share of exact zeros, test rows", 0.0, (codes(sigmoid_l1) == 0.0).mean(), 0.0, SOURCE),
        Row("sigmoid + L1: mean activation, at most that of λ = 0", mean(sigmoid), mean(sigmoid_l1), "at most", SOURCE),
        Row(f"{kl}: largest distance of a unit's mean activation from z₀, training rows", 0.0, gap, 0.02, SOURCE),
        Row(f"{kl}: the same of the running means", 0.0, running, 0.02, SOURCE),
        Row(f"{ksparse}: fewest active units of a test row", TOP_K, active.min(), 0.0, "Makhzani & Frey 2013"),
        Row(f"{ksparse}: most active units of a test row", TOP_K, active.max(), 0.0, "Makhzani & Frey 2013"),
        Row(
            "contractive: ‖∂z/∂x‖²_F of test rows, at most that of λ = 0",
            free.metrics["penalty"],
            contractive.metrics["penalty"],
            "at most",
            "Rifai et al. 2011",
        ),
    ]


def draw(directory: Path, fast: bool) -> None:
    from aejax.reports import figures

    panels = [(name, codes(member)) for name, member in list(trained(fast).items())[:4]]
    title = "ReLU with L1 gives exact zeros, sigmoid only small values"
    figures.save(directory / "sparse_codes.png", figures.draw_activations(panels, title=title))


def codes(member: Outcome, split: str = "test") -> np.ndarray:
    return np.asarray(member.model.encode(member.params, jnp.asarray(rows_of(member, split, MOST)[0])))


def mean(member: Outcome) -> float:
    return member.metrics["mean_activation"]
