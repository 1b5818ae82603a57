"""Writing a run into its folder, whole or not at all, and where runs lie in a data folder."""

from __future__ import annotations

import json
import os
import re
import shutil
import uuid
from collections.abc import Container, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from lossatlas.errors import DataFolderError, RunDamagedError, RunNotFoundError
from lossatlas.runs import Run
from lossatlas.store.manifest import arrays_of, describe_run
from lossatlas.store.read import open_run

#: What may stand as a run's id in a path or a URL: no separators, no leading dot.
RUN_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,127}")
_UNFINISHED = ".unfinished-"


def run_folder(data: Path, name: str) -> Path:
    """Where a run lies, or would lie.

    Raises
    ------
    RunNotFoundError
        If no run can have that id.
    """
    if not RUN_ID.fullmatch(name):
        raise RunNotFoundError(f"{name!r} is no run id; ids look like moons-16x16-tanh-3f2a9c1b")
    return data / "runs" / name


def save_run(run: Run, data: Path | str) -> Path:
    """Write a run into a data folder and return its folder.

    It is written beside its place and renamed into it, so that it appears whole or not at all, also when this process
    is killed. A run of the same id that is there already is kept, as it holds the same; one that is damaged is set
    aside.

    Raises
    ------
    DataFolderError
        If the folder cannot be written.
    """
    data = Path(data)
    runs = run_folder(data, run.id).parent
    unfinished = runs / f"{_UNFINISHED}{os.getpid()}-{uuid.uuid4().hex[:8]}"
    try:
        folder = publish(run, unfinished, data)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    run.note_folder(folder)
    return folder


def publish(run: Run, unfinished: Path, data: Path, there: Container[str] = ()) -> Path:
    """Write what a folder beside a run's place lacks of it, and rename that into its place, unless it is taken.

    ``there`` names the arrays that it has, by the paths of :func:`lossatlas.store.manifest.arrays_of`.
    """
    folder = run_folder(data, run.id)
    if folder.is_dir():
        try:
            open_run(folder)
        except RunDamagedError:
            set_aside(folder)
        else:
            return folder
    with writing(data):
        folder.parent.mkdir(parents=True, exist_ok=True)
        _write(run, unfinished, there)
        _appear(unfinished, folder)
    return folder


def set_aside(folder: Path) -> Path:
    """Move a damaged run where no reader of the gallery looks, for whoever wants to know what happened to it."""
    aside = folder.with_name(f".damaged-{folder.name}-{uuid.uuid4().hex[:8]}")
    with writing(folder.parent.parent):
        folder.rename(aside)
    return aside


def remove_unfinished(data: Path) -> int:
    """Delete what killed processes left half written; return how many. Those of live processes are left alone."""
    removed = 0
    for folder in (data / "runs").glob(f"{_UNFINISHED}*"):
        process = folder.name.removeprefix(_UNFINISHED).split("-")[0]
        if process.isdecimal() and not _alive(int(process)):
            shutil.rmtree(folder, ignore_errors=True)
            removed += 1
    return removed


def write_text(path: Path, text: str) -> None:
    """Write a text file so that readers see the old one or the new one, never a half."""
    unfinished = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}")
    try:
        unfinished.write_text(text, encoding="utf-8")
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


@contextmanager
def writing(data: Path) -> Iterator[None]:
    """Turn the system's refusals to write into an error that names the data folder and says what to do."""
    if data.exists() and not data.is_dir():
        raise DataFolderError(f"{data} is a file, not a folder; give another with --data DIR")
    try:
        yield
    except OSError as error:
        reason = error.strerror or error
        raise DataFolderError(f"cannot write into {data} ({reason}); give another with --data DIR") from error


def _write(run: Run, folder: Path, there: Container[str] = ()) -> None:
    for name, array in arrays_of(run).items():
        if name in there:
            continue
        path = folder / f"{name}.npy"
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            np.save(file, np.ascontiguousarray(array), allow_pickle=False)
            _to_disk(file.fileno())
    with (folder / "run.json").open("w", encoding="utf-8") as file:
        json.dump(describe_run(run), file, ensure_ascii=False, allow_nan=False, indent=1)
        file.flush()
        _to_disk(file.fileno())


def _to_disk(descriptor: int) -> None:
    os.fsync(descriptor)


def _appear(unfinished: Path, folder: Path) -> None:
    try:
        unfinished.rename(folder)
    except OSError:
        if not folder.is_dir():  # otherwise another process finished the same run first
            raise


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True
