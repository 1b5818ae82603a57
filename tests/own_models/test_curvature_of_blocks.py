"""Compares the curvature of each layer with the whole Hessian by autograd, and measures the memory of Lanczos."""

from __future__ import annotations

import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import lossatlas.torch as lat
from lossatlas.arrays import AnyArray, Float64, Floats
from lossatlas.curvature import extreme_pairs, find_extremes
from lossatlas.errors import DataError
from lossatlas.store import Gallery, lay_out, open_stored, run_folder
from lossatlas.torch import lanczos_limits
from lossatlas.torch.curvature_of_blocks import group_tensors
from tests.own_models.test_model import as_ours, at, slow_hessian
from tests.own_models.trainings import convolutional, images, shuffling, train

CROSS_ENTROPY = torch.nn.CrossEntropyLoss()


def of_batch(model: torch.nn.Module) -> torch.Tensor:
    """Compute the loss of all images, with the statistics of the batch in BatchNorm."""
    inputs, labels = images().tensors
    model.eval()
    model[1].train()  # type: ignore[index]
    return torch.nn.functional.cross_entropy(model(inputs.double()), labels)


@pytest.mark.parametrize(("by", "names"), [("layer", ["0", "1", "5"]), ("block", ["0", "1", "5"])])
def test_each_layer_has_the_trace_and_the_largest_eigenvalue_of_its_own_block(
    tmp_path: Path, by: Any, names: list[str]
) -> None:
    torch.manual_seed(3)
    model, loader = convolutional(), [images().tensors]
    options: Any = {"planes": [{"kind": "pca", "grid": 3}], "curvature": 2, "boundary": "none", "batch_size": 48}
    with lat.Recorder(model, CROSS_ENTROPY, loader, data=tmp_path, curvature_by=by, **options) as recorder:
        train(model, shuffling(images()), 3, recorder.snapshot)
    [run_id] = Gallery(tmp_path).ids()
    curvature = open_stored(run_folder(tmp_path, run_id)).manifest["curvature"]  # type: ignore[union-attr]
    blocks = curvature["blocks"]
    assert (blocks["by"], blocks["names"], blocks["parameters"]) == (by, names, [40, 8, 195])
    edges = np.cumsum([0, *blocks["parameters"]])
    for place, frame in enumerate(curvature["frames"]):
        matrix = slow_hessian(at(convolutional(), np.array(recorder.recording.theta(frame), np.float64)), of_batch)
        for number in range(3):
            part = matrix[edges[number] : edges[number + 1], edges[number] : edges[number + 1]]
            largest = np.linalg.eigvalsh(part)[-1]
            assert blocks["largest"][place][number] == pytest.approx(largest, rel=0.02)
            # for vectors v of random signs, vᵀAv has the variance 2 Σ A_ij² over i ≠ j (Hutchinson 1990); 16 are drawn
            deviation = np.sqrt(2 * ((part**2).sum() - (np.diag(part) ** 2).sum()) / 16)
            assert abs(blocks["trace"][place][number] - np.trace(part)) < 4 * deviation
            assert deviation / 3 < blocks["trace_error"][place][number] < 3 * deviation
        assert max(blocks["largest"][place]) <= 1.02 * curvature["largest"][place]
    assert len({round(value, 4) for row in blocks["largest"] for value in row}) == 6


def test_tensors_are_grouped_by_module_or_by_child() -> None:
    names = ("scale", "stem.weight", "stem.bias", "layer.0.conv.weight", "layer.0.norm.weight", "layer.1.conv.weight")
    layout = lay_out([(name, (2,)) for name in names])
    assert group_tensors(layout, "layer") == {
        "scale": [0],
        "stem": [1, 2],
        "layer.0.conv": [3],
        "layer.0.norm": [4],
        "layer.1.conv": [5],
    }
    assert group_tensors(layout, "block") == {"scale": [0], "stem": [1, 2], "layer": [3, 4, 5]}


def test_a_block_may_consist_of_tensors_that_are_apart() -> None:
    torch.manual_seed(0)
    model = convolutional()
    ours = as_ours(model, dtype=torch.float64)
    theta = np.concatenate([p.detach().double().numpy().ravel() for p in model.parameters()])
    matrix = slow_hessian(model, of_batch)
    rows = np.r_[36:40, 48:240]  # the bias of the convolution, and the weight of the last layer
    block = lat.TorchHessian(ours, theta, "batch", [1, 4])
    vector = np.random.default_rng(0).normal(size=(1, len(rows)))
    assert block.size == len(rows)
    assert np.allclose(block.products(vector)[0], matrix[np.ix_(rows, rows)] @ vector[0], atol=1e-9)


def test_an_unknown_grouping_is_refused(tmp_path: Path) -> None:
    wrong: Any = "tensor"
    with pytest.raises(DataError, match="curvature_by is 'tensor'; give 'model', 'layer' or 'block'"):
        lat.Recorder(convolutional(), CROSS_ENTROPY, [images().tensors], data=tmp_path, curvature_by=wrong)


class Diagonal:
    """A diagonal matrix as an operator."""

    def __init__(self, values: Float64) -> None:
        self._values = values

    def products(self, vectors: Floats) -> Floats:
        return vectors * self._values

    def select(self, models: AnyArray) -> Diagonal:
        return self


def test_the_vectors_of_lanczos_stay_within_their_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    size = 20_000
    values = np.random.default_rng(0).uniform(0, 1, size)
    values[[7, 70, 700]] = 1.2, 1.1, -0.1
    for few, bytes_each, precision, tolerance in ((10, 16, np.float64, 1e-8), (40, 8, np.float32, 1e-4)):
        most = 20
        limit = bytes_each * size * most
        monkeypatch.setattr(lanczos_limits, "_BYTES", limit)
        monkeypatch.setattr(lanczos_limits, "_FEW", few)
        assert lanczos_limits.limit_vectors(size) == most
        start = lanczos_limits.draw_start(size)
        assert start.dtype == precision
        peaks = []
        for vectors in (most, 160):
            tracemalloc.start()
            smallest, largest = find_extremes(Diagonal(values), 1, start, tolerance, vectors)
            pair, along = extreme_pairs(Diagonal(values), start, max(tolerance, 1e-6), "largest", vectors)
            peaks.append(tracemalloc.get_traced_memory()[1])
            tracemalloc.stop()
            assert (smallest[0], largest[0]) == pytest.approx((-0.1, 1.2), abs=1e-5)
            assert pair == pytest.approx([1.2, 1.1], abs=1e-5)
            assert np.abs(along[[0, 1], [7, 70]]) == pytest.approx([1, 1], abs=1e-4)
        assert peaks[0] < limit + 8 * 8 * size  # a few vectors are outside the space
        assert peaks[1] > peaks[0]
    monkeypatch.setattr(lanczos_limits, "_BYTES", 2**30)
    assert [lanczos_limits.limit_vectors(count) for count in (10**3, 10**6, 4 * 10**6, 25 * 10**6)] == [160, 67, 33, 12]
