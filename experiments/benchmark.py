"""Times a training step of the lecture's VAE (784-512-20, Bernoulli, Adam) against PyTorch's, interleaved in one run.

    python -m experiments.benchmark

PyTorch is timed if it is installed, eager and compiled, with fused Adam and the data in memory. Prints medians with
their spread, and ratios; on a shared machine only ratios from one run are meaningful. "products alone" are just the
matrix products of a step: no step can be faster in float32 with that library.
"""

import statistics
import time
from collections.abc import Callable
from typing import Any

from absl import flags

from aejax import records
from aejax.engine import environment
from experiments.launch import launch

STEPS = flags.DEFINE_integer("steps", 200, "training steps in one timing", lower_bound=1)
REPEATS = flags.DEFINE_integer("repeats", 5, "interleaved timings of each", lower_bound=1)
BATCH_SIZES = flags.DEFINE_list("batch_sizes", ["128"], "batch sizes")
MEMBERS = flags.DEFINE_list("members", ["1", "9"], "sizes of the sweeps")

ROWS = 60_000


def main() -> None:
    environment.pin(max(int(members) for members in MEMBERS.value))
    for batch_size in (int(size) for size in BATCH_SIZES.value):
        steps: dict[str, Callable[[], float]] = {
            f"aejax, {members} member{'s' * (members != 1)}": aejax_step(batch_size, members)
            for members in (int(members) for members in MEMBERS.value)
        }
        steps["aejax's products alone"] = product_step(batch_size)
        steps |= torch_steps(batch_size)
        seconds: dict[str, list[float]] = {name: [] for name in steps}
        for _ in range(REPEATS.value):
            for name, step in steps.items():
                seconds[name].append(step())
        rivals = [name for name in seconds if "PyTorch" in name and "alone" not in name]
        best = min((statistics.median(seconds[name]) for name in rivals), default=None)
        print(f"\nbatch {batch_size}, {STEPS.value} steps a timing, median of {REPEATS.value} interleaved timings\n")
        print(records.markdown([row(name, times, best) for name, times in seconds.items()]))
    facts = environment.describe()
    versions = ", ".join(f"{name} {facts['packages'][name]}" for name in ("jax", "flax", "optax"))
    print(f"\n{facts['processor']}, {facts['threads']} threads, Python {facts['python']}, {versions}")


def row(name: str, times: list[float], best: float | None) -> dict[str, Any]:
    """A row of the table; times are seconds per training step of one member."""
    median = statistics.median(times)
    return {
        "": name,
        "ms per member and step": round(median * 1e3, 3),
        "least to most": f"{min(times) * 1e3:.2f} to {max(times) * 1e3:.2f}",
        "ratio to the best of PyTorch": round(median / best, 2) if best else None,
    }


def aejax_step(batch_size: int, num_members: int) -> Callable[[], float]:
    """Returns a function that times the compiled program of a run: seconds per member and step."""
    import jax
    import numpy as np

    from aejax.data.types import Dataset, Spec
    from aejax.engine import programs
    from aejax.plan import Axis, Plan
    from configs import vae

    config: Any = vae.get_config()
    config.model.latent_dim = 20
    config.train.batch_size = batch_size
    x = np.random.default_rng(0).integers(0, 256, (ROWS, 28, 28, 1), np.uint8)
    spec = Spec((28, 28, 1), "image", "unit", 1 / 255, (), (), x.mean(axis=0, dtype=np.float32) / 255, None, None)
    dataset = Dataset({"x": x}, {"x": x[:0]}, {"x": x[:0]}, spec, {}, "")
    [members] = Plan.make(config, [Axis("seed", tuple(range(num_members)))]).groups.values()
    group = programs.Group(0, members, config, dataset, programs.make_task(config, spec, ROWS))
    compiled = programs.compile_group(group, programs.resolve_lanes(group))
    carry, step = (compiled.state, compiled.zero_totals(), compiled.order), 0

    def timing() -> float:
        nonlocal carry, step
        started = time.perf_counter()
        carry = jax.block_until_ready(compiled.train(carry, step, step + STEPS.value, step == 0))
        step += STEPS.value
        return (time.perf_counter() - started) / STEPS.value / num_members

    timing()
    return timing


def products(batch_size: int) -> list[tuple[int, int, int]]:
    """(rows, inner, columns) of a step's matrix products: forward, weight gradients, input gradients except for x."""
    layers = [(784, 512), (512, 40), (20, 512), (512, 784)]
    forward = [(batch_size, inputs, outputs) for inputs, outputs in layers]
    weights = [(inputs, batch_size, outputs) for inputs, outputs in layers]
    return forward + weights + [(batch_size, outputs, inputs) for inputs, outputs in layers[1:]]


def product_step(batch_size: int) -> Callable[[], float]:
    """Returns a function that times a step's matrix products in XLA: seconds per step."""
    import jax
    import jax.numpy as jnp

    factors = [(jnp.ones((m, k)), jnp.ones((k, n))) for m, k, n in products(batch_size)]
    multiply = jax.jit(lambda factors: [a @ b for a, b in factors])

    def timing() -> float:
        started = time.perf_counter()
        for _ in range(STEPS.value):
            done = multiply(factors)
        jax.block_until_ready(done)
        return (time.perf_counter() - started) / STEPS.value

    timing()
    return timing


def torch_steps(batch_size: int) -> dict[str, Callable[[], float]]:
    """Timings of the same model and optimizer in PyTorch, eager and compiled; {} if PyTorch is not installed."""
    try:
        import torch  # pyright: ignore[reportMissingImports]
    except ImportError:
        print("PyTorch is not installed, so there is nothing to compare with (pip install torch)")
        return {}
    nn, functional = torch.nn, torch.nn.functional
    torch.set_num_threads(environment.cores())

    class VAE(nn.Module):
        def __init__(self):
            super().__init__()
            self.hidden, self.mean, self.log_sigma = nn.Linear(784, 512), nn.Linear(512, 20), nn.Linear(512, 20)
            self.decoder = nn.Sequential(nn.Linear(20, 512), nn.ReLU(), nn.Linear(512, 784))

        def forward(self, x):
            hidden = functional.relu(self.hidden(x))
            mean, log_sigma = self.mean(hidden), self.log_sigma(hidden)
            logits = self.decoder(mean + log_sigma.exp() * torch.randn_like(mean))
            reconstruction = functional.binary_cross_entropy_with_logits(logits, x, reduction="sum")
            return (reconstruction + 0.5 * (mean**2 + (2 * log_sigma).exp() - 2 * log_sigma - 1).sum()) / len(x)

    x = torch.rand(ROWS, 784)

    def make(compiled: bool) -> Callable[[], float]:
        model = VAE()
        loss = torch.compile(model) if compiled else model
        optimizer = torch.optim.Adam(model.parameters(), 1e-3, fused=True)

        def timing() -> float:
            order = torch.randperm(ROWS)
            started = time.perf_counter()
            for step in range(STEPS.value):
                first = step * batch_size % (ROWS - batch_size)
                optimizer.zero_grad()
                loss(x[order[first : first + batch_size]]).backward()
                optimizer.step()
            return (time.perf_counter() - started) / STEPS.value

        timing()
        return timing

    factors = [(torch.ones(m, k), torch.ones(k, n)) for m, k, n in products(batch_size)]

    def multiply() -> float:
        started = time.perf_counter()
        for _ in range(STEPS.value):
            for a, b in factors:
                a @ b
        return (time.perf_counter() - started) / STEPS.value

    return {
        "PyTorch eager, fused Adam": make(False),
        "PyTorch compiled, fused Adam": make(True),
        "PyTorch's products alone": multiply,
    }


if __name__ == "__main__":
    launch(main)
