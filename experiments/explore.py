"""Writes the latent explorer of a run: one HTML file in which its decoders draw what lies under the pointer.

    python -m experiments.explore --workdir=runs/lambda   # runs/lambda/explorer.html

The page opens from the file system in any browser: it needs no network, no server and no GPU. It shows the test rows'
codes and decodes every point of the map, follows a sweep by a slider, and holds one run of at most 3 MB: what does not
fit is left out, and the page says what.
"""

from absl import flags

from aejax.engine import environment
from aejax.plan import parts
from experiments.launch import answer, given_output, given_workdir, launch

WORKDIR = flags.DEFINE_string("workdir", None, "the run directory")
OUTPUT = flags.DEFINE_string("output", None, "the page; the default is explorer.html in the run directory")


def main() -> None:
    workdir = given_workdir(WORKDIR.value)
    output = given_output(OUTPUT.value or str(workdir / "explorer.html"), (".html",))
    plans = parts(workdir).values()
    output.parent.mkdir(parents=True, exist_ok=True)
    environment.pin(sum(len(plan.members) for plan in plans), directory=workdir)
    from aejax.reports import explorer  # imports jax, which reads what was pinned

    for note in explorer.write(workdir, output):
        answer(f"note: {note}")
    answer(f"open {output} in a browser ({output.stat().st_size / 1e6:.2f} MB)")


if __name__ == "__main__":
    launch(main)
