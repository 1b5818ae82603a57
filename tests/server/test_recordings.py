"""Tests what the server says of trainings that are being recorded."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lossatlas.runs import RecordedRun
from lossatlas.store import RecordingWriter, Tensor, save_recorded
from lossatlas.store.manifest import FORMAT
from tests.server.live import Live

ABOUT = {"model": {"title": "Net", "parameters": 6, "trainable": 6}, "loss": {"name": "MSELoss"}, "samples": {}}


def _start(data: Path, name: str = "mine", about: Any = None) -> RecordingWriter:
    layout = (Tensor("weight", (6,), 0),)
    return RecordingWriter(data, name, layout, (), ABOUT if about is None else about)


def _append(writer: RecordingWriter, thetas: Any, first: int) -> None:
    for epoch, theta in enumerate(thetas, first):
        loss = float(1 / (1 + epoch))
        writer.append(theta.astype(np.float32), np.empty(0), epoch, {"train_loss": loss, "test_loss": None})


def test_a_recording_is_listed_and_followed_until_it_is_a_run(live: Live) -> None:
    thetas = np.random.default_rng(0).normal(size=(6, 6)).cumsum(axis=0)
    writer = _start(live.data)
    assert live.http.get("data/index.json").json()["runs"] == []  # a recording without frames is not listed
    _append(writer, thetas[:2], 0)
    [entry] = live.http.get("data/index.json").json()["runs"]
    assert (entry["id"], entry["title"], entry["source"]) == (writer.id, "mine · Net", "recorded")
    assert entry["outcome"] == {"status": "recording"}
    with live.listen(writer.id) as events:
        first = next(events)
        assert (first.name, first.body["frames"], first.body["path"]) == ("recording", [0, 1], None)
        _append(writer, thetas[2:], 2)
        bodies = [first.body]
        while bodies[-1]["frames"] != [0, 1, 2, 3, 4, 5]:
            bodies.append(next(events).body)
        last = bodies[-1]
        assert last["metrics"]["train_loss"] == pytest.approx([1 / (1 + epoch) for epoch in range(6)])
        assert last["metrics"]["test_loss"] == [None] * 6
        seen = thetas.astype(np.float32).astype(float)
        left, spread, _ = np.linalg.svd(seen - seen.mean(axis=0))
        # Coordinates are relative to the last frame.
        expected = left[:, :2] * spread[:2] - (left[:, :2] * spread[:2])[-1]
        found = np.array(last["path"]["points"])
        for axis in (0, 1):
            same = min(np.abs(found[:, axis] - sign * expected[:, axis]).max() for sign in (1, -1))
            assert same < 1e-5 * spread[0]
        assert last["path"]["explained_variance"] == pytest.approx((spread[:2] ** 2).sum() / (spread**2).sum())
        manifest = {
            "format": FORMAT,
            "format_version": 2,
            "source": "recorded",
            "id": writer.id,
            "outcome": {"status": "completed"},
            "frames": list(range(6)),
        }
        save_recorded(RecordedRun(manifest, {"gram": np.eye(6)}), live.data)
        done = list(events)
    assert [event.name for event in done] == ["done"]
    assert done[0].body["run"] == f"data/runs/{writer.id}/run.json"


def test_a_stream_of_a_recording_says_that_the_server_stops(live: Live) -> None:
    writer = _start(live.data)
    _append(writer, np.eye(6)[:2], 0)
    with live.listen(writer.id) as events:
        assert next(events).name == "recording"
        live.server.should_exit = True
        assert [(event.name, event.body) for event in events] == [("cancelled", {"stopping": True})]


def test_no_file_of_a_recording_is_served(live: Live) -> None:
    writer = _start(live.data)
    _append(writer, np.ones((2, 6)), 0)
    for name in ("recording.json", "frames.jsonl", "theta-00000000.npy"):
        assert (writer.folder / name).is_file()
        for path in (f"data/recordings/{writer.id}/{name}", f"data/runs/../recordings/{writer.id}/{name}"):
            assert live.http.get(path).status_code == 404
    assert live.http.get(f"data/runs/{writer.id}/run.json").status_code == 404


@pytest.mark.parametrize("about", [{"model": []}, {"model": {"title": "x", "parameters": "many"}}, {}])
def test_a_recording_that_cannot_be_read_is_not_listed(live: Live, about: Any) -> None:
    damaged = _start(live.data, "damaged", {**ABOUT, **about} if about else ABOUT)
    _append(damaged, np.ones((2, 6)), 0)
    if not about:
        (damaged.folder / "frames.jsonl").write_text('{"number": 0, "epoch": 0, "metrics": 3}\n')
    sound = _start(live.data, "sound")
    _append(sound, np.ones((2, 6)), 0)
    log = sound.folder / "frames.jsonl"
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    lines[1]["metrics"]["train_loss"] = float("nan")  # JSON has no NaN
    log.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    [entry] = live.http.get("data/index.json").json()["runs"]
    assert (entry["id"], entry["metrics"]["train_loss"]) == (sound.id, None)
    assert live.http.get(f"api/runs/{damaged.id}/events").status_code == 404
