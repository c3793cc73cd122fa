"""What is pinned before jax is imported: by `pin` itself, by every launcher, and by a resumed run."""

import json
import os
import signal
import subprocess
import sys
import time
import tomllib

import jax
import pytest

from aejax import records
from aejax.engine import checkpoint, environment, program_cache
from aejax.plan import Axis, Plan
from tests.conftest import ROOT, small_config

DETERMINISTIC = "--xla_gpu_deterministic_ops=true"
PINNED = ("NPROC", "JAX_NUM_CPU_DEVICES", "JAX_DEFAULT_MATMUL_PRECISION", "XLA_FLAGS")


def without(*names):
    """The environment of this process without some variables."""
    return {name: value for name, value in os.environ.items() if name not in names}


@pytest.fixture
def pinned(monkeypatch):
    """pinned(given, ...) returns the variables `given` after pin(...) on a machine with four cores."""
    monkeypatch.setattr(environment, "cores", lambda: 4)

    def call(given, *arguments, **named):
        with monkeypatch.context() as patch:
            patch.setattr(os, "environ", dict(given))
            patch.setattr(environment, "program_folder", lambda: None)
            environment.pin(*arguments, **named)
            return dict(os.environ)

    return call


@pytest.mark.parametrize(("num_members", "devices"), [(1, "1"), (3, "3"), (4, "4"), (9, "4")])
def test_pin_sets_threads_devices_precision_and_deterministic_operations(num_members, devices, pinned):
    assert pinned({}, num_members) == {
        "NPROC": "4",
        "JAX_NUM_CPU_DEVICES": devices,
        "JAX_DEFAULT_MATMUL_PRECISION": "float32",
        "XLA_FLAGS": DETERMINISTIC,
    }


@pytest.mark.parametrize(("threads", "devices"), [("2", "2"), ("0", "1"), ("many", "4")])
def test_there_are_no_more_devices_than_threads(threads, devices, pinned):
    assert pinned({"NPROC": threads}, 9)["JAX_NUM_CPU_DEVICES"] == devices


def test_operations_are_deterministic_unless_the_config_says_otherwise(pinned):
    assert "XLA_FLAGS" not in pinned({}, 1, deterministic=False)


@pytest.mark.parametrize(
    "given",
    [
        {"NPROC": "7"},
        {"JAX_NUM_CPU_DEVICES": "7"},
        {"JAX_DEFAULT_MATMUL_PRECISION": "tensorfloat32"},
        {"XLA_FLAGS": "--xla_gpu_deterministic_ops=false"},
    ],
)
def test_what_the_user_sets_stays(given, pinned):
    found = pinned(given, 2)
    assert given.items() <= found.items()
    others = pinned({}, 2)
    assert {name: found[name] for name in others.keys() - given} == {
        name: others[name] for name in others.keys() - given
    }


def test_compiled_programs_are_kept_where_nobody_else_can_write(tmp_path, monkeypatch):
    monkeypatch.delenv("JAX_COMPILATION_CACHE_DIR", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("JAX_ENABLE_COMPILATION_CACHE", "false")
    assert environment.program_folder() is None and not list(tmp_path.iterdir())
    monkeypatch.setenv("JAX_ENABLE_COMPILATION_CACHE", "true")
    folder = environment.program_folder()
    assert folder and folder.parent == tmp_path / "aejax" and folder.stat().st_mode & 0o777 == 0o700
    for name, days in (("old", 31), ("new", 29), ("cut", 1), ("flipped", 1)):
        (folder / name).write_text("text")
        written = time.time() - days * 86_400
        os.utime(folder / name, times=(written, written))
    program_cache.seal(folder)
    (folder / "cut").write_text("tex")
    (folder / "flipped").write_text("tdxt")
    (folder / "of a killed process").write_text("text")
    assert environment.program_folder() == folder and {path.name for path in folder.iterdir()} == {"new", "new.sha256"}
    for changed in ("version", "NPROC"):
        with monkeypatch.context() as patch:
            if changed == "version":
                patch.setattr(environment, "version", lambda package: "other")
            else:
                patch.setenv("NPROC", "77")
            assert environment.program_folder() not in (None, folder)
    folder.chmod(0o770)
    assert environment.program_folder() is None
    monkeypatch.setenv("XDG_CACHE_HOME", "/proc")
    assert environment.program_folder() is None


def test_without_a_home_no_program_is_kept(monkeypatch):
    def no_home():
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv("JAX_ENABLE_COMPILATION_CACHE", "true")
    monkeypatch.setattr(environment.Path, "home", no_home)
    assert environment.program_folder() is None


@pytest.mark.slow
def test_a_process_computes_with_the_whole_programs_of_the_one_before_and_has_the_same_bits(tmp_path):
    """Of the programs that take long enough to be kept: here, all."""
    command = [sys.executable, "-m", "experiments.train", "--config=configs/linear.py", "--config.train.epochs=1"]
    variables = without(*PINNED, "JAX_COMPILATION_CACHE_DIR") | {"JAX_ENABLE_COMPILATION_CACHE": "true"}
    variables |= {"XDG_CACHE_HOME": str(tmp_path / "cache"), "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0"}
    kept = []
    for name in ("first", "second"):
        done = subprocess.run(
            [*command, f"--workdir={tmp_path / name}"], cwd=ROOT, env=variables, capture_output=True, text=True
        )
        assert done.returncode == 0 and "Warning" not in done.stderr, done.stderr
        programs = sorted(tmp_path.glob("cache/aejax/*/jit_*-cache"))
        kept.append({path.name: path.stat().st_mtime_ns for path in programs})
        for cut in programs[::2]:
            cut.write_bytes(cut.read_bytes()[:1000])
    first, second = kept
    assert len(first) > 1 and any(name.startswith("jit_train_member") for name in first)
    assert list(second) == list(first) and [name for name in first if second[name] != first[name]] == list(first)[::2]
    assert (tmp_path / "first/metrics.jsonl").read_bytes() == (tmp_path / "second/metrics.jsonl").read_bytes()


def test_flags_of_the_user_are_kept_and_his_devices_are_not_set_again(pinned):
    flags = "--xla_force_host_platform_device_count=8"
    found = pinned({"XLA_FLAGS": flags}, 2)
    assert found["XLA_FLAGS"] == f"{flags} {DETERMINISTIC}" and "JAX_NUM_CPU_DEVICES" not in found


def test_a_resumed_run_gets_the_threads_that_it_began_with(pinned, tmp_path):
    records.write_json(tmp_path / "environment.json", [{"threads": 3}, {"threads": 1}])
    assert pinned({}, 1, directory=tmp_path)["NPROC"] == "3"
    assert pinned({"NPROC": "7"}, 1, directory=tmp_path)["NPROC"] == "7"


def test_a_directory_of_shards_is_evaluated_with_the_threads_that_they_began_with(pinned, tmp_path):
    records.write_json(tmp_path / "shards" / "0-of-2" / "environment.json", [{"threads": 3}])
    assert pinned({}, 1, directory=tmp_path)["NPROC"] == "3"


@pytest.mark.parametrize("text", [None, "", "[]", "{}", "[{}]", "[3]"])
def test_a_directory_without_recorded_threads_gets_the_cores(text, pinned, tmp_path):
    if text is not None:
        (tmp_path / "environment.json").write_text(text)
    assert pinned({}, 1, directory=tmp_path)["NPROC"] == "4"


@pytest.mark.slow
def test_jax_obeys_what_is_pinned_and_describe_says_so():
    """In its own process, with three XLA threads and two devices."""
    script = """
import json, os
from pathlib import Path
from aejax.engine import environment
environment.pin(2)
import jax
(jax.numpy.ones((9, 9)) @ jax.numpy.ones((9, 9))).block_until_ready()
names = [path.read_text().strip() for path in Path("/proc/self/task").glob("*/comm")]
found = {"pool": names.count("tf_XLAEigen"), "precision": jax.config.jax_default_matmul_precision}
print(json.dumps(environment.describe() | found))
"""
    variables = without(*PINNED) | {"NPROC": "3"}
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, env=variables, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["precision"] == found["matmul_precision"] == "float32" and found["xla_flags"] == DETERMINISTIC
    assert found["devices"] == ["cpu"] * min(2, environment.cores()) and found["threads"] == 3
    assert found["packages"]["jax"] == jax.__version__
    if sys.platform == "linux":
        assert found["pool"] == 3


def test_the_version_is_the_same_wherever_it_is_written():
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert version == environment.version("aejax") and f"\nversion: {version}\n" in (ROOT / "CITATION.cff").read_text()


COMMANDS = [
    ["train", "--config=configs/vae.py", "--workdir=TMP", "--sweep=seed=0:2"],
    ["train", "--config=configs/vae.py", "--workdir=TMP", "--sweep=seed=0:2", "--config.train.deterministic=False"],
    ["evaluate", "--workdir=TMP"],
    ["embed", "--workdir=TMP", "--input=x.npy", "--output=z.npy"],
    ["sample", "--workdir=TMP", "--output=x.npy"],
    ["export", "--workdir=TMP", "--output=model"],
    ["reproduce", "reparametrization"],
    ["benchmark", "--members=2"],
]
STOP_AT_JAX = """
import json, os, runpy, sys
class Stop:
    def find_spec(self, name, path=None, target=None):
        if name == "jax":
            print(json.dumps(dict(os.environ)), flush=True)
            os._exit(0)
sys.meta_path.insert(0, Stop())
name, *arguments = sys.argv[1:]
sys.argv = [name, *arguments]
runpy.run_module(f"experiments.{name}", run_name="__main__", alter_sys=True)
"""


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_every_launcher_pins_before_jax_is_imported(command, tmp_path):
    """With the run directory's number of threads, if there is a run directory."""
    records.write_json(tmp_path / "config.json", Plan.make(small_config(), [Axis("seed", (0, 1))]).to_json())
    records.write_json(tmp_path / "environment.json", [{"threads": 77}])
    name, *arguments = command
    given = [sys.executable, "-c", STOP_AT_JAX, name, *(word.replace("TMP", str(tmp_path)) for word in arguments)]
    done = subprocess.run(given, cwd=ROOT, env=without(*PINNED), capture_output=True, text=True)
    assert done.returncode == 0 and done.stdout, done.stderr
    found, cores = json.loads(done.stdout), environment.cores()
    assert found["NPROC"] == ("77" if "--workdir=TMP" in arguments else str(cores))
    devices = {"embed": 1, "sample": 1, "export": 1, "reproduce": cores}.get(name, min(2, cores))
    assert found["JAX_NUM_CPU_DEVICES"] == str(devices) and found["JAX_DEFAULT_MATMUL_PRECISION"] == "float32"
    assert found.get("XLA_FLAGS") == (None if "--config.train.deterministic=False" in arguments else DETERMINISTIC)


@pytest.mark.slow
def test_a_signal_ends_a_run_with_128_plus_n_and_it_goes_on_with_its_threads(tmp_path):
    """The number of threads is never a default: one more than there are cores."""
    command = [sys.executable, "-m", "experiments.train", "--config=configs/linear.py"]
    command += [f"--workdir={tmp_path}", "--config.train.epochs=60", "--config.train.save_every_epochs=5"]
    variables = without("NPROC")
    threads = environment.cores() + 1
    first = subprocess.Popen(
        command, cwd=ROOT, env=variables | {"NPROC": str(threads)}, stderr=subprocess.PIPE, text=True
    )
    while not checkpoint.sealed_steps(tmp_path / "checkpoints" / "0"):
        assert first.poll() is None
        time.sleep(0.005)
    first.send_signal(signal.SIGTERM)
    said = first.communicate()[1]
    assert first.returncode == 128 + signal.SIGTERM, said
    assert "SIGTERM at step" in said.splitlines()[-1] and "the same command resumes" in said
    again = subprocess.run(command, cwd=ROOT, env=variables, capture_output=True, text=True)
    assert again.returncode == 0 and "resumes at step" in again.stderr and "has changed" not in again.stderr
    [recorded] = records.read_json(tmp_path / "environment.json")
    assert recorded["threads"] == threads
