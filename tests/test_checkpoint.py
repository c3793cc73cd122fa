"""Sealed checkpoints: a restored state equals the saved one; damaged steps are named and skipped."""

import json
import os
import re
import shutil
import threading
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
import orbax.checkpoint as ocp
import pytest

from aejax import records
from aejax.engine import checkpoint
from aejax.errors import UserError
from aejax.types import TrainState

FACTS = {"diverged": [-1, 7]}


def state(step):
    """Two members' state with optax's nested tuples, every kind of dtype and an empty tree."""
    rng = np.random.default_rng(step)
    params = {
        "encoder": {"w": rng.normal(size=(2, 30, 4)).astype(np.float32)},
        "b": rng.normal(size=2).astype(np.float32),
    }
    stats = {
        "half": jnp.asarray(rng.normal(size=(2, 5)), jnp.bfloat16),
        "f16": rng.normal(size=(2, 1)).astype(np.float16),
        "mask": rng.integers(0, 2, (2, 3)).astype(bool),
        "bytes": rng.integers(0, 255, (2, 3)).astype(np.uint8),
        "odd": np.array([[np.nan, -0.0], [np.inf, 1e-45]], np.float32),
        "empty": (),
    }
    opt_state = jax.vmap(optax.adam(1e-3).init)(jax.tree.map(jnp.asarray, params))
    state = TrainState(jnp.full(2, step, jnp.int32), jnp.array([-1, 7], jnp.int32), params, stats, opt_state)
    return jax.tree.map(np.asarray, state)


def shapes(tree):
    return jax.tree.map(lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype), tree)


def assert_same_bits(one, other):
    assert jax.tree.structure(one) == jax.tree.structure(other)
    for a, b in zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True):
        assert (a.dtype, a.shape, a.tobytes()) == (b.dtype, b.shape, b.tobytes())


def save(directory, *steps):
    with checkpoint.saver(directory) as write:
        for step in steps:
            write(step, state(step), FACTS)


def newest(directory):
    """The newest undamaged step, and the messages about damaged ones."""
    said = []
    found = checkpoint.newest(directory, said.append)
    return found and found[0], said


def flip(path, rng):
    """Flips one bit at a random place; an empty file gets a byte."""
    content = bytearray(path.read_bytes())
    if content:
        content[rng.integers(len(content))] ^= 1 << rng.integers(8)
    path.write_bytes(bytes(content) or b"\0")


@pytest.fixture(scope="module")
def two_steps(tmp_path_factory):
    """A directory with steps 10 and 20, to be copied."""
    directory = tmp_path_factory.mktemp("sealed")
    save(directory, 10, 20)
    return directory


@pytest.fixture
def saved(two_steps, tmp_path):
    return Path(shutil.copytree(two_steps, tmp_path / "checkpoints"))


def test_a_state_comes_back_to_the_bit_with_its_facts(saved):
    step, seal = checkpoint.newest(saved, pytest.fail) or pytest.fail("nothing found")
    assert step == seal["step"] == 20
    assert {key: seal[key] for key in FACTS} == FACTS
    for step in (10, 20):
        assert_same_bits(checkpoint.restore(saved, step, shapes(state(step))), state(step))


def test_an_empty_directory_has_no_step(tmp_path):
    assert newest(tmp_path) == (None, [])
    assert newest(tmp_path / "missing") == (None, [])


def test_a_flipped_bit_in_any_file_is_named_and_the_step_before_is_used(saved):
    """Flips single random bits in every file of the step, including the seal."""
    rng, files = np.random.default_rng(0), sorted(path for path in (saved / "20").rglob("*") if path.is_file())
    assert len(files) > 5 and saved / "20" / "seal.json" in files
    for path in files:
        whole = path.read_bytes()
        for _ in range(8):
            flip(path, rng)
            step, (warning,) = newest(saved)
            assert step == 10
            assert warning.startswith("damaged checkpoint: ") and str(path) in warning and "\n" not in warning
            path.write_bytes(whole)
    assert newest(saved) == (20, [])


def test_every_byte_of_the_seal_counts(saved):
    path = saved / "20" / "seal.json"
    whole = path.read_bytes()
    for place in range(0, len(whole), 7):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1 << place % 8]) + whole[place + 1 :])
        assert newest(saved)[0] == 10, place


def test_a_truncated_missing_or_extra_file_is_found(saved):
    files = sorted(path for path in (saved / "20").rglob("*") if path.is_file() and path.name != "seal.json")
    for path in files:
        whole = path.read_bytes()
        for damage in (lambda path=path: path.unlink(), lambda path=path, whole=whole: path.write_bytes(whole + b"\0")):
            damage()
            step, (warning,) = newest(saved)
            assert step == 10 and str(path) in warning
            path.write_bytes(whole)
    extra = saved / "20" / "state" / "d" / "extra"
    extra.write_bytes(b"")
    step, (warning,) = newest(saved)
    assert step == 10 and str(extra) in warning


def test_a_step_without_a_seal_is_damaged(saved):
    (saved / "20" / "seal.json").unlink()
    step, (warning,) = newest(saved)
    assert step == 10 and f"{saved / '20' / 'seal.json'} differs from the seal that was written" in warning


def test_when_all_are_damaged_there_is_none(saved):
    for step in (10, 20):
        (saved / str(step) / "seal.json").write_text("{}")
    step, said = newest(saved)
    assert step is None and len(said) == 2


def test_another_tree_is_refused(saved):
    whole = shapes(state(20))
    wrong = {
        "dtype": whole._replace(step=jax.ShapeDtypeStruct((2,), np.int64)),
        "shape": whole._replace(step=jax.ShapeDtypeStruct((3,), np.int32)),
        "name": whole._replace(params={"decoder": whole.params["encoder"], "b": whole.params["b"]}),
        "missing": whole._replace(stats={}),
        "more": whole._replace(stats=whole.stats | {"new": whole.step}),
    }
    for tree in wrong.values():
        with pytest.raises(UserError, match=r"20 was written by a different version of aejax: use that version"):
            checkpoint.restore(saved, 20, tree)


def test_the_newest_steps_are_kept(tmp_path):
    save(tmp_path, 1, 2, 9, 10)
    assert checkpoint.sealed_steps(tmp_path) == [10, 9] and checkpoint.KEEP == 2
    assert sorted(os.listdir(tmp_path)) == ["10", "9"]
    assert newest(tmp_path) == (10, [])


@pytest.mark.parametrize("place", ["seal", "rename"])
def test_a_crash_before_the_rename_leaves_the_old_steps(place, saved, monkeypatch):
    def crash(*arguments):
        raise OSError("crash")

    with monkeypatch.context() as patch, pytest.raises(OSError, match="crash"):
        if place == "seal":
            patch.setattr(records, "sealed", crash)
        else:
            real = os.rename
            patch.setattr(
                checkpoint.os, "rename", lambda a, b, **k: crash() if Path(b) == saved / "30" else real(a, b, **k)
            )
        save(saved, 30)
    assert newest(saved) == (20, [])
    save(saved, 30)
    assert newest(saved) == (30, [])
    assert_same_bits(checkpoint.restore(saved, 30, shapes(state(30))), state(30))
    assert sorted(os.listdir(saved)) == ["20", "30"]


def test_every_file_is_durable_before_the_rename(tmp_path, monkeypatch):
    synced, real = set(), os.fsync

    def record(descriptor):
        name = os.readlink(f"/proc/self/fd/{descriptor}")
        synced.add(Path(re.sub(r"/\.5\.tmp(?=/|$)", "/5", name)))
        return real(descriptor)

    monkeypatch.setattr(checkpoint.os, "fsync", record)
    save(tmp_path, 5)
    assert {tmp_path, tmp_path / "5", *(tmp_path / "5").rglob("*")} <= synced


def test_saving_over_a_damaged_step_sets_it_aside(saved):
    flip(saved / "20" / "state" / "manifest.ocdbt", np.random.default_rng(0))
    for _ in range(2):  # also if one was set aside before
        save(saved, 20)
        assert newest(saved) == (20, [])
        assert sorted(os.listdir(saved)) == ["10", "20", "20.damaged"]
        assert_same_bits(checkpoint.restore(saved, 20, shapes(state(20))), state(20))


def test_a_new_step_is_kept_where_all_newer_ones_are_damaged(saved):
    """A run that restarts below its damaged steps can be resumed from its new saves."""
    for step in (10, 20):
        (saved / str(step) / "seal.json").write_text("{}")
    for step in (2, 4, 6):
        save(saved, step)
        assert newest(saved)[0] == step
    assert not (saved / "2").exists() and (saved / "4").exists()


def test_leaving_waits_until_the_save_is_sealed(tmp_path, monkeypatch):
    real, go = checkpoint.write_step, threading.Event()

    def slow(*arguments):
        go.wait(10)
        real(*arguments)

    monkeypatch.setattr(checkpoint, "write_step", slow)
    with pytest.raises(KeyboardInterrupt), checkpoint.saver(tmp_path) as write:
        write(1, state(1), FACTS)
        assert newest(tmp_path) == (None, [])  # save returns at once
        go.set()
        raise KeyboardInterrupt
    assert newest(tmp_path) == (1, [])


@pytest.mark.parametrize("saves", [1, 2])
def test_a_failed_save_raises_on_leaving_or_at_the_next(saves, tmp_path, monkeypatch):
    begun = []

    def fail(directory, step, *rest):
        begun.append(step)
        raise OSError("no space left")

    monkeypatch.setattr(checkpoint, "write_step", fail)
    with pytest.raises(OSError, match="no space left"), checkpoint.saver(tmp_path) as write:
        for step in range(saves):
            write(step, state(step), FACTS)
    assert begun == [0]


def test_a_full_disk_is_seen_before_anything_is_written(tmp_path, monkeypatch):
    usage = shutil.disk_usage(tmp_path)._replace(free=100)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    with pytest.raises(OSError, match="No space left on device"):
        checkpoint.write_step(tmp_path, 1, state(1), FACTS)
    assert checkpoint.sealed_steps(tmp_path) == []


def test_a_directory_that_cannot_be_written_to_raises(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError):
        save(tmp_path / "file", 1)


def test_the_seal_says_what_it_holds(saved):
    seal = json.loads((saved / "20" / "seal.json").read_text())
    assert seal["tree"][".stats['half']"] == [[2, 5], "bfloat16"]
    assert seal["tree"][".opt_state[0].mu['encoder']['w']"] == [[2, 30, 4], "float32"]
    assert set(seal["files"]) == {
        str(path.relative_to(saved / "20")) for path in (saved / "20" / "state").rglob("*") if path.is_file()
    }


def test_a_state_from_before_validation_selected_anything_is_read(saved):
    """orbax tells an empty field from a missing one."""

    class Before(NamedTuple):
        step: Any
        diverged: Any
        params: Any
        stats: Any
        opt_state: Any

    before = Before(*state(7)[:5])
    shutil.rmtree(saved / "20" / "state")
    with ocp.StandardCheckpointer() as checkpointer:
        checkpointer.save((saved / "20" / "state").absolute(), before)
    assert_same_bits(checkpoint.restore(saved, 20, shapes(state(20))), state(7))
