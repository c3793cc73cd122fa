"""Embeds new samples with a trained member: writes their codes with their ids and labels.

    python -m experiments.embed --workdir=runs/vae --input=new.npz --output=codes.npz
    python -m experiments.embed --workdir=runs/books --output=codes.tsv --neighbors="War and Peace"

Reads the formats that training reads: .npz, .npy, .csv, .tsv, .parquet, .h5ad, .mtx, and .gz of texts. A run trained on
pairs (books, words, capitals) embeds its own items: omit --input. Writes .npz (codes, ids, labels), .npy (codes), .csv
or .parquet; with .tsv, codes.tsv and codes_metadata.tsv, the two files that projector.tensorflow.org loads.
--neighbors=ID prints the nearest neighbors of that sample (ID is the row number, from 0, if there are no ids).
"""

from pathlib import Path

from absl import flags

from aejax import records
from aejax.engine import environment
from aejax.errors import UserError
from experiments.launch import answer, check_trained, given_output, given_workdir, launch

WORKDIR = flags.DEFINE_string("workdir", None, "the run directory")
INPUT = flags.DEFINE_string(
    "input", None, "the samples, a file of any format that training reads; omit for a run trained on pairs"
)
OUTPUT = flags.DEFINE_string("output", None, "the codes: .npz, .npy, .csv, .tsv or .parquet")
SAFE_CSV = flags.DEFINE_bool(
    "safe_csv", False, "in a .csv or .tsv, put ' before texts that a spreadsheet reads as formulas"
)
MEMBER = flags.DEFINE_integer("member", None, "the member's number in members.csv (needed if there are several)")
NEIGHBORS = flags.DEFINE_string("neighbors", None, "the id whose nearest neighbors are printed")
NUM_NEIGHBORS = flags.DEFINE_integer("num_neighbors", 10, "number of neighbors to print", lower_bound=1)
METRIC = flags.DEFINE_enum("metric", "cosine", ["cosine", "euclidean"], "the similarity for --neighbors")


def main() -> None:
    workdir = given_workdir(WORKDIR.value)
    if not INPUT.value and not is_of_pairs(workdir):
        raise UserError("--input is missing: name a file, as in --input=new.npz")
    if not (OUTPUT.value or NEIGHBORS.value):
        raise UserError("--output is missing (or --neighbors), see --help")
    output = given_output(OUTPUT.value, (".npz", ".npy", ".csv", ".tsv", ".parquet")) if OUTPUT.value else None
    if SAFE_CSV.value and (output is None or output.suffix not in (".csv", ".tsv")):
        raise UserError("--safe_csv has no effect without --output=FILE.csv, or FILE.tsv: leave it out")
    check_trained(workdir, output)
    environment.pin(1, directory=workdir)
    import numpy as np

    from aejax import trained  # imports jax, which reads what was pinned
    from experiments import _outputs as outputs

    model = trained.load(workdir, MEMBER.value)
    trained.check_finite(model)
    if INPUT.value:
        x, y, ids, c = model.read(INPUT.value)
    else:
        dataset = model.dataset()
        x, y, ids, c = dataset.items["x"], dataset.items.get("y"), dataset.ids["items"], None
    codes, labels = model.embed(x, c), outputs.label_names(y, model.spec)
    names = np.arange(len(codes)).astype(str) if ids is None else ids
    if NEIGHBORS.value:
        near = outputs.neighbors(codes, labels, names, NEIGHBORS.value, NUM_NEIGHBORS.value, METRIC.value)
        answer(records.markdown(near))
    if output:
        outputs.write_codes(output, codes, labels, ids, SAFE_CSV.value)
        also = f", labels in {outputs.metadata_of(output)}" if output.suffix == ".tsv" else ""
        answer(f"{len(codes)} codes of {codes.shape[1]} units in {output}{also} (training {model.status})")


def is_of_pairs(workdir: Path) -> bool:
    """Whether a run directory, or one of its shards, was trained on pairs."""
    facts = [records.read_json(path) for path in (*workdir.glob("data.json"), *workdir.glob("shards/*/data.json"))]
    return any(group["spec"]["kind"] == "pairs" for fact in facts for group in fact.values())


if __name__ == "__main__":
    launch(main)
