"""−log p(x) by importance sampling, as `evaluate --num_samples` computes it; the work is rows × samples.

PyTorch does the same: as many codes at a time, running sums of w and w², but it encodes a row only once.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from experiments.timings import Contenders, Run, aejax_steps, label, torch_steps

ROWS, SAMPLES, CHUNK = 1000, 40, 2  # CHUNK samples of each row are decoded at once: log_likelihood.chunk_size


def contenders() -> Contenders:
    """aejax, and PyTorch if it is installed."""
    torch = {
        label("PyTorch eager", 1): partial(evaluate_torch, compiled=False),
        label("PyTorch compiled", 1): partial(evaluate_torch, compiled=True),
    }
    return {label("aejax", 1): evaluate_aejax, **(torch if torch_steps.is_installed() else {})}


@contextmanager
def evaluate_aejax() -> Iterator[Run]:
    """The compiled program of an evaluation, without its other metrics."""
    import jax
    import numpy as np

    from aejax.engine import programs, sweep, train
    from aejax.metrics import log_likelihood

    group = aejax_steps.make_group(128, 1, {"evaluate.batch_size": ROWS})
    mesh = sweep.make_mesh(1)
    start = jax.jit(jax.vmap(lambda hp: train.init_state(group.task, hp, {})))
    state = sweep.pad(jax.tree.map(np.asarray, start(programs.hparams(group.members))), mesh, 1)
    rows = sweep.replicate(group.dataset.test, mesh)
    measure = partial(log_likelihood.measure, num_samples=SAMPLES)
    evaluate = programs.compile_evaluate(group, mesh, 1, state, rows, measure)

    def run(steps: int) -> int:
        for _ in range(steps):
            jax.block_until_ready(evaluate(state))
        return steps * ROWS * SAMPLES

    yield run


@contextmanager
def evaluate_torch(compiled: bool) -> Iterator[Run]:
    """The same sums in PyTorch, without gradients."""
    import torch  # pyright: ignore[reportMissingImports]

    from experiments.timings import torch_vae

    model, rows = torch_vae.VAE(), torch_steps.load()[:ROWS]

    def weigh(sums, *arguments):
        return torch_vae.add(sums, torch_vae.log_weights(model, *arguments))

    add = torch.compile(weigh, dynamic=False) if compiled else weigh

    def run(steps: int) -> int:
        with torch.inference_mode():
            for _ in range(steps):
                x = rows / 255
                moments = model.encoder(x).chunk(2, dim=-1)
                sums = torch.full((ROWS,), -torch.inf), torch.zeros(ROWS), torch.zeros(ROWS)
                for _ in range(SAMPLES // CHUNK):
                    sums = add(sums, x, *moments, torch.randn(CHUNK, ROWS, 20))
                torch_vae.log_mean(sums, SAMPLES).mean().item()
        return steps * ROWS * SAMPLES

    yield run
