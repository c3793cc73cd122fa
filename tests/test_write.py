"""The tables of a run: whole or in shards, what is estimated on demand, and what is refused."""

import shutil

import pytest

from aejax import config as configs
from aejax import records, trained
from aejax.engine import run
from aejax.errors import UserError
from aejax.plan import Plan, parse_axis
from aejax.reports import gallery, measure, write
from aejax.reports.write import write_report

pytestmark = pytest.mark.slow


def train(config, workdir, *sweep, **options):
    return run.run(Plan.make(config, [parse_axis(text, config) for text in sweep], **options), workdir)


def test_a_group_per_static_value_and_shards_give_the_whole_sweep(small, tmp_path, monkeypatch):
    """A sweep with a static axis, whole and in two shards: the same results.csv and summary.csv to the byte.

    The two groups alternate.
    """
    small.train.epochs, small.data.valid_fraction = 1, 0.0
    small.model.name = "autoencoder"  # the quickest to compile
    sweep = ["seed=0:2", "model.latent_dim=2,3"]
    train(small, tmp_path / "whole", *sweep)
    for shard in ("0/2", "1/2"):
        train(small, tmp_path / "parts", *sweep, shard=shard)
    for drawing in ("draw_views", "draw_sweep"):  # pictures are tested elsewhere
        monkeypatch.setattr(gallery, drawing, lambda *arguments: [])
    for workdir in (tmp_path / "whole", tmp_path / "parts"):
        write_report(workdir, projection="pca")
    for name in ("results.csv", "summary.csv"):
        assert (tmp_path / "parts" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
    rows = records.read_csv(tmp_path / "whole" / "results.csv")
    assert [(row["member"], row["group"], row["model.latent_dim"], row["seed"]) for row in rows] == [
        ("0", "0", "2", "0"),
        ("1", "1", "3", "0"),
        ("2", "0", "2", "1"),
        ("3", "1", "3", "1"),
    ]
    summary = records.read_csv(tmp_path / "whole" / "summary.csv")
    values = [float(row["mse"]) for row in rows[::2]]
    assert float(summary[0]["mse"]) == pytest.approx(sum(values) / 2)
    assert float(summary[0]["mse_sd"]) == pytest.approx(abs(values[0] - values[1]) / 2**0.5)
    shutil.rmtree(tmp_path / "parts" / "shards" / "1-of-2")
    with pytest.raises(UserError, match="missing shards 1-of-2"):
        write_report(tmp_path / "parts")
    report = write_report(tmp_path / "parts", partial=True)
    assert [row["member"] for row in report.results] == [0, 2]
    assert report.notes[0] == "without the shards 1-of-2: 2 of 4 members are not here"
    assert trained.load(tmp_path / "parts", 2).member.index == 2
    with pytest.raises(UserError, match="--member=1 does not exist: .* has members 0 to 2, without those of 1-of-2"):
        trained.load(tmp_path / "parts", 1)


def test_columns_are_the_metrics_that_some_member_has_in_the_order_of_the_table():
    rows, names = write.in_columns([{"mse": 1.0, "member": 0}, {"member": 1, "elbo": -2.0}])
    assert names == ["elbo", "mse"] and list(rows[0]) == ["member", "mse"]
    assert rows == [{"member": 0, "mse": 1.0}, {"member": 1, "elbo": -2.0}]


def test_log_p_is_estimated_on_demand_under_the_name_of_its_pixels(small, tmp_path, monkeypatch):
    monkeypatch.setattr(gallery, "draw_views", lambda *arguments: [])  # pictures are tested elsewhere
    small.data.binarization, small.train.epochs, small.evaluate.batch_size = "dynamic", 1, 360
    workdir = train(small, tmp_path, "objective.beta=1,4")
    report = write_report(workdir, "pca", num_samples=60, probe=True, ais_steps=3)
    rows = records.read_csv(workdir / "results.csv")
    assert "nll" not in rows[0] and [row["num_samples"] for row in rows] == ["60", "60"]
    for row in rows:
        nll, elbo = float(row["nll_dynamic"]), float(row["elbo"])
        assert nll < -elbo + 0.1 and 1 <= float(row["ess"]) <= 60 and 0 < float(row["nll_stderr"]) < 1
        lower, upper, gap = (float(row[f"ais_{name}"]) for name in ("lower", "upper", "gap"))
        assert row["ais_steps"] == "3" and gap == pytest.approx(upper - lower, abs=1e-4) and float(row["nll_ais"]) > 0
        assert all(0 <= float(row[name]) <= 1 for name in ("probe_accuracy", "knn_accuracy"))
        split = float(row["mutual_information"]) + float(row["aggregate_kl"])
        assert split == pytest.approx(float(row["kl"]), rel=0.3)
    curve = [row for row in records.read_csv(workdir / "likelihood.csv") if row["member"] == "1"]
    assert [row["num_samples"] for row in curve] == ["5", "15", "35", "60"]
    assert curve[-1]["nll"] == rows[1]["nll_dynamic"]
    units = records.read_csv(workdir / "units.csv")
    assert [(row["member"], row["unit"]) for row in units] == [("0", "0"), ("0", "1"), ("1", "0"), ("1", "1")]
    assert "likelihood.png" in {path.name for path in report.figures}


def test_an_evaluation_that_would_lose_estimates_or_probes_is_refused(tmp_path):
    path = tmp_path / "results.csv"
    write.check_kept(path, 0, False)
    for row, message in (
        (
            {"num_samples": 60, "nll": 3.0, "probe_accuracy": 0.5},
            "has results that only --num_samples=60 --probe produces: add it",
        ),
        ({"num_samples": 60, "nll": 3.0}, "only --num_samples=60 produces"),
        ({"elbo": -3.0, "mig": 0.5}, "only --probe produces"),
        ({"nll_ais": 3.0, "ais_steps": 7}, "only --ais=7 produces"),
    ):
        records.write_csv(path, [row])
        with pytest.raises(UserError, match=message):
            write.check_kept(path, 0, False)
        write.check_kept(path, 5, True, 3)


def test_damaged_results_are_made_anew(tmp_path, capsys):
    (tmp_path / "results.csv").write_bytes(b"num_samples\n6\xff\n")
    write.check_kept(tmp_path / "results.csv", 0, False)
    assert "results.csv is damaged" in capsys.readouterr().err


def test_what_cannot_be_measured_is_refused_before_anything_is_computed(small, tmp_path, table_csv, monkeypatch):
    monkeypatch.setattr(measure, "measure_group", None)  # would fail if called
    small.data.name, small.data.path, small.data.id_column = "arrays", str(table_csv), "id"
    small.data.label_column, small.data.label_kind = "gene0", "number"
    small.model.likelihood, small.train.batch_size, small.train.epochs = "gaussian", 16, 1
    small.data.path = str(tmp_path / "numbers.csv")
    lines = [line.split(",") for line in table_csv.read_text().splitlines()]
    (tmp_path / "numbers.csv").write_text("\n".join(",".join([line[0], *line[2:]]) for line in lines) + "\n")
    sweep = {"path": "model.name", "values": ["vae", "autoencoder"]}
    plan = {"config": configs.to_json(small), "axes": [sweep], "zip": False, "shard": ""}
    records.write_json(tmp_path / "config.json", plan)
    with pytest.raises(UserError, match="--num_samples=10: model.name=autoencoder has no density"):
        write_report(tmp_path, num_samples=10)
    with pytest.raises(UserError, match=r"--ais=10 needs a VAE with one layer .*: omit the flag \(model.name=autoenc"):
        write_report(tmp_path, ais_steps=10)
    with pytest.raises(UserError, match="--probe: data.name=arrays has no class labels"):
        write_report(tmp_path, probe=True)
