"""The benchmark: its rule, its arithmetic, and that PyTorch computes the same. No test asserts a time."""

import io
import itertools
import subprocess
import sys
from contextlib import contextmanager, nullcontext
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import logsumexp

from aejax import records
from aejax.engine import environment
from aejax.plan import Plan
from experiments import timings
from experiments.timings import aejax_steps, alone, floor, saving, torch_steps, verdicts, versions
from tests.campaigns import commands
from tests.conftest import ROOT, assert_words
from tests.panels import assert_small_png

NEEDS_TORCH = pytest.mark.skipif(not torch_steps.is_installed(), reason="PyTorch is not installed")


@pytest.mark.parametrize(
    "times, others, limit, verdict",
    [
        ([1.0] * 5, [2.0] * 5, 1.0, "faster"),
        ([2.0] * 5, [1.0] * 5, 1.0, "slower"),
        ([1.0] * 5, [1.0] * 5, 1.0, "not decided"),
        ([1.0] * 4, [2.0] * 4, 1.0, "not decided"),  # too few rounds
        ([1.0, 1.2, 1.1, 0.9, 1.3], [1.1, 1.1, 1.1, 1.1, 1.1], 1.0, "not decided"),  # overlap
        ([1.0, 2.0, 3.0, 4.0, 5.0], [1.1, 2.2, 3.3, 4.4, 5.5], 1.0, "faster"),  # slower rounds, the same ratio
        ([1.0] * 7 + [9.0], [2.0] * 8, 1.0, "not decided"),  # one of eight rounds disagrees
        ([1.0] * 8 + [9.0], [2.0] * 9, 1.0, "faster"),  # one of nine
        ([1.0] * 5, [2.0] * 5, 0.5, "not decided"),
        ([1.0] * 5, [2.0] * 5, 0.4, "slower"),
    ],
)
def test_a_comparison_is_decided_only_if_the_spread_allows(times, others, limit, verdict):
    assert verdicts.compare(times, others, limit) == verdict


@pytest.mark.parametrize("rounds", [5, 8, 9, 12])
def test_equal_contenders_pass_for_different_ones_in_one_of_sixteen_runs_at_most(rounds):
    """By brute force over who wins each round."""
    decided = [
        verdicts.compare([1.0 + won for won in wins], [1.5] * rounds) != "not decided"
        for wins in itertools.product((0, 1), repeat=rounds)
    ]
    assert 0.0 < np.mean(decided) <= 1 / 16


def test_every_target_says_met_missed_not_decided_or_not_measured():
    seconds = {
        "aejax, 1 member": [2.0] * 5,
        "aejax, 8 members": [1.0, 2.0, 1.0, 2.0, 1.0],
        "PyTorch eager, 1 member": [9.0] * 5,
        "PyTorch compiled, 1 member": [2.5] * 5,
        "PyTorch torch.func, 8 members": [1.1] * 5,
        "PyTorch's products alone": [0.1] * 5,
        "the floor": [1.5] * 5,
    }
    rows = {row["target"].removeprefix("one member /"): row for row in verdicts.targets(128, seconds)}
    rows = {name.partition("a member in a sweep of ")[2] or name: row for name, row in rows.items()}
    found = {name[:12]: (row["verdict"], row.get("ratio")) for name, row in rows.items()}
    assert found == {
        " PyTorch's b": ("missed", 0.8),  # 0.75 of 2.5, the best
        "8 / PyTorch'": ("not decided", 0.4),
        "8 / one of 8": ("missed", round(1 / 1.1, 3)),
        "32 / one alo": ("not measured", None),
        " the floor, ": ("met", round(2 / 1.5, 3)),
        "one bf16 mem": ("not measured", None),
    }
    assert len(verdicts.targets(64, seconds)) == 3


def test_the_floor_counts_products_and_bytes():
    """Layers 3-2 and 2-4, batch 5, by hand: 12 and 16 numbers a row forward, as many for weights, 16 for inputs."""
    layers = ((3, 2), (2, 4))
    assert sorted(floor.products(5, layers)) == sorted([(5, 3, 2), (5, 2, 4), (3, 5, 2), (2, 5, 4), (5, 4, 2)])
    assert floor.flops(5, layers) == 5 * (12 + 16 + 12 + 16 + 16)
    assert floor.update_bytes(layers) == 28 * (3 * 2 + 2 + 2 * 4 + 4)
    assert floor.floor(5, 10.0, 7.0, layers) == 36.0 + 4.0 * 20


def test_the_floor_is_that_of_the_libraries_with_the_least_median():
    xla, torch = floor.PRODUCTS
    seconds = {xla: [3.0, 4.0, 4.0], torch: [2.0, 9.0, 2.0], floor.COPIES[1]: [1.0, 2.0, 1.0]}
    assert floor.floors(32, seconds) == pytest.approx([3.0, 11.0, 3.0])
    del seconds[torch]
    assert floor.floors(32, seconds) == pytest.approx([4.0, 6.0, 5.0])


@pytest.mark.parametrize("setting", aejax_steps.SETTINGS)
def test_the_floor_has_the_layers_that_every_setting_trains(setting):
    group = aejax_steps.make_group(8, 1, aejax_steps.SETTINGS[setting])
    shapes = jax.eval_shape(lambda: group.task.model.init(jax.random.key(0))[0])
    assert floor.update_bytes() == 28 * sum(leaf.size for leaf in jax.tree.leaves(shapes))
    matrices = sorted(leaf.shape for leaf in jax.tree.leaves(shapes) if leaf.ndim == 2)
    assert sorted(floor.LAYERS) == matrices


def test_a_round_times_every_contender_once_in_seconds_per_work(monkeypatch):
    now, taken = [0.0], []
    monkeypatch.setattr(timings.time, "perf_counter", lambda: now[0])

    @contextmanager
    def contender(name, seconds, work):
        def run(steps):
            now[0] += seconds * steps
            taken.append((name, steps))
            return work * steps

        yield run

    contenders: Any = {"quick": lambda: contender("quick", 2**-8, 4), "slow": lambda: contender("slow", 2**-3, 1)}
    found = timings.measure(contenders, 2, 100)
    assert found == {"quick": [2**-10] * 2, "slow": [2**-3] * 2}
    assert taken[-4:] == [("quick", 100), ("slow", 24)] * 2  # the most steps, and as many as take three seconds


def test_a_contender_trains_in_a_process_of_its_own(monkeypatch, capsys):
    monkeypatch.setattr(environment, "pin", lambda members: None)
    monkeypatch.setattr(sys, "stdin", io.StringIO("1\n3\n"))
    monkeypatch.setattr(aejax_steps, "train", lambda *settings: nullcontext(lambda steps: steps * settings[1]))
    alone.main("aejax, 2 members", 8)
    *answers, memory = map(int, capsys.readouterr().out.split())
    assert answers == [2, 6] and memory > 2**20


WITHOUT_COMMANDS = """
import runpy, sys
from experiments import timings
timings.ROWS = 1000
from experiments.timings import aejax_steps, commands, saving, torch_steps
aejax_steps.SETTINGS = {"aejax": {}}
commands.call = lambda command, folder: print(command[2:4]) or f"1\\n{2**20}\\n"
saving.costs = lambda plan, dataset, repeats: [{"": "all", "ms": 1.0}]
torch_steps.is_installed = lambda: False
sys.argv[0] = "benchmark"
runpy.run_module("experiments.benchmark", run_name="__main__", alter_sys=True)
"""


@pytest.mark.slow
def test_a_small_benchmark_without_pytorch(tmp_path):
    path = tmp_path / "here" / "benchmark.json"
    options = ["--steps=2", "--repeats=2", "--batch_sizes=8", "--members=2", f"--output={path}"]
    done = subprocess.run([sys.executable, "-c", WITHOUT_COMMANDS, *options], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    printed = done.stdout
    found = records.read_json(path)
    assert found["torch"] is None and len(found["load_average"]["before"]) == 3
    assert found["environment"]["packages"]["jax"] == jax.__version__
    training = found["training"]["8"]
    trained = ["aejax, 2 members"]
    others = ["XLA's products alone", "XLA's copy of a state", "the floor"]
    assert list(training["seconds"]) == [*trained, *others] == [row[""] for row in training["rows"]]
    for section in (training, found["likelihood"], found["starts"]):
        for row, times in zip(section["rows"], section["seconds"].values(), strict=True):
            assert len(times) == 2 and min(times) > 0.0 and "ratio" not in row
    assert list(found["likelihood"]["seconds"]) == ["aejax, 1 member"]
    assert list(found["starts"]["seconds"]) == ["aejax, cold", "aejax, warm"]
    assert found["saves"] == [{"": "all", "ms": 1.0}] and "| all | 1 |" in printed
    assert found["peak_memory"] == dict.fromkeys(trained, 2**20)
    assert {row["verdict"] for row in found["targets"]} == {"not measured"}
    assert printed.count("experiments.train") == 4 and printed.count("experiments.timings.alone") == len(trained)
    assert "PyTorch is not installed" in done.stderr and "not measured" in printed and str(path) in printed
    assert_small_png(path.with_suffix(".png"))


@pytest.mark.slow
def test_what_saves_cost_is_a_part_of_the_training():
    config = commands.config_of(epochs=3)
    *parts, whole = saving.costs(Plan.make(config), None, 1)
    assert [row[""] for row in [*parts, whole]] == [*saving.PARTS, "all"]
    assert all(row["ms"] > 0.0 for row in parts) and whole["ms"] == pytest.approx(sum(row["ms"] for row in parts))
    assert whole["% of training"] > 0.0


def both_models() -> Any:
    """The parameters of a member, its model, and PyTorch's with the same parameters."""
    import torch  # pyright: ignore[reportMissingImports]

    from experiments.timings.torch_vae import VAE

    group = aejax_steps.make_group(8, 1, {})
    params: Any = group.task.model.init(jax.random.key(3))[0]
    twin = VAE()
    for name, network in (("encoder", twin.encoder), ("decoder", twin.decoder)):
        for number, layer in enumerate((network[0], network[2])):
            dense = params[name][f"Dense_{number}"]
            layer.weight.data = torch.from_numpy(np.array(dense["kernel"].T))
            layer.bias.data = torch.from_numpy(np.array(dense["bias"]))
    return group.task.model, params, twin, torch


@NEEDS_TORCH
def test_pytorch_has_the_same_loss():
    model, params, twin, torch = both_models()
    rows = timings.rows()[:8]
    loss, _ = model.loss(
        params, (), jax.random.key(4), {"x": jnp.asarray(rows.reshape(8, 28, 28, 1) / np.float32(255))}, beta=1.0
    )
    epsilon = torch.from_numpy(np.array(jax.random.normal(jax.random.key(4), (1, 8, 20))[0]))
    assert twin(torch.from_numpy(rows), epsilon).item() == pytest.approx(loss.item(), rel=1e-5)


@NEEDS_TORCH
def test_pytorch_has_the_same_importance_weights():
    from experiments.timings import torch_vae

    model, params, twin, torch = both_models()
    x = timings.rows()[:8] / np.float32(255)
    log_w: Any = np.asarray(model.log_weights(params, jax.random.key(4), jnp.asarray(x.reshape(8, 28, 28, 1)), 6))
    draws, pixels = torch.from_numpy(np.array(jax.random.normal(jax.random.key(4), (6, 8, 20)))), torch.from_numpy(x)
    with torch.inference_mode():
        mean, log_sigma = twin.encoder(pixels).chunk(2, dim=-1)
        found = torch_vae.log_weights(twin, pixels, mean, log_sigma, draws)
        sums = torch.full((8,), -torch.inf), torch.zeros(8), torch.zeros(8)
        for part in (found[:4], found[4:]):
            sums = torch_vae.add(sums, part)
        log_p = torch_vae.log_mean(sums, 6)
    np.testing.assert_allclose(found.numpy(), log_w, rtol=1e-5)
    np.testing.assert_allclose(log_p.numpy(), logsumexp(log_w, axis=0) - np.log(6), rtol=1e-5)


@NEEDS_TORCH
def test_the_adam_of_torch_func_is_pytorchs():
    import torch  # pyright: ignore[reportMissingImports]

    from experiments.timings import torch_vae

    start = torch.linspace(-1.0, 1.0, 7)
    weights, powers = torch.nn.Parameter(start.clone()), torch.ones(2)
    optimizer = torch.optim.Adam([weights], 1e-3)
    params, first, second = {"w": start.clone()}, {"w": torch.zeros(7)}, {"w": torch.zeros(7)}
    for step in range(1, 4):
        weights.grad = start.sin() * step
        optimizer.step()
        torch_vae.adam(params, first, second, powers, {"w": start.sin() * step})
    np.testing.assert_allclose(params["w"].numpy(), weights.detach().numpy(), rtol=1e-5)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--record=static_mnist"], ["--path", "binarized_mnist"]),
        (["--pythons=TMP/python"], ["--pythons", "does not start", "name interpreters that have jax"]),
        (["--pythons=/bin/false"], ["--pythons: /bin/false has no jax", "install"]),
    ],
)
def test_what_cannot_be_measured_is_refused_in_one_line(arguments, words, refused):
    assert_words(refused("benchmark", arguments), words)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ([1.0] * 5, [1.2] * 5, "new is more than 10% slower"),
        ([1.2] * 5, [1.0] * 5, "old is more than 10% slower"),
        ([1.0] * 5, [1.05] * 5, "no version is clearly"),
        ([1.0] * 5, [1.2, 1.2, 1.2, 1.2, 1.0], "no version is clearly"),
    ],
)
def test_a_version_is_named_only_if_it_is_clearly_slower(old, new, words):
    assert versions.slower("old", old, "new", new).startswith(words)


def test_interpreters_take_the_same_steps_in_turn(monkeypatch):
    monkeypatch.setattr(versions, "describe", lambda python: f"python {python}")
    started = []

    @contextmanager
    def together(commands, environment):
        started.append(commands[0][0])
        yield lambda steps: steps

    monkeypatch.setattr(versions.alone, "together", together)
    rows = versions.compare(["a", "b"], 8, 2, 3)
    assert started == ["a", "b"] * len(rows) and len(rows) == len(aejax_steps.SETTINGS) * len(versions.MEMBERS)
    assert all({"python a", "python b", "ratio", "verdict"} <= set(row) for row in rows)
