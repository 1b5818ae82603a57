"""Records a finished training from its checkpoints. The code of the training needs no change."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Unpack

import torch

from lossatlas.errors import DataError, MissingExtraError
from lossatlas.torch.options import RecorderOptions
from lossatlas.torch.parameters import plain_name, unwrap
from lossatlas.torch.recorder import Recorder


def from_checkpoints(
    paths: Sequence[Path | str],
    model: torch.nn.Module,
    loss_fn: Callable[[Any, Any], torch.Tensor] | None = None,
    train_loader: Iterable[Any] | None = None,
    test_loader: Iterable[Any] | None = None,
    **options: Unpack[RecorderOptions],
) -> Path | None:
    """Record a training from its checkpoints, and put the run into the gallery.

    Parameters
    ----------
    paths
        The checkpoints in their order, of which the first is epoch 0. Each is a state dict, or a dict that has one as
        ``state_dict`` or ``model``, as ``torch.save`` or safetensors write it. Nothing in them is executed.
    model
        A model of the class that was trained; it is left as it is.
    loss_fn, train_loader, test_loader
        The same as for :class:`Recorder`.
    options
        Those of a recorder, see :class:`RecorderOptions`.

    Returns
    -------
    The run's folder; None in a process that does not record.

    Raises
    ------
    DataError
        If there are fewer than two checkpoints, or one cannot be read or does not fit the model.
    """
    if len(paths) < 2:
        raise DataError(f"there are {len(paths)} checkpoints; a run needs two: give one an epoch")
    moved = copy.deepcopy(unwrap(model))
    _load(moved, Path(paths[0]))
    recorder = Recorder(moved, loss_fn, train_loader, test_loader, **options)
    for path in paths:
        _load(moved, Path(path))
        recorder.snapshot()
    return recorder.finish()


def _load(model: torch.nn.Module, path: Path) -> None:
    try:
        state = _read_safetensors(path) if path.suffix == ".safetensors" else _read_pickle(path)
        named = {plain_name(name): tensor for name, tensor in state.items()}
        model.load_state_dict(named)
    except (OSError, RuntimeError, ValueError, TypeError, AttributeError) as error:
        raise DataError(f"{path} is no checkpoint of this model: {error}") from error


def _read_pickle(path: Path) -> Mapping[str, torch.Tensor]:
    """Read what ``torch.save`` has written; tensors and plain data only, so that no code in it runs."""
    import pickle

    try:
        found = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise DataError(
            f"{path} holds more than tensors and plain data, and is not read, as it could run code: "
            "save model.state_dict() on its own"
        ) from error
    for key in ("state_dict", "model"):
        if isinstance(found, Mapping) and isinstance(found.get(key), Mapping):
            found = found[key]
    if not isinstance(found, Mapping):
        raise DataError(f"{path} holds a {type(found).__name__}, and no state dict")
    return found


def _read_safetensors(path: Path) -> Mapping[str, torch.Tensor]:
    try:
        from safetensors.torch import load_file
    except ImportError as error:
        raise MissingExtraError(f"{path} is a safetensors file; pip install safetensors reads it") from error
    found: Mapping[str, torch.Tensor] = load_file(path)
    return found
