"""Training steps of the same VAE in PyTorch, each in its best setting; the work is member-steps.

- eager and compiled: one member, autograd and fused Adam;
- torch.func: members stacked, and the whole step (vmap of the gradient, and Adam) is one compiled function;
- a process per member: each has one thread and one member's torch.func step; as many at a time as there are cores.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import cache, partial
from importlib.util import find_spec
from typing import Any

from aejax.engine import environment
from experiments.timings import ROWS, Contenders, Run, alone, label, rows

ONE_THREAD = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


def is_installed() -> bool:
    """Whether PyTorch can be imported."""
    return find_spec("torch") is not None


def describe() -> dict[str, Any] | None:
    """PyTorch's version and threads; None without PyTorch."""
    if not is_installed():
        return None
    import torch  # pyright: ignore[reportMissingImports]

    return {"version": torch.__version__, "threads": torch.get_num_threads()}


def steps(batch_size: int, members: Sequence[int]) -> Contenders:
    """Eager and compiled with one member, and the ways to train several; {} without PyTorch."""
    if not is_installed():
        return {}
    apart = sorted({min(number, environment.cores()) for number in members} - {1})
    return {
        label("PyTorch eager", 1): partial(train, batch_size, compiled=False),
        label("PyTorch compiled", 1): partial(train, batch_size, compiled=True),
        **{
            label("PyTorch torch.func", number): partial(train_stacked, batch_size, number)
            for number in sorted({1, *members})
        },
        **{f"PyTorch, {number} processes": partial(train_apart, batch_size, number) for number in apart},
    }


@cache
def load() -> Any:
    """The rows as a tensor; sets the threads: those of XLA, unless OMP_NUM_THREADS says otherwise."""
    import torch  # pyright: ignore[reportMissingImports]
    import torch._dynamo  # pyright: ignore[reportMissingImports]

    torch._dynamo.config.fail_on_recompile_limit_hit = True  # by default, it goes on uncompiled

    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS") or os.environ.get("NPROC") or environment.cores()))
    return torch.from_numpy(rows())


def batches(batch_size: int) -> Iterator[Any]:
    """The row numbers of one batch after another; a new order for every epoch."""
    import torch  # pyright: ignore[reportMissingImports]

    while True:
        order = torch.randperm(ROWS)
        for first in range(0, ROWS - batch_size + 1, batch_size):
            yield order[first : first + batch_size]


@contextmanager
def train(batch_size: int, compiled: bool) -> Iterator[Run]:
    """One member with autograd and fused Adam."""
    import torch  # pyright: ignore[reportMissingImports]

    from experiments.timings.torch_vae import VAE

    x, order, model = load(), batches(batch_size), VAE()
    # Without dynamic=False, a second batch size would share one program with all further ones.
    loss = torch.compile(model, dynamic=False) if compiled else model
    optimizer = torch.optim.Adam(model.parameters(), 1e-3, fused=True)

    def run(steps: int) -> int:
        for _ in range(steps):
            optimizer.zero_grad()
            loss(x[next(order)], torch.randn(batch_size, 20)).backward()
            optimizer.step()
        return steps

    yield run


@contextmanager
def train_stacked(batch_size: int, num_members: int) -> Iterator[Run]:
    """Members as one compiled function of stacked parameters: gradients by vmap, and Adam."""
    import torch  # pyright: ignore[reportMissingImports]
    from torch.func import functional_call, grad, stack_module_state, vmap  # pyright: ignore[reportMissingImports]

    from experiments.timings.torch_vae import VAE, adam

    x, orders, model = load(), [batches(batch_size) for _ in range(num_members)], VAE()
    stacked, _ = stack_module_state([VAE() for _ in range(num_members)])
    params = {name: values.detach() for name, values in stacked.items()}
    first, second = ({name: torch.zeros_like(values) for name, values in params.items()} for _ in range(2))
    gradients = vmap(grad(lambda params, *batch: functional_call(model, params, batch)))
    powers = torch.ones(2)  # as numbers, they would be compiled in

    def step(x, epsilon):
        adam(params, first, second, powers, gradients(params, x, epsilon))

    compiled = torch.compile(step, dynamic=False)

    def run(steps: int) -> int:
        for _ in range(steps):
            chosen = torch.stack([next(order) for order in orders])
            compiled(x[chosen], torch.randn(num_members, batch_size, 20))
        return steps * num_members

    yield run
    torch.compiler.reset()  # all batch sizes share the code of `step`, and a code has at most eight programs


def train_apart(batch_size: int, number: int) -> AbstractContextManager[Run]:
    """Processes that train at the same time, one member and one thread each: one wave of a larger sweep."""
    return alone.together([alone.command(label("PyTorch torch.func", 1), batch_size)] * number, ONE_THREAD)
