"""Pins (before jax is imported) and records what a run's bits depend on besides its config."""

import importlib.metadata
import os
import platform
import subprocess
from contextlib import suppress
from pathlib import Path

from aejax import records
from aejax.engine import program_cache
from aejax.errors import UserError

PACKAGES = ("aejax", "jax", "jaxlib", "flax", "optax", "orbax-checkpoint", "numpy", "tensorflow-datasets")


def cores() -> int:
    """The CPU cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def host_memory() -> float:
    """The bytes of memory of this machine; infinite if it does not say."""
    try:
        return float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    except (AttributeError, OSError, ValueError):
        return float("inf")


def pin(num_members: int, deterministic: bool = True, directory: Path | None = None) -> None:
    """Sets XLA's threads, one CPU device per member (at most one per thread), float32 products, deterministic GPUs.

    Compiled programs are kept for the next process, unless JAX_ENABLE_COMPILATION_CACHE=false.

    Call it before jax is imported. Values that the user has set are kept; raises UserError if JAX_PLATFORMS asks for a
    device that is not here. On a CPU the bits depend on the number of threads, so a resumed run gets the threads that
    it began with. They do not depend on the number of devices, unless there are more devices than threads: XLA then
    takes more threads.
    """
    threads = os.environ.setdefault("NPROC", str(recorded_threads(directory) or cores()))
    if "xla_force_host_platform_device_count" not in os.environ.get("XLA_FLAGS", ""):
        devices = min(num_members, cores(), int(threads) if threads.isdecimal() else cores())
        os.environ.setdefault("JAX_NUM_CPU_DEVICES", str(max(devices, 1)))
    os.environ.setdefault("JAX_DEFAULT_MATMUL_PRECISION", "float32")  # no silent TF32
    if "JAX_COMPILATION_CACHE_DIR" not in os.environ and (folder := program_folder()):
        os.environ["JAX_COMPILATION_CACHE_DIR"] = str(folder)
        os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0.1")  # random normals take 0.2 s
    if deterministic and "xla_gpu_deterministic_ops" not in os.environ.get("XLA_FLAGS", ""):
        os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} --xla_gpu_deterministic_ops=true".strip()
    check_platform(os.environ.get("JAX_PLATFORMS", ""))


def check_platform(asked: str) -> None:
    """Raises UserError if jax cannot use the platform that JAX_PLATFORMS asks for; imports jax, but not for a CPU."""
    if asked in ("", "cpu"):
        return
    import jax

    try:
        jax.devices()
    except (AssertionError, RuntimeError):  # the first is jax's answer if no plugin for CUDA is installed
        extra = "aejax[tpu]" if asked == "tpu" else "aejax[cuda13]"
        raise UserError(
            f"JAX_PLATFORMS={asked} asks for a device that jax does not find here: pip install '{extra}', or unset it"
        ) from None


def program_folder() -> Path | None:
    """The folder of programs that these versions compiled for this processor; None if programs are not to be kept.

    It is one per number of threads, too: bits depend on it, and JAX's own key lacks it.
    """
    if os.environ.get("JAX_ENABLE_COMPILATION_CACHE", "true").lower() in ("false", "0"):
        return None
    facts = (processor(), cpu_fact("flags", "Features"), version("jaxlib"), platform.python_version())
    return program_cache.opened(f"{facts} {os.environ.get('NPROC')}")


def recorded_threads(directory: Path | None) -> int | None:
    """The threads that a run, or the first of its shards, began with; None if none are recorded."""
    if directory is None:
        return None
    for path in (directory / "environment.json", *sorted(directory.glob("shards/*/environment.json"))):
        with suppress(OSError, LookupError, TypeError, UserError):
            return records.read_json(path)[0]["threads"]
    return None


def describe() -> dict:
    """Versions, devices, threads, flags and git commit; imports jax."""
    import jax

    return {
        "python": platform.python_version(),
        "packages": {name: version(name) for name in PACKAGES},
        "platform": platform.platform(),
        "processor": processor(),
        "devices": [device.device_kind for device in jax.devices()],
        "threads": int(os.environ.get("NPROC", cores())),
        "xla_flags": os.environ.get("XLA_FLAGS", ""),
        "matmul_precision": os.environ.get("JAX_DEFAULT_MATMUL_PRECISION", "default"),
        "git_commit": git_commit(),
    }


def version(package: str) -> str | None:
    """The installed version; None if the package is not installed."""
    if package == "aejax":
        from aejax import __version__

        return __version__
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def processor() -> str:
    """The CPU's name."""
    return cpu_fact("model name") or platform.processor() or platform.machine()


def cpu_fact(*names: str) -> str:
    """The first line of /proc/cpuinfo that has one of these names, without it; "" if there is none."""
    if (info := Path("/proc/cpuinfo")).exists():
        for line in info.read_text().splitlines():
            if line.startswith(names):
                return line.partition(":")[2].strip()
    return ""


def git_commit() -> str | None:
    """The commit of this checkout, with "+changes" if files differ from it; None outside a checkout."""
    root = Path(__file__).resolve().parents[2]

    def git(*arguments: str) -> str:
        return subprocess.run(
            ["git", "-C", str(root), *arguments], capture_output=True, text=True, check=True
        ).stdout.strip()

    try:
        return git("rev-parse", "HEAD") + ("+changes" if git("status", "--porcelain") else "")
    except (OSError, subprocess.CalledProcessError):
        return None
