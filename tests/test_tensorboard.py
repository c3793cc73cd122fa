"""The mirror for TensorBoard holds what the run's own files hold, once."""

import importlib.util
import signal
import struct
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from aejax import records, tensorboard
from aejax.engine import run
from aejax.errors import Interrupted, UserError
from aejax.plan import Plan, parse_axis
from aejax.reports import gallery, write
from aejax.reports.gallery import Picture

pytest.importorskip("tensorboardX")


def events(folder):
    """The summary values of the event files in a folder, read by the format of TFRecord."""
    from tensorboardX.proto import event_pb2

    protocol: Any = event_pb2
    for path in sorted(folder.glob("events.*")):
        content, place = path.read_bytes(), 0
        while place < len(content):
            (size,) = struct.unpack("<Q", content[place : place + 8])
            event = protocol.Event.FromString(content[place + 12 : place + 12 + size])
            yield from ((value.tag, event.step, value) for value in event.summary.value)
            place += 16 + size


@pytest.fixture
def plan(small):
    small.model.name, small.model.hidden, small.train.epochs, small.log.tensorboard = "autoencoder", (), 4, True
    return Plan.make(small, [parse_axis("optimizer.learning_rate=1e-3,1e30", small)])


def test_curves_are_those_of_metrics_jsonl_once_after_a_stop_and_a_resume(plan, tmp_path, monkeypatch):
    update, stops = run.update_members, [2]

    def interrupt(*arguments):
        if stops and len(records.read_lines(tmp_path / "metrics.jsonl")) == 4 * stops[0]:
            stops.pop()
            signal.raise_signal(signal.SIGTERM)
        return update(*arguments)

    monkeypatch.setattr(run, "update_members", interrupt)
    with pytest.raises(Interrupted):
        run.run(plan, tmp_path)
    run.run(plan, tmp_path)
    for member in plan.members:
        rows = [row for row in records.read_lines(tmp_path / "metrics.jsonl") if row["member"] == member.index]
        curves = {
            (f"{name}/{row['split']}", row["step"]): np.float32(np.nan if value is None else value)
            for row in rows
            for name, value in row.items()
            if name not in ("member", "step", "epoch", "split")
        }
        found = list(events(tmp_path / "tensorboard" / tensorboard.name_of(member)))
        assert len(found) == len(curves) > 8
        for tag, step, value in found:
            np.testing.assert_equal(np.float32(value.simple_value), curves[tag, step])
    assert tensorboard.name_of(plan.members[1]) == "1_learning_rate=1e+30"


def test_an_evaluation_shows_figures_codes_and_test_metrics(plan, tmp_path, monkeypatch):
    monkeypatch.setattr(gallery, "draw_sweep", lambda *arguments: [])
    monkeypatch.setattr(gallery, "draw_views", lambda *_: [Picture("dot", Figure((1, 2), dpi=50), "A dot", "none")])
    run.run(plan, tmp_path)
    for _ in range(2):  # nothing is doubled
        write.write_report(tmp_path, projection="pca")
    folder = tmp_path / "tensorboard" / "evaluation"
    pictures = {tag: value.image for tag, _, value in events(folder) if value.HasField("image")}
    with Image.open(tmp_path / "figures" / "dot.png") as drawn:
        assert list(pictures) == ["dot"] and (pictures["dot"].width, pictures["dot"].height) == drawn.size
    results = records.read_csv(tmp_path / "results.csv")
    for member, row in zip(plan.members, results, strict=True):
        values = {tag: value for tag, _, value in events(folder / tensorboard.name_of(member))}
        measured = {tag: value.simple_value for tag, value in values.items() if tag.endswith("/test")}
        assert measured and ("reconstruction/test" in measured) == (member.index == 0)  # the other diverged
        for tag, value in measured.items():
            assert value == pytest.approx(float(row[tag.partition("/")[0]]), rel=1e-6)
    codes = np.loadtxt(folder / "00000" / "learning_rate = 0.001" / "tensors.tsv")
    labels = (folder / "00000" / "learning_rate = 0.001" / "metadata.tsv").read_text().split()
    assert codes.shape == (359, 2) and len(labels) == 359 and set(labels) == set("0123456789")


def test_without_tensorboardx_nothing_is_trained_or_evaluated(plan, tmp_path, monkeypatch):
    records.write_json(tmp_path / "config.json", plan.to_json())
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(write, "evaluate", None)  # would fail if called
    for start in (lambda: run.run(plan, tmp_path / "run"), lambda: write.write_report(tmp_path)):
        with pytest.raises(UserError, match="log.tensorboard=True needs tensorboardX: pip install"):
            start()
    assert not (tmp_path / "run").exists()
