"""Measures the curvature of the training loss at some frames of a recording."""

from __future__ import annotations

from lossatlas.curvature import Curvature, TrainingCurvature, estimate_trace, find_extremes, spread_frames
from lossatlas.errors import LossAtlasError
from lossatlas.store import Recording
from lossatlas.torch.evaluation import TorchHessian
from lossatlas.torch.lanczos_limits import draw_start, most_vectors
from lossatlas.torch.model import Statistics, TorchModel

#: The relative tolerance of both ends of the spectrum.
_TOLERANCE = 1e-2
#: How many random vectors the trace is estimated with.
_PROBES = 8


def measure_curvature(
    model: TorchModel, recording: Recording, statistics: Statistics, most: int
) -> TrainingCurvature | None:
    """Measure both ends of the Hessian's spectrum, and its trace, at up to ``most`` frames; None at no frame.

    Returns
    -------
    TrainingCurvature | None
        The numbers, NaN at frames whose Hessian is not finite.
    """
    frames = spread_frames(len(recording.frames), most)
    if not frames:
        return None
    return TrainingCurvature.of(
        frames, [_measure_at(model, recording, statistics, frame) for frame in frames], stability=None
    )


def _measure_at(model: TorchModel, recording: Recording, statistics: Statistics, frame: int) -> Curvature:
    model.set_buffers(recording.buffers_at(frame))
    hessian = TorchHessian(model, recording.theta(frame), statistics)
    parameters, unknown = model.parameter_count, float("nan")
    try:
        low, high = find_extremes(hessian, 1, draw_start(parameters), _TOLERANCE, most_vectors(parameters))
    except LossAtlasError:
        return Curvature(parameters, unknown, unknown, unknown, None, unknown, None, None)
    trace, error = estimate_trace(hessian, parameters, _PROBES, at_once=1)
    return Curvature(parameters, float(high[0]), float(low[0]), trace, error, unknown, None, None)
