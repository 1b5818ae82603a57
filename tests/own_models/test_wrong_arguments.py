"""Tests that what cannot be recorded is refused with a sentence, and leaves nothing on the disk."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.data import TensorDataset

import lossatlas.torch as lat
from lossatlas.errors import DataError, LossAtlasError, OtherModelError
from lossatlas.store import Gallery, read_manifest, run_folder
from tests.own_models.test_recorder import CROSS_ENTROPY, LEAST, recorder_of, start
from tests.own_models.trainings import images, shuffling, train


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"loss_fn": None}, "either loss_fn"),
        ({"train_loader": None}, "give train_loader"),
        ({"train_loader": []}, "no samples"),
        ({"train_loader": iter([(torch.zeros(2, 4), torch.zeros(2).long())])}, "only once"),
        ({"train_loader": [{"x": torch.zeros(2, 4)}]}, r"loss_fn takes \(inputs, targets\)"),
        ({"frames": 1}, "fewest"),
        ({"samples": 0}, "samples is 0"),
        ({"measure": "soon"}, "measure is 'soon'; give 'auto', 'now' or 'later'"),
        ({"name": "…"}, "no letter"),
        ({"model": torch.nn.Linear(4, 3).requires_grad_(False)}, "nothing to record"),
        ({"model": torch.nn.LazyLinear(3)}, "no shape yet"),
        ({"model": torch.nn.Linear(4, 3, device="meta")}, "no values yet"),
        ({"model": torch.nn.Linear}, r"model is the class Linear; give an instance of it"),
        ({"model": torch.nn.functional.relu}, "model is a function, and no torch.nn.Module"),
        ({"loss_fn": torch.nn.CrossEntropyLoss}, r"the class CrossEntropyLoss; give an instance, CrossEntropyLoss\(\)"),
        ({"loss_fn": lambda o, t: float(CROSS_ENTROPY(o, t).detach())}, "the loss is a float, and no tensor"),
        ({"loss_fn": lambda o, t: (CROSS_ENTROPY(o, t), 1)}, "the loss is a tuple of Tensor, int, and no tensor"),
        ({"loss_fn": lambda o, t: CROSS_ENTROPY(o, t).detach()}, "must not be detached from it"),
        ({"train_loader": TensorDataset(torch.zeros(2, 4), torch.zeros(2).long())}, "give torch.utils.data.DataLoader"),
        ({"train_loader": [(torch.zeros(4), torch.tensor(0))]}, "this gives single samples"),
        ({"train_loader": (torch.zeros(2, 4), torch.zeros(2))}, r"such pairs, as \[\(inputs, targets\)\]"),
        ({"samples": "all"}, "samples: 'all' is not allowed; give a whole number"),
        ({"disk_budget": "2 GB"}, r"disk_budget: '2 GB' is not allowed; give a whole number of bytes, such as 2"),
        ({"dtype": torch.float16}, "dtype: torch.float16 is not allowed; give 'float32' or 'float16'"),
        ({"name": 3}, "name: 3 is not allowed; give a text"),
        ({"sample": 3}, r"sample: there is no such option; did you mean samples\?"),
    ],
)
def test_models_that_cannot_be_recorded_are_refused_with_a_reason_and_leave_nothing(
    tmp_path: Path, wrong: dict[str, Any], message: str
) -> None:
    batch = torch.zeros(2, 4), torch.zeros(2).long()
    given = {
        "model": torch.nn.Linear(4, 3),
        "loss_fn": CROSS_ENTROPY,
        "train_loader": [batch],
        "data": tmp_path,
        **wrong,
    }
    with pytest.raises(LossAtlasError, match=message):
        lat.Recorder(given.pop("model"), given.pop("loss_fn"), given.pop("train_loader"), **given)
    assert list(tmp_path.iterdir()) == []


class FullyShardedDataParallel(torch.nn.Linear):
    """A module whose class has the name of FSDP's wrapper."""


def test_sharded_models_are_refused_and_the_error_says_what_to_do(tmp_path: Path) -> None:
    batch = torch.zeros(2, 4), torch.zeros(2).long()
    with pytest.raises(DataError, match=r"sharded \(FSDP\).*from_checkpoints"):
        lat.Recorder(FullyShardedDataParallel(4, 3), CROSS_ENTROPY, [batch], data=tmp_path)


def test_an_epoch_that_is_no_whole_number_is_refused_and_deletes_nothing(tmp_path: Path) -> None:
    recorder = recorder_of(start(), tmp_path)
    recorder.begin()
    epochs: tuple[Any, ...] = (-3, 0.5, "1", torch.tensor(1.0))
    for epoch in epochs:
        with pytest.raises(DataError, match="give a whole number, 0 or more"):
            recorder.snapshot(epoch)
    recorder.snapshot(int(np.int64(4)))
    assert recorder.snapshot(torch.tensor(6)).epoch == 6  # type: ignore[arg-type]
    assert [frame.epoch for frame in recorder.frames] == [0, 4, 6]


def test_names_in_any_script_give_an_id_and_stay_as_they_are(tmp_path: Path) -> None:
    for name, beginning in (
        ("exp/3: lr=0.1 ../../x", "exp-3-lr-0-1-x-"),
        ("Modèle n°2", "modele-n-2-"),
        ("моя модель", "recording-"),
    ):
        recording = recorder_of(start(), tmp_path, name=name).recording
        assert recording.id.startswith(beginning)
        assert recording.about["name"] == name
        assert recording.folder.parent == tmp_path / "recordings"


def test_recordings_go_to_the_users_own_folder_by_default_with_as_many_samples_as_are_wanted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOSSATLAS_DATA", str(tmp_path / "own"))  # the command line reads this one, too
    model, (inputs, labels) = torch.nn.Linear(36, 3), images().tensors
    batches = [(inputs.flatten(1)[:20], labels[:20]), (inputs.flatten(1)[20:], labels[20:])]
    recorder = lat.Recorder(model, CROSS_ENTROPY, batches, name="mine", samples=27, batch_size=8)
    assert recorder.recording.folder.parent == tmp_path / "own" / "recordings"
    assert recorder.recording.about["samples"] == {"train": 27, "test": 0}
    assert [len(batch.data[0]) for batch in recorder._copy.train] == [6, 7, 7, 7]
    with torch.no_grad():
        expected = float(CROSS_ENTROPY(model(inputs.flatten(1)[:27]), labels[:27]))
    assert recorder.snapshot().metrics["train_loss"] == pytest.approx(expected, rel=1e-6)


def test_one_plane_may_be_given_by_its_name_alone(tmp_path: Path) -> None:
    model = start()
    with recorder_of(model, tmp_path, planes="pca", budget=0.001) as recorder:
        train(model, shuffling(images()), 2, recorder.snapshot)
    manifest = read_manifest(run_folder(tmp_path, Gallery(tmp_path).ids()[0]))
    assert [plane["name"] for plane in manifest["planes"]] == ["pca"]


def test_a_loss_that_uses_a_second_trained_model_is_explained_and_one_module_with_both_is_recorded(
    tmp_path: Path,
) -> None:
    """The loss of a generator is not a function of its parameters alone if the discriminator is trained, too."""
    torch.manual_seed(0)
    both: Any = torch.nn.ModuleDict({"generator": torch.nn.Linear(2, 4), "judge": torch.nn.Linear(4, 1)})
    noise, one = torch.randn(30, 2), torch.ones(30, 1)
    loss_fn = torch.nn.BCEWithLogitsLoss()

    def loss_alone(model: torch.nn.Module, batch: Any) -> torch.Tensor:
        return torch.as_tensor(loss_fn(both["judge"](model(batch[0])), one))

    def loss_of_both(model: Any, batch: Any) -> torch.Tensor:
        return torch.as_tensor(loss_fn(model["judge"](model["generator"](batch[0])), one))

    parts: Any = ((both["generator"], loss_alone, "one"), (both, loss_of_both, "both"))
    recorders = [
        lat.Recorder(model, None, [(noise,)], data=tmp_path / name, loss=loss, **LEAST) for model, loss, name in parts
    ]
    for recorder in recorders:
        recorder.begin()
    optimizer = torch.optim.SGD(both.parameters(), lr=0.5)
    for _ in range(2):
        optimizer.zero_grad()
        loss_of_both(both, (noise,)).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        for recorder in recorders:
            recorder.snapshot()
    with pytest.raises(OtherModelError, match="such as a second model that was trained, too: record one module"):
        recorders[0].finish()
    recorders[1].finish()
    assert len(Gallery(tmp_path / "both").ids()) == 1
