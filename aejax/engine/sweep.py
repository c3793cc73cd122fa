"""Maps functions of one member over all members and devices; no other module does.

Members are the leading axis, padded to whole blocks of `lanes` members on every device of the mesh axis "sweep". Each
device loops over its blocks and vmaps over the lanes of a block. A member has the same bits alone and in a sweep, for
two reasons: blocks of one lane are not vmapped, and each device runs a program of its own. (XLA partitions one program
for several devices, and compiles other fusions when it does.)
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.sharding import AxisType, Mesh, NamedSharding, SingleDeviceSharding
from jax.sharding import PartitionSpec as P

from aejax.data import sparse


def make_mesh(num_members: int) -> Mesh:
    """A mesh of all devices, but at most one per member."""
    devices = jax.devices()[: min(num_members, jax.device_count())]
    return jax.make_mesh((len(devices),), ("sweep",), devices=devices, axis_types=(AxisType.Auto,))


class Mapped:
    """A function of one member, fn(carry, member, *shared) -> (carry, output), compiled for all members and devices.

    The carry and the members are padded, shared arrays replicated; to compile, their shapes are enough. Threads compile
    a program for each device while the caller goes on; the first call waits for them. A call donates the carry.
    """

    def __init__(self, mesh: Mesh, lanes: int, fn: Callable, *arguments: Any, options: Any = None) -> None:
        self.mesh = mesh
        self.num_blocks = np.int32(len(jax.tree.leaves(arguments[1])[0]) // mesh.size // lanes)
        program = jax.jit(over_blocks(fn, lanes), donate_argnums=1)
        lowered = [program.lower(self.num_blocks, *on_device(arguments, mesh, number)) for number in range(mesh.size)]
        pool = ThreadPoolExecutor(mesh.size)
        self.programs = [pool.submit(one.compile, options) for one in lowered]
        pool.shutdown(wait=False)
        self.out_info = whole(lowered[0].out_info, mesh)

    def __call__(self, *arguments: Any) -> Any:
        parts = [on_device(arguments, self.mesh, number) for number in range(self.mesh.size)]
        results = [one.result()(self.num_blocks, *part) for one, part in zip(self.programs, parts, strict=True)]
        shapes = whole(results[0], self.mesh)
        return jax.tree.map(
            lambda like, *parts: jax.make_array_from_single_device_arrays(like.shape, like.sharding, parts),
            shapes,
            *results,
        )


def over_blocks(fn: Callable, lanes: int) -> Callable:
    """Maps fn(carry, member, *shared) -> (carry, output), a function of one member, over the leading axis of both.

    Returns mapped(num_blocks, carry, members, *shared). `num_blocks` is an argument: XLA unrolls a loop whose length is
    known to be one, so a member alone would get other bits than in a sweep. Carry and outputs are updated in place
    (`lax.map` would hold a second copy), so donate the carry when you jit it.
    """

    def take(tree, block):
        if lanes == 1:
            return jax.tree.map(lambda a: lax.dynamic_index_in_dim(a, block, keepdims=False), tree)
        return jax.tree.map(lambda a: lax.dynamic_slice_in_dim(a, block * lanes, lanes), tree)

    def put(wholes, parts, block):
        if lanes == 1:
            return jax.tree.map(lambda a, b: lax.dynamic_update_index_in_dim(a, b, block, 0), wholes, parts)
        return jax.tree.map(lambda a, b: lax.dynamic_update_slice_in_dim(a, b, block * lanes, 0), wholes, parts)

    def mapped(num_blocks, carry, members, *shared):
        apply = fn if lanes == 1 else jax.vmap(fn, in_axes=(0, 0) + (None,) * len(shared))
        num_members = jax.tree.leaves(members)[0].shape[0]

        def body(block, whole):
            part = apply(take(whole[0], block), take(members, block), *shared)
            return put(whole, part, block)

        _, output = jax.eval_shape(lambda *trees: apply(*trees, *shared), take(carry, 0), take(members, 0))
        outputs = jax.tree.map(lambda a: jnp.zeros((num_members, *a.shape[lanes > 1 :]), a.dtype), output)
        return lax.fori_loop(0, num_blocks, body, (carry, outputs))

    mapped.__name__ = fn.__name__  # the program's name in profiles and in the compilation cache
    return mapped


def on_device(tree: Any, mesh: Mesh, number: int) -> Any:
    """The part of each array, or the shape of the part, on the `number`-th device of the mesh; numpy scalars stay."""
    device = mesh.devices[number]

    def part(leaf):
        if isinstance(leaf, jax.ShapeDtypeStruct):
            shape = leaf.sharding.shard_shape(leaf.shape)
            return jax.ShapeDtypeStruct(shape, leaf.dtype, sharding=SingleDeviceSharding(device))
        if isinstance(leaf, jax.Array):
            return next(shard.data for shard in leaf.addressable_shards if shard.device == device)
        return leaf

    return jax.tree.map(part, tree)


def whole(parts: Any, mesh: Mesh) -> Any:
    """The shapes of padded members [M, ...] of which every device holds a part of these shapes."""
    sharding = NamedSharding(mesh, P("sweep"))
    return jax.tree.map(
        lambda leaf: jax.ShapeDtypeStruct((mesh.size * leaf.shape[0], *leaf.shape[1:]), leaf.dtype, sharding=sharding),
        parts,
    )


def pad(tree: Any, mesh: Mesh, lanes: int) -> Any:
    """Puts numpy members [M, ...] on the devices, padded with copies of the last member to whole blocks on each."""
    block = mesh.size * lanes

    def place(leaf):
        missing = -len(leaf) % block
        return jax.device_put(
            np.concatenate([leaf, np.repeat(leaf[-1:], missing, axis=0)]), NamedSharding(mesh, P("sweep"))
        )

    return jax.tree.map(place, tree)


def unpad(tree: Any, num_members: int) -> Any:
    """Device arrays as numpy, without the padding."""
    return jax.tree.map(lambda leaf: np.asarray(leaf)[:num_members], tree)


def replicate(tree: Any, mesh: Mesh) -> Any:
    """Copies numpy arrays to every device of the mesh; sparse rows become dense here."""
    return jax.device_put(jax.tree.map(sparse.dense, tree), NamedSharding(mesh, P()))
