"""Exports the page and a gallery as a folder of static files, for any web host and any sub-path."""

from __future__ import annotations

import gzip
import json
import shutil
import uuid
from dataclasses import dataclass
from importlib.resources import as_file, files
from pathlib import Path

from lossatlas.errors import ExportError
from lossatlas.runs import RunConfig
from lossatlas.showcase import OPENING
from lossatlas.site.assets import list_assets
from lossatlas.site.byte_planes import to_byte_planes
from lossatlas.site.catalog import describe_catalog
from lossatlas.site.constants import MOST_PARAMETERS
from lossatlas.store import Gallery, run_folder, write_text

_MARK = "catalog.json"


@dataclass(frozen=True)
class Export:
    """The result of an export.

    Attributes
    ----------
    site
        The folder that was written.
    runs
        The ids of the exported runs.
    left_out
        One message for each damaged run, which was not exported.
    size
        The size of the folder in bytes.
    """

    site: Path
    runs: tuple[str, ...]
    left_out: tuple[str, ...]
    size: int


def export_site(gallery: Gallery, site: Path | str, *, compact: bool = False) -> Export:
    """Write the page and every sound run of a gallery into a folder.

    Everything is written into a temporary folder and moved when it is complete. Files of an earlier export are
    replaced. Other files in the folder are not changed.

    Parameters
    ----------
    gallery
        The gallery.
    site
        The folder to write.
    compact
        Whether to compress arrays with gzip, because many hosts do not compress ``.npy`` files. It also leaves out the
        arrays with one number per parameter for networks with more than
        :data:`~lossatlas.site.constants.MOST_PARAMETERS` parameters, because the page can draw these runs without them.

    Returns
    -------
    Export
        The exported runs, and the size of the folder.

    Raises
    ------
    ExportError
        If ``site`` is a file or a folder with other content, or if it cannot be written.
    """
    site = Path(site).resolve()
    if gallery.data.resolve().is_relative_to(site):
        raise ExportError(f"{site} holds the gallery itself ({gallery.data}); give a folder outside it")
    _refuse_foreign(site)
    unfinished = site.with_name(f".{site.name}.{uuid.uuid4().hex[:8]}")
    try:
        left_out, runs = _fill(unfinished, gallery, compact)
        _replace(site, unfinished)
    except OSError as error:
        raise ExportError(f"cannot write {site}: {error.strerror or error}; give another folder") from error
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    size = sum(path.stat().st_size for path in site.rglob("*") if path.is_file())
    return Export(site, tuple(runs), tuple(left_out), size)


def _refuse_foreign(site: Path) -> None:
    if site.is_dir():
        visible = [path for path in site.iterdir() if not path.name.startswith(".")]
        if visible and not _is_export(site):
            raise ExportError(f"{site} is not empty and holds no earlier export; give a new or an empty folder")
    elif site.exists():
        raise ExportError(f"{site} is a file; give a folder")


def _is_export(site: Path) -> bool:
    try:
        found = json.loads((site / _MARK).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(found, dict) and found.get("compute") is False and "datasets" in found


def _fill(site: Path, gallery: Gallery, compact: bool) -> tuple[list[str], list[str]]:
    site.parent.mkdir(parents=True, exist_ok=True)
    with as_file(files("lossatlas").joinpath("web")) as web:
        shutil.copytree(web, site)
    verdicts = list(gallery.verify())
    runs = [verdict.run_id for verdict in verdicts if verdict.fault is None]
    for run_id in runs:
        folder = run_folder(site / "data", run_id)
        shutil.copytree(run_folder(gallery.data, run_id), folder)
        if compact:
            _compact(folder)
    Gallery(site / "data").write_index()
    (site / "data" / ".index.lock").unlink(missing_ok=True)
    (site / "shell.json").write_text(json.dumps(list_assets()), encoding="utf-8")
    default = OPENING if OPENING.id in runs else RunConfig()  # the run that the page opens with must exist
    (site / _MARK).write_text(
        json.dumps(describe_catalog(compute=False, default=default), ensure_ascii=False), encoding="utf-8"
    )
    return [verdict.fault for verdict in verdicts if verdict.fault], runs


def _compact(folder: Path) -> None:
    """Compress the arrays in a copy of a run, and mark its manifest as compact."""
    manifest = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    large = manifest["model"]["parameters"] > MOST_PARAMETERS
    for arrays in (manifest["arrays"], *(plane["arrays"] for plane in manifest["planes"])):
        for name, entry in list(arrays.items()):
            path = folder / entry["file"]
            if large and "parameter" in entry["axes"]:
                del arrays[name]
            else:
                entry["file"] += ".gz"
                entry["compression"] = "gzip"
                planes = to_byte_planes(path.read_bytes())
                (folder / entry["file"]).write_bytes(gzip.compress(planes, 9, mtime=0))
            path.unlink()
    write_text(folder / "run.json", json.dumps({**manifest, "compact": True}, ensure_ascii=False, allow_nan=False))


def _replace(site: Path, unfinished: Path) -> None:
    """Move the new files into the site folder. Other files there, such as .git, are kept."""
    if not site.exists():
        unfinished.rename(site)
        return
    for made in list(unfinished.iterdir()):
        place, old = site / made.name, unfinished / f"{made.name}.old"
        if place.exists():
            place.rename(old)
        made.rename(place)
