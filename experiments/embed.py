"""Embeds new samples with a trained member: their codes, and the ids and labels that came with them.

    python -m experiments.embed --workdir=runs/vae --input=new.npz --output=codes.npz

Reads what the data sources read (.npz, .npy, .csv); writes .npz (codes, ids, labels), .npy (codes) or .csv.
"""

from pathlib import Path

from absl import flags

from aejax import environment
from aejax.errors import UserError
from experiments.launch import launch

WORKDIR = flags.DEFINE_string("workdir", None, "the run directory")
INPUT = flags.DEFINE_string("input", None, "the samples: .npz, .npy or .csv")
OUTPUT = flags.DEFINE_string("output", None, "the codes: .npz, .npy or .csv")
MEMBER = flags.DEFINE_integer("member", None, "the member's number in members.csv, where there are several")


def main() -> None:
    for name, flag in (("workdir", WORKDIR), ("input", INPUT), ("output", OUTPUT)):
        if not flag.value:
            raise UserError(f"--{name} is missing, see --help")
    if Path(OUTPUT.value or "").suffix not in (".npz", ".npy", ".csv"):
        raise UserError(f"--output={OUTPUT.value}: write .npz, .npy or .csv")
    environment.pin(1, directory=Path(WORKDIR.value or ""))
    from aejax import data, results  # imports jax, which reads what was pinned

    trained = results.load_member(Path(WORKDIR.value or ""), MEMBER.value)
    config = trained.member.config
    x, y, ids = data.read_new(INPUT.value or "", config.data, trained.spec)
    codes = results.embed(trained, x)
    labels = None if y is None else [trained.spec.class_names[code] for code in y]
    results.write_codes(Path(OUTPUT.value or ""), codes, labels, ids)
    print(f"{len(codes)} codes of {codes.shape[1]} units in {OUTPUT.value}")


if __name__ == "__main__":
    launch(main)
