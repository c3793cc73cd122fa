"""Draws new data from a trained member: decoded codes from its prior.

    python -m experiments.sample --workdir=runs/vae --num_samples=64 --seed=0 --output=samples.png

If the model has no prior (an autoencoder), codes come from a Gaussian fitted to its training codes. Writes .png
(images), .npz (x, codes), .npy (x) or .csv; x is in the units of the training data. A run with conditions needs
`--condition=NAME=VALUE` for each.
"""

from absl import flags

from aejax.config import LARGEST_INTEGER
from aejax.engine import environment
from aejax.errors import UserError
from experiments.launch import answer, check_trained, given_output, given_workdir, launch

WORKDIR = flags.DEFINE_string("workdir", None, "the run directory")
NUM_SAMPLES = flags.DEFINE_integer("num_samples", 64, "number of samples", lower_bound=1, upper_bound=LARGEST_INTEGER)
SEED = flags.DEFINE_integer("seed", 0, "seed of the draws", lower_bound=0)
OUTPUT = flags.DEFINE_string("output", None, "the samples: .png, .npz, .npy or .csv")
CONDITION = flags.DEFINE_multi_string("condition", [], "NAME=VALUE, once for each column that the run is given")
SAFE_CSV = flags.DEFINE_bool("safe_csv", False, "in a .csv, put ' before names that a spreadsheet reads as formulas")
MEMBER = flags.DEFINE_integer("member", None, "the member's number in members.csv (needed if there are several)")


def main() -> None:
    workdir = given_workdir(WORKDIR.value)
    if not OUTPUT.value:
        raise UserError("--output is missing: name a file, as in --output=samples.png")
    output = given_output(OUTPUT.value, (".png", ".npz", ".npy", ".csv"))
    if SAFE_CSV.value and output.suffix != ".csv":
        raise UserError(f"--safe_csv has no effect on {output}: write a .csv, or leave it out")
    check_trained(workdir, output)
    environment.pin(1, directory=workdir)
    from aejax import trained  # imports jax, which reads what was pinned
    from experiments import _outputs as outputs

    model = trained.load(workdir, MEMBER.value)
    trained.check_finite(model)
    if output.suffix == ".png" and model.spec.kind != "image":
        raise UserError(f"--output={output}: the data are not images: use .npz, .npy or .csv")
    pairs = [parsed(condition) for condition in CONDITION.value]
    if len(conditions := dict(pairs)) < len(pairs):
        raise UserError("--condition names a column twice: give it one value")
    codes = model.sample_codes(NUM_SAMPLES.value, SEED.value, conditions)
    x = model.decode(codes, conditions)
    outputs.write_samples(output, model.spec, codes, x, conditions, SAFE_CSV.value)
    answer(f"{len(x)} samples in {output} (training {model.status})")


def parsed(condition: str) -> tuple[str, str]:
    """The name and the value of a --condition."""
    name, equals, value = condition.partition("=")
    if not equals:
        raise UserError(f"--condition={condition}: name a column and its value, as in --condition=batch=B")
    return name, value


if __name__ == "__main__":
    launch(main)
