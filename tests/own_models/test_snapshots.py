"""Tests what a snapshot waits for, when its losses are measured, and what 16 bits change."""

from __future__ import annotations

import errno
from pathlib import Path
from threading import Event
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits

import lossatlas.torch as lat
from lossatlas.store import Gallery, RecordingWriter, durable, read_manifest, recording_writer, run_folder
from lossatlas.torch import measure_timing
from lossatlas.torch.epoch_recording import EpochRecording, RecordingWarning
from tests.own_models.test_recorder import CROSS_ENTROPY, LEAST, recorder_of, start
from tests.own_models.trainings import images, shuffling, train


class Counted:
    """A loss that counts its calls."""

    calls = 0

    def __call__(self, output: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        self.calls += 1
        found: torch.Tensor = CROSS_ENTROPY(output, target)
        return found


def test_a_snapshot_evaluates_nothing_and_frames_that_are_measured_later_have_the_same_losses(tmp_path: Path) -> None:
    loss, model, loader = Counted(), start(), shuffling(images())
    now = lat.Recorder(model, CROSS_ENTROPY, loader, loader, data=tmp_path / "now", measure="now", dtype="float16")
    later = lat.Recorder(model, loss, loader, loader, data=tmp_path, dtype="float16", measure="later")
    calls = []

    def both() -> None:
        assert now.snapshot().metrics.keys() > {"train_loss"}
        before = loss.calls
        assert later.snapshot().metrics == {}
        calls.append(loss.calls - before)

    now.begin()
    later.begin()
    train(model, loader, 3, both)
    assert calls == [0, 0, 0]
    assert [bool(frame.metrics) for frame in later.recording.frames] == [True, False, False, False]
    before, generator = loss.calls, torch.get_rng_state()
    assert later.measure() == now.frames[-1]
    assert later.recording.frames == now.recording.frames
    assert torch.equal(generator, torch.get_rng_state())
    calls = [loss.calls - before]
    later.measure()
    later.snapshot()
    assert [loss.calls - before] == calls  # each frame is measured once


def test_losses_are_measured_while_the_training_runs_if_they_take_a_hundredth_of_its_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each call of the loss takes a second of a clock that nothing else moves, and each epoch 70 seconds."""
    now = 0.0

    def loss_fn(output: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        nonlocal now
        now += 1
        return torch.nn.functional.cross_entropy(output, target)

    def end_epoch() -> None:
        nonlocal now
        now += 70
        recorder.snapshot()

    monkeypatch.setattr(measure_timing, "time", SimpleNamespace(perf_counter=lambda: now))
    model, batch = torch.nn.Linear(4, 3), (torch.randn(6, 4), torch.arange(6) % 3)
    recorder = lat.Recorder(model, loss_fn, [batch], [batch], data=tmp_path)
    recorder.begin()
    before = now
    train(model, [batch], 8, end_epoch)
    # A measurement takes two seconds, so that one is made after 210 seconds, which is three epochs.
    measured = [bool(frame.metrics) for frame in recorder.recording.frames]
    assert measured == [True, False, False, True, False, False, True, False, False]
    assert now - before == 8 * 70 + 2 * 2
    recorder.measure()
    losses = [frame.metrics["train_loss"] for frame in recorder.recording.frames]
    copy, expected = torch.nn.Linear(4, 3), []
    for number in range(9):
        torch.nn.utils.vector_to_parameters(torch.tensor(recorder.recording.theta(number)), copy.parameters())
        expected.append(float(CROSS_ENTROPY(copy(batch[0]), batch[1]).detach()))
    assert losses == pytest.approx(expected, rel=1e-6)


def test_a_training_does_not_wait_for_the_disk_and_a_frame_has_the_parameters_of_its_snapshot(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, batch = torch.nn.Linear(4, 3), (torch.zeros(2, 4), torch.zeros(2).long())
    recorder, may_write = lat.Recorder(model, CROSS_ENTROPY, [batch], data=tmp_path), Event()
    recorder.begin()
    sync = durable._sync
    monkeypatch.setattr(durable, "_sync", lambda descriptor: may_write.wait(60) and sync(descriptor))
    with torch.no_grad():
        expected = model.weight.fill_(3).numpy().ravel().copy()
        recorder.snapshot()
        model.weight.fill_(5)
    assert (recorder._writer.folder / "frames.jsonl").read_text("utf-8").count("\n") == 1
    may_write.set()
    recorder.flush()
    assert np.array_equal(recorder.recording.theta(1)[:12], expected)


def test_a_last_frame_that_a_callback_cannot_write_does_not_cost_the_run_of_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options: Any = {"data": tmp_path, "name": "mine", **LEAST}
    model, callback = start(), EpochRecording([images().tensors], None, options)
    callback._begin(model, CROSS_ENTROPY, (list, lambda: None), options, 0)
    train(model, shuffling(images()), 1, lambda: callback._record(1))
    assert callback.recorder is not None
    callback.recorder.flush()

    def refuse(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(recording_writer, "_save_array", refuse)
        train(model, shuffling(images()), 1, lambda: callback._record(2))
        callback.recorder._writer.wait()
    with pytest.warns(RecordingWarning, match="No space left on device"):
        callback._end()
    assert read_manifest(run_folder(tmp_path, Gallery(tmp_path).ids()[0]))["frames"] == [0, 1]


def test_frames_that_an_ended_process_did_not_measure_are_measured_by_the_next_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Files are on the disk after a flush, so a recorder that is forgotten leaves what a killed one does."""
    model = start()
    whole = recorder_of(model, tmp_path / "whole", measure="now")
    killed = recorder_of(model, tmp_path, measure="later")
    for recorder in (whole, killed):
        recorder.begin()
    train(model, shuffling(images()), 3, lambda: (whole.snapshot(), killed.snapshot()))
    fails_at = iter(["second", "third"])
    put = RecordingWriter.put_metrics

    def put_until_killed(self: RecordingWriter, number: int, metrics: Any) -> None:
        if next(fails_at) == "third":
            raise KeyboardInterrupt  # this replaces a SIGKILL
        put(self, number, metrics)

    with monkeypatch.context() as patch:
        patch.setattr(RecordingWriter, "put_metrics", put_until_killed)
        with pytest.raises(KeyboardInterrupt):
            killed.finish()
    assert [bool(frame.metrics) for frame in killed.recording.frames] == [True, True, False, False]
    again = recorder_of(start(seed=8), tmp_path, resume=True)  # it holds other parameters
    again.finish()
    assert again.recording.id == killed.recording.id
    assert again.recording.frames == whole.recording.frames


def test_parameters_of_16_bits_change_losses_by_less_than_a_thousandth(tmp_path: Path) -> None:
    """The bound of docs/your-own-model.md: over a whole training, on samples that it has and has not seen."""
    torch.manual_seed(0)
    digits = load_digits()
    inputs, labels = torch.tensor(digits.data, dtype=torch.float32) / 16, torch.tensor(digits.target)
    model = torch.nn.Sequential(torch.nn.Linear(64, 64), torch.nn.BatchNorm1d(64), torch.nn.ReLU())
    model.append(torch.nn.Linear(64, 10))
    parts = [(inputs[:1200], labels[:1200])], [(inputs[1200:], labels[1200:])]
    dtypes: tuple[Any, ...] = ("float32", "float16")
    whole, half = (lat.Recorder(model, CROSS_ENTROPY, *parts, data=tmp_path / d, dtype=d) for d in dtypes)
    batches = list(zip(inputs[:1200].chunk(25), labels[:1200].chunk(25), strict=True))
    for recorder in (whole, half):
        recorder.begin()
    train(model, batches, 8, lambda: (whole.snapshot(), half.snapshot()))
    for name in ("train_loss", "test_loss"):
        exact, rounded = (
            np.array([frame.metrics[name] for frame in (r.measure(), *r.frames)][1:], float) for r in (whole, half)
        )
        errors = np.abs(rounded / exact - 1)
        assert errors.max() < 1e-3
        assert np.median(errors) < 3e-4
        assert exact[-1] < 0.2 * exact[0]
        assert errors.any()
    sizes = [r.recording.folder.joinpath("theta-00000003.npy").stat().st_size for r in (whole, half)]
    assert sizes[1] < 0.51 * sizes[0]
