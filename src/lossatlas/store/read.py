"""Reads a run from its folder, and checks every file against the manifest (docs/run-format.md)."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any, cast

import numpy as np

from lossatlas.arrays import AnyArray, Float64
from lossatlas.curvature import TrainingCurvature
from lossatlas.datasets import Dataset
from lossatlas.errors import ConfigError, PlaneError, RunDamagedError, RunNotFoundError, RunVersionError
from lossatlas.landscape import Cut, InputGrid
from lossatlas.networks import ACTIVATIONS, Network
from lossatlas.planes import Anchor, Plane, PlaneConfig
from lossatlas.planes import Path as PathOnPlane
from lossatlas.runs import RecordedRun, Run, RunConfig, Setup, plane_configs, run_id
from lossatlas.store.array_files import read_array
from lossatlas.store.checksums import check_files
from lossatlas.store.manifest import (
    FORMAT,
    FORMAT_VERSION,
    RECORDED_VERSION,
    RUN_ARRAYS,
    SPECTRUM,
    ArraySpec,
    describe_run,
    plane_arrays,
)
from lossatlas.store.regular_files import read_regular
from lossatlas.training import METRICS, Outcome, Trajectory, frame_epochs

#: The largest number of spans of a plane, which :class:`~lossatlas.planes.PlaneConfig` allows.
_MOST_SPANS = 16


def open_run(folder: Path | str, *, check: bool = False) -> Run:
    """Open a run and check every file against the manifest.

    Parameters
    ----------
    folder
        The folder of the run, which may not be a link.
    check
        Whether to compare every file with its checksum, which means to read all of it. Runs that were stored by earlier
        versions have no checksums.

    Returns
    -------
    Run
        The run. Its arrays are memory-mapped and read-only. A recorded run is a
        :class:`~lossatlas.runs.RecordedRun`, which has a manifest and arrays; :func:`open_stored` opens both.

    Raises
    ------
    RunNotFoundError
        If there is no such folder.
    RunDamagedError
        If a file is missing, foreign or not what the manifest says; the message names file and fault.
    RunVersionError
        If a newer lossatlas wrote it.
    """
    return cast(Run, open_stored(folder, check=check))


def open_stored(folder: Path | str, *, check: bool = False) -> Run | RecordedRun:
    """Open a computed or a recorded run, and check every file against the manifest; see :func:`open_run`.

    Returns
    -------
    Run | RecordedRun
        The run.

    Raises
    ------
    RunNotFoundError
        If there is no such folder.
    RunDamagedError
        If a file is missing or not what the manifest says. The message names the file and the fault.
    RunVersionError
        If a newer version of lossatlas wrote the run.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise RunNotFoundError(f"there is no run {folder.name} in {folder.parent}")
    manifest = read_manifest(folder)
    if manifest.get("compact"):
        raise RunDamagedError(folder / "run.json", "a compact copy for the web; open the run that it was exported from")
    if check:
        check_files(folder, manifest)
    if is_recorded(manifest):
        return read_recorded(folder, manifest)
    try:
        config = RunConfig.from_mapping(manifest["config"])
        found = run_id(manifest["config"])  # settings that were added later do not change the id
    except (ConfigError, *_SENSELESS) as error:
        raise RunDamagedError(folder / "run.json", f"its config is not valid: {str(error)[:_SHOWN]}") from None
    if found != folder.name:
        fault = f"its config has the id {found}, but the folder is named {folder.name}"
        raise RunDamagedError(folder / "run.json", fault)
    run = _make_run(folder, manifest, config)
    run.note_folder(folder)
    return run


def is_recorded(manifest: Mapping[str, Any]) -> bool:
    """Return whether a manifest belongs to a recorded run, which cannot be computed again from its configuration."""
    return manifest.get("source") == "recorded"


def read_manifest(folder: Path) -> dict[str, Any]:
    """Read ``run.json``, and check that it is a manifest in a version that can be read."""
    path = folder / "run.json"
    try:
        text = read_regular(folder, "run.json").decode("utf-8")
        manifest = json.loads(text, parse_constant=_refuse_constant, parse_float=_parse_finite)
    except FileNotFoundError:
        raise RunDamagedError(path, "the file is missing") from None
    except (OSError, ValueError, RecursionError) as error:
        raise RunDamagedError(path, f"not readable as JSON: {error}") from None
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise RunDamagedError(path, f"not the manifest of a run: its format is not {FORMAT!r}")
    found = manifest.get("format_version")
    if not isinstance(found, int) or found < 1:
        raise RunDamagedError(path, f"format_version is {found!r}; it should be a whole number from 1")
    newest = RECORDED_VERSION if is_recorded(manifest) else FORMAT_VERSION
    if found > newest:
        raise RunVersionError(
            f"{path}: format version {found} is newer than {newest}, the newest this lossatlas reads; upgrade"
        )
    return manifest


#: What Python raises where a manifest holds other things than expected.
_SENSELESS = (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, RecursionError)
#: How many characters of an error's message are shown, since it may quote the whole file.
_SHOWN = 300


def _describe_senseless(error: Exception) -> str:
    return f"incomplete or inconsistent ({repr(error)[:_SHOWN]})"


def _refuse_constant(name: str) -> float:
    raise ValueError(f"holds {name}, which is not JSON")


def _parse_finite(text: str) -> float:
    if not math.isfinite(number := float(text)):
        raise ValueError(f"holds {text}, which is more than a number can be")
    return number


def _make_run(folder: Path, manifest: dict[str, Any], config: RunConfig) -> Run:
    try:
        layers = tuple(manifest["model"]["layers"])
        epochs, outcome = list(manifest["frames"]), dict(manifest["outcome"])
        metrics = {name: np.array(manifest["metrics"][name], np.float64) for name in METRICS}
        described = manifest["dataset"]
        _check_frames(epochs, metrics, outcome)
        _check_sizes(manifest, config)
        network = Network(layers, ACTIVATIONS[config.model.activation], config.model.residual)
        left_out = {str(entry["name"]): str(entry["why"]) for entry in manifest["left_out"]}
        configs = {name: c for name, c in plane_configs(config).items() if name not in left_out}
        arrays = {name: read_array(folder, entry) for name, entry in _find_files(manifest, configs).items()}
        grid = InputGrid(arrays["grid_x"], arrays["grid_y"])
        cuts = tuple(_make_cut(entry, configs[entry["name"]], arrays) for entry in manifest["planes"])
        before = tuple(cut.plane for cut in cuts if not configs[cut.plane.name].needs_training)
        setup = Setup(config, _make_dataset(described, arrays), network, before, grid)
        run = Run(
            setup=setup,
            trajectory=Trajectory(
                tuple(epochs), arrays["weights"], metrics, arrays["point_predicted_class"], Outcome(**outcome)
            ),
            predicted_class=arrays["predicted_class"],
            confidence=arrays["confidence"],
            cuts=cuts,
            curvature=_make_curvature(manifest.get("curvature"), arrays),
            left_out=left_out,
        )
        expected = json.loads(json.dumps(describe_run(run)))
        meant, found = _select_essentials(expected, expected), _select_essentials(manifest, expected)
    except PlaneError as error:  # the message names the plane
        raise RunDamagedError(folder / "planes", str(error)) from None
    except _SENSELESS as error:
        raise RunDamagedError(folder / "run.json", _describe_senseless(error)) from None
    for key in (key for key in meant if meant[key] != found[key]):
        raise RunDamagedError(folder / "run.json", f"{key!r} does not agree with the config and the arrays")
    for name in ("labels", "point_predicted_class", "predicted_class"):
        if (highest := int(arrays[name].max())) >= network.class_count:
            raise RunDamagedError(folder / f"{name}.npy", f"holds class {highest} of {network.class_count}, from 0")
    return run


def _check_frames(epochs: list[int], metrics: dict[str, Float64], outcome: dict[str, Any]) -> None:
    if epochs[0] != 0 or any(later <= earlier for earlier, later in pairwise(epochs)):
        raise ValueError("frames do not increase from 0")
    if any(values.shape != (len(epochs),) for values in metrics.values()):
        raise ValueError("metrics have not one number a frame")
    if outcome["status"] not in ("completed", "diverged"):
        raise ValueError(f"outcome.status is {outcome['status']!r}")


def _check_sizes(manifest: dict[str, Any], config: RunConfig) -> None:
    """Check that no array claims to be larger than those of a run with this configuration, before any is opened."""
    frames, curvature = len(manifest["frames"]), manifest.get("curvature")
    if frames > (most := len(frame_epochs(config.training.epochs, config.training.frames))):
        raise ValueError(f"{frames} frames, and a run with this config has {most} at the most")
    run = {
        "frame": frames,
        "parameter": Network.of(config.model, 2, config.classes).parameter_count,
        "point": config.dataset.points,
        "feature": 2,
        "y": config.boundary.resolution,
        "x": config.boundary.resolution,
        "curvature_frame": frames if curvature else 0,
        **dict.fromkeys(("direction", "coordinate"), 2),
        "centre": 1,
    }
    configs = plane_configs(config)
    for specs, entries, sizes in (
        ((*RUN_ARRAYS, SPECTRUM), manifest["arrays"], run),
        *(_sizes_of_plane(run, configs[plane["name"]], plane) for plane in manifest["planes"]),
    ):
        for spec in specs:
            shape = entries[spec.name]["shape"] if spec.name in entries else []
            if any(size > sizes[axis] for size, axis in zip(shape, spec.axes, strict=bool(shape))):
                raise ValueError(f"{spec.name} is {str(shape)[:60]}, which is too large for this config")


def _sizes_of_plane(
    run: dict[str, int], config: PlaneConfig, entry: dict[str, Any]
) -> tuple[tuple[ArraySpec, ...], dict[str, Any], dict[str, int]]:
    """Return the arrays of a plane, their entries, and the largest sizes of their axes."""
    samples = config.nonconvexity or 0
    spans = len(config.spans) if config.spans else _MOST_SPANS
    own = {"span": spans, "grid": config.grid, "b": config.grid, "a": config.grid, "nb": samples, "na": samples}
    return plane_arrays(config, centre=True), entry["arrays"], {**run, **own}


def _find_files(manifest: dict[str, Any], configs: dict[str, PlaneConfig]) -> dict[str, dict[str, Any]]:
    """Return the entries of the known arrays by the paths of :func:`list_arrays`. Other arrays are ignored."""
    names = [spec.name for spec in RUN_ARRAYS]
    files = {name: dict(manifest["arrays"][name]) for name in names}
    if SPECTRUM.name in manifest["arrays"]:
        files[SPECTRUM.name] = dict(manifest["arrays"][SPECTRUM.name])
    if [plane["name"] for plane in manifest["planes"]] != list(configs):
        raise ValueError(f"the planes are not those of the config: {', '.join(configs)}")
    for plane in manifest["planes"]:
        for spec in plane_arrays(configs[plane["name"]], centre=plane["centre_frame"] is None):
            files[f"planes/{plane['name']}/{spec.name}"] = dict(plane["arrays"][spec.name])
    return files


def _select_essentials(manifest: dict[str, Any], expected: dict[str, Any]) -> dict[str, Any]:
    """Select what must be equal in two manifests: no prose, no numbers that depend on the machine, no other arrays."""

    def describe_arrays(entries: dict[str, Any], names: Iterable[str]) -> dict[str, Any]:
        keys = ("dtype", "shape", "axes", "scale_factor")
        return {name: [entries[name].get(key) for key in keys] for name in names}

    planes = list(zip(manifest["planes"], expected["planes"], strict=True))
    return {
        "id": manifest["id"],
        "dataset": [manifest["dataset"][key] for key in ("name", "train_points", "test_points")],
        "model": [manifest["model"][key] for key in ("layers", "activation", "residual", "parameters")],
        "metrics": manifest["metrics"],
        "parameters": manifest["parameters"],
        "arrays": describe_arrays(manifest["arrays"], expected["arrays"]),
        "planes": [[plane[key] for key in ("name", "kind", "moving", "spans")] for plane, _ in planes],
        "plane_arrays": [describe_arrays(plane["arrays"], like["arrays"]) for plane, like in planes],
        "curvature": manifest.get("curvature"),
    }


def read_recorded(folder: Path, manifest: dict[str, Any]) -> RecordedRun:
    """Read a recorded run whose manifest is known, and check every file against it. Nothing in the files is executed.

    Returns
    -------
    RecordedRun
        The run. Its arrays are memory-mapped and read-only.

    Raises
    ------
    RunDamagedError
        If a file is missing, foreign or not what the manifest says.
    """
    path = folder / "run.json"
    try:
        if manifest["id"] != folder.name:
            raise RunDamagedError(path, f"is of the run {manifest['id']!r}, but the folder is named {folder.name}")
        run = RecordedRun(manifest, dict(_arrays_in(folder, manifest)), folder.resolve())
        _check_recorded(run)
    except _SENSELESS as error:
        raise RunDamagedError(folder / "run.json", _describe_senseless(error)) from None
    return run


def _check_recorded(run: RecordedRun) -> None:
    manifest, frames = run.manifest, len(run.manifest["frames"])
    if any(len(manifest["metrics"][name]) != frames for name in METRICS):
        raise ValueError("metrics have not one number a frame")
    if not run.planes:
        raise ValueError("there are no planes")
    for name in run.planes:
        if run.plane(name)["loss_surface"].ndim != 4 or run.plane(name)["path"].shape != (frames, 2):
            raise ValueError(f"the plane {name!r} has no surface, or no path of {frames} frames")
    if "weights" not in run.arrays and run.arrays["gram"].shape != (frames, frames):
        raise ValueError(f"gram is not [{frames}, {frames}]")
    if not all(isinstance(part, str) for part in (run.title, manifest["loss"]["name"], manifest["model"]["title"])):
        raise ValueError("a title is no text")


def _arrays_in(folder: Path, manifest: Mapping[str, Any]) -> Iterator[tuple[str, AnyArray]]:
    for entries in (manifest["arrays"], *(plane["arrays"] for plane in manifest["planes"])):
        for entry in entries.values():
            yield str(entry["file"]).removesuffix(".npy"), read_array(folder, entry)


def _make_dataset(described: dict[str, Any], arrays: dict[str, AnyArray]) -> Dataset:
    first, second = described["features"]
    return Dataset(
        name=described["name"],
        title=described["title"],
        feature_names=(first["name"], second["name"]),
        class_names=tuple(described["classes"]),
        points=arrays["points"],
        labels=arrays["labels"],
        split=arrays["split"],
        mean=np.array([first["mean"], second["mean"]]),
        scale=np.array([first["scale"], second["scale"]]),
    )


def _make_cut(entry: dict[str, Any], config: PlaneConfig, arrays: dict[str, AnyArray]) -> Cut:
    if config.spans is not None and tuple(entry["spans"]) != config.spans:
        raise ValueError(f"the spans of {entry['name']} are not those of the config")
    if (entry["kind"], entry["moving"]) != (config.kind, config.moving):
        raise ValueError(f"kind or moving of {entry['name']} is not that of the config")
    own = {name: arrays[f"planes/{entry['name']}/{name}"] for name in entry["arrays"] if _is_known(entry, name, arrays)}
    frame = entry["centre_frame"]
    eigenvalues = entry["eigenvalues"]
    plane = Plane(
        **{key: entry[key] for key in ("name", "kind", "title", "what", "hides", "moving", "normalization", "seed")},
        directions=own["directions"],
        spans=tuple(entry["spans"]),
        centre=own["centre"] if frame is None else arrays["weights"][frame],
        centre_frame=frame,
        eigenvalues=None if eigenvalues is None else (float(eigenvalues[0]), float(eigenvalues[1])),
        anchors=tuple(Anchor(**anchor) for anchor in entry["anchors"]),
    )
    return Cut(
        plane=plane,
        grid=config.grid,
        loss_surface=own["loss_surface"],
        test_loss_surface=own["test_loss_surface"],
        path=PathOnPlane(own["path"], own["residual"], float(entry["explained_variance"])),
        path_loss=own["path_loss"],
        nonconvexity=own.get("nonconvexity"),
    )


def _is_known(entry: dict[str, Any], name: str, arrays: dict[str, AnyArray]) -> bool:
    return f"planes/{entry['name']}/{name}" in arrays


def _make_curvature(entry: dict[str, Any] | None, arrays: dict[str, AnyArray]) -> TrainingCurvature | None:
    if entry is None:
        return None
    numbers = {key: np.array(entry[key], np.float64) for key in ("largest", "smallest", "trace", "adaptive_sharpness")}
    frames, error, negative = tuple(entry["frames"]), entry["trace_error"], entry["negative"]
    if any(values.shape != (len(frames),) for values in numbers.values()):
        raise ValueError("curvature has not one number for each of its frames")
    return TrainingCurvature(
        frames=frames,
        **numbers,
        trace_error=np.zeros(len(frames)) if error is None else np.array(error, np.float64),
        negative=None if negative is None else np.array(negative),
        spectrum=arrays.get("spectrum"),
        stability=entry["stability"],
    )
