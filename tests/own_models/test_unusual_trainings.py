"""Records trainings that fail, diverge, are compiled, or run in several processes."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import lossatlas.torch as lat
from lossatlas.errors import DataError
from lossatlas.store import Gallery, Recording, open_stored, read_manifest, run_folder
from tests.own_models.test_recorder import CROSS_ENTROPY, LEAST, recorder_of, start
from tests.own_models.trainings import images, shuffling, train

ROOT = Path(__file__).parents[2]


def test_after_an_exception_in_the_block_the_recording_stays_and_no_run_is_made(tmp_path: Path) -> None:
    model = start()
    recorder = recorder_of(model, tmp_path)

    def stop() -> None:
        with recorder:
            train(model, shuffling(images()), 2, recorder.snapshot)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        stop()
    assert [frame.epoch for frame in recorder.recording.frames] == [0, 1, 2]
    assert Gallery(tmp_path).ids() == []
    with recorder_of(model, tmp_path, resume=True) as again:
        assert again.recording.id == recorder.recording.id
    assert len(Gallery(tmp_path).ids()) == 1


@pytest.mark.parametrize("part", ["train", "test"])
def test_samples_with_nan_are_refused_before_anything_is_written(tmp_path: Path, part: str) -> None:
    inputs, labels = images().tensors
    wrong = inputs.clone()
    wrong[0] = torch.nan
    loaders = [[(wrong if part == name else inputs, labels)] for name in ("train", "test")]
    with pytest.raises(DataError, match=f"the samples of {part}_loader is not finite"):
        lat.Recorder(start(), CROSS_ENTROPY, *loaders, data=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_diverged_training_is_shown_up_to_its_last_finite_frame(tmp_path: Path) -> None:
    model: Any = start()
    with recorder_of(model, tmp_path) as recorder:
        train(model, shuffling(images()), 2, recorder.snapshot)
        with torch.no_grad():
            model[0].weight[0, 0, 0, 0] = torch.nan
        recorder.snapshot()
        assert recorder.measure().metrics["train_loss"] is None
    assert [frame.epoch for frame in recorder.recording.frames] == [0, 1, 2, 3]
    manifest = read_manifest(run_folder(tmp_path, Gallery(tmp_path).ids()[0]))
    assert manifest["frames"] == [0, 1, 2]


@pytest.mark.filterwarnings("error")
def test_frames_with_infinite_logits_are_shown_without_a_warning(tmp_path: Path) -> None:
    torch.manual_seed(0)
    model: Any = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.ReLU(), torch.nn.Linear(3, 2))
    batch = torch.randn(12, 2), torch.arange(12) % 2
    with lat.Recorder(
        model, torch.nn.CrossEntropyLoss(label_smoothing=0.1), [batch], data=tmp_path, **LEAST | {"boundary": "auto"}
    ) as recorder:
        train(model, [batch], 1, recorder.snapshot)
        with torch.no_grad():
            model[0].weight *= 1e30
            model[2].weight *= 1e30
        recorder.snapshot()
    run = open_stored(run_folder(tmp_path, Gallery(tmp_path).ids()[0]))
    assert run.manifest["metrics"]["train_loss"][-1] is None  # type: ignore[union-attr]
    assert run.arrays["confidence"].shape[0] == 3  # type: ignore[union-attr]


def test_three_hundred_classes_are_measured_but_get_no_boundary(tmp_path: Path) -> None:
    torch.manual_seed(0)
    model, batch = torch.nn.Linear(4, 300), (torch.randn(6, 4), torch.tensor([0, 1, 2, 3, 4, 299]))
    with lat.Recorder(model, CROSS_ENTROPY, [batch], data=tmp_path, **LEAST | {"boundary": "auto"}) as recorder:
        with torch.no_grad():
            model.weight *= 9
            right = float((model(batch[0]).argmax(1) == batch[1]).float().mean())
        recorder.snapshot()
        assert recorder.measure().metrics["train_accuracy"] == pytest.approx(right)
    assert read_manifest(run_folder(tmp_path, Gallery(tmp_path).ids()[0]))["boundary"] is None
    few = batch[0], batch[1].clamp(max=4)  # the labels fit into a byte, but the predicted classes do not
    with lat.Recorder(model, CROSS_ENTROPY, [few], data=tmp_path / "few", **LEAST | {"boundary": "auto"}) as recorder:
        with torch.no_grad():
            model.weight *= 2
        recorder.snapshot()
    assert read_manifest(run_folder(tmp_path / "few", Gallery(tmp_path / "few").ids()[0]))["boundary"] is None


def test_batches_of_different_shapes_are_recorded_but_not_stored(tmp_path: Path) -> None:
    """Texts are padded to the longest one of their batch, so that those of different batches cannot be joined."""
    torch.manual_seed(0)
    model: Any = torch.nn.Sequential(torch.nn.AdaptiveAvgPool1d(4), torch.nn.Flatten(), torch.nn.Linear(4, 3))
    batches = [(torch.randn(6, 1, length), torch.arange(6) % 3) for length in (5, 9)]
    with lat.Recorder(model, CROSS_ENTROPY, batches, data=tmp_path, **LEAST) as recorder, torch.no_grad():
        model[2].weight *= 2
        recorder.snapshot()
        expected = sum(float(CROSS_ENTROPY(model(inputs), labels)) for inputs, labels in batches) / 2
        assert recorder.measure().metrics["train_loss"] == pytest.approx(expected, rel=1e-6)
    assert not (recorder.recording.folder / "samples").exists()
    assert len(Gallery(tmp_path).ids()) == 1


class Recurrent(torch.nn.Module):
    """A recurrent layer, whose weights PyTorch keeps in a separate list."""

    def __init__(self) -> None:
        super().__init__()
        self.layer, self.out = torch.nn.LSTM(4, 5, batch_first=True), torch.nn.Linear(5, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        states, _ = self.layer(x)
        return torch.as_tensor(self.out(states[:, -1]))


class TwoInputs(torch.nn.Module):
    """A model whose input is a list of two tensors."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = torch.nn.Linear(4, 3), torch.nn.Linear(2, 3)

    def forward(self, x: list[torch.Tensor]) -> torch.Tensor:
        return torch.as_tensor(self.first(x[0]) + self.second(x[1]))


def words(sparse: bool) -> torch.nn.Module:
    return torch.nn.Sequential(torch.nn.Embedding(11, 4, sparse=sparse), torch.nn.Flatten(), torch.nn.Linear(12, 3))


@pytest.mark.parametrize(
    ("make", "inputs"),
    [
        (Recurrent, torch.randn(8, 6, 4)),
        (TwoInputs, [torch.randn(8, 4), torch.randn(8, 2)]),
        (lambda: words(sparse=True), torch.arange(24).reshape(8, 3) % 11),
        (lambda: torch.optim.swa_utils.AveragedModel(torch.nn.Linear(4, 3)), torch.randn(8, 4)),
        (lambda: torch.nn.DataParallel(torch.nn.Linear(4, 3)), torch.randn(8, 4)),
        (lambda: torch.nn.utils.parametrizations.weight_norm(torch.nn.Linear(4, 3)), torch.randn(8, 4)),
    ],
    ids=["recurrent", "two inputs", "sparse", "averaged", "data parallel", "weight norm"],
)
def test_models_of_every_kind_are_measured(tmp_path: Path, make: Any, inputs: Any) -> None:
    """The losses are those of the model itself, and products with the Hessian can be computed."""
    model, labels = make(), torch.arange(8) % 3
    options: Any = LEAST | {"planes": ({"kind": "hessian", "grid": 3},), "curvature": 1}
    with lat.Recorder(model, CROSS_ENTROPY, [(inputs, labels)], data=tmp_path, **options) as recorder:
        for parameter in model.parameters():
            torch.nn.init.uniform_(parameter, -0.5, 0.5)
        with torch.no_grad():
            expected = float(CROSS_ENTROPY(model(inputs), labels))
        recorder.snapshot()
        assert recorder.measure().metrics["train_loss"] == pytest.approx(expected, rel=1e-6)
    manifest = read_manifest(run_folder(tmp_path, Gallery(tmp_path).ids()[0]))
    assert manifest["left_out"] == []
    assert manifest["curvature"]["largest"][0] > 0


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_training_compiled_by_inductor_ends_with_the_same_bits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if shutil.which("c++") is None:
        pytest.skip("there is no C++ compiler, which torch.compile needs")
    from torch._inductor import config as inductor  # this takes a second

    # Inductor needs no programs that try which instructions the processor has, and no headers compiled for the future.
    monkeypatch.setattr(inductor.cpp, "vec_isa_ok", False)
    monkeypatch.setattr(inductor, "cpp_cache_precompile_headers", False)
    monkeypatch.setattr(inductor, "compile_threads", 1)

    def compiled() -> Any:
        torch._dynamo.reset()
        torch.manual_seed(3)
        return torch.compile(torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(36, 4), torch.nn.Linear(4, 3)))

    whole = torch.utils.data.DataLoader(images(), batch_size=48)
    expected = train(compiled(), whole, 2)
    model = compiled()
    with recorder_of(model, tmp_path, whole) as recorder:
        found = train(model, whole, 2, recorder.snapshot)
    assert all(torch.equal(expected[name], found[name]) for name in expected)
    last = np.concatenate([tensor.numpy().ravel() for tensor in found.values()])
    assert np.array_equal(recorder.recording.theta(-1), last)


_PROCESS = """
import sys, torch
import lossatlas.torch as lat
from lossatlas.errors import DataError
from torch.distributed.fsdp import fully_shard
from tests.own_models.trainings import convolutional, images, train

rank, folder = int(sys.argv[1]), sys.argv[2]
torch.set_num_threads(1)
torch.distributed.init_process_group("gloo", init_method=f"file://{folder}/meet", rank=rank, world_size=2)


def trained(after):
    torch.manual_seed(3)
    model = torch.nn.parallel.DistributedDataParallel(convolutional())
    torch.manual_seed(rank)
    part = [tuple(tensor[rank::2] for tensor in images().tensors)]
    return model, part, lambda recorder: train(model, part, 2, recorder.snapshot if recorder else lambda: None)


_, _, run = trained(None)
expected = run(None)
model, part, run = trained(None)
plane = {"kind": "gaussian", "normalization": "filter", "spans": (0.5,), "grid": 3}
loss = torch.nn.CrossEntropyLoss()
with lat.Recorder(model, loss, part, data=f"{folder}/data-{rank}", planes=(plane,), curvature=0) as recorder:
    found = run(recorder)
assert all(torch.equal(expected[name], found[name]) for name in expected)
torch.save(found, f"{folder}/state-{rank}.pt")
assert len(recorder.frames) == (3 if rank == 0 else 0)
try:
    lat.Recorder(fully_shard(torch.nn.Linear(4, 4)), loss, part, data=f"{folder}/sharded")
except DataError as error:
    print(error)
torch.distributed.destroy_process_group()
"""


def test_the_first_of_two_processes_records_and_neither_is_disturbed(tmp_path: Path) -> None:
    """A model that is sharded over both is refused in both, so neither waits for the other."""
    run = [sys.executable, "-c", _PROCESS]
    pipes: Any = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    processes = [subprocess.Popen([*run, str(rank), str(tmp_path)], cwd=ROOT, **pipes) for rank in (0, 1)]
    for process in processes:
        out, problems = process.communicate(timeout=180)
        assert process.returncode == 0, problems
        assert "sharded (FSDP" in out
    [recording] = (tmp_path / "data-0" / "recordings").iterdir()
    state = torch.load(tmp_path / "state-0.pt", weights_only=True)
    layout = Recording.open(recording).parameters
    assert layout[0].name == "0.weight"
    flat = np.concatenate([state[f"module.{tensor.name}"].numpy().ravel() for tensor in layout])
    assert np.array_equal(Recording.open(recording).theta(-1), flat)
    assert len(Gallery(tmp_path / "data-0").ids()) == 1
    assert sorted(path.name for path in tmp_path.glob("data-*")) == ["data-0"]
    assert not (tmp_path / "sharded").exists()
