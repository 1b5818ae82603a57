"""Measures the curvature of each layer's own block of the Hessian, at some frames of a recording."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from typing import Any, Literal, TypeAlias

import numpy as np

from lossatlas.arrays import AnyArray, Float64
from lossatlas.curvature import estimate_trace, find_extremes
from lossatlas.errors import LossAtlasError
from lossatlas.store import Recording, Tensor
from lossatlas.torch.curvature_of_frames import STORED_SECONDS, TOLERANCE
from lossatlas.torch.evaluation import TorchHessian
from lossatlas.torch.finished_parts import FinishedParts
from lossatlas.torch.lanczos_limits import draw_start, limit_vectors
from lossatlas.torch.model import Statistics, TorchModel

#: The number of random vectors for each trace. They lie in one block, so other blocks add no noise.
_PROBES = 16
#: ``layer`` groups the tensors of one module, such as weight and bias; ``block``, those of one child of the model.
Grouping: TypeAlias = Literal["layer", "block"]


def group_tensors(layout: Sequence[Tensor], by: Grouping) -> dict[str, list[int]]:
    """Group the tensors of a model.

    Returns
    -------
    dict
        The indices of the tensors of each group, by the name of the module, in the order of the layout. A tensor of the
        model itself forms a group alone.
    """
    groups: dict[str, list[int]] = {}
    for number, tensor in enumerate(layout):
        module = tensor.name.rpartition(".")[0] if by == "layer" else tensor.name.partition(".")[0]
        groups.setdefault(module or tensor.name, []).append(number)
    return groups


def measure_blocks(
    model: TorchModel,
    recording: Recording,
    statistics: Statistics,
    frames: Sequence[int],
    by: Grouping,
    parts: FinishedParts,
) -> dict[str, Any]:
    """Measure the trace and the largest eigenvalue of each group's block of the Hessian, at some frames.

    Returns
    -------
    dict
        The entry ``blocks`` of a manifest's ``curvature``, as in docs/run-format.md.
    """
    groups = group_tensors(model.layout, by)
    found = np.array(
        [_restore_or_measure(model, recording, (statistics, by), frame, groups, parts) for frame in frames]
    )
    named = dict(zip(("largest", "trace", "trace_error"), np.moveaxis(found, 1, 0), strict=True))
    return {
        "by": by,
        "names": list(groups),
        "parameters": [sum(model.layout[number].size for number in group) for group in groups.values()],
        **{name: [[x if math.isfinite(x) else None for x in row] for row in v.tolist()] for name, v in named.items()},
    }


def _restore_or_measure(
    model: TorchModel,
    recording: Recording,
    how: tuple[Statistics, Grouping],
    frame: int,
    groups: dict[str, list[int]],
    parts: FinishedParts,
) -> Float64:
    """Return the largest eigenvalues, traces and their errors ``[3, groups]`` at a frame."""
    statistics, by = how
    name = f"curvature-by-{by}-{frame}"
    before: AnyArray | None = (parts.get(name) or {}).get("numbers")
    if before is not None and before.shape == (3, len(groups)) and before.dtype.kind == "f":
        return np.asarray(before, np.float64)
    began = time.perf_counter()
    model.set_buffers(recording.buffers_at(frame))
    theta = recording.theta(frame)
    found = []
    for group in groups.values():
        block = TorchHessian(model, theta, statistics, group)
        found.append((_find_largest(block), *estimate_trace(block, block.size, _PROBES, at_once=1)))
    numbers: Float64 = np.array(found).T
    if time.perf_counter() - began >= STORED_SECONDS:
        parts.put(name, {"numbers": numbers})
    return numbers


def _find_largest(block: TorchHessian) -> float:
    size = block.size
    try:
        _, largest = find_extremes(block, 1, draw_start(size), TOLERANCE, limit_vectors(size))
    except LossAtlasError:
        return math.nan
    return float(largest[0])
