"""Records a finished training from its checkpoints. The code of the training needs no change."""

from __future__ import annotations

import copy
import pickle
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, Unpack

import torch

from lossatlas.errors import DataError, LossAtlasError, MissingExtraError
from lossatlas.torch.options import RecorderOptions
from lossatlas.torch.parameters import plain_name, refuse_other_objects, unwrap
from lossatlas.torch.recorder import Recorder

#: The keys of the state dict in checkpoints of Lightning and of many training scripts.
_KEYS = ("state_dict", "model", "model_state_dict")


def from_checkpoints(
    paths: Iterable[Path | str],
    model: torch.nn.Module,
    loss_fn: Callable[[Any, Any], torch.Tensor] | None = None,
    train_loader: Iterable[Any] | None = None,
    test_loader: Iterable[Any] | None = None,
    *,
    epochs: Sequence[int] | None = None,
    **options: Unpack[RecorderOptions],
) -> Path | None:
    """Record a training from its checkpoints, and put the run into the gallery.

    Parameters
    ----------
    paths
        The checkpoints in the order of the training: ``.safetensors`` files, folders with such files, or files of
        ``torch.save``. Such a file contains a state dict, or a dict with one under the key ``state_dict`` (as
        Lightning's ``.ckpt``) or ``model``. Nothing in them is executed.
    model
        A model of the class that was trained, or the part of it whose tensors have a common prefix in the checkpoints.
        It is not changed.
    loss_fn, train_loader, test_loader
        The same as for :class:`Recorder`.
    epochs
        The epoch of each checkpoint, increasing; by default 0, 1, 2, …
    options
        The options of a recorder. See :class:`RecorderOptions`.

    Returns
    -------
    The run's folder; None in a process that does not record.

    Raises
    ------
    DataError
        If there are fewer than two checkpoints, or one cannot be read or does not fit the model. Then nothing is
        recorded.
    MissingExtraError
        If there is a safetensors file, and the package that reads it is not installed.
    """
    refuse_other_objects(model)
    files = [Path(path) for path in paths]
    numbers = _number(files, epochs)
    moved = copy.deepcopy(unwrap(model))
    for path in files:  # all are loaded before anything is written
        _load(moved, path)
    _load(moved, files[0])
    recorder = Recorder(moved, loss_fn, train_loader, test_loader, **options)
    for path, epoch in zip(files, numbers, strict=True):
        _load(moved, path)
        recorder.snapshot(epoch)
    return recorder.finish()


def _number(paths: Sequence[Path], epochs: Sequence[int] | None) -> list[int]:
    """Return the epoch of each checkpoint, and refuse an order that is probably a mistake.

    Returns
    -------
    The epochs.

    Raises
    ------
    DataError
        If there are too few, or epochs do not increase, or files with numbers are sorted alphabetically.
    """
    if len(paths) < 2:
        raise DataError(f"there are {len(paths)} checkpoints; a run needs two: give one an epoch")
    if epochs is not None:
        if len(epochs) != len(paths) or any(a >= b for a, b in pairwise(epochs)) or epochs[0] < 0:
            raise DataError(f"epochs are {list(epochs)}; give {len(paths)} numbers that increase, from 0 on")
        return [int(epoch) for epoch in epochs]
    for earlier, later in pairwise(paths):
        names, values = zip(*(_split_number(path) for path in (earlier, later)), strict=True)
        if names[0] == names[1] and values[0] > values[1]:
            raise DataError(
                f"{later.name} comes after {earlier.name}: sort the checkpoints by their numbers, "
                "or give epochs= if they are in order"
            )
    return list(range(len(paths)))


def _split_number(path: Path) -> tuple[str, int]:
    """Split the last number from a path, such as 12 from ``epoch-12.pt``. The number is -1 if there is none."""
    found = re.fullmatch(r"(.*?)(\d+)(\D*)", path.with_suffix("").as_posix(), re.DOTALL)
    return (f"{found[1]}#{found[3]}", int(found[2])) if found else (path.as_posix(), -1)


def _load(model: torch.nn.Module, path: Path) -> None:
    """Load a checkpoint into a model."""
    try:
        named = {plain_name(name): tensor for name, tensor in _read(path).items()}
        model.load_state_dict(_select(named, model), strict=False)
    except LossAtlasError:
        raise
    except Exception as error:  # readers raise many kinds of errors for damaged files
        raise DataError(f"{path} is no checkpoint of this model: {error}") from error


def _select(state: Mapping[str, Any], model: torch.nn.Module) -> dict[str, Any]:
    """Select the tensors of a model. In a larger model they have a prefix, such as ``module.`` or ``network.``.

    Returns
    -------
    The tensors by the model's own names. For tied tensors, one is enough.

    Raises
    ------
    ValueError
        If a tensor is missing, if the model lacks one of them, or if two prefixes fit.
    """
    expected = {_saved_name(name, model): name for name in model.state_dict()}
    needed = _needed_names(model)
    own = next(iter(needed), ())
    prefixes = {name.removesuffix(each) for each in own for name in state if name == each or name.endswith(f".{each}")}
    fits = sorted(p for p in prefixes if all(any(p + name in state for name in names) for names in needed))
    if len(fits) > 1 and fits[0]:
        raise ValueError(f"{' and '.join(fits)} both fit the model; give the model around them")
    if not fits:
        lacking = [names[0] for names in needed if not any(name in state for name in names)]
        raise ValueError(f"it has no {lacking[0]}, one of {len(lacking)} tensors that are missing")
    found = {name.removeprefix(fits[0]): tensor for name, tensor in state.items() if name.startswith(fits[0])}
    if other := found.keys() - expected.keys():
        raise ValueError(f"it has {min(other)}, one of {len(other)} tensors that the model does not have")
    return {expected[name]: tensor for name, tensor in found.items()}


def _needed_names(model: torch.nn.Module) -> list[list[str]]:
    """List the tensors that a checkpoint must have.

    A checkpoint of adapters has only what was trained. So if a model has frozen parameters, they are not needed, nor
    are the buffers: those of the given model stay.

    Returns
    -------
    The names of each tensor: several if it is tied.
    """
    trained = {p.data_ptr() for p in model.parameters() if p.requires_grad}
    has_frozen = any(not p.requires_grad for p in model.parameters())
    tied: dict[int, list[str]] = {}
    for name, tensor in model.state_dict().items():
        if not has_frozen or tensor.data_ptr() in trained:
            tied.setdefault(tensor.data_ptr(), []).append(_saved_name(name, model))
    return list(tied.values())


def _saved_name(name: str, model: torch.nn.Module) -> str:
    """Give the name that a tensor has in a checkpoint: PEFT leaves out the name of the adapter."""
    adapter = getattr(model, "active_adapter", None)
    return name.replace(f".{adapter}.", ".") if isinstance(adapter, str) else name


def _read(path: Path) -> Mapping[str, Any]:
    if path.is_dir():
        parts = sorted(path.glob("*.safetensors")) or sorted(path.glob("pytorch_model*.bin"))
        if not parts:
            raise DataError(f"{path} is a folder without safetensors files")
        return {name: tensor for part in parts for name, tensor in _read(part).items()}
    return _read_safetensors(path) if path.suffix == ".safetensors" else _read_pickle(path)


def _read_pickle(path: Path) -> Mapping[str, Any]:
    """Read a file from ``torch.save`` that holds only tensors and plain data, so that no code in it is run."""
    try:
        found = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise DataError(
            f"{path} holds more than tensors and plain data, and is not read, as it could run code: save "
            "model.state_dict() on its own, with torch.save(torch.load(path)['state_dict'], …) where you trust the file"
        ) from error
    for key in _KEYS:
        if isinstance(found, Mapping) and isinstance(found.get(key), Mapping):
            found = found[key]
            break
    if not isinstance(found, Mapping) or not all(isinstance(name, str) for name in found):
        raise DataError(f"{path} holds a {type(found).__name__}, and no state dict")
    return found


def _read_safetensors(path: Path) -> Mapping[str, torch.Tensor]:
    try:
        from safetensors.torch import load_file
    except ImportError as error:
        raise MissingExtraError(f"{path} is a safetensors file: pip install safetensors") from error
    found: Mapping[str, torch.Tensor] = load_file(path)
    return found
