"""What saves, seals and lines of metrics cost a run: the time that its main thread spends on them.

Another thread writes and seals a save, 10 s apart at least. The main thread hands it the states and awaits the last.
"""

import cProfile
import pstats
import statistics
import tempfile
from typing import Any

# (file, function) of what is measured. A save that waits for the one before counts twice, and 10 s apart none does.
PARTS = {
    "the directory is opened and checked": [("directory.py", "newest_seals"), ("directory.py", "open_run")],
    "states are handed over to be saved": [("run.py", "seal")],
    "the last save is awaited": [("checkpoint.py", "wait")],
    "metrics.jsonl and members.csv are written": [("records.py", "append_lines"), ("run.py", "write_members")],
}


def costs(plan: Any, dataset: Any, repeats: int) -> list[dict[str, Any]]:
    """Trains a plan `repeats` times; returns for each part its median seconds, and their share of the training's."""
    from aejax.engine import run

    found: dict[str, list[float]] = {}
    for _ in range(repeats):
        with tempfile.TemporaryDirectory() as folder, cProfile.Profile() as profile:
            run.run(plan, f"{folder}/run", dataset)
        times = pstats.Stats(profile).stats  # pyright: ignore[reportAttributeAccessIssue]
        trained = seconds(times, "run.py", "train")
        parts = {name: sum(seconds(times, *part) for part in functions) for name, functions in PARTS.items()}
        for name, time in {**parts, "all": sum(parts.values()), "training": trained}.items():
            found.setdefault(name, []).append(time)
    training = found.pop("training")
    return [
        {
            "": name,
            "ms": 1e3 * statistics.median(times),
            "% of training": 100 * statistics.median(a / b for a, b in zip(times, training, strict=True)),
        }
        for name, times in found.items()
    ]


def seconds(times: dict[Any, Any], file: str, function: str) -> float:
    """The seconds in a function of aejax, and in what it calls."""
    [whole] = [
        facts[3]
        for (path, _, name), facts in times.items()
        if name == function and path.endswith((f"/aejax/{file}", f"/aejax/engine/{file}"))
    ]
    return whole
