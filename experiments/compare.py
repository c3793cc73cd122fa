"""Puts evaluated runs on one page: a row for each setting, their curves, and the keys in which they differ.

    python -m experiments.compare runs/vae runs/iwae   # compare.html
    python -m experiments.compare runs/vae runs/iwae --output=runs/both.html

The page is one file without network, as the report.html of each run is. A metric or key that a run does not have is
left empty.
"""

from pathlib import Path

from absl import flags

from aejax.errors import UserError
from experiments.launch import answer, given_output, launch

OUTPUT = flags.DEFINE_string("output", "compare.html", "the page")


def main(directories: list[str]) -> None:
    output = given_output(OUTPUT.value, (".html",))
    if not directories:
        raise UserError("name the run directories, as in `python -m experiments.compare runs/vae runs/iwae`")
    from aejax.reports import page  # imports matplotlib, which takes a second

    for note in page.write(output, [Path(directory) for directory in directories]):
        answer(f"note: {note}")
    answer(f"open {output} in a browser ({output.stat().st_size / 1e6:.2f} MB)")


if __name__ == "__main__":
    launch(main, positional=True)
