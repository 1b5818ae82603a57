"""Tests that recording a PyTorch training changes nothing of it, and that the recorded numbers are right."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import lossatlas.torch as lat
from lossatlas.errors import DataError, OtherModelError
from lossatlas.store import Recording
from lossatlas.torch.epoch_recording import EpochRecording, RecordingWarning
from tests.own_models.trainings import convolutional, images, shuffling, train

CROSS_ENTROPY = torch.nn.CrossEntropyLoss()
#: Options with which a recorder computes as little as possible at its end. These tests are about what it records.
LEAST: Any = {
    "planes": ({"kind": "gaussian", "normalization": "filter", "spans": (0.5,), "grid": 5},),
    "curvature": 0,
    "boundary": "none",
}


def recorder_of(model: torch.nn.Module, data: Path, loader: Any = None, **options: Any) -> lat.Recorder:
    loader = shuffling(images()) if loader is None else loader
    return lat.Recorder(model, CROSS_ENTROPY, loader, loader, data=data, **LEAST | options)


def start(seed: int = 3) -> torch.nn.Sequential:
    torch.manual_seed(seed)
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002 (the legacy state is one that a training may draw from)
    return convolutional()


@pytest.mark.parametrize("workers", [0, 1])
@pytest.mark.parametrize("own_generator", [False, True])
def test_a_training_ends_with_the_same_bits_with_and_without_a_recorder(
    tmp_path: Path, own_generator: bool, workers: int
) -> None:
    def loader() -> Any:
        options = {"generator": torch.Generator().manual_seed(9)} if own_generator else {}
        return shuffling(images(), num_workers=workers, **options)

    model = start()
    expected = train(model, loader(), 3)
    after = random.random(), np.random.random(), torch.rand(3)  # noqa: NPY002
    model, batches = start(), loader()
    with recorder_of(model, tmp_path, batches, measure="now" if own_generator else "auto") as recorder:
        found = train(model, batches, 3, recorder.snapshot)
    assert expected.keys() == found.keys()
    assert all(torch.equal(expected[name], found[name]) for name in expected)
    now = random.random(), np.random.random(), torch.rand(3)  # noqa: NPY002
    assert now[:2] == after[:2]
    assert torch.equal(now[2], after[2])


class CountingSampler(torch.utils.data.Sampler[int]):
    """A sampler whose order depends on how often it was iterated to its end, as in Accelerate."""

    def __init__(self) -> None:
        self.passes, self.generator = 0, None

    def __iter__(self) -> Any:
        yield from torch.randperm(48, generator=torch.Generator().manual_seed(self.passes)).tolist()
        self.passes += 1


def test_a_sampler_that_counts_its_passes_does_not_count_that_of_the_recorder(tmp_path: Path) -> None:
    """There are fewer samples than the recorder takes, so it iterates over all of them."""
    expected = train(start(), shuffling(images(), CountingSampler()), 2)
    model, loader = start(), shuffling(images(), CountingSampler())
    with recorder_of(model, tmp_path, loader) as recorder:
        found = train(model, loader, 2, recorder.snapshot)
    assert all(torch.equal(expected[name], found[name]) for name in expected)
    assert recorder.recording.about["samples"]["train"] == 48


def test_a_loss_of_another_model_is_refused(tmp_path: Path) -> None:
    model, batch = torch.nn.Linear(4, 3), (torch.zeros(2, 4), torch.zeros(2).long())
    with pytest.raises(DataError, match="does not depend on the model that it is given"):
        lat.Recorder(model, None, [batch], data=tmp_path, loss=lambda _, xy: CROSS_ENTROPY(model(xy[0]), xy[1]))
    assert list(tmp_path.iterdir()) == []


def test_a_model_whose_forward_was_wrapped_is_measured_without_the_wrapper(tmp_path: Path) -> None:
    """Other libraries replace ``forward`` for mixed precision by a function that calls the original model."""
    model: Any = torch.nn.Linear(4, 3)
    batch, inner = (torch.ones(2, 4), torch.zeros(2).long()), model.forward
    model.forward = lambda x: inner(x)
    with lat.Recorder(model, CROSS_ENTROPY, [batch], data=tmp_path, **LEAST) as recorder:
        with torch.no_grad():
            model.weight += torch.randn(3, 4)
            expected = float(CROSS_ENTROPY(model(batch[0]), batch[1]))
        recorder.snapshot()
    first, last = (frame.metrics["train_loss"] for frame in recorder.frames)
    assert last == pytest.approx(expected, rel=1e-6)
    assert last != pytest.approx(first)


def test_a_compiled_training_ends_with_the_same_bits_and_plain_names(tmp_path: Path) -> None:
    def compiled() -> Any:
        torch._dynamo.reset()
        return torch.compile(start(), backend="eager")

    expected = train(compiled(), shuffling(images()), 2)
    model = compiled()
    with recorder_of(model, tmp_path) as recorder:
        found = train(model, shuffling(images()), 2, recorder.snapshot)
    assert all(torch.equal(expected[name], found[name]) for name in expected)
    assert [tensor.name for tensor in recorder.recording.parameters][:2] == ["0.weight", "0.bias"]


def test_frames_contain_exactly_the_models_parameters_and_buffers(tmp_path: Path) -> None:
    model, seen = start(), []
    with recorder_of(model, tmp_path) as recorder:
        seen.append({k: v.clone() for k, v in model.state_dict().items()})
        train(model, shuffling(images()), 2, lambda: seen.append(copied(model, recorder)))
    recording = recorder.recording
    assert [frame.epoch for frame in recording.frames] == [0, 1, 2]
    for number, state in enumerate(seen):
        flat = np.concatenate([state[t.name].numpy().ravel() for t in recording.parameters])
        assert np.array_equal(recording.theta(number), flat)
        assert np.array_equal(recording.weights[number], flat)
        kept = np.concatenate([state[t.name].numpy().ravel() for t in recording.buffers])
        assert np.array_equal(recording.buffers_at(number), kept.astype(np.float64))
    assert recording.weights.shape == (3, 4 * 9 + 4 + 4 + 4 + 64 * 3 + 3)


def copied(model: torch.nn.Module, recorder: lat.Recorder) -> dict[str, torch.Tensor]:
    recorder.snapshot()
    return {name: tensor.clone() for name, tensor in model.state_dict().items()}


def test_recorded_losses_are_those_of_a_plain_loop(tmp_path: Path) -> None:
    """They are computed without dropout, once with the statistics of the batch and once with the running statistics."""
    dataset = images()
    inputs, labels = dataset.tensors
    model = start()
    train(model, shuffling(dataset), 2)
    with recorder_of(model, tmp_path, [(inputs, labels)]) as recorder:
        model.eval()
        for frame in recorder.recording.frames:
            with torch.no_grad():
                in_use = model(inputs)
                assert frame.metrics["eval_train_loss"] == pytest.approx(float(CROSS_ENTROPY(in_use, labels)), rel=1e-6)
                right = float((in_use.argmax(1) == labels).float().mean())
                assert frame.metrics["train_accuracy"] == pytest.approx(right, rel=1e-6)
                model[1].train()
                before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
                expected = float(CROSS_ENTROPY(model(inputs), labels))
                model.load_state_dict(before)
                assert frame.metrics["train_loss"] == pytest.approx(expected, rel=1e-6)
                assert expected != pytest.approx(frame.metrics["eval_train_loss"], rel=1e-3)


def test_modes_gradients_and_buffers_do_not_change_even_after_an_exception(tmp_path: Path) -> None:
    model = start()
    model[1].eval()
    model[5].weight.requires_grad = False
    inputs, labels = images().tensors
    CROSS_ENTROPY(model(inputs), labels).backward()
    seen = [
        (n, p.data_ptr(), p.requires_grad, None if p.grad is None else p.grad.clone())
        for n, p in model.named_parameters()
    ]
    modes, state = [m.training for m in model.modules()], {k: v.clone() for k, v in model.state_dict().items()}
    failing = False

    def loss(network: torch.nn.Module, batch: Any) -> torch.Tensor:
        if failing:
            raise ZeroDivisionError
        found: torch.Tensor = CROSS_ENTROPY(network(batch[0]), batch[1])
        return found

    recorder = lat.Recorder(model, loss=loss, train_loader=[(inputs, labels)], data=tmp_path)
    generator, failing = torch.get_rng_state(), True
    with pytest.raises(ZeroDivisionError):
        recorder.snapshot()
    assert torch.equal(generator, torch.get_rng_state())
    assert recorder.recording.frames == ()
    assert [m.training for m in model.modules()] == modes
    assert all(torch.equal(state[name], tensor) for name, tensor in model.state_dict().items())
    for (_, pointer, needs, gradient), (_, now) in zip(seen, model.named_parameters(), strict=True):
        assert (now.data_ptr(), now.requires_grad) == (pointer, needs)
        assert (now.grad is None) == (gradient is None)
        assert gradient is None or now.grad is None or torch.equal(now.grad, gradient)


class Tied(torch.nn.Module):
    """A model whose encoder and decoder share a weight, and which has a frozen layer."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder, self.decoder = torch.nn.Linear(4, 4), torch.nn.Linear(4, 4)
        self.decoder.weight = self.encoder.weight
        self.frozen = torch.nn.Linear(4, 2).requires_grad_(False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        found: torch.Tensor = self.frozen(self.decoder(torch.tanh(self.encoder(x))))
        return found


def test_tied_parameters_count_once_and_frozen_ones_not_at_all(tmp_path: Path) -> None:
    torch.manual_seed(0)
    model, batch = Tied(), (torch.randn(8, 4), torch.arange(8) % 2)
    with lat.Recorder(model, CROSS_ENTROPY, [batch], data=tmp_path, **LEAST) as recorder:
        with torch.no_grad():
            model.encoder.weight += 1
            expected = float(CROSS_ENTROPY(model(batch[0]), batch[1]))
        recorder.snapshot()
        frame = recorder.measure()
    assert [t.name for t in recorder.recording.parameters] == ["encoder.weight", "encoder.bias", "decoder.bias"]
    assert frame.metrics["train_loss"] == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_losses_are_means_over_all_samples_that_count_for_any_batches(tmp_path: Path, reduction: str) -> None:
    torch.manual_seed(0)
    model, inputs, labels = torch.nn.Linear(4, 3), torch.randn(10, 4), torch.arange(10) % 3
    labels[6:] = -100
    with torch.no_grad():
        expected = float(CROSS_ENTROPY(model(inputs), labels))
        square = float((model(inputs) ** 2).mean(dim=1).mean()) * (3 if reduction == "sum" else 1)
    batches = [(inputs[:4], labels[:4]), (inputs[4:], labels[4:])]
    loss_fn = torch.nn.CrossEntropyLoss(reduction=reduction)
    found = lat.Recorder(model, loss_fn, batches, data=tmp_path, batch_size=3).snapshot()
    assert found.metrics["train_loss"] == pytest.approx(expected, rel=1e-6)
    regression = torch.nn.MSELoss(reduction=reduction)
    zeros = [(inputs, torch.zeros(10, 3))]
    found = lat.Recorder(model, regression, zeros, data=tmp_path, batch_size=3).snapshot()
    assert found.metrics["train_loss"] == pytest.approx(square, rel=1e-6)
    assert found.metrics["train_accuracy"] is None


def test_a_model_of_16_bits_is_measured_in_32(tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.Tanh(), torch.nn.Linear(8, 3)).to(torch.bfloat16)
    inputs, labels = torch.randn(10, 4).to(torch.bfloat16), torch.arange(10) % 3
    frame = lat.Recorder(model, CROSS_ENTROPY, [(inputs, labels)], data=tmp_path).snapshot()
    with torch.no_grad():
        exact = float(CROSS_ENTROPY(model.float()(inputs.float()), labels))
    assert frame.metrics["train_loss"] == pytest.approx(exact, rel=1e-6)


def test_a_recording_can_continue_and_an_epoch_that_exists_replaces_all_later_ones(tmp_path: Path) -> None:
    model = start()
    with recorder_of(model, tmp_path, name="Mine, again") as recorder:
        train(model, shuffling(images()), 3, recorder.snapshot)
    (recorder.recording.folder / ".theta-00000009.npy.99999999-0123abcd").write_bytes(b"left by a killed process")
    with recorder_of(model, tmp_path, name="Mine, again", resume=True) as again:
        assert again.recording.id == recorder.recording.id
        assert again.snapshot().epoch == 4
        assert again.snapshot(epoch=2).epoch == 2
    assert [frame.epoch for frame in again.recording.frames] == [0, 1, 2]
    left = sorted(path.name for path in again.recording.folder.iterdir() if "theta" in path.name)
    assert left == [frame.theta_file for frame in again.recording.frames]
    other = convolutional(classes=4)
    loader = shuffling(images(classes=4))
    with recorder_of(other, tmp_path, loader, name="Mine, again", resume=True) as new:
        assert new.recording.id != recorder.recording.id


def test_other_samples_are_refused_before_a_recording_continues(tmp_path: Path) -> None:
    recorder = recorder_of(start(), tmp_path, keep_samples=False)
    recorder.begin()
    before = files_of(recorder)
    inputs, labels = images().tensors
    others: Any = {
        "train_loader": [(-inputs, labels)],
        "resume": True,
        "keep_samples": False,
        "data": tmp_path,
        **LEAST,
    }
    with pytest.raises(OtherModelError, match="not the model, or not the data, that was recorded"):
        lat.Recorder(start(), CROSS_ENTROPY, **others)
    assert files_of(recorder) == before
    callback = EpochRecording(others.pop("train_loader"), None, others)
    with pytest.warns(RecordingWarning, match="not the data, that was recorded. A new recording begins"):
        callback._begin(start(), CROSS_ENTROPY, (list, lambda: None), others, 0)
    assert callback.recorder is not None
    assert callback.recorder.recording.id != recorder.recording.id
    assert files_of(recorder) == before


def files_of(recorder: lat.Recorder) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in recorder.recording.folder.iterdir() if path.is_file()}


def test_frames_are_measured_with_the_fixed_parameters_that_they_had(tmp_path: Path) -> None:
    """Some trainings change parameters that take no gradient, such as averages. A recording does not contain them."""
    torch.manual_seed(0)
    model, batch, expected = Tied(), (torch.randn(8, 4), torch.arange(8) % 2), []
    recorder = lat.Recorder(model, CROSS_ENTROPY, [batch], data=tmp_path)
    for _ in range(4):
        with torch.no_grad():
            model.frozen.weight *= 1.5
            expected.append(float(CROSS_ENTROPY(model(batch[0]), batch[1])))
        recorder.snapshot()
    recorder.measure()
    assert [frame.metrics["train_loss"] for frame in recorder.frames] == pytest.approx(expected, rel=1e-6)
    assert len(set(expected)) == 4


def test_beyond_the_limit_frames_are_deleted_evenly_except_the_first_and_the_last(tmp_path: Path) -> None:
    model = torch.nn.Linear(4, 3)
    batch = torch.randn(4, 4), torch.arange(4) % 3
    recorder = lat.Recorder(model, CROSS_ENTROPY, [batch], data=tmp_path, frames=5)
    for epoch in range(40):
        recorder.snapshot()
        epochs = [frame.epoch for frame in recorder.recording.frames]
        assert len(epochs) <= 5
        assert (epochs[0], epochs[-1]) == (0, epoch)
        assert len(set(np.diff(epochs[:-1]).tolist())) <= 1
    budget = lat.Recorder(model, CROSS_ENTROPY, [batch], data=tmp_path, name="small", disk_budget=1800)
    for _ in range(9):
        budget.snapshot()
    assert len(budget.recording.frames) == 3
    files = [path for path in budget.recording.folder.iterdir() if path.name.startswith("theta")]
    assert len(files) == 3


def test_private_samples_are_not_stored_and_the_rounded_model_is_measured(tmp_path: Path) -> None:
    model = start()
    with recorder_of(model, tmp_path, keep_samples=False, dtype="float16") as recorder:
        theta = recorder.recording.theta(0)
    assert theta.dtype == np.float16
    assert not (recorder.recording.folder / "samples").exists()
    with recorder_of(model, tmp_path, name="open") as recorder:
        kept = recorder.recording.folder / "samples" / "train_inputs.npy"
        assert np.load(kept, allow_pickle=False).shape == (48, 1, 6, 6)


def test_a_recording_is_plain_json_and_arrays(tmp_path: Path) -> None:
    with recorder_of(start(), tmp_path, name="digits CNN") as recorder:
        recorder.snapshot()
    folder = recorder.recording.folder
    assert folder.parent == tmp_path / "recordings"
    assert folder.name.startswith("digits-cnn-")
    about = json.loads((folder / "recording.json").read_text("utf-8"))
    assert about["model"]["parameters"] == about["model"]["trainable"] == 243
    assert about["samples"] == {"train": 48, "test": 48}
    assert about["loss"] == {"name": "CrossEntropyLoss"}
    assert len((folder / "frames.jsonl").read_text("utf-8").splitlines()) == 2
    assert Recording.open(folder).frames == recorder.recording.frames
