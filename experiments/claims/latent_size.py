"""The more units a code has, the better the reconstruction: k = 2, 10, 20 of a shallow autoencoder and of a VAE."""

from functools import cache
from pathlib import Path

from aejax.reports import figures
from experiments.claims import Outcome, Row, train
from experiments.claims._images import decode, encode, images, rows_of, squared_error_vae

SIZES = (2, 10, 20)


@cache
def trained(fast: bool) -> dict[str, dict[int, list[Outcome]]]:
    """Three seeds for each k."""
    sweep = "model.latent_dim=2,10,20", "seed=0:3"
    found = {
        "shallow autoencoder": train("shallow", images(fast, 60), *sweep),
        "VAE": train("vae_squared_error", squared_error_vae(fast, 60), *sweep),
    }
    return {
        name: {k: [o for o in outcomes if o.swept["model.latent_dim"] == k] for k in SIZES}
        for name, outcomes in found.items()
    }


def measure(fast: bool) -> list[Row]:
    rows = []
    for name, found in trained(fast).items():
        for small, large in ((2, 10), (10, 20)):
            pairs = zip(found[small], found[large], strict=True)
            ratio = max(b.metrics["mse"] / a.metrics["mse"] for a, b in pairs)
            what = f"{name}: squared error for k = {large} over that for k = {small}, worst of three seeds"
            rows.append(Row(what, 1.0, ratio, "at most", "the lecture's slide"))
    return rows


def draw(directory: Path, fast: bool) -> None:
    """The lecture's rows: test images and their reconstructions for k = 20, 10, 2."""
    found = trained(fast)["shallow autoencoder"]
    x, _ = rows_of(found[2][0], "test", 14)
    panels = [(f"k = {k}", decode(found[k][0], encode(found[k][0], x))) for k in reversed(SIZES)]
    figures.save(
        directory / "latent_size.png",
        figures.draw_reconstructions(x, panels, title="The shallow autoencoder by its latent size"),
    )
