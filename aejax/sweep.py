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

    The carry is updated in place (a `lax.map` would hold a second copy of it), so jit the result with its donation.
    """

    def take(tree, block):
        if lanes == 1:
            return jax.tree.map(lambda a: lax.dynamic_index_in_dim(a, block, keepdims=False), tree)
        return jax.tree.map(lambda a: lax.dynamic_slice_in_dim(a, block * lanes, lanes), tree)

    def put(whole, part, block):
        if lanes == 1:
            return lax.dynamic_update_index_in_dim(whole, part, block, 0)
        return lax.dynamic_update_slice_in_dim(whole, part, block * lanes, 0)

    def local(carry, members, *shared):
        apply = fn if lanes == 1 else jax.vmap(fn, in_axes=(0, 0) + (None,) * len(shared))

        def body(carry, block):
            part, output = apply(take(carry, block), take(members, block), *shared)
            return jax.tree.map(lambda whole, part: put(whole, part, block), carry, part), output

        blocks = jax.tree.leaves(members)[0].shape[0] // lanes
        carry, outputs = lax.scan(body, carry, jnp.arange(blocks))
        return carry, (outputs if lanes == 1 else jax.tree.map(lambda a: a.reshape(-1, *a.shape[2:]), outputs))

    def mapped(carry, members, *shared):
        specs = (P("sweep"), P("sweep")) + (P(),) * len(shared)
        return jax.shard_map(local, mesh=mesh, in_specs=specs, out_specs=P("sweep"), check_vma=False)(
            carry, members, *shared
        )

    return mapped


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
