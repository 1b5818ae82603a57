"""Writes a run into its folder, completely or not at all, and says where the folders of runs are."""

from __future__ import annotations

import json
import re
import shutil
import tempfile
import time
import uuid
from collections.abc import Container, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from lossatlas.errors import DataFolderError, RunDamagedError, RunNotFoundError
from lossatlas.runs import Run
from lossatlas.store.checksums import add_checksums
from lossatlas.store.durable import (
    make_synced_folder,
    open_synced,
    replace_file,
    sync_folder,
    sync_tree,
    write_array,
)
from lossatlas.store.folders import claim_folder, remove_abandoned
from lossatlas.store.manifest import describe_run, list_arrays
from lossatlas.store.on_demand import forget_on_demand
from lossatlas.store.read import open_run

#: The form of an id, which is part of paths and URLs: it has no separators and no leading dot.
_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,127}")
_UNFINISHED = ".unfinished-"
_OF_EARLIER_VERSIONS = re.compile(r"\.unfinished-\d+-[0-9a-f]+")
#: Nobody writes a run for longer than this many seconds.
_ABANDONED_AFTER = 24 * 3600


def run_folder(data: Path, name: str) -> Path:
    """Return the folder of a run, which need not exist.

    Parameters
    ----------
    data
        The data folder.
    name
        The id of the run.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    RunNotFoundError
        If no run can have that id.
    """
    return _folder_of(data / "runs", name, "run")


def recording_folder(data: Path, recording: str) -> Path:
    """Return the folder of a recording, which need not exist.

    Parameters
    ----------
    data
        The data folder.
    recording
        The id of the recording, which is also the id of the run that it becomes.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    RunNotFoundError
        If no recording can have that id.
    """
    return _folder_of(data / "recordings", recording, "recording")


def _folder_of(folder: Path, name: str, what: str) -> Path:
    if not _ID.fullmatch(name):
        raise RunNotFoundError(f"{name!r} is no id of a {what}; ids look like moons-16x16-tanh-3f2a9c1b")
    return folder / name


def save_run(run: Run, data: Path | str) -> Path:
    """Write a run into a data folder.

    The run is written into a temporary folder that is then renamed. Therefore it appears completely or not at all, even
    if the process is killed. A sound run with the same id is kept, because it has the same content. A damaged one is
    moved out of the way.

    Parameters
    ----------
    run
        The run.
    data
        The data folder.

    Returns
    -------
    Path
        The folder of the run.

    Raises
    ------
    DataFolderError
        If the folder cannot be written.
    """
    data = Path(data)
    folder = run_folder(data, run.id)
    forget_on_demand(data, run.id)
    if not _is_sound(folder):
        with claim_unfinished(data) as claimed:
            publish(run, claimed / "run", data)
    run.note_folder(folder)
    return folder


def save_run_or_keep(run: Run, data: Path | str) -> Path:
    """Write a run into a data folder, or into a temporary one if that is not possible, so that its work is not lost.

    Parameters
    ----------
    run
        The run.
    data
        The data folder.

    Returns
    -------
    Path
        The folder of the run in the data folder.

    Raises
    ------
    DataFolderError
        If the data folder cannot be written. The message says where the run is.
    """
    try:
        return save_run(run, data)
    except DataFolderError as error:
        try:
            kept = save_run(run, tempfile.mkdtemp(prefix="lossatlas-"))
        except (DataFolderError, OSError):  # there is no other place either
            raise error from error.__cause__
        where = f"The finished run is kept: move {kept} to {run_folder(Path(data), run.id)}"
        raise DataFolderError(f"{error}. {where}") from error.__cause__


@contextmanager
def claim_unfinished(data: Path) -> Iterator[Path]:
    """Make a temporary folder for a run, which is removed at the end of the block, or later if the process is killed.

    Parameters
    ----------
    data
        The data folder.

    Yields
    ------
    Path
        The temporary folder, in which the run is to be made as ``run``.

    Raises
    ------
    DataFolderError
        If the folder cannot be written.
    """
    with explain_write_errors(data):
        make_synced_folder(data / "runs")
        with claim_folder(data / "runs", _UNFINISHED) as claimed:
            yield claimed


def publish(run: Run, unfinished: Path, data: Path, there: Container[str] = ()) -> Path:
    """Complete the temporary folder of a run and rename it to the folder of the run, unless that exists already.

    Parameters
    ----------
    run
        The run.
    unfinished
        The temporary folder.
    data
        The data folder.
    there
        The arrays that the temporary folder already contains, by the paths of
        :func:`lossatlas.store.manifest.list_arrays`.

    Returns
    -------
    Path
        The folder of the run.
    """
    folder = run_folder(data, run.id)
    if _is_sound(folder):
        return folder
    with explain_write_errors(data):
        make_synced_folder(folder.parent)
        _write(run, unfinished, there)
        if folder.is_dir() and not _is_sound(folder):
            set_aside(folder)
        _move_into_place(unfinished, folder)
        sync_folder(folder.parent)
    return folder


def _is_sound(folder: Path) -> bool:
    """Return whether a folder contains a sound run."""
    try:
        open_run(folder, check=True)
    except (RunNotFoundError, RunDamagedError):
        return False
    return True


def set_aside(folder: Path) -> Path:
    """Move a damaged run to a hidden folder that no reader of the gallery opens, and return that folder."""
    aside = folder.with_name(f".damaged-{folder.name}-{uuid.uuid4().hex[:8]}")
    with explain_write_errors(folder.parent.parent):
        folder.rename(aside)
    return aside


def remove_unfinished(data: Path) -> int:
    """Delete what processes have left unfinished that were killed, and return how many folders there were."""
    removed = remove_abandoned(data / "runs", _UNFINISHED)
    # Earlier versions had no lock. The process id in their names may belong to a process in another container.
    for folder in (data / "runs").glob(f"{_UNFINISHED}*-*"):
        with suppress(OSError):
            if _OF_EARLIER_VERSIONS.fullmatch(folder.name) and time.time() - folder.stat().st_mtime > _ABANDONED_AFTER:
                shutil.rmtree(folder, ignore_errors=True)
                removed += 1
    return removed


def write_text(path: Path, text: str) -> None:
    """Write a text file so that readers always see either the old file or the whole new one."""
    with replace_file(path) as file:
        file.write(text.encode())


@contextmanager
def explain_write_errors(data: Path) -> Iterator[None]:
    """Turn errors of the system into an error that names the data folder and says what to do."""
    if data.exists() and not data.is_dir():
        raise DataFolderError(f"{data} is a file, not a folder; give another folder")
    try:
        yield
    except OSError as error:
        reason = error.strerror or error
        raise DataFolderError(f"cannot write into {data} ({reason}); give another folder") from error


def _write(run: Run, folder: Path, there: Container[str] = ()) -> None:
    for name, array in list_arrays(run).items():
        if name in there:
            continue
        path = folder / f"{name}.npy"
        path.parent.mkdir(parents=True, exist_ok=True)
        with open_synced(path) as file:
            write_array(file, array)
    write_manifest(folder, describe_run(run))
    sync_tree(folder)


def write_manifest(folder: Path, manifest: Mapping[str, Any]) -> None:
    """Write the manifest of a run with the checksums of its arrays, which the folder contains already."""
    with open_synced(folder / "run.json") as file:
        text = json.dumps(add_checksums(folder, manifest), ensure_ascii=False, allow_nan=False, indent=1)
        file.write(text.encode())


def _move_into_place(unfinished: Path, folder: Path) -> None:
    try:
        unfinished.rename(folder)
    except OSError:
        if not folder.is_dir():  # otherwise another process finished the same run first
            raise
