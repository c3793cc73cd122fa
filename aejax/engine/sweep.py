"""Maps functions of one member over all members and devices; no other module does.

Members are the leading axis, padded to whole blocks of `lanes` members on every device of the mesh axis "sweep". A
device loops over its blocks and vmaps over the lanes of a block. Blocks of one lane are not vmapped, so a member has
the same bits alone and in a sweep.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.sharding import AxisType, Mesh, NamedSharding
from jax.sharding import PartitionSpec as P

from aejax.data import sparse


def make_mesh(num_members: int) -> Mesh:
    """A mesh of all devices, but at most one per member."""
    devices = jax.devices()[: min(num_members, jax.device_count())]
    return jax.make_mesh((len(devices),), ("sweep",), devices=devices, axis_types=(AxisType.Auto,))


def over_members(fn: Callable, mesh: Mesh, lanes: int) -> Callable:
    """Maps fn(carry, member, *shared) -> (carry, output), a function of one member, over the leading axis of both.

    Returns mapped(num_blocks, carry, members, *shared). `num_blocks`, from `blocks_per_device`, is an argument: XLA
    unrolls a loop whose length is known to be one, so a member alone would get other bits than in a sweep. Carry and
    outputs are updated in place (`lax.map` would hold a second copy), so donate the carry when you jit it.
    """

    def take(tree, block):
        if lanes == 1:
            return jax.tree.map(lambda a: lax.dynamic_index_in_dim(a, block, keepdims=False), tree)
        return jax.tree.map(lambda a: lax.dynamic_slice_in_dim(a, block * lanes, lanes), tree)

    def put(wholes, parts, block):
        if lanes == 1:
            return jax.tree.map(lambda a, b: lax.dynamic_update_index_in_dim(a, b, block, 0), wholes, parts)
        return jax.tree.map(lambda a, b: lax.dynamic_update_slice_in_dim(a, b, block * lanes, 0), wholes, parts)

    def local(num_blocks, carry, members, *shared):
        apply = fn if lanes == 1 else jax.vmap(fn, in_axes=(0, 0) + (None,) * len(shared))
        num_members = jax.tree.leaves(members)[0].shape[0]

        def body(block, whole):
            part = apply(take(whole[0], block), take(members, block), *shared)
            return put(whole, part, block)

        _, output = jax.eval_shape(lambda *trees: apply(*trees, *shared), take(carry, 0), take(members, 0))
        outputs = jax.tree.map(lambda a: jnp.zeros((num_members, *a.shape[lanes > 1 :]), a.dtype), output)
        return lax.fori_loop(0, num_blocks, body, (carry, outputs))

    def mapped(num_blocks, carry, members, *shared):
        specs = (P(), P("sweep"), P("sweep")) + (P(),) * len(shared)
        return jax.shard_map(local, mesh=mesh, in_specs=specs, out_specs=P("sweep"), check_vma=False)(
            num_blocks, carry, members, *shared
        )

    return mapped


def blocks_per_device(members: Any, mesh: Mesh, lanes: int) -> np.int32:
    """The number of blocks per device, for padded members."""
    return np.int32(len(jax.tree.leaves(members)[0]) // mesh.size // lanes)


def pad(tree: Any, mesh: Mesh, lanes: int) -> Any:
    """Puts numpy members [M, ...] on the devices, padded with copies of the last member to whole blocks on each."""
    block = mesh.size * lanes

    def place(leaf):
        missing = -len(leaf) % block
        return jax.device_put(
            np.concatenate([leaf, np.repeat(leaf[-1:], missing, axis=0)]), NamedSharding(mesh, P("sweep"))
        )

    return jax.tree.map(place, tree)


def placed(shapes: Any, mesh: Mesh) -> Any:
    """The shapes of padded members [M, ...] that lie on the devices as `pad` puts them."""
    sharding = NamedSharding(mesh, P("sweep"))
    return jax.tree.map(lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=sharding), shapes)


def unpad(tree: Any, num_members: int) -> Any:
    """Device arrays as numpy, without the padding."""
    return jax.tree.map(lambda leaf: np.asarray(leaf)[:num_members], tree)


def replicate(tree: Any, mesh: Mesh) -> Any:
    """Copies numpy arrays to every device of the mesh; sparse rows become dense here."""
    return jax.device_put(jax.tree.map(sparse.dense, tree), NamedSharding(mesh, P()))
