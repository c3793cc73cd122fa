"""The floor of a step: its matrix products at the best library's rate, and Adam's memory traffic at that of a copy.

No exact float32 step of these layers can be faster on this machine, unless its state stays in a faster cache than the
copy's. The work is the products of a step, or the bytes that Adam moves in a step.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial

from experiments.timings import Contenders, Run, best, torch_steps

Layers = Sequence[tuple[int, int]]  # inputs and outputs of each dense layer

LAYERS: Layers = ((784, 512), (512, 40), (20, 512), (512, 784))
ADAM_BYTES = 28  # for each float32 parameter: reads it, its gradient and two moments; writes all but the gradient
PRODUCTS = ("XLA's products alone", "PyTorch's products alone")
COPIES = ("XLA's copy of a state", "PyTorch's copy of a state")
FLOOR = "the floor"
NAMES = (*PRODUCTS, *COPIES, FLOOR)


def products(batch_size: int, layers: Layers = LAYERS) -> list[tuple[int, int, int]]:
    """(rows, inner, columns) of a step's matrix products: forward, weight gradients, input gradients except for x."""
    forward = [(batch_size, inputs, outputs) for inputs, outputs in layers]
    weights = [(inputs, batch_size, outputs) for inputs, outputs in layers]
    return forward + weights + [(batch_size, outputs, inputs) for inputs, outputs in layers[1:]]


def flops(batch_size: int, layers: Layers = LAYERS) -> int:
    """The multiplications and additions of a step's matrix products."""
    return sum(2 * rows * inner * columns for rows, inner, columns in products(batch_size, layers))


def update_bytes(layers: Layers = LAYERS) -> int:
    """The bytes that Adam reads and writes in a step."""
    return ADAM_BYTES * sum((inputs + 1) * outputs for inputs, outputs in layers)


def floor(batch_size: int, flop_rate: float, byte_rate: float, layers: Layers = LAYERS) -> float:
    """The least seconds of a step, at these rates per second."""
    return flops(batch_size, layers) / flop_rate + update_bytes(layers) / byte_rate


def floors(batch_size: int, seconds: dict[str, list[float]]) -> list[float]:
    """The floor in every round (seconds), at the rates of the libraries that are best over all rounds."""
    multiplied, copied = best(seconds, PRODUCTS), best(seconds, COPIES)
    assert multiplied and copied
    return [
        floor(batch_size, flops(batch_size) / product, update_bytes() / copy)
        for product, copy in zip(multiplied, copied, strict=True)
    ]


def contenders(batch_size: int) -> Contenders:
    """Products and copies in XLA, and in PyTorch if it is installed."""
    xla = {PRODUCTS[0]: partial(multiply_xla, batch_size), COPIES[0]: copy_xla}
    torch = {PRODUCTS[1]: partial(multiply_torch, batch_size), COPIES[1]: copy_torch}
    return xla | (torch if torch_steps.is_installed() else {})


@contextmanager
def multiply_xla(batch_size: int) -> Iterator[Run]:
    """A step's matrix products in one XLA program."""
    import jax
    import jax.numpy as jnp

    factors = [(jnp.ones((m, k)), jnp.ones((k, n))) for m, k, n in products(batch_size)]
    multiply = jax.jit(lambda factors: [a @ b for a, b in factors])

    def run(steps: int) -> int:
        for _ in range(steps):
            jax.block_until_ready(multiply(factors))
        return steps

    yield run


@contextmanager
def copy_xla() -> Iterator[Run]:
    """Reads and writes half of Adam's bytes each, in place; changes the sign, since XLA would elide a mere copy."""
    import jax
    import jax.numpy as jnp

    values = jnp.ones(update_bytes() // 8)
    negate = jax.jit(jnp.negative, donate_argnums=0)

    def run(steps: int) -> int:
        nonlocal values
        for _ in range(steps):
            values = negate(values)
        values.block_until_ready()
        return steps

    yield run


@contextmanager
def multiply_torch(batch_size: int) -> Iterator[Run]:
    """A step's matrix products in PyTorch, into memory that is reused."""
    import torch  # pyright: ignore[reportMissingImports]

    torch_steps.load()
    factors = [(torch.ones(m, k), torch.ones(k, n), torch.empty(m, n)) for m, k, n in products(batch_size)]

    def run(steps: int) -> int:
        for _ in range(steps):
            for a, b, product in factors:
                torch.mm(a, b, out=product)
        return steps

    yield run


@contextmanager
def copy_torch() -> Iterator[Run]:
    """Reads and writes half of Adam's bytes each."""
    import torch  # pyright: ignore[reportMissingImports]

    torch_steps.load()
    source = torch.ones(update_bytes() // 8)
    target = torch.empty_like(source)

    def run(steps: int) -> int:
        for _ in range(steps):
            target.copy_(source)
        return steps

    yield run
