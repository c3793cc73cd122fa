"""Evaluates a run on its test set: results.csv, summary.csv, figures and report.html in its directory.

    python -m experiments.evaluate --workdir=runs/lambda

Codes of more than two units are drawn by t-SNE; by --projection=pca, or =umap where umap-learn is installed.
"""

from importlib.util import find_spec
from pathlib import Path

from absl import flags

from aejax import environment, records
from aejax.errors import UserError
from experiments.launch import launch

WORKDIR = flags.DEFINE_string("workdir", None, "the run directory")
PROJECTION = flags.DEFINE_enum(
    "projection", "tsne", ["tsne", "pca", "umap"], "how codes of more than two units are drawn"
)


def main() -> None:
    if not WORKDIR.value:
        raise UserError("--workdir is missing: name the run directory, as in --workdir=runs/vae")
    if PROJECTION.value == "umap" and not find_spec("umap"):
        raise UserError("--projection=umap needs umap-learn: pip install umap-learn, or use --projection=tsne")
    workdir = Path(WORKDIR.value)
    rows = records.read_csv(workdir / "members.csv")
    environment.pin(max(1, len(rows)), directory=workdir)
    from aejax import results  # imports jax, which reads what was pinned

    summary, figures = results.evaluate(workdir, PROJECTION.value)
    print(results.show(summary))
    print(f"\nfigures: {', '.join(path.name for path in figures)} in {workdir / 'figures'}")
    print(f"tables:  results.csv, summary.csv; all on one page: {workdir / 'report.html'}")


if __name__ == "__main__":
    launch(main)
