"""Records trainings of Lightning, and compares them with the same trainings unrecorded and with plain loops."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.callbacks import ModelCheckpoint
from torch.utils.data import DataLoader, TensorDataset

import lossatlas.torch as lat
from lossatlas.errors import ConfigError, DataError
from lossatlas.store import Gallery, Recording, read_manifest, run_folder
from tests.own_models.trainings import convolutional, images, run_example, shuffling
from tests.own_models.trainings import train as train_plainly

pytestmark = pytest.mark.filterwarnings("ignore")  # Lightning warns about few workers and missing loggers

CROSS_ENTROPY = torch.nn.CrossEntropyLoss()
LEAST: Any = {"planes": ({"kind": "pca", "grid": 5},), "curvature": 0, "boundary": "none"}


class Classifier(LightningModule):  # type: ignore[misc]
    """The small convolutional network, with dropout and BatchNorm."""

    def __init__(self) -> None:
        super().__init__()
        self.network = convolutional()
        self.fails_at: int | None = None

    def forward(self, x: torch.Tensor) -> Any:
        return self.network(x)

    def training_step(self, batch: Any, index: int) -> Any:
        if self.fails_at == self.current_epoch and self._trainer is not None:
            raise ZeroDivisionError
        loss = CROSS_ENTROPY(self(batch[0]), batch[1])
        self.log("loss", loss)
        return {"loss": loss}

    def validation_step(self, batch: Any, index: int) -> None:
        self.log("validation", CROSS_ENTROPY(self(batch[0]), batch[1]))

    def configure_optimizers(self) -> Any:
        return torch.optim.SGD(self.parameters(), lr=0.05, momentum=0.9)


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    logger = logging.getLogger("lightning.pytorch")
    before = logger.level
    logger.setLevel(logging.ERROR)
    yield
    logger.setLevel(before)


def fit(callbacks: list[Any], folder: Path, epochs: int = 2, model: Any = None, **options: Any) -> Any:
    """Train from one seed, and return the trainer and the final state of the model."""
    torch.manual_seed(3)
    model = Classifier() if model is None else model
    ckpt = options.pop("ckpt_path", None)
    quietly: Any = {"enable_progress_bar": False, "enable_model_summary": False, "logger": False}
    quietly |= {"accelerator": "cpu", "enable_checkpointing": False, "default_root_dir": folder}
    trainer = Trainer(max_epochs=epochs, callbacks=callbacks, **quietly | options)
    trainer.fit(model, shuffling(images()), DataLoader(images(), batch_size=16), ckpt_path=ckpt)
    return trainer, {name: tensor.clone() for name, tensor in model.state_dict().items()}


class Watch(Callback):  # type: ignore[misc]
    """Keeps the state of the model at each point that is to be recorded."""

    def __init__(self) -> None:
        self.seen: list[Any] = []

    def on_train_start(self, trainer: Any, pl_module: Any) -> None:
        self.seen.append({name: tensor.clone() for name, tensor in pl_module.state_dict().items()})

    def on_train_epoch_end(self, trainer: Any, pl_module: Any) -> None:
        self.on_train_start(trainer, pl_module)


def test_a_training_ends_with_the_same_bits_and_its_frames_are_right(tmp_path: Path) -> None:
    watch = Watch()
    _, expected = fit([watch], tmp_path)
    callback = lat.LightningCallback(CROSS_ENTROPY, data=tmp_path, **LEAST)
    _, found = fit([callback], tmp_path)
    assert all(torch.equal(expected[name], found[name]) for name in expected)
    assert callback.recorder is not None
    recording = callback.recorder.recording
    assert recording.about["name"] == "Classifier"
    assert recording.about["samples"] == {"train": 48, "test": 48}
    assert [frame.epoch for frame in recording.frames] == [0, 1, 2]  # Lightning's sanity check is not recorded
    model = convolutional().eval()
    inputs, labels = images().tensors
    for number, state in enumerate(watch.seen):
        flat = np.concatenate([state[t.name].numpy().ravel() for t in recording.parameters])
        assert np.array_equal(recording.theta(number), flat)
        model.load_state_dict({name.removeprefix("network."): tensor for name, tensor in state.items()})
        with torch.no_grad():
            loss = float(CROSS_ENTROPY(model(inputs), labels))
            right = float((model(inputs).argmax(1) == labels).float().mean())
        assert recording.frames[number].metrics["eval_train_loss"] == pytest.approx(loss, rel=1e-5)
        assert recording.frames[number].metrics["test_accuracy"] == pytest.approx(right, rel=1e-6)
    [run] = Gallery(tmp_path).ids()
    assert read_manifest(run_folder(tmp_path, run))["model"]["parameters"] == 243


def test_the_training_step_is_the_loss_where_none_is_given(tmp_path: Path) -> None:
    callback = lat.LightningCallback(data=tmp_path, name="steps", **LEAST)
    fit([callback], tmp_path)
    given = lat.LightningCallback(CROSS_ENTROPY, data=tmp_path, name="given", **LEAST)
    fit([given], tmp_path)
    assert callback.recorder is not None
    assert given.recorder is not None
    for frame, expected in zip(callback.recorder.frames, given.recorder.frames, strict=True):
        for name in ("train_loss", "test_loss", "eval_train_loss"):
            assert frame.metrics[name] == pytest.approx(expected.metrics[name], rel=1e-6)
        assert frame.metrics["train_accuracy"] is None
    assert callback.recorder.recording.about["loss"] == {"name": "training_step"}


def test_after_an_exception_the_recording_stays_and_can_be_finished(tmp_path: Path) -> None:
    callback = lat.LightningCallback(CROSS_ENTROPY, data=tmp_path, **LEAST)
    model = Classifier()
    model.fails_at = 2
    with pytest.raises(ZeroDivisionError):
        fit([callback], tmp_path, epochs=4, model=model)
    assert callback.recorder is not None
    assert [frame.epoch for frame in callback.recorder.recording.frames] == [0, 1, 2]
    assert Gallery(tmp_path).ids() == []
    callback.recorder.finish()
    assert len(Gallery(tmp_path).ids()) == 1


def test_a_failed_recording_is_a_warning_and_the_training_continues(tmp_path: Path) -> None:
    _, expected = fit([], tmp_path)
    broken = False

    def loss_fn(output: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        if broken:
            raise MemoryError("no room")
        return torch.nn.functional.cross_entropy(output, target)

    class Break(Callback):  # type: ignore[misc]
        def on_train_epoch_start(self, trainer: Any, pl_module: Any) -> None:
            nonlocal broken
            broken = trainer.current_epoch == 1

    callback = lat.LightningCallback(loss_fn, data=tmp_path, measure="now", **LEAST)
    with pytest.warns(lat.RecordingWarning, match=r"recording failed \(MemoryError: no room\)"):
        _, found = fit([callback, Break()], tmp_path)
    assert all(torch.equal(expected[name], found[name]) for name in expected)
    assert callback.recorder is not None
    assert [frame.epoch for frame in callback.recorder.frames] == [0, 1]


def test_a_training_resumed_from_a_checkpoint_extends_its_recording_and_drops_later_epochs(tmp_path: Path) -> None:
    checkpoint = tmp_path / "epoch-2.ckpt"

    class Save(Callback):  # type: ignore[misc]
        def on_train_epoch_start(self, trainer: Any, pl_module: Any) -> None:
            if trainer.current_epoch == 2:
                trainer.save_checkpoint(checkpoint)

    first = lat.LightningCallback(CROSS_ENTROPY, data=tmp_path, **LEAST)
    fit([first, Save()], tmp_path, epochs=4)
    other = lat.LightningCallback(CROSS_ENTROPY, data=tmp_path, **LEAST)
    fit([other], tmp_path, epochs=4)  # this recording has the same name and is newer
    again = lat.LightningCallback(CROSS_ENTROPY, data=tmp_path, **LEAST)
    _, end = fit([again], tmp_path, epochs=3, ckpt_path=checkpoint)
    assert first.recorder is not None
    assert again.recorder is not None
    assert other.recorder is not None
    recording = again.recorder.recording
    assert recording.id == first.recorder.recording.id
    assert [frame.epoch for frame in other.recorder.recording.frames] == [0, 1, 2, 3, 4]
    assert len(list((tmp_path / "recordings").iterdir())) == 2
    assert [frame.epoch for frame in recording.frames] == [0, 1, 2, 3]
    flat = np.concatenate([end[t.name].numpy().ravel() for t in recording.parameters])
    assert np.array_equal(recording.theta(-1), flat)


def test_a_trial_run_leaves_nothing_and_wrong_options_are_refused_at_once(tmp_path: Path) -> None:
    callback = lat.LightningCallback(CROSS_ENTROPY, data=tmp_path / "data", **LEAST)
    fit([callback], tmp_path, fast_dev_run=True)
    assert callback.recorder is None
    assert not (tmp_path / "data").exists()
    with pytest.raises(ConfigError, match=r"sampels: .* did you mean samples\?"):
        lat.LightningCallback(sampels=3)  # type: ignore[call-arg]
    with pytest.raises(DataError, match="boundary"):
        lat.LightningCallback(boundary="all")  # type: ignore[arg-type]


def test_a_training_step_that_gives_no_loss_is_refused_with_advice(tmp_path: Path) -> None:
    class NeedsTrainer(Classifier):
        def training_step(self, batch: Any, index: int) -> Any:
            return super().training_step(batch, index)["loss"] * self.trainer.world_size

    class Manual(Classifier):
        def __init__(self) -> None:
            super().__init__()
            self.automatic_optimization = False

    for model, message in ((NeedsTrainer(), "apart from its trainer"), (Manual(), "optimises by itself")):
        with pytest.raises(DataError, match=message):
            fit([lat.LightningCallback(data=tmp_path / "data")], tmp_path, model=model)
    assert not (tmp_path / "data").exists()


def test_a_plain_loop_and_lightning_record_the_same_training(tmp_path: Path) -> None:
    """With one batch an epoch and no dropout, Lightning and the loop train the same network."""
    whole = DataLoader(images(), batch_size=48)
    torch.manual_seed(3)
    model = Classifier()
    model.network[4] = torch.nn.Identity()
    network = convolutional()
    network[4] = torch.nn.Identity()
    network.load_state_dict(model.network.state_dict())
    with lat.Recorder(network, CROSS_ENTROPY, whole, data=tmp_path, name="loop", **LEAST) as recorder:
        train_plainly(network, whole, 2, recorder.snapshot)
    callback = lat.LightningCallback(CROSS_ENTROPY, whole, data=tmp_path, **LEAST)
    trainer = Trainer(
        max_epochs=2, callbacks=[callback], logger=False, enable_checkpointing=False, enable_progress_bar=False
    )
    trainer.fit(model, whole)
    assert callback.recorder is not None
    assert np.array_equal(callback.recorder.recording.weights[:], recorder.recording.weights[:])
    assert [f.metrics for f in callback.recorder.frames] == [f.metrics for f in recorder.frames]


def test_checkpoints_of_lightning_become_a_run_of_the_module_or_of_the_network_in_it(tmp_path: Path) -> None:
    watch = Watch()
    saving = ModelCheckpoint(tmp_path / "saved", filename="{epoch}", save_top_k=-1)
    fit([watch, saving], tmp_path, epochs=3, enable_checkpointing=True)
    paths = [tmp_path / "saved" / f"epoch={epoch}.ckpt" for epoch in range(3)]
    models: tuple[torch.nn.Module, ...] = (Classifier(), convolutional())
    for model in models:
        data = tmp_path / type(model).__name__
        assert lat.from_checkpoints(paths, model, CROSS_ENTROPY, shuffling(images()), data=data, **LEAST) is not None
        [folder] = (data / "recordings").iterdir()
        recording = Recording.open(folder)
        assert [frame.epoch for frame in recording.frames] == [0, 1, 2]
        for number, state in enumerate(watch.seen[1:]):
            kept = [state[f"network.{t.name.removeprefix('network.')}"].numpy().ravel() for t in recording.parameters]
            assert np.array_equal(recording.theta(number), np.concatenate(kept))


def test_the_example_of_lightning_ends_in_a_run_that_has_learned(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PL_GLOBAL_SEED", "0")  # the script sets it
    run_example(
        monkeypatch, "lightning_digits", *("--epochs", "4", "--samples", "64", "--budget", "1", "--data", str(tmp_path))
    )
    assert len(capsys.readouterr().out.splitlines()) == 5
    assert [verdict.fault for verdict in Gallery(tmp_path).verify()] == [None]
    manifest = read_manifest(run_folder(tmp_path, Gallery(tmp_path).ids()[0]))
    assert manifest["model"]["parameters"] == 4546
    assert manifest["frames"] == [0, 1, 2, 3, 4]
    assert manifest["metrics"]["test_accuracy"][-1] > 0.4  # guessing one of ten classes gives 0.1
    assert manifest["boundary"]["kind"] == "samples"


def test_only_the_first_process_records(tmp_path: Path) -> None:
    """The trainer says which process is the first, for every strategy of distribution."""
    model = Classifier()
    callback = lat.LightningCallback(CROSS_ENTROPY, data=tmp_path / "data", **LEAST)
    callback.on_train_start(SimpleNamespace(is_global_zero=False, fast_dev_run=False, model=model), model)
    callback.on_train_epoch_end(SimpleNamespace(current_epoch=0), model)
    callback.on_train_end(SimpleNamespace(), model)
    assert callback.recorder is None
    assert not (tmp_path / "data").exists()


def test_the_first_of_several_validation_loaders_is_used_and_several_training_loaders_are_refused(
    tmp_path: Path,
) -> None:
    few, whole = DataLoader(TensorDataset(*images()[:8]), batch_size=8), DataLoader(images(), batch_size=16)
    quietly: Any = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False}
    callback = lat.LightningCallback(CROSS_ENTROPY, data=tmp_path, **LEAST)

    class Validated(Classifier):
        def validation_step(self, batch: Any, index: int, dataloader_idx: int = 0) -> None:
            super().validation_step(batch, index)

    Trainer(max_epochs=1, callbacks=[callback], **quietly).fit(Validated(), whole, [few, whole])
    assert callback.recorder is not None
    assert callback.recorder.recording.about["samples"] == {"train": 48, "test": 8}
    several = lat.LightningCallback(CROSS_ENTROPY, data=tmp_path / "data", **LEAST)
    with pytest.raises(DataError, match="several loaders at once; give train_loader"):
        Trainer(max_epochs=1, callbacks=[several], **quietly).fit(Classifier(), {"a": whole, "b": few})
    assert not (tmp_path / "data").exists()
