"""The options of a recorder. The callbacks and :func:`from_checkpoints` take the same ones and pass them on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from numbers import Integral, Real
from pathlib import Path
from types import NoneType
from typing import Any, Literal, TypedDict

from lossatlas.errors import ConfigError
from lossatlas.planes import PlaneConfig
from lossatlas.torch.samples import Loss, LossFunction


class StorageOptions(TypedDict, total=False):
    """Options of :class:`lossatlas.store.RecordingWriter`, which has their defaults.

    Attributes
    ----------
    frames
        The number of frames to keep (80). Beyond it every second frame is deleted, except the first and the last.
    disk_budget
        The bytes that the parameters of all frames may take. Fewer frames are kept if they would take more.
    dtype
        The dtype of stored parameters (``"float32"``). ``"float16"`` halves the space, and changes losses by some 1e-4
        of their value.
    resume
        Whether to continue the newest recording of this name whose model has the same tensors (False), or the id of the
        recording to continue. If an epoch is recorded again, its snapshot replaces the old one and all later ones.
    """

    frames: int
    disk_budget: int | None
    dtype: Literal["float32", "float16"]
    resume: bool | str


class ComputingOptions(TypedDict, total=False):
    """Options of :class:`lossatlas.torch.finish.FinishOptions`, which has their defaults.

    Attributes
    ----------
    planes
        The planes to cut at the end, by name (``gaussian-filter``, ``pca``, ``hessian``, ``through``, …) or as
        configurations. The first one is shown first.
    batchnorm
        ``"batch"``: surfaces of the training loss use the statistics of each batch, as training does, and those of
        the test loss use the statistics of the training samples. ``"running"``: all use the model's own statistics.
    boundary
        ``"auto"``: the plane of two inputs, that of the principal components of up to twenty, or the plane through
        three samples; without classes, the loss of each sample. ``"none"``: none of these.
    curvature
        The number of frames at which the Hessian is measured (5).
    curvature_by
        ``"layer"`` and ``"block"`` also measure the part of the Hessian that belongs to each layer, or to each direct
        child of the model. ``"model"`` measures only the whole Hessian.
    budget
        About how many seconds the surfaces may take (300). If the time ends first, they stay coarser.
    compile
        Whether to compute the surfaces with ``torch.compile`` (False), if this saves time and keeps the losses the
        same.
    """

    planes: Sequence[str | PlaneConfig | Mapping[str, Any]]
    batchnorm: Literal["batch", "running"]
    boundary: Literal["auto", "none"]
    curvature: int
    curvature_by: Literal["model", "layer", "block"]
    budget: float
    compile: bool


class RecorderOptions(StorageOptions, ComputingOptions, total=False):
    """Options of :class:`lossatlas.torch.Recorder`, together with those of what it calls. Each may be left out.

    Attributes
    ----------
    loss
        ``loss(model, batch)``, for any batches, in place of ``loss_fn``. It has to use the model that is passed to it.
    name
        The title of the run, and the beginning of its id.
    data
        The folder of the gallery; by default the user's own.
    samples, batch_size
        The number of samples of each loader (512), and of those in a batch (128). Larger batches are slower on a CPU.
    keep_samples
        False keeps samples out of the recording, for example if they are private.
    measure
        When the losses of frames are measured. ``"auto"``: in a snapshot, if all such measurements take less than one
        hundredth of the training's time, and at the end for the other frames. ``"now"``: in each snapshot, which then
        takes about the time of two evaluations of the samples. ``"later"``: at the end, or when ``Recorder.measure`` is
        called.
    """

    loss: Loss | LossFunction | None
    name: str
    data: Path | str | None
    samples: int
    batch_size: int
    keep_samples: bool
    measure: Literal["auto", "now", "later"]


def select_options(options: RecorderOptions, kind: type) -> dict[str, Any]:
    """Select the given options of one kind, ``StorageOptions`` or ``ComputingOptions``."""
    return {name: value for name, value in options.items() if name in kind.__annotations__}


#: The kind of value that an option takes, and how to say it. Others are checked where they are read.
_KINDS: dict[str, tuple[tuple[type, ...], str]] = {
    **dict.fromkeys(("samples", "batch_size", "frames", "curvature"), ((Integral,), "a whole number")),
    "disk_budget": ((Integral, NoneType), "a whole number of bytes, such as 2 * 10**9"),
    "budget": ((Real,), "a number of seconds"),
    "name": ((str,), "a text"),
    "resume": ((bool, str), "True, False, or the id of a recording"),
}
_DTYPES = ("float32", "float16")


def refuse_wrong_options(options: Mapping[str, Any]) -> None:
    """Refuse an option that does not exist, or has a value of another kind.

    Raises
    ------
    ConfigError
        If there is one. The message names it, and the option that was perhaps meant.
    """
    known = sorted(RecorderOptions.__annotations__)
    for name in options.keys() - set(known):
        near = get_close_matches(name, known, 1)
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(known)}"
        raise ConfigError([(name, f"there is no such option; {hint}")])
    for name, (kinds, words) in _KINDS.items():
        if name in options and not isinstance(options[name], kinds):
            raise ConfigError([(name, f"{options[name]!r} is not allowed; give {words}")])
    if options.get("dtype", _DTYPES[0]) not in _DTYPES:
        raise ConfigError([("dtype", f"{options['dtype']!r} is not allowed; give 'float32' or 'float16'")])
