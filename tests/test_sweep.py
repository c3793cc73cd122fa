"""A member depends only on its config and seed: the same bits alone, in a sweep, and on any number of devices."""

import hashlib
import json
import os
import subprocess
import sys

import jax
import numpy as np
import pytest

from aejax.engine import programs, sweep
from aejax.plan import Axis, Plan
from configs import sparse_l1
from tests.conftest import ROOT, small_config

pytestmark = pytest.mark.bits

SETTINGS = [(beta, seed) for beta in (1.0, 4.0) for seed in range(4)]  # eight members
STEPS = 25  # crosses the ends of two epochs of ten steps


def make_plan(config, settings, *others):
    """One member of every λ and seed; other axes are as long as the settings."""
    weight = "objective.beta" if config.model.name == "vae" else "objective.sparsity"
    weights, seeds = zip(*settings, strict=True)
    return Plan.make(config, [Axis(weight, weights), Axis("seed", seeds), *others], zip=True)


def train(config, settings, lanes=1, stops=(STEPS,), is_first=False):
    """The trained states [M, ...] and validation metrics [M] of some members, in chunks that end at `stops`.

    Each chunk draws the order of its epoch anew, as a process does that resumes there, if it `is_first`.
    """
    [group] = programs.make_groups(make_plan(config, settings))
    compiled = programs.compile_group(group, lanes)
    carry, step = (compiled.state, compiled.zero_totals(), compiled.order), 0
    for stop in stops:
        carry, step = compiled.train(carry, step, stop, is_first or step == 0), stop
        if compiled.evaluate and config.train.patience and stop < STEPS:
            carry = compiled.select(carry[0], compiled.evaluate(carry[0])["loss"]), *carry[1:]
    metrics = compiled.evaluate(carry[0]) if compiled.evaluate else {}
    return sweep.unpad((carry[0]._replace(kept=()), *carry[1:]), len(settings)), sweep.unpad(metrics, len(settings))


def digests(result):
    """One sha256 per member, over its state, totals and metrics."""
    leaves = jax.tree.leaves(result)
    return [
        hashlib.sha256(b"".join(leaf[lane].tobytes() for leaf in leaves)).hexdigest() for lane in range(len(leaves[0]))
    ]


def mesh_of(num_devices):
    """A mesh of the first devices."""
    devices = jax.devices()[:num_devices]
    return jax.make_mesh((len(devices),), ("sweep",), devices=devices, axis_types=(sweep.AxisType.Auto,))


def report_digests(num_devices):
    """Prints the digests of sweeps of 1 to 8 members; run in its own process with forced devices."""
    vae, patient, bare, sparse = *(small_config() for _ in range(3)), sparse_l1.get_config()
    patient.train.patience, bare.data.valid_fraction, sparse.data.valid_fraction = 2, 0.0, 0.0
    sparse.model.latent_dim, sparse.train.batch_size, sparse.train.epochs = 512, 256, 8
    assert jax.device_count() == num_devices
    found = {}
    for name, config, precision, devices, counts, stops in (
        ("vae", vae, "float32", 1, (8, 1), (STEPS,)),
        ("vae", vae, "float32", 2, (5,), (STEPS,)),
        ("vae", patient, "float32", 2, (3,), (10, STEPS)),  # selects after an epoch; no member stops so soon
        ("vae in bf16", bare, "bf16", 1, (2, 1), (STEPS,)),
        ("sparse_autoencoder", sparse, "float32", 1, (3,), (STEPS,)),
        ("sparse_autoencoder", sparse, "float32", 2, (2,), (STEPS,)),  # other bits in one program for both devices
    ):
        config.train.precision = precision
        sweep.make_mesh = lambda num_members, devices=devices: mesh_of(devices)
        for count in counts:
            key = f"{name}, {count} members on {devices}, patience {config.train.patience}"
            found[key] = digests(train(config, SETTINGS[:count], stops=stops))
    print(json.dumps(found))


def test_a_member_alone_is_the_member_in_a_sweep_on_any_number_of_devices():
    script = "from tests.test_sweep import report_digests; report_digests(2)"
    # Without the compilation cache, as for users; under `make test` the other tests share one.
    environment = {key: value for key, value in os.environ.items() if key != "JAX_COMPILATION_CACHE_DIR"}
    environment |= {"NPROC": "2", "JAX_NUM_CPU_DEVICES": "2", "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    references = {}
    for name, members in found.items():  # the first of each is the largest
        references.setdefault(name.partition(",")[0], members)
    assert len({digest for members in references.values() for digest in members}) == 8 + 2 + 3  # λ and seed matter
    for name, members in found.items():
        assert members == references[name.partition(",")[0]][: len(members)], name


@pytest.fixture(scope="module")
def lanes_of_four():
    config = small_config()
    return config, train(config, SETTINGS, lanes=4)


def test_with_lanes_a_member_does_not_depend_on_neighbors_order_or_number(lanes_of_four):
    config, result = lanes_of_four
    reference = dict(zip(SETTINGS, digests(result), strict=True))
    shuffled = [SETTINGS[i] for i in (5, 0, 7, 2, 3)]
    assert digests(train(config, shuffled, lanes=4)) == [reference[setting] for setting in shuffled]


def test_with_lanes_the_elbo_is_that_of_one_lane(lanes_of_four):
    config, (_, metrics) = lanes_of_four
    _, alone = train(config, SETTINGS)
    np.testing.assert_allclose(metrics["elbo"], alone["elbo"], rtol=1e-4)


def test_chunks_do_not_change_bits(small):
    whole = train(small, SETTINGS[:2])
    for is_first in (False, True):
        chunked = train(small, SETTINGS[:2], stops=(1, 2, 9, 13, 21, STEPS), is_first=is_first)
        assert digests(whole) == digests(chunked)


def test_a_diverged_member_leaves_its_neighbors_alone(small):
    small.data.valid_fraction = 0.0

    def states(rates, lanes):
        plan = make_plan(small, SETTINGS[: len(rates)], Axis("optimizer.learning_rate", tuple(rates)))
        [group] = programs.make_groups(plan)
        compiled = programs.compile_group(group, lanes)
        carry = (compiled.state, compiled.zero_totals(), compiled.order)
        return sweep.unpad(compiled.train(carry, 0, STEPS, True), len(rates))

    for lanes in (1, 4):
        healthy, mixed = states([1e-3, 1e-3, 1e-3], lanes), states([1e-3, 1e30, 1e-3], lanes)
        assert mixed[0].diverged.tolist()[0::2] == [-1, -1] and mixed[0].diverged[1] >= 1
        assert np.isnan(mixed[1]["elbo"][1])
        assert digests(mixed)[0::2] == digests(healthy)[0::2]


def test_fit_lanes_fills_the_memory_but_never_exceeds_the_members():
    assert programs.fit_lanes(free=100.0, state=2, temporary=8, members=16) == 6  # (100 - 32) // 10
    assert programs.fit_lanes(free=1e9, state=2, temporary=8, members=16) == 16
    assert programs.fit_lanes(free=0.0, state=2, temporary=8, members=16) == 1
