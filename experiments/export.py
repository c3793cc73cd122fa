"""Writes a trained member as a folder that works without aejax and jax.

    python -m experiments.export --workdir=runs/vae --output=vae_model

The folder holds weights.safetensors, model.json, a reader that needs numpy and safetensors alone, programs for jax, and
a README.md that says how to use them. Its codes are those of `embed`.
"""

from pathlib import Path

from absl import flags

from aejax import export
from aejax.engine import environment
from aejax.errors import UserError
from experiments.launch import answer, check_trained, given_workdir, launch

WORKDIR = flags.DEFINE_string("workdir", None, "the run directory")
OUTPUT = flags.DEFINE_string("output", None, "the folder to write")
MEMBER = flags.DEFINE_integer("member", None, "the member's number in members.csv (needed if there are several)")


def main() -> None:
    workdir = given_workdir(WORKDIR.value)
    if not OUTPUT.value:
        raise UserError("--output is missing: name a folder, as in --output=model")
    output = Path(OUTPUT.value)
    export.check(output)
    check_trained(workdir)
    environment.pin(1, directory=workdir)
    from aejax import trained  # imports jax, which reads what was pinned

    model = trained.load(workdir, MEMBER.value)
    trained.check_finite(model)
    for note in export.write(model, output):
        answer(f"note: reader.py lacks a part: {note}")
    answer(f"{output}: see its README.md (training {model.status})")


if __name__ == "__main__":
    launch(main)
