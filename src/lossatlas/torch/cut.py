"""Cuts further planes of a recorded run, with a model from the caller."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Literal

import torch
from filelock import FileLock, Timeout

from lossatlas.errors import ConfigError, DataError, DataFolderError, PlaneError
from lossatlas.planes import Plane, PlaneConfig, name_planes
from lossatlas.runs import RecordedRun
from lossatlas.store import (
    Recording,
    add_planes,
    default_data_folder,
    explain_write_errors,
    open_stored,
    read_manifest,
    recording_folder,
    run_folder,
)
from lossatlas.torch.factory import FactoryResult, call_factory, complete
from lossatlas.torch.kept_samples import make_model
from lossatlas.torch.plane_choices import PlaneChoice, read_planes, with_grid
from lossatlas.torch.plane_cutter import PlaneCutter, refuse_another_model
from lossatlas.torch.samples import Loss
from lossatlas.torch.undisturbed import same_random_state
from lossatlas.torch.workers import Source, on_workers

#: The assumed number of workers of an executor if the caller does not give it.
_USUAL_WORKERS = 16
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")


def cut(  # noqa: PLR0913 (each is an option of its own)
    run: str | Path | RecordedRun,
    planes: Sequence[PlaneChoice],
    model: torch.nn.Module | str | Callable[[], Any],
    loss_fn: Callable[[Any, Any], torch.Tensor] | str | None = None,
    train_loader: Iterable[Any] | None = None,
    test_loader: Iterable[Any] | None = None,
    *,
    loss: Loss | None = None,
    data: Path | str | None = None,
    name: str | None = None,
    replace: bool = False,
    grid: int | None = None,
    budget: float | None = None,
    batchnorm: Literal["batch", "running"] | None = None,
    device: torch.device | str | None = None,
    compile: bool = False,  # noqa: A002 (the name that PyTorch uses)
    workers: int | None = None,
    executor: Executor | None = None,
    on_progress: Callable[[int, int], None] = lambda _done, _whole: None,
) -> tuple[str, ...]:
    """Cut further planes of a recorded run. Its other planes are kept.

    The model is evaluated at the first and at the last frame before anything is computed. If its losses are not the
    recorded ones, nothing on the disk changes. Nothing in the run or in its recording is imported or executed.

    Parameters
    ----------
    run
        The id of the run, its folder, or the run itself.
    planes
        The planes, by name or as configurations.
    model
        A model of the class that was recorded, whose parameters need not be trained; or a function without arguments,
        or its name ``"package.module:factory"``, that returns the model alone, or with the loss function and the
        loaders. The planes ``fresh`` need a function, which makes the two freshly initialised models.
    loss_fn, loss, train_loader, test_loader
        The same as those of :class:`Recorder`. Loaders are needed only if the recording keeps no samples.
    data
        The data folder, if ``run`` is an id; by default the user's own.
    name
        The name of the plane in the run, if there is a single one; by default, it follows from its kind.
    replace
        Whether a new plane replaces the plane of the same name. Without it, a name that exists is refused.
    grid
        The number of samples along each axis of planes that have no grid of their own.
    budget
        About how many seconds the surfaces may take. Then planes stay on coarser grids. By default, there is no limit.
    batchnorm
        The statistics that BatchNorm uses; by default, those of the run's other planes.
    device
        The device on which the model is evaluated, such as ``"cuda"``; by default, the device that it is on.
    compile
        Whether to use ``torch.compile``, if this saves time and keeps the losses the same.
    workers
        The number of processes that compute surfaces; by default, this process alone. Each makes its own model, so
        ``model`` has to be a factory that also returns the rest.
    executor
        An executor whose processes compute surfaces, instead of new ones. They must see the data folder at its path.
    on_progress
        A function that is called with the numbers of finished points and of all points, whenever some are finished.

    Returns
    -------
    tuple
        The names of the planes that were cut.

    Raises
    ------
    DataError
        If the run was not recorded, or the model or its data are not the recorded ones.
    ConfigError
        If a plane is not valid, or the run has a plane of its name.
    PlaneError
        If a plane cannot be constructed.
    RunError
        If the run or its recording is missing or damaged.
    """
    folder = _find_folder(run, data)
    manifest = _open_recorded(folder)
    configs = _name(read_planes(planes), name)
    _refuse_taken_names(manifest, list(configs), replace)
    recording = Recording.open(recording_folder(folder.parent.parent, str(manifest["id"]))).finite()
    _refuse_other_frames(manifest, recording)
    kinds = batchnorm or _statistics_of(manifest)
    factory = _factory_for_workers(workers or executor, model, loss_fn, (train_loader, test_loader, loss))
    with same_random_state():
        made = FactoryResult(model) if isinstance(model, torch.nn.Module) else call_factory(model)
        made = complete(made, loss_fn, train_loader, test_loader, loss)
        copy = make_model(made, recording, place := _read_device(device))
        if not isinstance(model, torch.nn.Module):
            copy.make = lambda: call_factory(model).model
        if not refuse_another_model(recording, copy):
            raise DataError(
                f"no loss of {recording.id} is finite at its first or last frame, so the model cannot be compared with "
                "the recorded one"
            )
        with _only_one(recording), ExitStack() as stack:
            cutter = PlaneCutter(recording, copy, kinds, compile=compile, purpose="cut")
            laid = _lay(cutter, configs, grid)
            compute = None
            if factory is not None:
                count = workers or _USUAL_WORKERS
                where = None if place is None else str(place)
                threads = max(1, (os.cpu_count() or 1) // count)
                source = Source(str(recording.folder.resolve()), *factory, kinds, where, cutter.compiled, threads)
                compute = stack.enter_context(on_workers(source, count, executor))
            found = cutter.cut(laid, float("inf") if budget is None else budget, on_progress, compute)
            _refuse_other_frames(read_manifest(folder), recording)
            add_planes(folder, read_manifest(folder), found)
            cutter.parts.delete()
    return tuple(configs)


def _lay(
    cutter: PlaneCutter, configs: Mapping[str, PlaneConfig], grid: int | None
) -> list[tuple[Plane, PlaneConfig, bool]]:
    laid = []
    for name, config in configs.items():
        whole = with_grid(config, grid)
        try:
            laid.append((cutter.lay(whole, name), whole, "grid" not in config.model_fields_set))
        except PlaneError as error:
            raise PlaneError(f"the plane {name!r} cannot be laid: {error}") from error
    return laid


def _factory_for_workers(
    wanted: object, model: object, loss_fn: object, others: Sequence[object]
) -> tuple[str, str | None] | None:
    """Return the references to factory and loss if workers are wanted. Refuse objects that workers cannot import."""
    if not wanted:
        return None
    if not isinstance(model, str) or any(other is not None for other in others):
        raise ConfigError(
            [
                (
                    "workers",
                    "each makes the model itself: give model as package.module:factory, which returns the rest too",
                )
            ]
        )
    if loss_fn is not None and not isinstance(loss_fn, str):
        raise ConfigError([("workers", "each imports the loss itself: give loss_fn as package.module:function")])
    return model, loss_fn


def _find_folder(run: str | Path | RecordedRun, data: Path | str | None) -> Path:
    if isinstance(run, RecordedRun):
        if run.folder is None:
            raise DataError(f"{run.id} is only in memory; store it first, or give the id of a stored run")
        return run.folder
    if isinstance(run, Path) or (Path(run) / "run.json").is_file():
        return Path(run).resolve()
    return run_folder(Path(data) if data is not None else default_data_folder(), run)


def _open_recorded(folder: Path) -> Mapping[str, Any]:
    found = open_stored(folder)
    if not isinstance(found, RecordedRun):
        raise DataError(
            f"{folder.name} was computed, not recorded: its planes belong to its configuration, so compute a run with "
            "more planes instead"
        )
    return found.manifest


def _name(configs: Sequence[PlaneConfig], name: str | None) -> dict[str, PlaneConfig]:
    if not configs:
        raise ConfigError([("planes", "there are none; give one or more, such as pca")])
    if name is None:
        return dict(zip(name_planes(configs), configs, strict=True))
    if len(configs) > 1:
        raise ConfigError([("name", f"{name!r} can be the name of one plane, and {len(configs)} are given")])
    if not _NAME.fullmatch(name):
        raise ConfigError([("name", f"{name!r} is not allowed: give small letters, digits, - and _")])
    return {name: configs[0]}


def _refuse_taken_names(manifest: Mapping[str, Any], names: Sequence[str], replace: bool) -> None:
    there = [plane["name"] for plane in manifest["planes"]]
    if not replace and (taken := [name for name in names if name in there]):
        fault = f"the run has a plane {taken[0]!r} already; replace it, or give this one another name"
        raise ConfigError([("planes", fault)])


def _refuse_other_frames(manifest: Mapping[str, Any], recording: Recording) -> None:
    if list(manifest["frames"]) != [frame.epoch for frame in recording.frames]:
        raise DataError(
            f"the recording of {recording.id} has other frames than the run, because the training went on; "
            "finish the recording again first (Recorder(…, resume=True).finish())"
        )


def _read_device(device: torch.device | str | None) -> torch.device | None:
    if device is None:
        return None
    try:
        found = torch.device(device)
        torch.empty(1, device=found)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        reason = str(error).splitlines()[0]
        raise DataError(
            f"the device {str(device)!r} cannot be used ({reason}); give cpu, or one that is there"
        ) from None
    if found.type == "meta":
        raise DataError("the device 'meta' holds no numbers; give cpu, or cuda")
    return found


def _statistics_of(manifest: Mapping[str, Any]) -> Literal["batch", "running"]:
    kinds = [plane.get("batchnorm") or {} for plane in manifest["planes"]]
    return "running" if any(kind.get("train") == "running" for kind in kinds) else "batch"


@contextmanager
def _only_one(recording: Recording) -> Iterator[None]:
    """Allow only one process at a time to cut planes of a recording."""
    with explain_write_errors(recording.folder.parent.parent):
        lock = FileLock(recording.folder / ".cut.lock")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            raise DataFolderError(
                f"another process is cutting planes of {recording.id}; wait until it has ended"
            ) from None
    try:
        yield
    finally:
        lock.release()
