"""Records: the least seconds to a result, and the most members for a price; docs/records.md keeps the best rows."""

import hashlib
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from aejax import records
from aejax.errors import UserError
from experiments.timings import aejax_steps, commands, label, measure, torch_steps, verdicts

RUNS = 5
ELBO_TO_REACH = -104.0  # flax's example reports "around 104" nats after ten epochs of a VAE 784-500-20
STATIC_MNIST = (
    "--config=configs/vae.py",
    "--config.data.name=binarized_mnist",
    "--config.model.hidden=(500,)",
    "--config.model.latent_dim=20",
    "--config.optimizer.learning_rate=0.01",
    "--config.optimizer.schedule=cosine",
    "--config.optimizer.warmup=100",
    "--config.train.precision=bf16",
    "--config.train.epochs=4",
    "--config.log.every_epochs=4",
)


def static_mnist(path: str) -> dict[str, Any]:
    """Seconds from the shell to a trained VAE of static MNIST, cold and then RUNS times warm, and its test ELBO.

    All runs of a seed must end on the same bits; the ELBO is that of the seeds 0 to 4. `path` is the file of the bits.
    """
    if not path:
        raise UserError(
            "--record=static_mnist needs --path, the published bits of MNIST (see data.name=binarized_mnist)"
        )
    settings = [*STATIC_MNIST, f"--config.data.path={Path(path).resolve()}"]
    with tempfile.TemporaryDirectory() as folder:
        seconds, digests = [], set()
        for number in range(1 + RUNS):
            workdir = f"{folder}/{number}"
            started = time.perf_counter()
            commands.call(launcher("train", *settings, f"--workdir={workdir}"), folder)
            seconds.append(time.perf_counter() - started)
            digests.add(hashlib.sha256(Path(workdir, "metrics.jsonl").read_bytes()).hexdigest()[:12])
        sweep = f"{folder}/seeds"
        commands.call(launcher("train", *settings, "--sweep", f"seed=0:{RUNS}", f"--workdir={sweep}"), folder)
        commands.call(launcher("evaluate", f"--workdir={sweep}"), folder)
        elbos = [float(row["elbo"]) for row in records.read_csv(Path(sweep, "results.csv"))]
    cold, *warm = seconds
    return {
        "seconds, warm": spread(warm),
        "cold": f"{cold:.1f}",
        "ELBO of the seeds": f"{statistics.mean(elbos):.2f} ± {statistics.stdev(elbos):.2f}",
        "all above −104": "yes" if min(elbos) >= ELBO_TO_REACH else "no",
        "digest": " or ".join(sorted(digests)),
    }


def members(path: str) -> dict[str, Any]:
    """The members that a sweep of 32 trains in the time in which PyTorch, eager, trains one: batch 128."""
    if not torch_steps.is_installed():
        raise UserError("--record=members needs PyTorch: pip install 'aejax[bench]'")
    eager, ours = label("PyTorch eager", 1), [label(name, 32) for name in aejax_steps.SETTINGS]
    known = aejax_steps.steps(128, [32]) | torch_steps.steps(128, [1])
    seconds = measure({name: known[name] for name in (eager, *ours)}, RUNS, 200)
    found = {name: verdicts.ratio(seconds[eager], seconds[name]) for name in ours}
    return {f"{name}: members": f"{row['ratio']:.2f} ({row['interval']})" for name, row in found.items()}


def launcher(name: str, *arguments: str) -> list[str]:
    """The command line of a launcher."""
    return [sys.executable, "-m", f"experiments.{name}", *arguments]


def spread(seconds: list[float]) -> str:
    """Median, least and most."""
    return f"{statistics.median(seconds):.2f} ({min(seconds):.2f} to {max(seconds):.2f})"


RECORDS: dict[str, Callable[[str], dict[str, Any]]] = {"static_mnist": static_mnist, "members": members}
