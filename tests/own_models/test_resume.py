"""Tests long work on a recording: a killed process loses little of it, and several processes share it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import lossatlas.torch as lat
from lossatlas.arrays import AnyArray
from lossatlas.errors import ConfigError
from lossatlas.store import Gallery, open_stored, run_folder
from lossatlas.torch import curvature_of_frames, plane_cutter, refinement
from lossatlas.torch.finished_parts import FinishedParts
from tests.own_models.test_cut import CROSS_ENTROPY, MAKERS, open_recorded, record
from tests.own_models.trainings import convolutional, images

#: The program of a process that stores some parts of its work and then waits, so that a test can kill it there.
STOPS = """
import sys, time
from pathlib import Path
import torch
import lossatlas.torch as lat
from lossatlas.torch import curvature_of_frames, plane_cutter, refinement
from lossatlas.torch.finished_parts import FinishedParts
from tests.own_models.test_resume import begin, store_everything

store_everything(setattr)
put = FinishedParts.put

def stop(self, part, arrays):
    put(self, part, arrays)
    if len(list(self.folder.glob("*.npz"))) == int(sys.argv[3]):
        print("stored", flush=True)
        while True:
            time.sleep(60)

FinishedParts.put = stop
begin(sys.argv[1], Path(sys.argv[2]))
"""


def store_everything(set_value: Any) -> None:
    """Make parts short, and have all of them stored."""
    set_value(refinement, "PART_SECONDS", 1e-9)
    set_value(plane_cutter, "_SHORT", 0.0)
    set_value(curvature_of_frames, "STORED_SECONDS", 0.0)


def begin(what: str, data: Path) -> None:
    """Cut a plane of the only recording, or finish it again."""
    torch.manual_seed(0)
    [run_id] = Gallery(data).ids()
    if what == "cut":
        lat.cut(run_id, ["through", "hessian"], convolutional(), CROSS_ENTROPY, data=data, grid=3)
        return
    planes: Any = [{"kind": "hessian", "grid": 3}]
    loader, options = [images().tensors], {"curvature": 2, "boundary": "none", "name": "small CNN", "batch_size": 48}
    whole: Any = {"planes": planes, "resume": True, "data": data, **options}
    lat.Recorder(convolutional(), CROSS_ENTROPY, loader, loader, **whole).finish()


def arrays_of(data: Path) -> dict[str, AnyArray]:
    [run_id] = Gallery(data).ids()
    found = open_stored(run_folder(data, run_id))
    curvature = found.manifest.get("curvature", {})  # type: ignore[union-attr]
    numbers = {name: np.array(curvature[name]) for name in ("largest", "smallest", "trace") if name in curvature}
    return {**found.arrays, **numbers}  # type: ignore[union-attr]


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    data = tmp_path_factory.mktemp("recorded")
    record(data)
    return data


@pytest.mark.parametrize(("what", "after"), [("cut", 25), ("finish", 55)])
def test_parts_that_a_killed_process_finished_are_not_computed_again(
    recorded: Path, tmp_path: Path, what: str, after: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, whole = (shutil.copytree(recorded, tmp_path / name) for name in ("killed", "whole"))
    arguments = [sys.executable, "-c", STOPS, what, str(data), str(after)]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "stored\n"
        process.kill()  # on systems with signals, this is SIGKILL
    [recording] = (data / "recordings").iterdir()
    [work] = (recording / "work").iterdir()
    stored = {path.stem for path in work.glob("*.npz")}
    assert len(stored) == after
    damaged = next(path for path in sorted(work.glob("*.npz")) if ".train." in path.name)
    damaged.write_bytes(damaged.read_bytes()[:-9])

    put: list[str] = []
    write = FinishedParts.put

    def noted(self: FinishedParts, part: str, arrays: Any) -> None:
        put.append(part)
        write(self, part, arrays)

    monkeypatch.setattr(FinishedParts, "put", noted)
    store_everything(monkeypatch.setattr)
    begin(what, data)
    assert set(put) & stored == {damaged.stem}
    assert len(put) >= 2
    assert not (recording / "work").exists()
    put.clear()
    begin(what, whole)
    assert stored <= set(put)
    found, expected = arrays_of(data), arrays_of(whole)
    assert found.keys() == expected.keys()
    for name, array in expected.items():
        assert np.array_equal(found[name], array), name


def test_processes_and_executors_compute_the_same_surfaces(
    recorded: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = shutil.copytree(recorded, tmp_path / "data")
    [run_id] = Gallery(data).ids()
    (tmp_path / "workers_makers.py").write_text(MAKERS)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(refinement, "PART_SECONDS", 1e-3)  # this gives enough parts for every process
    options: Any = {"data": data, "grid": 5}
    lat.cut(run_id, ["through"], "workers_makers:make", name="here", **options)
    lat.cut(run_id, ["through"], "workers_makers:make", name="there", workers=2, **options)
    with ThreadPoolExecutor(1) as pool:
        lat.cut(
            run_id,
            ["through"],
            "workers_makers:alone",
            "torch.nn:CrossEntropyLoss",
            name="executor",
            workers=1,
            executor=pool,
            **options,
        )
    run = open_recorded(data, run_id)
    for name in ("there", "executor"):
        for array in ("loss_surface", "test_loss_surface", "path_loss"):
            assert run.plane(name)[array] == pytest.approx(run.plane("here")[array], rel=3e-4)
    assert not (data / "recordings" / run_id / "work").exists()
    for model, loss in ((convolutional(), CROSS_ENTROPY), ("workers_makers:make", CROSS_ENTROPY)):
        with pytest.raises(ConfigError, match=r"workers: each (makes the model|imports the loss) itself"):
            lat.cut(run_id, ["pca"], model, loss, workers=2, replace=True, **options)
