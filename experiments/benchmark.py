"""Times the lecture's VAE (784-512-20, Bernoulli, Adam) in aejax and in PyTorch, and says which differences are real.

    python -m experiments.benchmark

Times training steps, the estimate of −log p(x), saves, whole commands, and the peak memory of each contender. Every
round times every contender once, so compare only ratios of one run. The floor is what the matrix products and Adam's
memory traffic of a step take alone. PyTorch is timed if it is installed (the extra `bench`). Prints tables, and writes
all times to --output and a picture beside it. 10 to 15 minutes on two CPU cores; let nothing else run meanwhile.

    python -m experiments.benchmark --record=static_mnist --path=binarized_mnist.npz
    python -m experiments.benchmark --pythons=.venv-3.11/bin/python,.venv-3.13/bin/python
"""

import os
import statistics
import sys
from pathlib import Path
from typing import Any

from absl import flags

from aejax import records
from aejax.engine import environment
from experiments.launch import launch
from experiments.timings import (
    aejax_steps,
    commands,
    floor,
    likelihood,
    measure,
    record,
    saving,
    torch_steps,
    verdicts,
    versions,
)

STEPS = flags.DEFINE_integer("steps", 200, "most training steps in one timing; long ones take fewer", lower_bound=1)
REPEATS = flags.DEFINE_integer("repeats", 5, "rounds; each times every contender once", lower_bound=1)
BATCH_SIZES = flags.DEFINE_list("batch_sizes", ["32", "128", "512"], "batch sizes")
MEMBERS = flags.DEFINE_list("members", ["1", "8", "32"], "sizes of the sweeps")
RECORD = flags.DEFINE_enum("record", None, list(record.RECORDS), "measure only a record of docs/records.md")
PATH = flags.DEFINE_string("path", "", "for --record=static_mnist: the published bits of MNIST")
PYTHONS = flags.DEFINE_list("pythons", [], "compare only aejax's steps under these interpreters")
EPOCHS = 10  # of the training whose saves are timed
OUTPUT = flags.DEFINE_string("output", "benchmark.json", "file for all times; the picture is beside it, as .png")


def main() -> None:
    members, batch_sizes = ([int(number) for number in flag.value] for flag in (MEMBERS, BATCH_SIZES))
    environment.pin(max(members))
    if RECORD.value:
        show(f"Record {RECORD.value}", [record.RECORDS[RECORD.value](PATH.value)])
        print(f"\n{conditions(found_now(os.getloadavg()))}")
        return
    if PYTHONS.value:
        for size in batch_sizes:
            show(f"Training, batch {size}", versions.compare(PYTHONS.value, size, REPEATS.value, STEPS.value))
        print(f"\n{verdicts.RULE}")
        return
    load = os.getloadavg()
    if not torch_steps.is_installed():
        print("PyTorch is not installed, so there is nothing to compare with (pip install torch)", file=sys.stderr)
    training, targets = {}, []
    for size in batch_sizes:
        contenders = aejax_steps.steps(size, members) | torch_steps.steps(size, members) | floor.contenders(size)
        seconds = measure(contenders, REPEATS.value, STEPS.value)
        seconds[floor.FLOOR] = floor.floors(size, seconds)
        training[size] = section(f"Training, batch {size}", seconds, "ms per member and step", 1e3)
        targets += verdicts.targets(size, seconds)
    seconds = measure(likelihood.contenders(), REPEATS.value, STEPS.value)
    evaluation = section("−log p(x)", seconds, "µs per row and sample", 1e6)
    plan = aejax_steps.make_plan(commands.BATCH_SIZE, 1, {"train.epochs": EPOCHS})
    saves = saving.costs(plan, aejax_steps.make_dataset(), REPEATS.value)
    show(f"Saves, seals and metrics of {EPOCHS} epochs", saves)
    starts = section("From the start of a process to its first step", commands.starts(REPEATS.value), "s", 1.0)
    memory = commands.peak_memory(members)
    show("Peak memory", [{"": name, "MiB": round(held / 2**20)} for name, held in memory.items()])
    show("Targets", targets)
    print(f"\n{verdicts.RULE}")
    results = found_now(load) | {
        "rule": verdicts.RULE,
        "training": training,
        "likelihood": evaluation,
        "saves": saves,
        "starts": starts,
        "peak_memory": memory,
        "targets": targets,
    }
    path = Path(OUTPUT.value)
    records.write_json(path, results)
    from aejax.reports import figures
    from experiments.timings.picture import draw_costs

    figures.save(path.with_suffix(".png"), draw_costs({size: found["seconds"] for size, found in training.items()}))
    print(f"\n{conditions(results)}\n{path}, {path.with_suffix('.png')}")


def found_now(load: tuple[float, float, float]) -> dict[str, Any]:
    """What the times depend on besides the code; `load` is the average before the run."""
    return {
        "environment": environment.describe(),
        "torch": torch_steps.describe(),
        "load_average": {"before": load, "after": os.getloadavg()},
    }


def section(title: str, seconds: dict[str, list[float]], unit: str, scale: float) -> dict[str, Any]:
    """Prints a table of medians in `unit`, which is seconds × `scale`; returns all times and the table's rows.

    Contenders are compared with PyTorch's best way to train or evaluate one member, if it was timed.
    """
    peer = verdicts.peer(seconds)
    rows = []
    for name, times in seconds.items():
        scaled = [scale * time for time in times]
        row = {"": name, unit: statistics.median(scaled), "least to most": f"{min(scaled):.3g} to {max(scaled):.3g}"}
        if peer and times is not peer and name not in floor.NAMES:
            row |= verdicts.ratio(times, peer) | {"than PyTorch's best": verdicts.compare(times, peer)}
        rows.append(row)
    show(title, rows)
    return {"seconds": seconds, "rows": rows}


def conditions(results: dict[str, Any]) -> str:
    """One line: processor, threads, versions and load."""
    facts, torch, load = results["environment"], results["torch"], results["load_average"]
    versions = [f"{name} {facts['packages'][name]}" for name in ("jax", "flax", "optax")]
    versions += [f"torch {torch['version']} ({torch['threads']} threads)"] if torch else []
    return (
        f"{facts['processor']}, {facts['threads']} threads, Python {facts['python']}, {', '.join(versions)}, "
        f"load average {load['before'][0]:.1f} before and {load['after'][0]:.1f} after"
    )


def show(title: str, rows: list[dict[str, Any]]) -> None:
    """Prints a titled table."""
    print(f"\n## {title}\n\n{records.markdown(rows)}", flush=True)


if __name__ == "__main__":
    launch(main)
