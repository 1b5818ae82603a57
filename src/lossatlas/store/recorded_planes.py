"""Describes the planes of recorded runs in manifests, and adds planes to stored runs."""

from __future__ import annotations

import json
import shutil
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lossatlas.arrays import AnyArray
from lossatlas.landscape import Cut
from lossatlas.planes import PlaneConfig, compute_random_walk_variance
from lossatlas.store.checksums import add_checksums
from lossatlas.store.durable import open_synced, sync_folder, write_array
from lossatlas.store.manifest import describe_plane, list_arrays_of_cut, plane_arrays
from lossatlas.store.write import explain_write_errors, write_text

#: Arrays of a plane that a recorded run does not store, because they follow from the recording.
_IN_THE_RECORDING = ("directions", "centre")


@dataclass(frozen=True)
class RecordedPlane:
    """A plane of a recorded run, with what was computed for it.

    Attributes
    ----------
    cut
        The plane and its arrays.
    config
        The requested configuration. Its grid is finer than that of the cut, if the time budget ended.
    recipe
        How the directions were made, and from which frames.
    batchnorm
        The statistics that BatchNorm uses in surfaces of ``train`` and ``test``; None without BatchNorm.
    evaluation
        How losses were computed: ``device``, and whether the model was ``compiled``.
    """

    cut: Cut
    config: PlaneConfig
    recipe: Mapping[str, Any]
    batchnorm: Mapping[str, str] | None
    evaluation: Mapping[str, Any]

    @property
    def name(self) -> str:
        """The name of the plane."""
        return self.cut.plane.name

    def arrays(self, *, whole: bool) -> dict[str, AnyArray]:
        """Return the arrays that the run stores, by name; ``whole`` if directions and centre are among them."""
        found = {name: array for name, array in list_arrays_of_cut(self.cut).items() if array.size}
        return found if whole else {name: a for name, a in found.items() if name not in _IN_THE_RECORDING}

    def describe(self, epochs: Sequence[int], loss: str, folder: str, *, whole: bool) -> dict[str, Any]:
        """Make the entry of the plane in a manifest.

        Parameters
        ----------
        epochs
            The epoch of each frame of the run.
        loss
            The name of the loss.
        folder
            The folder of the plane's arrays, below ``planes``.
        whole
            Whether directions and centre are stored, too.

        Returns
        -------
        dict
            The entry.
        """
        kept, plane = self.arrays(whole=whole), self.cut.plane
        config = self.config.with_values(grid=self.cut.grid)
        sizes = {"frame": len(epochs), "direction": 2, "coordinate": 2, "centre": 1}
        sizes["parameter"] = plane.directions.shape[1]
        specs = tuple(spec for spec in plane_arrays(config) if spec.name in kept)
        entry = {
            **describe_plane(plane, config, sizes, specs),
            "explained_variance": self.cut.path.explained_variance,
            "random_walk": compute_random_walk_variance(epochs) if plane.kind == "pca" else None,
            "nonconvexity": None,
            "recipe": dict(self.recipe),
            "batchnorm": self.batchnorm and dict(self.batchnorm),
            "asked_grid": self.config.grid,
            "evaluation": dict(self.evaluation),
        }
        for name, array in entry["arrays"].items():
            array["file"] = f"planes/{folder}/{name}.npy"
            array["what"] = array["what"].replace("cross-entropy (nats)", loss)
        return entry


def add_planes(folder: Path, manifest: Mapping[str, Any], planes: Sequence[RecordedPlane]) -> None:
    """Add planes to a stored run. A plane with a name that exists replaces the plane of that name.

    The arrays are written first, into folders that the manifest does not name yet. Then the manifest is replaced in a
    single step. Therefore readers see the run either as it was or with all of the planes, and a process that is killed
    leaves the run as it was. Only one process may do this at a time.

    Parameters
    ----------
    folder
        The folder of the run.
    manifest
        Its manifest, as it is stored.
    planes
        The planes.

    Raises
    ------
    DataFolderError
        If the folder cannot be written.
    """
    changed = json.loads(json.dumps(manifest))
    whole = "weights" in manifest["arrays"]
    with explain_write_errors(folder.parent.parent):
        _delete_unused(folder, manifest)
        for plane in planes:
            place = plane.name if not (folder / "planes" / plane.name).exists() else _fresh_name(plane.name)
            _write_arrays(folder / "planes" / place, plane.arrays(whole=whole))
            entry = plane.describe(manifest["frames"], manifest["loss"]["name"], place, whole=whole)
            _put(changed["planes"], changed["config"]["planes"], entry, plane.config.model_dump(mode="json"))
        sync_folder(folder / "planes")
        text = json.dumps(add_checksums(folder, changed, keep=True), ensure_ascii=False, allow_nan=False, indent=1)
        write_text(folder / "run.json", text)
        _delete_unused(folder, changed)


def _put(entries: list[Any], configs: list[Any], entry: dict[str, Any], config: dict[str, Any]) -> None:
    """Put an entry and its configuration into the lists of a manifest. They replace those of the same name."""
    names = [each["name"] for each in entries]
    if entry["name"] not in names:
        entries.append(entry)
        configs.append(config)
        return
    place = names.index(entry["name"])
    # Configurations of runs that lossatlas trained also list planes that were left out.
    if len(configs) == len(entries):
        configs[place] = config
    entries[place] = entry


def _fresh_name(name: str) -> str:
    return f"{name}-{uuid.uuid4().hex[:8]}"


def _write_arrays(folder: Path, arrays: Mapping[str, AnyArray]) -> None:
    folder.mkdir(parents=True)
    for name, array in arrays.items():
        with open_synced(folder / f"{name}.npy") as file:
            write_array(file, array)
    sync_folder(folder)


def _delete_unused(folder: Path, manifest: Mapping[str, Any]) -> None:
    """Delete the folders of planes that no entry names: a killed process left them, or their plane was replaced."""
    used = {str(array["file"]) for plane in manifest["planes"] for array in plane["arrays"].values()}
    for path in (folder / "planes").glob("*"):
        if path.is_dir() and not any(name.startswith(f"planes/{path.name}/") for name in used):
            shutil.rmtree(path, ignore_errors=True)
