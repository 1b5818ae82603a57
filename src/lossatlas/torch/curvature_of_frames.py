"""Measures the curvature of the training loss at some frames of a recording."""

from __future__ import annotations

import time

import numpy as np

from lossatlas.arrays import Float64
from lossatlas.curvature import Curvature, TrainingCurvature, estimate_trace, find_extremes, spread_frames
from lossatlas.errors import LossAtlasError
from lossatlas.store import Recording
from lossatlas.torch.evaluation import TorchHessian
from lossatlas.torch.finished_parts import FinishedParts
from lossatlas.torch.lanczos_limits import draw_start, limit_vectors
from lossatlas.torch.model import Statistics, TorchModel

#: Results that took fewer seconds are not stored before the end.
STORED_SECONDS = 1.0
#: The relative tolerance of both ends of the spectrum.
TOLERANCE = 1e-2
#: The number of random vectors for the estimate of the trace.
_PROBES = 8


def measure_curvature(
    model: TorchModel, recording: Recording, statistics: Statistics, most: int, parts: FinishedParts
) -> TrainingCurvature | None:
    """Measure both ends of the Hessian's spectrum, and its trace, at up to ``most`` frames; return None for no frames.

    Returns
    -------
    TrainingCurvature | None
        The numbers. They are NaN at frames whose Hessian is not finite.
    """
    frames = spread_frames(len(recording.frames), most)
    if not frames:
        return None
    return TrainingCurvature.of(
        frames, [_measure_or_restore(model, recording, statistics, frame, parts) for frame in frames], stability=None
    )


def _measure_or_restore(
    model: TorchModel, recording: Recording, statistics: Statistics, frame: int, parts: FinishedParts
) -> Curvature:
    """Read the curvature at a frame if it is a finished part. Otherwise measure it, and store it if that took long."""
    name, parameters = f"curvature-{frame}", model.parameter_count
    found = (parts.get(name) or {}).get("ends_and_trace")
    if found is None or found.shape != (4,) or found.dtype.kind != "f":
        began = time.perf_counter()
        found = _measure_at(model, recording, statistics, frame)
        if time.perf_counter() - began >= STORED_SECONDS:
            parts.put(name, {"ends_and_trace": found})
    largest, smallest, trace, error = found.tolist()
    unknown = float("nan")
    return Curvature(parameters, largest, smallest, trace, error if error == error else None, unknown, None, None)


def _measure_at(model: TorchModel, recording: Recording, statistics: Statistics, frame: int) -> Float64:
    """Return the largest and the smallest eigenvalue, the trace and its error; NaN where they are not known."""
    model.set_buffers(recording.buffers_at(frame))
    hessian = TorchHessian(model, recording.theta(frame), statistics)
    parameters = model.parameter_count
    try:
        low, high = find_extremes(hessian, 1, draw_start(parameters), TOLERANCE, limit_vectors(parameters))
    except LossAtlasError:
        return np.full(4, np.nan)
    trace, error = estimate_trace(hessian, parameters, _PROBES, at_once=1)
    return np.array([high[0], low[0], trace, error])
