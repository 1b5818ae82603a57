"""Constructs planes through a recording, and computes their surfaces and the path of the training on them."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, Literal

import numpy as np

from lossatlas.arrays import Float32, Float64, Floats, Integers
from lossatlas.curvature import extreme_pairs
from lossatlas.errors import ConfigError, LossAtlasError, OtherModelError, PlaneError
from lossatlas.landscape import Cut, round_surfaces
from lossatlas.planes import (
    FilePlane,
    FreshPlane,
    HessianPlane,
    Path,
    Plane,
    PlaneConfig,
    Trained,
    compute_gram_matrix,
    project,
    project_by_gram,
)
from lossatlas.store import RecordedPlane, Recording
from lossatlas.torch.compiled import compile_where_it_pays
from lossatlas.torch.evaluation import TorchHessian, TorchLosses
from lossatlas.torch.finished_parts import FinishedParts
from lossatlas.torch.kept_vectors import KeptVectors
from lossatlas.torch.lanczos_limits import draw_start, limit_vectors
from lossatlas.torch.model import Statistics, TorchModel
from lossatlas.torch.refinement import Compute, PlaneSurfaces, Refinement, Split, Task, in_this_process, nested_grids
from lossatlas.training import Outcome, Trajectory

#: The relative tolerance of the eigenvectors that span a plane.
_PAIR_TOLERANCE = 1e-3
#: The largest relative difference between the losses of a model and the recorded ones.
SAME = 1e-3
#: Work that takes fewer seconds is not stored in parts.
_SHORT = 10.0
_RECORDED: dict[tuple[Split, bool], str] = {
    ("train", False): "train_loss",
    ("train", True): "eval_train_loss",
    ("test", False): "test_loss",
    ("test", True): "eval_test_loss",
}


def choose_statistics(batchnorm: Literal["batch", "running"]) -> dict[Split, Statistics]:
    """Return the statistics that BatchNorm uses in training losses and in test losses."""
    return {"train": batchnorm, "test": "refreshed" if batchnorm == "batch" else "running"}


def refuse_another_model(recording: Recording, model: TorchModel) -> bool:
    """Refuse a model that does not have the recorded losses at the first and the last frame.

    Returns
    -------
    bool
        Whether there was a loss to compare: one that is not finite is recorded as None.

    Raises
    ------
    OtherModelError
        The message contains both losses, or the first tensor that differs.
    """
    if (recorded := _shapes(recording.parameters)) != (found := _shapes(model.layout)):
        differing = sorted({name for name, _ in {*recorded} ^ {*found}})
        raise OtherModelError(
            f"{recording.id} was recorded of a model with other parameters ({', '.join(differing[:3]) or 'their order'}"
            f"{', …' if len(differing) > 3 else ''}): this is not the model that was recorded"
        )
    if _shapes(recording.buffers) != _shapes(model.buffer_layout):
        raise OtherModelError(f"{recording.id} was recorded of a model with other buffers: this is not the model")
    statistics = choose_statistics("batch")
    splits: list[Split] = ["train", "test"] if model.test else ["train"]
    compared = False
    for frame, split in ((frame, split) for frame in (0, -1) for split in splits):
        expected = recording.frames[frame].metrics.get(_RECORDED[split, False])
        model.set_buffers(recording.buffers_at(frame))
        [loss] = TorchLosses(model, split, statistics[split]).losses(np.asarray(recording.theta(frame))[None])
        compared |= expected is not None
        if expected is not None and not np.isclose(loss, expected, rtol=SAME, atol=1e-6):
            raise OtherModelError(
                f"at epoch {recording.frames[frame].epoch} the {split} loss is {loss:g}, and {expected:g} was "
                "recorded: this is not the model, or not the data, that was recorded"
            )
    return compared


def _shapes(layout: Sequence[Any]) -> list[tuple[str, tuple[int, ...]]]:
    return [(tensor.name, tensor.shape) for tensor in layout]


def evaluate_points(  # noqa: PLR0913 (plain data, so that other processes can call it)
    model: TorchModel,
    recording: Recording,
    split: Split,
    statistics: Statistics,
    directions: Floats,
    frames: Integers,
    a: Float64,
    b: Float64,
) -> Float32:
    """Compute the loss ``[n]`` at points (a, b) ``[n]`` around frames ``[n]``, each with the buffers of its frame."""
    found = np.empty(len(a), np.float32)
    losses = TorchLosses(model, split, statistics)
    edges = [0, *(np.flatnonzero(np.diff(frames)) + 1).tolist(), len(frames)]
    for first, stop in pairwise(edges):
        frame, rows = int(frames[first]), slice(first, stop)
        model.set_buffers(recording.buffers_at(frame))
        found[rows] = losses.losses_along(recording.theta(frame), directions, a[rows], b[rows])
    return found


class PlaneCutter:
    """Constructs and cuts planes of one recording.

    Parameters
    ----------
    recording
        The recording.
    model
        The model that was recorded, with its samples.
    batchnorm
        The statistics with which losses are computed.
    purpose
        A word that distinguishes the parts of this computation from those of others.
    compile
        Whether to compile the model, if this saves time and keeps its losses the same.

    Attributes
    ----------
    weights
        The trajectory ``[F, P]``, mapped from its files.
    gram
        ``[F, F]``: the products of ``theta_f - theta_last``.
    statistics
        The statistics that BatchNorm uses in each split.
    compiled
        Whether the model is compiled.
    parts
        The finished parts of this computation.
    """

    def __init__(
        self,
        recording: Recording,
        model: TorchModel,
        batchnorm: Literal["batch", "running"],
        *,
        purpose: str = "finish",
        compile: bool = False,  # noqa: A002 (the name that PyTorch uses)
    ) -> None:
        self._recording, self._model = recording, model
        self.statistics = choose_statistics(batchnorm)
        self.compiled = compile and compile_where_it_pays(model, recording, self.statistics)
        self._train = TorchLosses(model, "train", self.statistics["train"])
        self._vectors = KeptVectors(recording.folder, model.parameter_count)
        weights: Any = recording.weights  # it is used like an array
        self.weights: Floats = weights
        self.gram = compute_gram_matrix(weights)
        frames = recording.frames
        self._training = _RecordedTraining(
            model,
            np.empty((0, 0)),
            np.empty(0, np.int64),
            Trajectory(
                tuple(frame.epoch for frame in frames), weights, {}, np.empty((len(frames), 0), np.uint8), Outcome()
            ),
            _refuse_other_runs,
            self.gram,
            self.statistics["train"],
            self._vectors,
        )
        self.parts = FinishedParts(recording.folder, purpose, self._depends_on())

    def seconds_per_loss(self) -> float:
        """Measure how long the loss at one point takes."""
        twice = np.repeat(np.asarray(self._recording.theta(-1))[None], 2, axis=0)
        self._train.losses(twice[:1])  # the first evaluation also prepares the others
        began = time.perf_counter()
        self._train.losses(twice)
        return (time.perf_counter() - began) / 2

    def lay(self, config: PlaneConfig, name: str) -> Plane:
        """Construct a plane through the recording.

        Returns
        -------
        Plane
            The plane.

        Raises
        ------
        PlaneError
            If the plane cannot be made from this training.
        ConfigError
            If the plane goes through another run.
        """
        if isinstance(config, HessianPlane) and config.frame is not None and config.frame < len(self.weights):
            self._model.set_buffers(self._recording.buffers_at(config.frame))
        else:
            self._model.set_buffers(self._recording.buffers_at(-1))
        plane = config.lay(self._training, name)
        if isinstance(config, FilePlane):
            self._vectors.put(config.sha256[:24], plane.directions)
        if isinstance(config, FreshPlane):  # nothing in the recording can make them again
            self._vectors.put(KeptVectors.key_of(plane.directions, "fresh"), plane.directions)
        return plane

    def cut(
        self,
        planes: Sequence[tuple[Plane, PlaneConfig, bool]],
        budget: float = float("inf"),
        on_progress: Callable[[int, int], None] = lambda _done, _whole: None,
        compute: Compute | None = None,
    ) -> list[RecordedPlane]:
        """Cut planes, from coarse grids to fine ones.

        Parameters
        ----------
        planes
            The planes with their configurations, and whether a plane may stay on a coarser grid if the time ends.
        budget
            How many seconds the surfaces may take.
        on_progress
            A function that is called with the numbers of finished points and of all points, whenever some are finished.
        compute
            The function that computes losses; by default, it computes them in this process.

        Returns
        -------
        list
            Each plane with what was computed for it.
        """
        surfaces = [self._plan(*plane) for plane in planes]
        seconds = self.seconds_per_loss()
        points = sum(each.count(level) for each in surfaces for level in range(len(each.grids)))
        parts = self.parts if points * seconds > _SHORT else None
        compute = compute or in_this_process(self._losses_of)
        Refinement(compute, parts, seconds, budget, lambda done: on_progress(done, points)).run(surfaces)
        return [self._finish(each, config, budget) for each, (_, config, _) in zip(surfaces, planes, strict=True)]

    def _depends_on(self) -> Any:
        model = self._model
        return {
            "frames": [[frame.number, frame.epoch, dict(frame.metrics)] for frame in self._recording.frames],
            "statistics": self.statistics,
            "batches": [[batch.counted for batch in part] for part in (model.train, model.test)],
            "device": model.device.type,
            "dtype": str(model.dtype),
            "compiled": self.compiled,
        }

    def _plan(self, plane: Plane, config: PlaneConfig, may_stay_coarse: bool) -> PlaneSurfaces:
        centre = plane.centre_frame if plane.centre_frame is not None else len(self.weights) - 1
        every = tuple(range(len(self.weights)))
        around: dict[Split, tuple[int, ...]] = {"train": every if plane.moving else (centre,)}
        if self._model.test:
            around["test"] = every if plane.moving and config.test_frames else (centre,)
        grids = nested_grids(config.grid) if may_stay_coarse else (config.grid,)
        made_of = json.dumps([plane.spans, around, plane.centre_frame]).encode() + plane.directions.tobytes()
        return PlaneSurfaces(plane, around, grids, f"{plane.name}-{hashlib.sha256(made_of).hexdigest()[:16]}")

    def _losses_of(self, task: Task) -> Float32:
        return evaluate_points(
            self._model,
            self._recording,
            task.split,
            self.statistics[task.split],
            task.plane.directions,
            task.frames,
            task.a,
            task.b,
        )

    def _finish(self, surfaces: PlaneSurfaces, config: PlaneConfig, budget: float) -> RecordedPlane:
        plane = surfaces.plane
        self._model.set_buffers(self._recording.buffers_at(_frame_of(plane)))
        path = self._project(plane, config)
        a, b = path.coordinates.T
        path_loss = self._train.losses_along(plane.centre, plane.directions, a, b).astype(np.float64)
        found = {split: self._round(surfaces, split) for split in surfaces.around}
        grid = surfaces.grids[surfaces.reached - 1]
        if grid < config.grid:
            plane = _note(plane, f"The time budget of {budget:g} s ended at {grid} of {config.grid} samples per axis.")
        return RecordedPlane(
            cut=Cut(plane, grid, found["train"], found.get("test", np.empty(0, np.float32)), path, path_loss),
            config=config,
            recipe=self._recipe(plane, config),
            batchnorm=dict(self.statistics.items()) if self._model.normalises else None,
            evaluation={"device": self._model.device.type, "compiled": self.compiled},
        )

    def _project(self, plane: Plane, config: PlaneConfig) -> Path:
        """Project the frames onto a plane; with the Gram matrix alone, if its directions are sums over frames."""
        coefficients = config.coefficients(self._training)
        if coefficients is not None and plane.centre_frame is not None:
            return project_by_gram(self.gram, coefficients, plane.centre_frame)
        return project(plane.directions, self.weights, plane.centre)

    def _round(self, surfaces: PlaneSurfaces, split: Split) -> Float32:
        """Round the surfaces, with the recorded losses at the centres, because libraries differ in the last digits."""
        name = _RECORDED[split, self.statistics[split] == "running"]
        rounded = []
        for frame, losses in zip(surfaces.around[split], surfaces.result(split).copy(), strict=True):
            expected, middle = self._recording.frames[frame].metrics.get(name), losses.shape[-1] // 2
            if expected is not None and np.isclose(losses[0, middle, middle], expected, rtol=SAME, atol=1e-6):
                losses[:, middle, middle] = expected
            rounded.append(round_surfaces(losses))
        return np.stack(rounded, axis=1)

    def _recipe(self, plane: Plane, config: PlaneConfig) -> Mapping[str, Any]:
        if (coefficients := config.coefficients(self._training)) is not None:
            return {"coefficients": coefficients.tolist()}
        if isinstance(config, HessianPlane):
            key = _key_of_pair(self.weights[_frame_of(plane)], config.eigenvalues, self.statistics["train"])
            return {"vectors": f"vectors/{key}.npy", "frame": plane.centre_frame}
        if isinstance(config, FilePlane):
            return {"vectors": f"vectors/{config.sha256[:24]}.npy", "sha256": config.sha256}
        if isinstance(config, FreshPlane):
            return {"vectors": f"vectors/{KeptVectors.key_of(plane.directions, 'fresh')}.npy", "seed": plane.seed}
        return {"seed": plane.seed, "normalization": plane.normalization, "frame": plane.centre_frame}


@dataclass(frozen=True)
class _RecordedTraining(Trained):
    """The frames of a recording, and the Hessian of its model."""

    statistics: Statistics = "batch"
    kept: KeptVectors | None = None

    def eigenpairs(self, theta: Floats, which: Literal["largest", "both"]) -> tuple[Float64, Float64]:
        """Compute two extreme eigenvalues and eigenvectors by the Lanczos method, or read them from the recording.

        Returns
        -------
        Eigenvalues ``[2]`` and eigenvectors ``[2, P]``, each with its largest component positive.

        Raises
        ------
        PlaneError
            If the Hessian has no such directions.
        """
        if not isinstance(self.network, TorchModel) or self.kept is None:
            raise PlaneError("the Hessian of this model is not known")
        key, size = _key_of_pair(theta, which, self.statistics), self.network.parameter_count
        if (before := self.kept.get(key)) is not None:
            return before
        hessian = TorchHessian(self.network, theta, self.statistics)
        try:
            values, vectors = extreme_pairs(hessian, draw_start(size), _PAIR_TOLERANCE, which, limit_vectors(size))
        except LossAtlasError as error:
            raise PlaneError(str(error)) from error
        largest = np.abs(vectors).argmax(axis=1)
        vectors = (vectors * np.sign(vectors[[0, 1], largest])[:, None]).astype(np.float32)
        self.kept.put(key, vectors, values)
        return values, vectors.astype(np.float64)


def _key_of_pair(theta: Floats, which: str, statistics: Statistics) -> str:
    return KeptVectors.key_of(theta, "hessian", which, statistics)


def _frame_of(plane: Plane) -> int:
    return -1 if plane.centre_frame is None else plane.centre_frame


def _note(plane: Plane, sentence: str) -> Plane:
    return replace(plane, hides=f"{plane.hides} {sentence}")


def _refuse_other_runs(run: str) -> Floats:
    raise ConfigError([("points", f"a recorded plane goes through frames of its own training, and not through {run}")])
