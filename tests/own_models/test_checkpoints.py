"""Tests runs that are made from saved checkpoints of a training, in several formats."""

from __future__ import annotations

import pickle
import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

import lossatlas.torch as lat
from lossatlas.errors import DataError, MissingExtraError
from lossatlas.store import Gallery, Recording, read_manifest, run_folder
from tests.own_models.trainings import convolutional, images, run_example, train

CROSS_ENTROPY = torch.nn.CrossEntropyLoss()


def test_checkpoints_become_the_run_that_recording_would_have_made(tmp_path: Path) -> None:
    torch.manual_seed(3)
    model, loader = convolutional(), [images().tensors]
    paths: list[Path] = []

    def save() -> None:
        paths.append(tmp_path / f"epoch-{len(paths)}.pt")
        kept = {f"module.{name}": tensor for name, tensor in model.state_dict().items()}
        torch.save(kept if len(paths) % 2 else {"state_dict": kept, "epoch": len(paths)}, paths[-1])

    def end_epoch() -> None:
        save()
        recorder.snapshot()

    options: Any = {"planes": ("pca",), "curvature": 0, "boundary": "none", "budget": 0.001}
    with lat.Recorder(model, CROSS_ENTROPY, loader, data=tmp_path / "live", **options) as recorder:
        save()
        train(model, loader, 3, end_epoch)
    fresh = convolutional()
    before = {name: tensor.clone() for name, tensor in fresh.state_dict().items()}
    folder = lat.from_checkpoints(paths, fresh, CROSS_ENTROPY, loader, data=tmp_path / "late", **options)
    assert folder is not None
    assert all(torch.equal(before[name], tensor) for name, tensor in fresh.state_dict().items())
    [recording] = (tmp_path / "late" / "recordings").iterdir()
    late, live = Recording.open(recording), recorder.recording
    assert np.array_equal(late.weights[:], live.weights[:])
    assert [frame.metrics for frame in late.frames] == [frame.metrics for frame in live.frames]


class Attack:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return Path.touch, (self.path,)


def test_checkpoints_execute_nothing_and_wrong_ones_are_named(tmp_path: Path) -> None:
    """A wrong file is tried first and last in the list. Each time the message names it, and nothing is written."""
    good, bad, other, partial = (tmp_path / f"{name}.pt" for name in ("good", "bad", "other", "partial"))
    state = convolutional().state_dict()
    torch.save(state, good)
    torch.save({"state_dict": Attack(tmp_path / "executed")}, bad)
    torch.save(convolutional(classes=4).state_dict(), other)
    torch.save({name: tensor for name, tensor in state.items() if not name.startswith("5.")}, partial)
    torch.save(state | {"6.weight": torch.zeros(2)}, tmp_path / "more.pt")
    torch.save(
        {f"{name}.{k}": v for name in ("ema", "student") for k, v in state.items()},
        tmp_path / "two.pt",
    )
    (tmp_path / "plain.pt").write_bytes(pickle.dumps(Attack(tmp_path / "executed"), protocol=2))
    (tmp_path / "cut.safetensors").write_bytes(b"\x40" + bytes(20))
    (tmp_path / "empty.pt").write_bytes(b"")
    (tmp_path / "folder").mkdir()
    torch.save([1, 2], tmp_path / "list.pt")
    for name, message in (
        ("bad.pt", "could run code"),
        ("plain.pt", "could run code"),
        ("other.pt", "no checkpoint of this model: .*size mismatch"),
        ("partial.pt", "no checkpoint of this model: it has no 5.weight, one of 2 tensors"),
        ("more.pt", "it has 6.weight, one of 1 tensors that the model does not have"),
        ("two.pt", "ema. and student. both fit the model"),
        ("none.pt", "no checkpoint of this model: .*No such file"),
        ("cut.safetensors", "no checkpoint of this model"),
        ("empty.pt", "no checkpoint of this model"),
        ("folder", "without safetensors"),
        ("list.pt", "holds a list, and no state dict"),
    ):
        for paths in ([tmp_path / name, good], [good, tmp_path / name]):
            with pytest.raises(DataError, match=rf"(?s){re.escape(name)}.*{message}"):
                lat.from_checkpoints(paths, convolutional(), CROSS_ENTROPY, [images().tensors], data=tmp_path / "data")
    assert not (tmp_path / "executed").exists()
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize(
    ("names", "epochs", "message"),
    [
        (["a-0"], None, "a run needs two"),
        (["a-1", "a-10", "a-2"], None, "a-2.pt comes after a-10.pt: sort"),
        (["a-1", "a-2"], [1], "give 2 numbers"),
        (["a-1", "a-2"], [2, 2], "that increase"),
        (["a-1", "a-2"], [-1, 2], "from 0 on"),
    ],
)
def test_doubtful_orders_of_checkpoints_are_refused(
    tmp_path: Path, names: list[str], epochs: list[int] | None, message: str
) -> None:
    paths = [tmp_path / f"{name}.pt" for name in names]
    with pytest.raises(DataError, match=message):
        lat.from_checkpoints(paths, convolutional(), CROSS_ENTROPY, [images().tensors], epochs=epochs)


class Tied(torch.nn.Module):
    """Two layers that share their weight, as in language models. One is named ``module``, as in DataParallel."""

    def __init__(self) -> None:
        super().__init__()
        self.module, self.head = torch.nn.Linear(4, 4), torch.nn.Linear(4, 4, bias=False)
        self.head.weight = self.module.weight

    def forward(self, x: torch.Tensor) -> Any:
        return self.head(torch.tanh(self.module(x)))


def test_safetensors_are_read_from_files_and_folders_and_tied_tensors_count_once(tmp_path: Path) -> None:
    """The folders are like those of transformers: a tied tensor is stored once."""
    torch.manual_seed(0)
    models = [Tied() for _ in range(3)]
    paths = [tmp_path / f"checkpoint-{step}" for step in (8, 16, 24)]
    for path, model in zip(paths, models, strict=True):
        path.mkdir()
        state = {name: tensor.contiguous() for name, tensor in model.state_dict().items() if name != "head.weight"}
        if path == paths[1]:  # large models are stored in several files
            save_file({"module.bias": state.pop("module.bias")}, path / "model-00002-of-00002.safetensors")
        save_file(state, path / "model.safetensors")
    given = [paths[0] / "model.safetensors", *paths[1:]]
    batch = torch.randn(8, 4), torch.arange(8) % 4
    options: Any = {"planes": ("pca",), "curvature": 0, "boundary": "none", "budget": 0.001, "data": tmp_path / "data"}
    assert lat.from_checkpoints(given, Tied(), CROSS_ENTROPY, [batch], epochs=[1, 2, 5], **options) is not None
    [folder] = (tmp_path / "data" / "recordings").iterdir()
    recording = Recording.open(folder)
    assert [frame.epoch for frame in recording.frames] == [1, 2, 5]
    assert [tensor.name for tensor in recording.parameters] == ["module.weight", "module.bias"]
    for number, model in enumerate(models):
        flat = np.concatenate([parameter.detach().numpy().ravel() for parameter in model.parameters()])
        assert np.array_equal(recording.theta(number), flat)


def test_without_the_safetensors_package_the_message_says_how_to_install_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "safetensors.torch", None)
    (tmp_path / "a.safetensors").write_bytes(b"")
    with pytest.raises(MissingExtraError, match=r"a.safetensors .*pip install safetensors"):
        lat.from_checkpoints([tmp_path / "a.safetensors"] * 2, Tied(), CROSS_ENTROPY, [images().tensors])


def test_the_example_of_digits_ends_in_a_run_that_has_learned(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    small = ("--epochs", "3", "--samples", "64", "--budget", "0.01", "--data", str(tmp_path))
    run_example(monkeypatch, "digits_cnn", *small)
    assert len(capsys.readouterr().out.splitlines()) == 3
    [run_id] = Gallery(tmp_path).ids()
    assert [verdict.fault for verdict in Gallery(tmp_path).verify()] == [None]
    manifest = read_manifest(run_folder(tmp_path, run_id))
    assert manifest["model"]["parameters"] == 5226
    assert len(manifest["dataset"]["classes"]) == 10
    assert manifest["metrics"]["test_accuracy"][-1] > 0.3  # guessing one of ten classes gives 0.1
    assert [plane["name"] for plane in manifest["planes"]] == ["gaussian-filter", "pca", "hessian"]


def test_the_example_of_fine_tuning_learns_the_later_digits_and_forgets_the_earlier_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    kept, data = tmp_path / "checkpoints", tmp_path / "data"
    small = ("--epochs", "2", "--samples", "64", "--budget", "0.01", "--data", str(data), "--checkpoints", str(kept))
    run_example(monkeypatch, "finetune_from_checkpoints", *small)
    assert len(capsys.readouterr().out.splitlines()) == 5
    assert sorted(path.name for path in kept.iterdir()) == [f"epoch-{epoch}.pt" for epoch in range(5)]
    assert [verdict.fault for verdict in Gallery(data).verify()] == [None]
    manifest = read_manifest(run_folder(data, Gallery(data).ids()[0]))
    assert manifest["model"]["parameters"] == 6220
    assert manifest["planes"][0]["name"] == "pca"
    later, earlier = manifest["metrics"]["train_loss"], manifest["metrics"]["test_loss"]
    assert later[4] < later[0] < later[2]
    assert earlier[2] < earlier[0] < earlier[4]
