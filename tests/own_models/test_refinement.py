"""Tests surfaces that go from coarse grids to fine ones: their order, their time budget, and compiled models."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

import lossatlas.torch as lat
from lossatlas.arrays import Float32
from lossatlas.landscape import surfaces_around
from lossatlas.store import Gallery, Recording, open_stored, run_folder
from lossatlas.torch import compiled, finish
from lossatlas.torch.compiled import compile_where_it_pays
from lossatlas.torch.plane_cutter import PlaneCutter, choose_statistics
from lossatlas.torch.refinement import PlaneSurfaces, Refinement, Task, in_this_process, nested_grids
from tests.conftest import plane_of
from tests.own_models.test_model import as_ours, at, slow_loss, theta_of, trained_model
from tests.own_models.trainings import convolutional, images, shuffling, train

CROSS_ENTROPY = torch.nn.CrossEntropyLoss()


class Clock:
    """Computes tasks, notes their points, and pretends that each point took a second."""

    def __init__(self) -> None:
        self.points: list[tuple[str, int, float, float]] = []
        self.order: list[tuple[str, int]] = []

    def __call__(self, tasks: Iterable[Task]) -> Iterator[tuple[Task, Float32, float]]:
        for task in tasks:
            self.points += zip([task.split] * len(task.a), task.frames.tolist(), task.a, task.b, strict=True)
            self.order.append((task.plane.name, len(task.a)))
            losses = (task.a + 10 * task.b + 100 * task.frames).astype(np.float32)
            yield task, losses, float(len(losses))


def planned(name: str, grid: int) -> PlaneSurfaces:
    directions = replace(plane_of(np.eye(2, 5), (2.0, 0.37)), name=name)
    plane = directions.around(np.zeros(5, np.float32), 3)
    return PlaneSurfaces(plane, {"train": (0, 3), "test": (3,)}, nested_grids(grid), name)


def test_grids_contain_the_coarser_ones() -> None:
    assert nested_grids(41) == (11, 21, 41)
    assert nested_grids(21) == (11, 21)
    assert nested_grids(51) == (11, 51)
    assert nested_grids(101) == (11, 51, 101)
    for alone in (3, 5, 11, 13, 27):
        assert nested_grids(alone) == (alone,)


def test_each_point_is_computed_once_and_all_planes_are_coarse_before_one_is_fine() -> None:
    clock, planes = Clock(), [planned("one", 21), planned("two", 41)]
    seen: list[int] = []
    Refinement(clock, None, 1e-6, float("inf"), seen.append).run(planes)
    assert len(clock.points) == 2 * 3 * (21**2 + 41**2) == seen[-1]
    assert len(set(clock.points)) == 2 * 3 * 41**2 - 3  # both spans contain the centre
    names = [name for name, _ in clock.order]
    assert names == ["one", "one", "two", "two", "one", "one", "two", "two", "two", "two"]
    unit = np.arange(-20, 21) / 20
    for split, frames in planes[1].around.items():
        expected = [
            [[[span * a + 10 * span * b + 100 * frame for a in unit] for b in unit] for span in (2.0, 0.37)]
            for frame in frames
        ]
        assert np.allclose(planes[1].result(split), expected, rtol=1e-6)


def test_a_grid_that_exceeds_the_budget_is_not_begun() -> None:
    clock, planes = Clock(), [planned("one", 41), planned("two", 21)]
    coarse, finer = 2 * 3 * 11**2, 2 * 3 * (21**2 - 11**2)
    Refinement(clock, None, 1.0, 2 * coarse + finer + 1, lambda _: None).run(planes)
    assert [plane.grids[plane.reached - 1] for plane in planes] == [21, 11]
    assert planes[0].result("train").shape == (2, 2, 21, 21)
    assert not np.isnan(planes[0].result("train")).any()
    again = [planned("one", 41)]
    Refinement(Clock(), None, 1.0, 0.0, lambda _: None).run(again)
    assert again[0].result("test").shape == (1, 2, 11, 11)  # the coarsest grid is always computed


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Recording, lat.TorchModel]:
    torch.manual_seed(3)
    model, data, loader = convolutional(), tmp_path_factory.mktemp("data"), [images().tensors]
    options: Any = {"planes": [{"kind": "pca", "grid": 3}], "curvature": 0, "boundary": "none", "batch_size": 48}
    with lat.Recorder(model, CROSS_ENTROPY, loader, loader, data=data, **options) as recorder:
        train(model, shuffling(images()), 2, recorder.snapshot)
    return data, recorder.recording, as_ours(convolutional())


def test_refined_surfaces_have_the_bits_of_those_computed_at_once(recorded: Any) -> None:
    _, recording, model = recorded
    cutter = PlaneCutter(recording, model, "batch")
    from lossatlas.torch.plane_choices import read_planes

    [config] = read_planes([{"kind": "pca", "spans": (1.0, 0.2), "grid": 21}])
    plane = cutter.lay(config, "pca")
    [found] = cutter.cut([(plane, config, True)])
    direct = surfaces_around(lat.TorchLosses(model, "train"), plane, recording.theta(-1), 21)
    assert np.array_equal(found.cut.loss_surface[:, 0], direct)
    last = at(convolutional(), np.array(recording.theta(-1), np.float64))
    assert found.cut.loss_surface[0, 0, 10, 10] == pytest.approx(slow_loss(last, "batch"), rel=1e-6)


def test_a_plane_whose_budget_ended_is_coarser_and_says_so(
    recorded: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def in_no_time(losses_of: Any) -> Any:
        compute = in_this_process(losses_of)
        return lambda tasks: ((task, losses, 1.0 * len(losses)) for task, losses, _ in compute(tasks))

    monkeypatch.setattr("lossatlas.torch.plane_cutter.in_this_process", in_no_time)
    model, loader = convolutional(), [images().tensors]
    options: Any = {"planes": ["pca"], "curvature": 0, "boundary": "none", "data": tmp_path, "batchnorm": "running"}
    recorder = lat.Recorder(model, CROSS_ENTROPY, loader, **options, budget=3 * (21**2 + 1))
    recorder.snapshot()
    train(model, loader, 2, recorder.snapshot)
    recorder.finish()
    [run_id] = Gallery(tmp_path).ids()
    [plane] = open_stored(run_folder(tmp_path, run_id)).manifest["planes"]  # type: ignore[union-attr]
    assert (plane["asked_grid"], plane["arrays"]["loss_surface"]["shape"]) == (41, [3, 1, 21, 21])
    assert plane["hides"].endswith("The time budget of 1326 s ended at 21 of 41 samples per axis.")
    assert plane["evaluation"] == {"device": "cpu", "compiled": False}


class Reads(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts how often a number is read from a tensor. On a GPU, each such reading waits for all earlier work."""

    count = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.count += func is torch.ops.aten._local_scalar_dense.default
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize("kind", ["batch", "refreshed", "running"])
def test_nothing_is_read_from_the_device_between_two_points(kind: Any) -> None:
    model = trained_model()
    ours, theta = as_ours(model, batch_size=16), theta_of(model)
    directions, evaluator = np.random.default_rng(0).normal(size=(2, len(theta))), lat.TorchLosses(ours, "test", kind)
    with Reads() as reads:  # type: ignore[no-untyped-call]
        evaluator.losses_along(theta, directions, np.linspace(0, 1, 5), np.zeros(5))
    assert reads.count == 0
    with Reads() as reads:  # type: ignore[no-untyped-call]
        float(torch.ones(3)[1])
    assert reads.count == 1


def test_refreshed_statistics_are_the_mean_over_all_batches_and_calls() -> None:
    class Twice(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.norm, self.last = torch.nn.Linear(36, 6), torch.nn.BatchNorm1d(6), torch.nn.Linear(6, 3)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            found: torch.Tensor = self.last(self.norm(self.norm(self.first(x.flatten(1))).relu()))
            return found

    torch.manual_seed(0)
    model = Twice()
    ours = as_ours(model, batch_size=16)
    found = lat.TorchLosses(ours, "test", "refreshed").losses(theta_of(model)[None])
    model.norm.momentum = None
    model.norm.reset_running_stats()
    inputs, labels = images().tensors
    with torch.no_grad():
        for part in torch.split(inputs, 16):
            model(part)
        assert found == pytest.approx(float(CROSS_ENTROPY(model.eval()(inputs), labels)), rel=1e-6)
    assert [norm.momentum for norm in ours.module.modules() if isinstance(norm, torch.nn.BatchNorm1d)] == [0.1]


def compiling(monkeypatch: pytest.MonkeyPatch, found: Any, seconds: tuple[float, float] = (2.0, 1.0)) -> None:
    """Replace ``torch.compile``, and pretend that the plain and the compiled model take these seconds."""
    times = iter(seconds)
    monkeypatch.setattr(torch, "compile", found)
    monkeypatch.setattr(compiled, "_time", lambda losses: (losses(), next(times)))


class Shifted(torch.nn.Module):
    """Changes the outputs of a model by one in a thousand."""

    def __init__(self, model: torch.nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        found: torch.Tensor = self.model(x) * 1.001
        return found


def test_a_compiled_model_is_used_if_it_is_faster_and_gives_the_same_losses(
    recorded: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, recording, model = recorded
    statistics = choose_statistics("batch")

    def fails(module: torch.nn.Module) -> Any:
        raise RuntimeError("no compiler was found\nwith a long trace")

    def fails_later(module: torch.nn.Module) -> Any:
        class Later(torch.nn.Module):
            def forward(self, _: torch.Tensor) -> Any:
                return fails(module)

        return Later()

    for found, seconds, sentence in (
        (fails, (2.0, 1.0), r"torch.compile is not used: it failed \(RuntimeError: no compiler was found\)$"),
        (fails_later, (2.0, 1.0), r"torch.compile is not used: it failed \(RuntimeError: no compiler was found\)$"),
        (Shifted, (2.0, 1.0), r"torch.compile is not used: its loss is .* where that of the plain model is .*"),
        (torch.nn.Sequential, (1.0, 2.0), "torch.compile is not used: it takes 2 s in place of 1 s"),
    ):
        compiling(monkeypatch, found, seconds)
        with pytest.warns(lat.CompileWarning, match=sentence):
            assert not compile_where_it_pays(model, recording, statistics)
        assert model.compiled is None
    compiling(monkeypatch, torch.nn.Sequential)
    assert compile_where_it_pays(model, recording, statistics)
    assert isinstance(model.compiled, torch.nn.Sequential)
    model.compiled = None


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_compiled_model_gives_the_surface_of_the_plain_one(recorded: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    _, recording, model = recorded
    compiling(monkeypatch, partial(torch.compile, backend="eager"))  # inductor's code generation takes half a minute
    assert compile_where_it_pays(model, recording, choose_statistics("batch"))
    theta = np.asarray(recording.theta(-1))
    directions = np.random.default_rng(0).normal(size=(2, len(theta))) * 0.3
    a, b = np.linspace(-1, 1, 4), np.linspace(0, 1, 4)
    for split, kind in choose_statistics("batch").items():
        evaluator = lat.TorchLosses(model, split, kind)
        found = evaluator.losses_along(theta, directions, a, b)
        kept, model.compiled = model.compiled, None
        expected = evaluator.losses_along(theta, directions, a, b)
        model.compiled = kept
        assert found == pytest.approx(expected, rel=1e-5)
    model.compiled = None


def test_a_recorder_measures_with_the_plain_model_after_its_surfaces_were_compiled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[bool] = []

    def compiles(model: lat.TorchModel, *_: Any) -> bool:
        model.compiled = model.module
        asked.append(True)
        return True

    monkeypatch.setattr("lossatlas.torch.plane_cutter.compile_where_it_pays", compiles)
    model, loader = convolutional(), [images().tensors]
    options: Any = {"planes": [{"kind": "pca", "grid": 3}], "curvature": 0, "boundary": "none", "data": tmp_path}
    with lat.Recorder(model, CROSS_ENTROPY, loader, compile=True, **options) as recorder:
        train(model, loader, 2, recorder.snapshot)
    assert asked == [True]
    assert recorder._copy.compiled is None
    assert finish.FinishOptions().compile is False
    [run_id] = Gallery(tmp_path).ids()
    [plane] = open_stored(run_folder(tmp_path, run_id)).manifest["planes"]  # type: ignore[union-attr]
    assert plane["evaluation"] == {"device": "cpu", "compiled": True}
