from __future__ import annotations

import os
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import lossatlas.torch as lat
from lossatlas.errors import DataError
from lossatlas.store import Gallery, Recording, read_manifest, run_folder
from tests.own_models.trainings import convolutional, images, train

CROSS_ENTROPY = torch.nn.CrossEntropyLoss()
EXAMPLES = Path(__file__).parents[2] / "examples"


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
    good, bad, other = (tmp_path / f"{name}.pt" for name in ("good", "bad", "other"))
    torch.save(convolutional().state_dict(), good)
    torch.save({"state_dict": Attack(tmp_path / "executed")}, bad)
    torch.save(convolutional(classes=4).state_dict(), other)
    (tmp_path / "plain.pt").write_bytes(pickle.dumps(Attack(tmp_path / "executed"), protocol=2))
    loader = [images().tensors]
    for paths, message in (
        ([good], "a run needs two"),
        ([bad, good], "could run code"),
        ([tmp_path / "plain.pt", good], "could run code"),
        ([other, good], "no checkpoint of this model"),
        ([tmp_path / "none.pt", good], "no checkpoint of this model"),
    ):
        with pytest.raises(DataError, match=message):
            lat.from_checkpoints(paths, convolutional(), CROSS_ENTROPY, loader, data=tmp_path / "data")
    assert not (tmp_path / "executed").exists()
    assert not (tmp_path / "data").exists()


def test_the_example_of_digits_ends_in_a_run_that_has_learned(tmp_path: Path) -> None:
    small = ["--epochs", "3", "--samples", "64", "--budget", "1", "--data", str(tmp_path)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}  # other tests use the other core
    told = subprocess.run(
        [sys.executable, EXAMPLES / "digits_cnn.py", *small],
        capture_output=True,
        text=True,
        check=True,
        env=environment,
    )
    assert len(told.stdout.splitlines()) == 3
    [run_id] = Gallery(tmp_path).ids()
    assert [verdict.fault for verdict in Gallery(tmp_path).verify()] == [None]
    manifest = read_manifest(run_folder(tmp_path, run_id))
    assert manifest["model"]["parameters"] == 5226
    assert len(manifest["dataset"]["classes"]) == 10
    assert manifest["metrics"]["test_accuracy"][-1] > 0.3  # guessing one of ten classes gives 0.1
    assert [plane["name"] for plane in manifest["planes"]] == ["gaussian-filter", "pca", "hessian"]
