"""A gallery: a folder of runs, and its index."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import platformdirs
from filelock import FileLock

from lossatlas.arrays import Float64, Floats
from lossatlas.errors import ConfigError, DataFolderError, RunError
from lossatlas.runs import Run, RunConfig
from lossatlas.store.manifest import FORMAT_VERSION
from lossatlas.store.read import open_run, read_manifest
from lossatlas.store.write import run_folder, save_run, write_text, writing
from lossatlas.training import METRICS

GALLERY_FORMAT = "lossatlas-gallery"
#: Own points that the index has of a dataset.
_PICTURED = 120


def default_data_folder() -> Path:
    """Where a user's runs are kept unless told otherwise."""
    return Path(platformdirs.user_data_dir("lossatlas", appauthor=False))


@dataclass(frozen=True)
class Verdict:
    """What checking one run found: ``fault`` is None where all is well."""

    run_id: str
    fault: str | None


class Gallery:
    """A data folder with runs in it. Making one touches nothing on disk.

    Raises
    ------
    DataFolderError
        If the folder is a file.
    """

    def __init__(self, data: Path | str | None = None) -> None:
        self.data = Path(data) if data is not None else default_data_folder()
        if self.data.exists() and not self.data.is_dir():
            raise DataFolderError(f"{self.data} is a file, not a folder; give another with --data DIR")

    def __contains__(self, run_id: str) -> bool:
        return (run_folder(self.data, run_id) / "run.json").is_file()

    def ids(self) -> list[str]:
        """Return the ids of all runs, damaged ones too, sorted."""
        folders = (self.data / "runs").glob("[!.]*")
        return sorted(folder.name for folder in folders if folder.is_dir())

    def open(self, run_id: str) -> Run:
        """Open a run; see :func:`~lossatlas.store.open_run` for what can be wrong with it."""
        return open_run(run_folder(self.data, run_id))

    def references(self, config: RunConfig) -> dict[str, Floats]:
        """Where the runs ended that planes of a configuration go through: ``[P]`` by id, of those that are here.

        Raises
        ------
        ConfigError
            If one has other layers: its parameters mean other things.
        RunError
            If one is damaged.
        """
        found = {run_id: self.open(run_id) for run_id in config.references if run_id in self}
        for run_id, run in found.items():
            if run.setup.config.model.hidden != config.model.hidden or run.setup.network.class_count != config.classes:
                layers = "-".join(map(str, run.setup.network.layers))
                fault = f"{run_id} has the layers {layers}, and a plane goes through networks of the same layers only"
                raise ConfigError([("planes", fault)])
        return {run_id: run.trajectory.weights[-1] for run_id, run in found.items()}

    def save(self, run: Run) -> Path:
        """Store a run and enter it in the index; return its folder."""
        folder = save_run(run, self.data)
        self.write_index()
        return folder

    def index(self) -> dict[str, Any]:
        """What ``index.json`` says, made anew from the manifests; a run that cannot be read is left out."""
        return {"format": GALLERY_FORMAT, "format_version": FORMAT_VERSION, "runs": list(self._entries())}

    def write_index(self) -> None:
        """Write ``index.json``; of several processes, one at a time."""
        with writing(self.data):
            self.data.mkdir(parents=True, exist_ok=True)
            with FileLock(self.data / ".index.lock"):
                text = json.dumps(self.index(), ensure_ascii=False, separators=(",", ":"), allow_nan=False)
                write_text(self.data / "index.json", text)

    def verify(self) -> Iterator[Verdict]:
        """Open every run in turn and say what is wrong with it."""
        for run_id in self.ids():
            try:
                self.open(run_id)
            except RunError as error:
                yield Verdict(run_id, str(error))
            else:
                yield Verdict(run_id, None)

    def _entries(self) -> Iterator[dict[str, Any]]:
        for run_id in self.ids():
            try:
                yield entry_of(read_manifest(run_folder(self.data, run_id)))
            except (RunError, LookupError, TypeError, ValueError, AttributeError, OverflowError):
                continue  # `verify` names it, and says what is wrong


def entry_of(manifest: dict[str, Any]) -> dict[str, Any]:
    """Make a run's entry in the index from its manifest."""
    dataset, model, config = manifest["dataset"], manifest["model"], manifest["config"]
    return {
        "id": manifest["id"],
        "title": manifest["title"],
        "dataset": {"name": dataset["name"], "title": dataset["title"], **_picture(config["dataset"].get("own"))},
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


def _leave_out_points(config: dict[str, Any]) -> dict[str, Any]:
    """A configuration as the index has it: own points are in the run alone, as they would make the index heavy."""
    own = config["dataset"].get("own")
    if own is None:
        return config
    named = {name: value for name, value in own.items() if name not in ("x", "y", "label")}
    return {**config, "dataset": {**config["dataset"], "own": named}}


def _picture(own: dict[str, Any] | None) -> dict[str, Any]:
    """What the page shows of own points to choose from: names, and some points, standardised and rounded."""
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
