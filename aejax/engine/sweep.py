"""Members to devices: the only map over members.

Members lie along a leading axis, padded to whole blocks of `lanes` on every device of the mesh axis "sweep". A device
takes its blocks one after another; a block of several lanes is a vmap. Blocks of one lane are not vmapped, so a member
has the same bits alone and among others.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.sharding import AxisType, Mesh, NamedSharding
from jax.sharding import PartitionSpec as P


def make_mesh(num_members: int) -> Mesh:
    """As many devices as there are, but not more than members."""
    devices = jax.devices()[: min(num_members, jax.device_count())]
    return jax.make_mesh((len(devices),), ("sweep",), devices=devices, axis_types=(AxisType.Auto,))


def over_members(fn: Callable, mesh: Mesh, lanes: int) -> Callable:
    """fn(carry, member, *shared) -> (carry, output), for one member, over the leading axis of carry and member.

    Returns mapped(num_blocks, carry, members, *shared), with `num_blocks` from `blocks_per_device`: an argument, since
    XLA unrolls a loop of known length one, and a member alone would have other bits than in a sweep. Carry and outputs
    are updated in place (a `lax.map` would hold a second copy), so jit with the carry's donation.
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
    """How many blocks each device takes of padded members."""
    return np.int32(len(jax.tree.leaves(members)[0]) // mesh.size // lanes)


def pad(tree: Any, mesh: Mesh, lanes: int) -> Any:
    """Numpy members [M, ...] to device arrays, padded with copies of the last to whole blocks on every device."""
    block = mesh.size * lanes

    def place(leaf):
        missing = -len(leaf) % block
        return jax.device_put(
            np.concatenate([leaf, np.repeat(leaf[-1:], missing, axis=0)]), NamedSharding(mesh, P("sweep"))
        )

    return jax.tree.map(place, tree)


def unpad(tree: Any, num_members: int) -> Any:
    """Device arrays to numpy, the real members only."""
    return jax.tree.map(lambda leaf: np.asarray(leaf)[:num_members], tree)


def replicate(tree: Any, mesh: Mesh) -> Any:
    """Numpy arrays to every device of the mesh."""
    return jax.device_put(tree, NamedSharding(mesh, P()))
