"""A gallery: a folder of runs, and its index."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import platformdirs
from filelock import FileLock

from lossatlas.arrays import Float64, Floats
from lossatlas.datasets import SOURCES, DatasetConfig
from lossatlas.directions import GaussianPlane, PcaPlane, ThroughPlane
from lossatlas.errors import ConfigError, DataFolderError, RunError
from lossatlas.manifest import FORMAT_VERSION
from lossatlas.network import ModelConfig
from lossatlas.reading import open_run, read_manifest
from lossatlas.runs import DEFAULT_PLANES, Run, RunConfig
from lossatlas.store import run_folder, save_run, write_text, writing
from lossatlas.training import METRICS, TrainingConfig

GALLERY_FORMAT = "lossatlas-gallery"
#: Hidden layers of the default gallery, for every dataset.
DEFAULT_MODELS: tuple[tuple[int, ...], ...] = ((4,), (16, 16))

#: Own points that the index has of a dataset.
_PICTURED = 120

#: What the page opens on: of the default gallery's runs, the one whose landscape has most relief, a canyon at the end.
OPENING = RunConfig(dataset=DatasetConfig(name="spirals"))
#: A deep narrow network without skips. Its residual twin differs in ``residual`` alone and shares its first weights.
#: The span is a quarter of each unit's weights: at 1, both twins are far from convex (docs/reading-a-landscape.md).
_PLAIN_TWIN = RunConfig(
    dataset=DatasetConfig(name="arms"),
    model=ModelConfig(hidden=(8,) * 20),
    training=TrainingConfig(optimizer="momentum", learning_rate=0.01, weight_decay=0.005, epochs=100),
    planes=(GaussianPlane(normalization="filter", moving=False, spans=(0.25, 1.0, 0.05), nonconvexity=15), PcaPlane()),
)
#: Gradient descent proper: its sharpness climbs to 2/η = 8 and stays there for some 800 epochs (Cohen et al. 2021).
_AT_THE_EDGE = RunConfig(
    dataset=DatasetConfig(name="checkerboard"),
    training=TrainingConfig(optimizer="sgd", learning_rate=0.25, batch_size="full", epochs=2400),
)
#: The same with η = 0.1: in as much training time η · epochs, its sharpness passes 8 and has not reached 2/η = 20.
_BELOW_THE_EDGE = _AT_THE_EDGE.with_values(
    training=_AT_THE_EDGE.training.with_values(learning_rate=0.1, epochs=6000),
)
#: A learning rate beyond what the sharpness at the start allows: the loss swings, and overflows after some ten steps.
_DIVERGING = RunConfig(
    model=ModelConfig(hidden=(16, 16, 16), activation="gelu"),
    training=TrainingConfig(optimizer="sgd", learning_rate=3.0, batch_size="full", epochs=100),
)
#: The default run from another seed; a plane goes through both ends: between them lies a barrier (Garipov et al. 2018).
_OTHER_SEED = RunConfig(
    training=TrainingConfig(seed=1),
    planes=(*DEFAULT_PLANES, ThroughPlane(points=("end", f"run:{RunConfig().id}", "start"))),
)


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
        """Open a run; see :func:`lossatlas.reading.open_run` for what can be wrong with it."""
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
        "config": _without_points(config),
        "outcome": {**manifest["outcome"], "status": str(manifest["outcome"]["status"])},
        "epochs": int(manifest["frames"][-1]),
        "frames": len(manifest["frames"]),
        "metrics": {name: float(manifest["metrics"][name][-1]) for name in METRICS},
    }


def _without_points(config: dict[str, Any]) -> dict[str, Any]:
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
            **{axis: _standardised(own[axis])[some].round(2).tolist() for axis in ("x", "y")},
            "label": [int(own["label"][i]) for i in some],
        },
    }


def _standardised(values: list[float]) -> Float64:
    array: Float64 = np.array(values, np.float64)
    array -= array.mean()
    array /= array.std() or 1.0
    return array


def gallery_configs(
    datasets: Sequence[str] | None = None,
    models: Sequence[Sequence[int]] | None = None,
    base: RunConfig | None = None,
) -> list[RunConfig]:
    """Every model on every dataset; where nothing at all is named, the default gallery, with :func:`showcase_configs`.

    ``base`` gives everything else; its noise and number of points go with its own dataset alone.
    """
    base = base or RunConfig()
    own = base.dataset
    usual = not datasets and not models and base == RunConfig()
    grid = [
        base.with_values(
            dataset=own
            if name == own.name
            else DatasetConfig(name=name, seed=own.seed, test_fraction=own.test_fraction),
            model=base.model.with_values(hidden=tuple(hidden)),
        )
        for name in (datasets or ((own.name,) if own.own else tuple(SOURCES)))
        for hidden in (models or DEFAULT_MODELS)
    ]
    return [*grid, *showcase_configs()] if usual else grid


def twin_configs() -> tuple[RunConfig, RunConfig]:
    """A deep narrow plain network and its residual twin, alike in all else: Li et al. 2018, figures 1 and 7, small."""
    return _PLAIN_TWIN, _PLAIN_TWIN.with_values(model=_PLAIN_TWIN.model.with_values(residual=True))


def showcase_configs() -> list[RunConfig]:
    """Runs that show one thing each: the twins, the edge of stability and below, a divergence, two seeds joined."""
    return [*twin_configs(), _AT_THE_EDGE, _BELOW_THE_EDGE, _DIVERGING, _OTHER_SEED]
