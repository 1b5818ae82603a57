"""Tests that stored runs come back bit by bit."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lossatlas.planes import KINDS
from lossatlas.runs import Run, RunConfig, compute_run
from lossatlas.store import open_run, save_run
from lossatlas.store.manifest import list_arrays
from tests.conftest import SMALL, diverging_config, small_config
from tests.support.stored_runs import assert_same, files_in, manifest_of, with_nan


def test_a_run_comes_back_bit_by_bit(small_run: Run, stored: Path) -> None:
    assert_same(small_run, open_run(stored))


@pytest.mark.parametrize(
    "parts",
    [
        {"dataset": {"name": "iris", "points": 60}, "model": {"hidden": []}},
        {"dataset": {"name": "arms", "noise": 0}, "model": {"hidden": [3, 3, 3], "activation": "gelu"}},
        {"model": {"hidden": [4, 4, 5], "residual": True}},
        {"model": {"hidden": [6] * 14, "activation": "relu"}, "planes": {"spans": [1000.0]}},  # overflows to inf
    ],
    ids=["logistic regression on iris", "three classes", "residual", "infinite losses"],
)
def test_any_run_comes_back_bit_by_bit(parts: dict[str, dict[str, Any]], tmp_path: Path) -> None:
    run = compute_run(small_config(**parts))
    assert_same(run, open_run(save_run(run, tmp_path)))
    assert np.isinf(run.loss_surface["fresh"]).any() == (parts.get("planes") is not None)


def test_a_run_with_planes_of_every_kind_comes_back_bit_by_bit(planar: Run, tmp_path: Path) -> None:
    folder = save_run(planar, tmp_path)
    again = open_run(folder)
    assert_same(planar, again)
    assert {cut.plane.kind for cut in again.cuts} == set(KINDS)
    for ours, theirs in zip(planar.planes, again.planes, strict=True):
        assert ours.centre.tobytes() == theirs.centre.tobytes()
    assert files_in(folder) == {f"{name}.npy" for name in list_arrays(planar)} | {"run.json"}
    shapes = {
        plane["name"]: [plane["arrays"][name]["shape"][1] for name in ("loss_surface", "test_loss_surface")]
        for plane in manifest_of(folder)["planes"]
    }
    assert shapes == {
        "fresh": [6, 6],
        "gaussian-filter": [1, 1],
        "pca": [6, 6],
        "hessian": [1, 1],
        "through": [1, 1],
        "through-2": [1, 1],
        "file": [6, 1],
    }


def test_planes_that_were_left_out_are_left_out_when_it_is_reopened(tmp_path: Path) -> None:
    planes = [{"kind": "pca"}, {}, {"kind": "through"}, {"kind": "hessian"}]
    run = compute_run(RunConfig.from_mapping({**SMALL, "planes": planes, "training": {"epochs": 1}}))
    folder = save_run(run, tmp_path)
    again = open_run(folder)
    assert_same(run, again)
    assert [plane.name for plane in again.planes] == ["fresh", "hessian"]
    reasons = {entry["name"]: entry["why"] for entry in manifest_of(folder)["left_out"]}
    assert reasons == run.left_out
    assert reasons.keys() == {"pca", "through"}


@pytest.mark.parametrize("everywhere", [False, True])
def test_nan_silently_replaced__a_map_with_nan_comes_back_as_it_is(
    everywhere: bool, planar: Run, tmp_path: Path
) -> None:
    cut = planar.cuts[3]
    assert cut.nonconvexity is not None
    holes = np.full_like(cut.nonconvexity, np.nan) if everywhere else with_nan(cut.nonconvexity.copy())
    cuts = (*planar.cuts[:3], replace(cut, nonconvexity=holes), *planar.cuts[4:])
    folder = save_run(replace(planar, cuts=cuts), tmp_path)
    assert_same(replace(planar, cuts=cuts), open_run(folder))
    share = manifest_of(folder)["planes"][3]["nonconvexity"]["share"]
    assert (share is None) == everywhere


def test_a_diverged_run_with_every_plane_is_stored_and_reopened(tmp_path: Path) -> None:
    planes = [{}, {"kind": "pca", "nonconvexity": 3}, {"kind": "hessian"}, {"kind": "through", "moving": True}]
    run = compute_run(diverging_config().with_values(planes=planes))
    assert run.trajectory.outcome.status == "diverged"
    assert_same(run, open_run(save_run(run, tmp_path)))


def test_a_diverged_run_is_stored_and_reopened(tmp_path: Path) -> None:
    run = compute_run(diverging_config())
    assert run.trajectory.outcome.status == "diverged"
    folder = save_run(run, tmp_path)
    assert_same(run, open_run(folder))
    outcome = manifest_of(folder)["outcome"]
    assert outcome["status"] == "diverged"
    assert str(outcome["epoch"]) in outcome["message"]


def test_a_residual_run_says_so_and_is_another_run_than_its_plain_twin(tmp_path: Path) -> None:
    plain, residual = (small_config(model={"hidden": [4, 4], "residual": twin}) for twin in (False, True))
    assert plain.id != residual.id
    folder = save_run(compute_run(residual), tmp_path)
    model = manifest_of(folder)["model"]
    assert (model["residual"], model["title"]) == (True, "2 × 4 tanh residual")
    assert open_run(folder).setup.network.residual


def test_saving_again_keeps_the_stored_run(small_run: Run, stored: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in stored.rglob("*")}
    assert save_run(small_run, stored.parents[1]) == stored
    assert {path: path.stat().st_mtime_ns for path in stored.rglob("*")} == before


def test_opened_arrays_are_mapped_and_read_only(stored: Path) -> None:
    run = open_run(stored)
    with pytest.raises(ValueError, match="read-only"):
        run.trajectory.weights[0, 0] = 1.0
