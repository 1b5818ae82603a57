"""Records trainings of the Trainer of transformers, and compares them with unrecorded ones and with plain loops."""

from __future__ import annotations

from collections import UserDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers

import lossatlas.torch as lat
from lossatlas.errors import ConfigError, DataError
from lossatlas.store import Gallery, Recording
from lossatlas.store.recording_lock import is_being_recorded

pytestmark = pytest.mark.filterwarnings("ignore")  # transformers warns about its own settings

LEAST: Any = {"planes": ({"kind": "gaussian", "normalization": "filter", "spans": (0.5,), "grid": 3},), "curvature": 0}


def language_model() -> Any:
    torch.manual_seed(0)
    sizes = {"n_positions": 8, "n_embd": 8, "n_layer": 1, "n_head": 2, "vocab_size": 11}
    return transformers.GPT2LMHeadModel(transformers.GPT2Config(**sizes, bos_token_id=0, eos_token_id=0))


def texts(count: int = 20) -> list[dict[str, torch.Tensor]]:
    """Provide sequences of ascending numbers. Some tokens have no label, more of them in the last sequences."""
    rows = (torch.arange(count)[:, None] + torch.arange(8)) % 11
    return [
        {"input_ids": row, "labels": torch.where(torch.arange(8) < (7 if number < 17 else 3), row, -100)}
        for number, row in enumerate(rows)
    ]


def trainer_of(model: Any, folder: Path, callbacks: list[Any], collate: Any = None, **options: Any) -> Any:
    arguments: dict[str, Any] = {
        "output_dir": str(folder / "out"),
        "num_train_epochs": 2,
        "per_device_train_batch_size": 8,
        "report_to": "none",
        "disable_tqdm": True,
        "save_strategy": "no",
        "use_cpu": True,
        "learning_rate": 0.01,
        "logging_strategy": "no",
        "seed": 5,
    }
    given = transformers.TrainingArguments(**arguments | options)
    return transformers.Trainer(
        model, given, train_dataset=texts(), eval_dataset=texts(5), callbacks=callbacks, data_collator=collate
    )


def state_of(model: Any) -> dict[str, torch.Tensor]:
    return {name: tensor.clone() for name, tensor in model.state_dict().items()}


def make_watch() -> Any:
    """Make a callback that keeps the state of the model at each point that is to be recorded.

    Its class is not one of the module, because every process that collects tests would import the Trainer for it.
    """

    class Watch(transformers.TrainerCallback):  # type: ignore[misc]
        def __init__(self) -> None:
            self.seen: list[dict[str, torch.Tensor]] = []

        def on_train_begin(self, args: Any, state: Any, control: Any, model: Any = None, **others: Any) -> None:
            self.seen.append(state_of(model))

        def on_epoch_end(self, args: Any, state: Any, control: Any, model: Any = None, **others: Any) -> None:
            self.seen.append(state_of(model))

    return Watch()


def loss_per_token(model: Any, rows: list[dict[str, torch.Tensor]]) -> float:
    """Average the loss over all labelled tokens, in a plain loop."""
    total, count = 0.0, 0
    for row in rows:
        with torch.no_grad():
            logits = model(input_ids=row["input_ids"][None]).logits[0].double()
        for place, label in enumerate(row["labels"].tolist()[1:]):
            if label != -100:
                total -= float(torch.log_softmax(logits[place], dim=0)[label])
                count += 1
    return total / count


@pytest.mark.parametrize("options", [{"bf16": True}, {"gradient_accumulation_steps": 2, "dataloader_num_workers": 1}])
def test_a_training_ends_with_the_same_bits_and_its_frames_are_right(tmp_path: Path, options: Any) -> None:
    """All samples are measured, so the trainer's sampler, which counts its passes, is iterated to its end."""
    watch, model = make_watch(), language_model()
    trainer_of(model, tmp_path, [watch], **options).train()
    expected = state_of(model)
    model = language_model()
    callback = lat.TransformersCallback(
        test_loader=[transformers.default_data_collator(texts(5))], data=tmp_path, **LEAST
    )
    trainer_of(model, tmp_path, [callback], **options).train()
    assert all(torch.equal(expected[name], tensor) for name, tensor in model.state_dict().items())
    assert callback.recorder is not None
    recording = callback.recorder.recording
    assert recording.about["name"] == "GPT2LMHeadModel"
    assert [frame.epoch for frame in recording.frames] == [0, 1, 2]
    model = language_model().eval()
    for number, state in enumerate(watch.seen):
        flat = np.concatenate([state[t.name].numpy().ravel() for t in recording.parameters])
        assert np.array_equal(recording.theta(number), flat)
        model.load_state_dict(state)
        metrics = recording.frames[number].metrics
        assert metrics["train_loss"] == pytest.approx(loss_per_token(model, texts()), rel=1e-5)
        assert metrics["test_loss"] == pytest.approx(loss_per_token(model, texts(5)), rel=1e-5)
    assert len(Gallery(tmp_path).ids()) == 1


def test_mean_losses_weigh_batches_by_their_numbers_of_labels(tmp_path: Path) -> None:
    callback = lat.TransformersCallback(batch_size=8, samples=20, data=tmp_path, **LEAST)
    model = language_model()
    trainer_of(
        model, tmp_path, [callback], collate=lambda rows: UserDict(transformers.default_data_collator(rows))
    ).train()
    assert callback.recorder is not None
    assert callback.recorder.frames[-1].metrics["train_loss"] == pytest.approx(
        loss_per_token(model.eval(), texts()), rel=1e-5
    )


def test_the_recording_survives_an_exception_and_continues_from_a_checkpoint(tmp_path: Path) -> None:
    class Fail(transformers.TrainerCallback):  # type: ignore[misc]
        def on_epoch_begin(self, args: Any, state: Any, control: Any, **others: Any) -> None:
            if state.epoch == 2:
                raise ZeroDivisionError

    options = {"save_strategy": "epoch", "num_train_epochs": 3}
    with pytest.raises(ZeroDivisionError), lat.TransformersCallback(data=tmp_path, **LEAST) as first:  # noqa: PT012
        trainer = trainer_of(language_model(), tmp_path, [first, Fail()], **options)
        trainer.train()
    assert first.recorder is not None
    assert not is_being_recorded(first.recorder.recording.folder)  # though the trainer is still there
    assert trainer.callback_handler.callbacks
    assert [frame.epoch for frame in first.recorder.recording.frames] == [0, 1, 2]
    assert Gallery(tmp_path).ids() == []
    other = lat.TransformersCallback(data=tmp_path, **LEAST)
    trainer_of(language_model(), tmp_path, [other]).train()  # this recording has the same name and is newer
    again, model = lat.TransformersCallback(data=tmp_path, **LEAST), language_model()
    checkpoint = str(tmp_path / "out" / "checkpoint-3")  # this is the end of the first epoch
    trainer_of(model, tmp_path, [again], **options | {"num_train_epochs": 2}).train(resume_from_checkpoint=checkpoint)
    assert again.recorder is not None
    recording = again.recorder.recording
    assert other.recorder is not None
    assert other.recorder.recording.id != recording.id == first.recorder.recording.id
    assert [frame.epoch for frame in recording.frames] == [0, 1, 2]
    state = state_of(model)
    flat = np.concatenate([state[t.name].numpy().ravel() for t in recording.parameters])
    assert np.array_equal(recording.theta(-1), flat)


def test_a_model_without_a_loss_and_unknown_options_are_refused(tmp_path: Path) -> None:
    without = [{"input_ids": torch.stack([row["input_ids"] for row in texts(4)])}]
    callback = lat.TransformersCallback(without, data=tmp_path / "data")
    with pytest.raises(DataError, match="no loss where batches have input_ids"):
        trainer_of(language_model(), tmp_path, [callback]).train()
    assert not (tmp_path / "data").exists()
    with pytest.raises(ConfigError, match=r"there is no such option; did you mean planes\?"):
        lat.TransformersCallback(plane="pca")  # type: ignore[call-arg]


def test_only_the_first_process_records(tmp_path: Path) -> None:
    callback = lat.TransformersCallback(data=tmp_path / "data", **LEAST)
    state = transformers.TrainerState(is_world_process_zero=False)
    callback.on_train_begin(None, state, None, model=language_model())
    callback.on_epoch_end(None, state, None)
    callback.on_train_end(None, state, None)
    assert callback.recorder is None
    assert not (tmp_path / "data").exists()


def adapted() -> Any:
    import peft

    config = peft.LoraConfig(r=2, target_modules=["c_attn"], fan_in_fan_out=True, task_type="CAUSAL_LM")
    return peft.get_peft_model(language_model(), config)


def test_only_the_trained_low_rank_adapters_are_recorded(tmp_path: Path) -> None:
    """LoRA trains a few added parameters of a frozen model. They alone form theta, and planes lie in their space."""
    model = adapted()
    trainer_of(model, tmp_path, []).train()
    expected = state_of(model)
    callback, model = lat.TransformersCallback(data=tmp_path, **LEAST), adapted()
    trainer_of(model, tmp_path, [callback]).train()
    assert all(torch.equal(expected[name], tensor) for name, tensor in model.state_dict().items())
    assert callback.recorder is not None
    recording = callback.recorder.recording
    trained = {name: p for name, p in model.named_parameters() if p.requires_grad}
    assert [t.name for t in recording.parameters] == list(trained)
    assert all("lora_" in name for name in trained)
    flat = np.concatenate([p.detach().numpy().ravel() for p in trained.values()])
    assert np.array_equal(recording.theta(-1), flat)
    assert len(flat) == 2 * 8 + 2 * 24
    assert recording.frames[-1].metrics["train_loss"] == pytest.approx(loss_per_token(model.eval(), texts()), rel=1e-5)
    assert recording.frames[-1].metrics["train_loss"] != pytest.approx(recording.frames[0].metrics["train_loss"])


def test_checkpoints_of_adapters_become_the_run_that_recording_would_have_made(tmp_path: Path) -> None:
    """The Trainer saves the adapters alone; the frozen rest is that of the model that is given."""
    callback = lat.TransformersCallback(data=tmp_path / "live", **LEAST)
    trainer_of(adapted(), tmp_path, [callback], save_strategy="epoch").train()
    assert callback.recorder is not None
    paths = [tmp_path / "out" / f"checkpoint-{step}" for step in (3, 6)]
    whole = [transformers.default_data_collator(texts())]
    options: Any = {"loss": lambda model, batch: model(**batch).loss, "data": (data := tmp_path / "late"), **LEAST}
    lat.from_checkpoints(paths, adapted(), None, whole, epochs=[1, 2], **options)
    [folder] = (data / "recordings").iterdir()
    late, live = Recording.open(folder), callback.recorder.recording
    assert np.array_equal(late.weights[:], live.weights[1:3])
    losses = [frame.metrics["train_loss"] for frame in live.frames[1:]]
    assert [frame.metrics["train_loss"] for frame in late.frames] == pytest.approx(losses, rel=1e-6)
