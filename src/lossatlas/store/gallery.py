"""The gallery: a folder of runs with an index."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import platformdirs
from filelock import FileLock, Timeout

from lossatlas.arrays import Float64, Floats
from lossatlas.errors import ConfigError, DataFolderError, FolderBusyError, RunError
from lossatlas.runs import RecordedRun, Run, RunConfig
from lossatlas.store.checksums import has_checksums
from lossatlas.store.durable import is_unfinished, make_synced_folder
from lossatlas.store.manifest import FORMAT_VERSION
from lossatlas.store.read import is_recorded, open_run, open_stored, read_manifest
from lossatlas.store.regular_files import is_regular, read_regular
from lossatlas.store.write import claim_unfinished, explain_write_errors, run_folder, save_run, write_text
from lossatlas.training import METRICS

GALLERY_FORMAT = "lossatlas-gallery"
#: The number of points of an own dataset that the index contains.
_PICTURED = 120
#: The largest index that is read, of some ten thousand runs.
MOST_INDEX = 64 * 2**20
#: How many seconds to wait for another process that writes the index, which takes it about one.
_PATIENCE = 20
#: The largest entry in bytes. A run on own points, which has the largest ones, takes a tenth of it.
_LARGEST_ENTRY = 64 * 2**10


def default_data_folder() -> Path:
    """Return the folder where a user's runs are kept by default, also by recorders: ``LOSSATLAS_DATA`` may name it."""
    if chosen := os.environ.get("LOSSATLAS_DATA"):
        return Path(chosen)
    return Path(platformdirs.user_data_dir("lossatlas", appauthor=False))


@dataclass(frozen=True)
class Verdict:
    """The result of checking one run.

    Attributes
    ----------
    run_id
        The id of the run.
    fault
        What is wrong with the run; None if it is sound.
    has_checksums
        Whether its files could be compared with checksums. Runs of earlier versions have none.
    """

    run_id: str
    fault: str | None
    has_checksums: bool = True


class Gallery:
    """A data folder that contains runs. Making a ``Gallery`` changes nothing on disk.

    Raises
    ------
    DataFolderError
        If the folder is a file.
    """

    def __init__(self, data: Path | str | None = None) -> None:
        self.data = Path(data) if data is not None else default_data_folder()
        if self.data.exists() and not self.data.is_dir():
            raise DataFolderError(f"{self.data} is a file, not a folder; give another folder")

    def __contains__(self, run_id: str) -> bool:
        return is_regular(run_folder(self.data, run_id), "run.json")

    def ids(self) -> list[str]:
        """Return the sorted ids of all runs, including damaged ones."""
        folders = (self.data / "runs").glob("[!.]*")
        return sorted(folder.name for folder in folders if folder.is_dir())

    def open(self, run_id: str, *, check: bool = False) -> Run:
        """Open a run. It raises the errors of :func:`~lossatlas.store.open_run`."""
        return open_run(run_folder(self.data, run_id), check=check)

    def references(self, config: RunConfig) -> dict[str, Floats]:
        """Return the final parameters of the runs that planes of a configuration go through.

        Parameters
        ----------
        config
            The configuration.

        Returns
        -------
        dict
            Theta ``[P]`` float32 of the last frame, by the id of the run, for the runs that the gallery contains.

        Raises
        ------
        ConfigError
            If a run has other layers, so that its parameters have another meaning.
        RunError
            If a run is damaged.
        """
        found: dict[str, Run] = {}
        for run_id in (each for each in config.references if each in self):
            opened = open_stored(run_folder(self.data, run_id))
            if isinstance(opened, RecordedRun):
                fault = f"{run_id} is a recorded run, whose parameters are in its recording; name another run"
                raise ConfigError([("planes", fault)])
            found[run_id] = opened
        for run_id, run in found.items():
            if run.setup.config.model.hidden != config.model.hidden or run.setup.network.class_count != config.classes:
                layers = "-".join(map(str, run.setup.network.layers))
                fault = f"{run_id} has the layers {layers}, and a plane goes through networks of the same layers only"
                raise ConfigError([("planes", fault)])
        return {run_id: run.trajectory.weights[-1] for run_id, run in found.items()}

    def save(self, run: Run) -> Path:
        """Store a run, add it to the index, and return its folder."""
        folder = save_run(run, self.data)
        self.update_index(run.id)
        return folder

    def remove(self, run_id: str) -> None:
        """Delete a run in one step, so that readers see the whole run or none, and remove it from the index."""
        with claim_unfinished(self.data) as claimed, suppress(FileNotFoundError):
            run_folder(self.data, run_id).rename(claimed / "run")
        self.update_index(run_id)

    def index(self) -> dict[str, Any]:
        """Make the content of ``index.json`` from the manifests of all runs that can be read."""
        entries = [json.loads(entry) for entry in self._iterate_entries()]
        return {"format": GALLERY_FORMAT, "format_version": FORMAT_VERSION, "runs": entries}

    def write_index(self) -> None:
        """Write ``index.json`` from all manifests. A lock makes several processes write it one at a time.

        Raises
        ------
        FolderBusyError
            If another process keeps the lock.
        """
        with self._lock_index():
            self._write_index(self.index())

    def update_index(self, run_id: str) -> None:
        """Write ``index.json`` after one run has been stored or deleted, from the manifest of this run alone."""
        with self._lock_index():
            index = self._read_index()
            if index is None:
                index = self.index()
            else:
                others = [entry for entry in index["runs"] if entry["id"] != run_id]
                entry = self._make_entry(run_id)
                index["runs"] = sorted([*others, *([json.loads(entry)] if entry else [])], key=lambda each: each["id"])
            self._write_index(index)

    @contextmanager
    def _lock_index(self) -> Iterator[None]:
        with explain_write_errors(self.data):
            make_synced_folder(self.data)
            lock = FileLock(self.data / ".index.lock")
            try:
                lock.acquire(timeout=_PATIENCE)
            except Timeout:
                fault = f"another process has kept {lock.lock_file} locked for {_PATIENCE} s; end it, or try again"
                raise FolderBusyError(fault) from None
            try:
                for path in filter(is_unfinished, self.data.glob(".index.json.*")):
                    path.unlink(missing_ok=True)  # of a process that was killed, since this one holds the lock
                yield
            finally:
                lock.release()

    def _write_index(self, index: dict[str, Any]) -> None:
        write_text(self.data / "index.json", _write_json(index))

    def _read_index(self) -> dict[str, Any] | None:
        """Read ``index.json``; None if it must be written from all manifests."""
        try:
            index: dict[str, Any] = json.loads(read_regular(self.data, "index.json", MOST_INDEX))
            if (index["format"], index["format_version"]) == (GALLERY_FORMAT, FORMAT_VERSION):
                return {**index, "runs": [entry for entry in index["runs"] if isinstance(entry["id"], str)]}
        except (OSError, ValueError, LookupError, TypeError, RecursionError):
            pass
        return None

    def verify(self) -> Iterator[Verdict]:
        """Open every run, compare its files with their checksums, and yield whether it is sound."""
        for run_id in self.ids():
            try:
                self.open(run_id, check=True)
                yield Verdict(run_id, None, has_checksums(read_manifest(run_folder(self.data, run_id))))
            except RunError as error:
                yield Verdict(run_id, str(error))

    def _iterate_entries(self) -> Iterator[str]:
        """Yield the entries of all runs as JSON. One that cannot be written keeps no other from being listed."""
        return filter(None, map(self._make_entry, self.ids()))

    def _make_entry(self, run_id: str) -> str | None:
        """Make the entry of a run as JSON; None if there is no such run, or if it cannot be listed."""
        try:
            entry = _write_json(make_entry(read_manifest(run_folder(self.data, run_id))))
            size = len(entry.encode())  # which raises an error if it has a lone surrogate
        except (RunError, LookupError, TypeError, ValueError, AttributeError, ArithmeticError, RecursionError):
            return None  # `verify` reports this run
        return entry if size <= _LARGEST_ENTRY else None


def _write_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def make_entry(manifest: dict[str, Any]) -> dict[str, Any]:
    """Make the entry of a run in the index from its manifest."""
    dataset, model, config = manifest["dataset"], manifest["model"], manifest["config"]
    if is_recorded(manifest):
        return _recorded_entry(manifest)
    return {
        "id": manifest["id"],
        "title": manifest["title"],
        "dataset": {"name": dataset["name"], "title": dataset["title"], **_describe_own(config["dataset"].get("own"))},
        "model": {
            "title": model["title"],
            "hidden": config["model"]["hidden"],
            "activation": model["activation"],
            "residual": model["residual"],
            "parameters": model["parameters"],
        },
        "config": _leave_out_points(config),
        "outcome": {**manifest["outcome"], "status": str(manifest["outcome"]["status"])},
        "epochs": int(manifest["frames"][-1]),
        "frames": len(manifest["frames"]),
        "metrics": {name: float(manifest["metrics"][name][-1]) for name in METRICS},
    }


def _recorded_entry(manifest: dict[str, Any]) -> dict[str, Any]:
    """Make the entry of a recorded run in the index. It has no settings of a training, because these are not known."""
    dataset, model = manifest["dataset"], manifest["model"]
    return {
        "id": manifest["id"],
        "title": str(manifest["title"]),
        "source": "recorded",
        "dataset": {"name": "recorded", "title": str(dataset["title"])},
        "model": {"title": str(model["title"]), "parameters": int(model["parameters"])},
        "config": {},
        "outcome": {"status": str(manifest["outcome"]["status"])},
        "epochs": int(manifest["frames"][-1]),
        "frames": len(manifest["frames"]),
        "metrics": {name: manifest["metrics"][name][-1] for name in METRICS},
    }


def _leave_out_points(config: dict[str, Any]) -> dict[str, Any]:
    """Return a configuration without its own points, which would make the index large."""
    own = config["dataset"].get("own")
    if own is None:
        return config
    named = {name: value for name, value in own.items() if name not in ("x", "y", "label")}
    return {**config, "dataset": {**config["dataset"], "own": named}}


def _describe_own(own: dict[str, Any] | None) -> dict[str, Any]:
    """Return the names of own data and some of its points, standardised and rounded, for the page's list of choices."""
    if own is None:
        return {}
    count = len(own["x"])
    some = [i * count // min(count, _PICTURED) for i in range(min(count, _PICTURED))]
    return {
        "features": list(own["features"]),
        "classes": list(own["classes"]),
        "thumbnail": {
            **{axis: _standardise(own[axis])[some].round(2).tolist() for axis in ("x", "y")},
            "label": [int(own["label"][i]) for i in some],
        },
    }


def _standardise(values: list[float]) -> Float64:
    array: Float64 = np.array(values, np.float64)
    array -= array.mean()
    array /= array.std() or 1.0
    return array
