"""What is computed of a recording once its training is over: planes, path, curvature, boundary. Then it is a run."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import TypeAdapter

from lossatlas.arrays import AnyArray, Float32, Float64, Floats
from lossatlas.curvature import (
    Curvature,
    TrainingCurvature,
    estimate_trace,
    extreme_pairs,
    find_extremes,
    spread_frames,
)
from lossatlas.errors import ConfigError, DataError, LossAtlasError, PlaneError
from lossatlas.landscape import Cut, path_on, surfaces_around
from lossatlas.planes import (
    AnyPlane,
    Plane,
    PlaneConfig,
    Trained,
    compute_gram_matrix,
    name_planes,
    principal_coefficients,
)
from lossatlas.rng import Draws, Stream
from lossatlas.store import (
    BoundaryPart,
    RecordedParts,
    Recording,
    describe_adopted,
    describe_recorded,
    save_recorded,
)
from lossatlas.torch.adopt import compute_adopted, network_of
from lossatlas.torch.evaluation import TorchHessian, TorchLosses
from lossatlas.torch.model import Statistics, TorchModel
from lossatlas.torch.sample_plane import lay_through_samples, predict_over
from lossatlas.training import Outcome, Trajectory

#: Samples along each axis of planes that stay, and of planes that move, from fine to coarse.
_GRIDS = ((41, 21), (31, 15), (21, 11), (11, 7))
#: Of the Lanczos iterations: sharpness, and eigenvectors to look along.
_TOLERANCE, _PAIR_TOLERANCE = 1e-2, 1e-3
#: Random vectors for the trace.
_PROBES = 8
#: Bytes that the vectors of a Lanczos iteration may take, and how many there are at least.
_LANCZOS_BYTES, _FEWEST_VECTORS = 2**30, 12
#: How far from the recorded losses those of a model may be that is to be the recorded one.
_SAME = 1e-3

_NAMED: dict[str, dict[str, Any]] = {
    "gaussian": {"kind": "gaussian", "spans": (1.0, 0.1)},
    "gaussian-filter": {"kind": "gaussian", "normalization": "filter", "spans": (1.0, 0.1)},
    "gaussian-layer": {"kind": "gaussian", "normalization": "layer", "spans": (1.0, 0.1)},
    "pca": {"kind": "pca"},
    "hessian": {"kind": "hessian"},
    "through": {"kind": "through"},
}


@dataclass(frozen=True)
class FinishOptions:
    """What is computed of a recording.

    Attributes
    ----------
    planes
        Which to cut, by name or as their configurations; the first one is shown first.
    batchnorm
        ``batch``: training losses with the statistics of each batch, which training descends with, and test losses with
        those of the training samples. ``running``: both with the statistics in the buffers, as Li et al. (2018).
    boundary
        ``auto``: over the two inputs that there are, or over the plane through three samples; ``none``.
    curvature
        At how many frames the Hessian is measured.
    budget
        Seconds that the surfaces may take, about: where they would take longer, grids are coarser.
    """

    planes: Sequence[str | PlaneConfig | Mapping[str, Any]] = ("gaussian-filter", "pca", "hessian")
    batchnorm: Literal["batch", "running"] = "batch"
    boundary: Literal["auto", "none"] = "auto"
    curvature: int = 5
    budget: float = 300.0

    def __post_init__(self) -> None:
        """Refuse before the training what could not be computed after it."""
        if self.batchnorm not in ("batch", "running"):
            raise DataError(f"batchnorm is {self.batchnorm!r}; give 'batch' or 'running'")
        if self.boundary not in ("auto", "none"):
            raise DataError(f"boundary is {self.boundary!r}; give 'auto' or 'none'")
        if self.curvature < 0 or not self.budget > 0:
            raise DataError(f"curvature is {self.curvature}, budget {self.budget}; give 0 frames or more, and seconds")
        if not self.configs():
            raise DataError("planes are none; give one at least, as planes=('pca',)")

    def configs(self) -> list[PlaneConfig]:
        """Give the configurations of the planes; a name that is not known is refused.

        Returns
        -------
        One configuration a plane, in their order.

        Raises
        ------
        ConfigError
            If there is no such plane.
        """
        found: list[PlaneConfig] = []
        for number, plane in enumerate(self.planes):
            if isinstance(plane, str) and plane not in _NAMED:
                raise ConfigError([(f"planes.{number}", f"there is no plane {plane!r}; there are {', '.join(_NAMED)}")])
            values = _NAMED[plane] if isinstance(plane, str) else plane
            found.append(TypeAdapter(AnyPlane).validate_python(values))
        return found


def finish_recording(recording: Recording, model: TorchModel, data: Path, options: FinishOptions) -> Path:
    """Compute everything there is to see of a recording, and put the run into the gallery.

    Parameters
    ----------
    recording
        With two frames or more.
    model
        The model that was recorded, and its samples.
    data
        The gallery's folder.
    options
        What to compute.

    Returns
    -------
    The run's folder.

    Raises
    ------
    DataError
        If the recording has fewer than two frames, or the model's losses are not the recorded ones.
    PlaneError
        If none of the planes can be laid.
    """
    if len(recording.frames) < 2:
        raise DataError(f"{recording.id} has {len(recording.frames)} frames; a run needs two: take a snapshot an epoch")
    refuse_another_model(recording, model)
    if (network := network_of(model, recording)) is not None and options.boundary == "auto":
        adopted = compute_adopted(network, model, recording, options.configs(), options.curvature)
        return save_recorded(describe_adopted(adopted, recording), data)
    return save_recorded(describe_recorded(_Finishing(recording, model, options).parts()), data)


def refuse_another_model(recording: Recording, model: TorchModel) -> None:
    """Refuse a model that does not have the recorded losses at the first and the last frame.

    Raises
    ------
    DataError
        Saying both losses.
    """
    if [(t.name, t.shape) for t in recording.parameters] != [(t.name, t.shape) for t in model.layout]:
        raise DataError(f"{recording.id} was recorded of a model with other parameters")
    for frame in (0, -1):
        expected = recording.frames[frame].metrics.get("train_loss")
        [found] = TorchLosses(model, "train", "batch").losses(np.asarray(recording.theta(frame))[None])
        if expected is not None and not np.isclose(found, expected, rtol=_SAME, atol=1e-6):
            raise DataError(
                f"at epoch {recording.frames[frame].epoch} the loss is {found:g}, and {expected:g} was recorded: "
                "this is not the model, or not the data, that was recorded"
            )


class _Finishing:
    """One recording with its model, and what is computed of them."""

    def __init__(self, recording: Recording, model: TorchModel, options: FinishOptions) -> None:
        self._recording, self._model, self._options = recording, model, options
        train: Statistics = options.batchnorm
        test: Statistics = "refreshed" if options.batchnorm == "batch" else "running"
        self._kinds: dict[str, Statistics] = {"train": train, "test": test}
        self._train, self._test = TorchLosses(model, "train", train), TorchLosses(model, "test", test)
        weights: Any = recording.weights  # it stands for an array
        self._weights = weights
        self._gram = compute_gram_matrix(self._weights)

    def parts(self) -> RecordedParts:
        """Compute all of it."""
        planes, left_out = self._cut_planes()
        if not planes:
            raise PlaneError("; ".join(left_out.values()))
        boundary = self._map_boundary()
        return RecordedParts(
            recording=self._recording,
            planes=planes,
            left_out=left_out,
            gram=self._gram,
            curvature=self._measure_curvature(),
            boundary=boundary,
            classes=self._classes() if boundary else [],
            batchnorm=dict(self._kinds) if self._model.normalises else None,
        )

    def _cut_planes(self) -> tuple[list[tuple[Cut, PlaneConfig, Mapping[str, Any]]], dict[str, str]]:
        configs = self._affordable()
        planes: list[tuple[Cut, PlaneConfig, Mapping[str, Any]]] = []
        left_out: dict[str, str] = {}
        for name, config in zip(name_planes(configs), configs, strict=True):
            try:
                plane = config.lay(self._trained(), name)
            except (PlaneError, ConfigError) as error:
                left_out[name] = str(error)
                continue
            planes.append((self._cut(plane, config), config, self._recipe(plane)))
        return planes, left_out

    def _trained(self) -> Trained:
        frames = self._recording.frames
        trajectory = Trajectory(
            tuple(frame.epoch for frame in frames), self._weights, {}, np.empty((len(frames), 0), np.uint8), Outcome()
        )
        return _RecordedTraining(
            self._model,
            np.empty((0, 0)),
            np.empty(0, np.int64),
            trajectory,
            _refuse_other_runs,
            self._gram,
            self._kinds["train"],
        )

    def _cut(self, plane: Plane, config: PlaneConfig) -> Cut:
        around = range(len(self._weights)) if plane.moving else [plane.centre_frame]
        surfaces = [self._surface(self._train, plane, frame, config.grid) for frame in around]
        test = [self._surface(self._test, plane, plane.centre_frame, config.grid)] if self._model.test else []
        self._use_buffers(plane.centre_frame)
        path, path_loss = path_on(self._train, plane, self._weights)
        return Cut(
            plane=plane,
            grid=config.grid,
            loss_surface=np.stack(surfaces, axis=1),
            test_loss_surface=np.stack(test, axis=1) if test else np.empty(0, np.float32),
            path=path,
            path_loss=path_loss,
        )

    def _surface(self, losses: TorchLosses, plane: Plane, frame: int | None, grid: int) -> Float32:
        self._use_buffers(frame)
        centre = plane.centre if frame is None else self._weights[frame]
        return surfaces_around(losses, plane, centre, grid)

    def _use_buffers(self, frame: int | None) -> None:
        self._model.set_buffers(self._recording.buffers_at(-1 if frame is None else frame))

    def _affordable(self) -> list[PlaneConfig]:
        """Give the planes the finest grids that the budget allows, by the time that a loss takes."""
        given = self._options.configs()
        middle = np.repeat(np.asarray(self._recording.theta(-1))[None], 2, axis=0)
        began = time.perf_counter()
        self._train.losses(middle)
        one = (time.perf_counter() - began) / 2
        frames, found = len(self._weights), given
        for fixed, moving in _GRIDS:
            found = [_with_grid(plane, fixed, moving) for plane in given]
            count = sum(
                len(plane.spans or range(3))
                * plane.grid**2
                * ((frames if plane.moving else 1) + bool(self._model.test))
                for plane in found
            )
            if count * one <= self._options.budget:
                return found
        return [plane.with_values(moving=False) for plane in found]

    def _recipe(self, plane: Plane) -> dict[str, Any]:
        if plane.kind == "pca":
            return {"coefficients": principal_coefficients(self._gram).tolist()}
        return {"seed": plane.seed, "normalization": plane.normalization, "frame": plane.centre_frame}

    def _measure_curvature(self) -> TrainingCurvature | None:
        frames = spread_frames(len(self._weights), self._options.curvature)
        if not frames:
            return None
        return TrainingCurvature.of(frames, [self._curvature_at(frame) for frame in frames], stability=None)

    def _curvature_at(self, frame: int) -> Curvature:
        self._use_buffers(frame)
        hessian = TorchHessian(self._model, self._recording.theta(frame), self._kinds["train"])
        parameters, unknown = self._model.parameter_count, float("nan")
        try:
            low, high = find_extremes(hessian, 1, _start(parameters), _TOLERANCE, _most_vectors(parameters))
        except LossAtlasError:
            return Curvature(parameters, unknown, unknown, unknown, None, unknown, None, None)
        trace, error = estimate_trace(hessian, parameters, _PROBES, at_once=1)
        return Curvature(parameters, float(high[0]), float(low[0]), trace, error, unknown, None, None)

    def _map_boundary(self) -> BoundaryPart | None:
        if self._options.boundary == "none":
            return None
        try:
            plane = lay_through_samples(self._model)
        except PlaneError:
            return None
        return predict_over(plane, self._model, self._recording, self._classes())

    def _classes(self) -> list[str]:
        targets: list[AnyArray] = [batch.data[1].cpu().numpy() for batch in (*self._model.train, *self._model.test)]
        outputs = self._model.outputs()
        count = max(int(max(target.max() for target in targets)) + 1, outputs)
        return [str(number) for number in range(count)]


@dataclass(frozen=True)
class _RecordedTraining(Trained):
    """What planes may be laid through: the frames of a recording, and the Hessian of its model."""

    statistics: Statistics = "batch"

    def eigenpairs(self, theta: Floats, which: Literal["largest", "both"]) -> tuple[Float64, Float64]:
        """Find two extreme eigenvalues and eigenvectors by the Lanczos method, with the run's own statistics.

        Returns
        -------
        Eigenvalues ``[2]`` and eigenvectors ``[2, P]``, each with its largest component positive.

        Raises
        ------
        PlaneError
            If the Hessian has no such directions.
        """
        if not isinstance(self.network, TorchModel):
            raise PlaneError("the Hessian of this model is not known")
        size = self.network.parameter_count
        try:
            values, vectors = extreme_pairs(
                TorchHessian(self.network, theta, self.statistics),
                _start(size),
                _PAIR_TOLERANCE,
                which,
                _most_vectors(size),
            )
        except LossAtlasError as error:
            raise PlaneError(str(error)) from error
        largest = np.abs(vectors).argmax(axis=1)
        return values, vectors * np.sign(vectors[[0, 1], largest])[:, None]


def _start(parameters: int) -> Float64:
    return Draws(0, Stream.LANCZOS_START).normal(parameters)


def _most_vectors(parameters: int) -> int:
    return max(_FEWEST_VECTORS, min(160, _LANCZOS_BYTES // (16 * parameters)))


def _with_grid(plane: PlaneConfig, fixed: int, moving: int) -> PlaneConfig:
    """Give a plane its grid where that was left out."""
    if "grid" in plane.model_fields_set:
        return plane
    return plane.with_values(grid=moving if plane.moving else fixed)


def _refuse_other_runs(run: str) -> Floats:
    raise ConfigError([("points", f"a recorded plane goes through frames of its own training, and not through {run}")])
