"""The options of a recorder. The callbacks and :func:`from_checkpoints` take the same ones and pass them on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal, TypedDict

from lossatlas.errors import ConfigError
from lossatlas.planes import PlaneConfig
from lossatlas.torch.samples import Loss, LossFunction


class StorageOptions(TypedDict, total=False):
    """Options of :class:`lossatlas.store.RecordingWriter`, which has their defaults.

    Attributes
    ----------
    frames
        How many frames to keep (80): beyond, every second one goes, but for the first and the last.
    disk_budget
        Bytes that the parameters of all frames may take; fewer frames are kept where they would take more.
    dtype
        What parameters are stored in, ``"float32"``: ``"float16"`` takes half the room, and keeps losses to about 1e-4.
    resume
        Whether to go on with the newest recording of this name whose model has the same tensors (False); a snapshot of
        an epoch that is there takes the place of it and of what came after.
    """

    frames: int
    disk_budget: int | None
    dtype: Literal["float32", "float16"]
    resume: bool


class ComputingOptions(TypedDict, total=False):
    """Options of :class:`lossatlas.torch.finish.FinishOptions`, which has their defaults.

    Attributes
    ----------
    planes
        Which planes to cut in the end, by name (``gaussian-filter``, ``pca``, ``hessian``, ``through``, …) or as their
        configurations; the first one is shown first.
    batchnorm
        ``"batch"``: surfaces of the training loss with the statistics of each batch, which training descends with, and
        of the test loss with those of the training samples; ``"running"``: with the statistics that the model keeps.
    boundary
        ``"auto"``: over the two inputs that there are, or the plane through three samples; ``"none"``.
    curvature
        At how many frames to measure the Hessian (5).
    curvature_by
        ``"layer"`` and ``"block"`` also measure the part of the Hessian that belongs to each layer, or to each direct
        child of the model (``"model"``: only the whole).
    budget
        Seconds that the surfaces may take, about (300); where they would take longer, they are coarser.
    compile
        Whether to compute the surfaces with ``torch.compile`` (False), where that saves time and leaves the losses as
        they are.
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
        In place of ``loss_fn``: ``loss(model, batch)``, for any batches. It has to use the model that it is given.
    name
        For people, and the beginning of the recording's id.
    data
        The gallery's folder; by default the user's own.
    samples, batch_size
        How many samples of each loader (512), and how many are evaluated at a time (128): more are slower on a CPU.
    keep_samples
        False leaves the samples out of the recording, where they are private.
    """

    loss: Loss | LossFunction | None
    name: str
    data: Path | str | None
    samples: int
    batch_size: int
    keep_samples: bool


def select_options(options: RecorderOptions, kind: type) -> dict[str, Any]:
    """Select those that were given of one kind, ``StorageOptions`` or ``ComputingOptions``."""
    return {name: value for name, value in options.items() if name in kind.__annotations__}


def refuse_unknown_options(options: Mapping[str, Any]) -> None:
    """Refuse an option that does not exist.

    Raises
    ------
    ConfigError
        Naming the option, and the one that was perhaps meant.
    """
    known = sorted(RecorderOptions.__annotations__)
    for name in options.keys() - set(known):
        near = get_close_matches(name, known, 1)
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(known)}"
        raise ConfigError([(name, f"there is no such option; {hint}")])
