"""Exports the page and a gallery as a folder of static files, for any web host and any sub-path."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

from lossatlas.errors import ExportError, RunError
from lossatlas.runs import RunConfig
from lossatlas.showcase import OPENING
from lossatlas.site.assets import make_assets
from lossatlas.site.catalog import describe_catalog
from lossatlas.site.compressed import SUFFIXES, add_compressed_copies
from lossatlas.site.documents import prepare_for_hosts
from lossatlas.site.run_files import list_run_files
from lossatlas.site.stories import put_stories, read_stories
from lossatlas.site.tree import GZIP, SiteFolder, carry_over
from lossatlas.store import (
    Gallery,
    claim_folder,
    make_synced_folder,
    remove_abandoned,
    replace_folder,
    run_folder,
    sync_folder,
    sync_new_files,
)

_MARK, _SHELL = "catalog.json", "shell.json"
#: The names in an export besides those that the list of the page's files contains.
_APART = {_MARK, _SHELL, "data", "index.html", "service-worker.js", "thumbnails.json"}


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
    written
        How many files were written. All others are those of an earlier export.
    """

    site: Path
    runs: tuple[str, ...]
    left_out: tuple[str, ...]
    size: int
    written: int


def export_site(
    gallery: Gallery,
    site: Path | str,
    *,
    compact: bool = False,
    compress: bool = False,
    stories: Iterable[Path | str] = (),
) -> Export:
    """Write the page and every sound run of a gallery into a folder.

    Everything is written into a temporary folder beside it, which is then exchanged with it. So the site is the old one
    or the new one, and never a mixture, even if the process is killed or the machine loses its power. Files of an
    earlier export that have not changed stay as they are, with their times; if nothing has changed, nothing is
    exchanged. Other files in the folder, such as ``.git``, are kept. Only files that the manifests of the runs name are
    exported, and none that a link leads to.

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
    compress
        Whether to add compressed copies (``.gz`` and ``.br``), for hosts that send such files as they are.
    stories
        Files of stories, which are added to those of the site. The page opens them by ``?story=NAME``.

    Returns
    -------
    Export
        The exported runs, and the size of the folder.

    Raises
    ------
    ExportError
        If ``site`` is a file or a folder with other content, if it cannot be written, or if a story cannot be read.
    """
    story_files = read_stories(stories)
    site = Path(site).resolve()
    if gallery.data.resolve().is_relative_to(site):
        raise ExportError(f"{site} holds the gallery itself ({gallery.data}); give a folder outside it")
    prefix = f".{site.name}."
    try:
        remove_abandoned(site.parent, prefix)  # first, since it may be an earlier site that is moved back
        _refuse_foreign(site)
        make_synced_folder(site.parent)
        with claim_folder(site.parent, prefix) as claimed:
            new = SiteFolder(claimed / "site", site)
            left_out, runs = _fill(new, gallery, compact)
            put_stories(new, story_files)
            ours = _APART | {path.partition("/")[0] for path in _list_page_files(site)}
            ours |= {path.name for path in new.folder.iterdir()}
            ours |= {f"{name}{suffix}" for name in ours for suffix in SUFFIXES}
            if compress:
                add_compressed_copies(new)
            carry_over(site, new.folder, ours)
            if new.is_whole_earlier_site():
                sync_folder(site.parent)  # an export that was killed may not have done this
            else:
                sync_new_files(new.folder)
                old = replace_folder(new.folder, site, claimed)
                if old and carry_over(old, site, ours):  # what others have changed in the meantime
                    sync_new_files(site)
    except OSError as error:
        raise ExportError(f"cannot write {site}: {error.strerror or error}; give another folder") from error
    size = sum(path.stat().st_size for path in site.rglob("*") if path.is_file())
    return Export(site, tuple(runs), tuple(left_out), size, new.written)


def _refuse_foreign(site: Path) -> None:
    if site.is_dir():
        visible = [path for path in site.iterdir() if not path.name.startswith(".")]
        if visible and not _is_export(site):
            raise ExportError(f"{site} is not empty and holds no earlier export; give a new or an empty folder")
    elif site.exists():
        raise ExportError(f"{site} is a file; give a folder")


def _is_export(site: Path) -> bool:
    found = _read_json(site / _MARK)
    return isinstance(found, dict) and found.get("compute") is False and "datasets" in found


def _list_page_files(site: Path) -> list[str]:
    """List the files of the page that an earlier export has written."""
    found = _read_json(site / _SHELL)
    listed = found.get("files") if isinstance(found, dict) else None
    return [path for path in listed if isinstance(path, str)] if isinstance(listed, list) else []


def _read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None


def _fill(new: SiteFolder, gallery: Gallery, compact: bool) -> tuple[list[str], list[str]]:
    """Write a whole site into a new folder, and return what was left out and the ids of its runs."""
    texts = make_assets().texts
    with as_file(files("lossatlas").joinpath("web")) as web:
        for path in sorted(web.rglob("*")):
            name = path.relative_to(web).as_posix()
            if path.is_file() and name not in texts:
                with path.open("rb") as file:
                    new.put_file(name, file)
    for name, text in texts.items():
        new.put_bytes(name, (prepare_for_hosts(text) if name.endswith(".html") else text).encode())
    left_out, runs = [], []
    for verdict in gallery.verify():
        try:
            if verdict.fault:
                raise RunError(verdict.fault)
            for run_file in list_run_files(run_folder(gallery.data, verdict.run_id), compact=compact):
                name = f"data/runs/{verdict.run_id}/{run_file.name}"
                with run_file.open() as opened:
                    if run_file.is_packed:
                        new.put_packed(name, opened.read(), GZIP)
                    else:
                        new.put_file(name, opened)
            runs.append(verdict.run_id)
        except RunError as error:
            left_out.append(str(error))
    default = OPENING if OPENING.id in runs else RunConfig()  # the run that the page opens with must exist
    for name, content in (
        ("data/index.json", Gallery(new.folder / "data").index()),
        (_MARK, describe_catalog(compute=False, default=default)),
    ):
        new.put_bytes(name, json.dumps(content, ensure_ascii=False, allow_nan=False).encode())
    return left_out, runs
