"""Evaluates a run on its test set: results.csv, summary.csv, figures and report.html in its directory.

    python -m experiments.evaluate --workdir=runs/lambda
    python -m experiments.evaluate --workdir=runs/iwae --num_samples=5000   # also −log p(x) by importance sampling
    python -m experiments.evaluate --workdir=runs/vae --ais=1000   # also bounds on log p(x) from both sides

t-SNE projects codes of more than two units. All panels of a picture share 2,000 random rows: each of eight shows 250.
--projection=pca uses PCA and all rows, --projection=umap UMAP (needs umap-learn) and the rows of t-SNE.
"""

from importlib.util import find_spec

from absl import flags

from aejax.config import LARGEST_INTEGER
from aejax.engine import environment
from aejax.errors import UserError
from aejax.plan import parts
from experiments.launch import answer, given_workdir, launch

WORKDIR = flags.DEFINE_string("workdir", None, "the run directory")
PROJECTION = flags.DEFINE_enum(
    "projection", "tsne", ["tsne", "pca", "umap"], "projection for codes of more than two units"
)
NUM_SAMPLES = flags.DEFINE_integer(
    "num_samples",
    0,
    "importance samples for −log p(x), for example 5000; 0: no estimate",
    lower_bound=0,
    upper_bound=LARGEST_INTEGER,
)
AIS = flags.DEFINE_integer(
    "ais",
    0,
    "annealing steps, for example 1000: bounds log p(x) from both sides; 0: no bounds",
    lower_bound=0,
    upper_bound=LARGEST_INTEGER,
)
PROBE = flags.DEFINE_bool(
    "probe", False, "predict classes (linear and kNN accuracy, clusters) and factors (MIG, SAP, DCI) from the codes"
)
PARTIAL = flags.DEFINE_bool("partial", False, "evaluate the shards that are there, and name the others")


def main() -> None:
    if PROJECTION.value == "umap" and not find_spec("umap"):
        raise UserError("--projection=umap needs umap-learn: pip install umap-learn, or use --projection=tsne")
    workdir = given_workdir(WORKDIR.value)
    plans = parts(workdir, PARTIAL.value).values()
    environment.pin(sum(len(plan.members) for plan in plans), directory=workdir)
    from aejax.reports.summary import show
    from aejax.reports.write import write_report  # imports jax, which reads what was pinned

    asked = NUM_SAMPLES.value, PROBE.value, AIS.value, PARTIAL.value
    _, summary, notes, figures = write_report(workdir, PROJECTION.value, *asked)
    answer(show(summary))
    for note in notes:
        answer(f"\nnote: {note}")
    answer(f"\nfigures: {', '.join(path.name for path in figures)} in {workdir / 'figures'}")
    answer(f"tables:  results.csv, summary.csv; all on one page: {workdir / 'report.html'}")


if __name__ == "__main__":
    launch(main)
