"""Exports the page and some runs as a single HTML file, which opens by double click, without a host or a network."""

from __future__ import annotations

import base64
import gzip
import json
import re
from collections.abc import Sequence
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

from lossatlas.errors import ExportError
from lossatlas.runs import RunConfig
from lossatlas.site.assets import list_sources
from lossatlas.site.catalog import describe_catalog
from lossatlas.site.documents import add_policy
from lossatlas.site.modules import find_needed, to_function
from lossatlas.site.policies import PAGE_DIRECTIVES, hash_source
from lossatlas.site.run_files import list_run_files
from lossatlas.site.stories import read_stories
from lossatlas.store import Gallery, is_recorded, open_stored, read_manifest, replace_file, run_folder

#: It is in every single file, so that an export over another file is refused.
_MARK = '<meta name="generator" content="Loss Atlas, single file">'
#: Links to other files, which are inside the page or are of no use to a single file.
_LINK = re.compile(r'[ ]*<link rel="(?:preload|modulepreload|manifest|apple-touch-icon)"[^>]*>\n')
_STYLE = re.compile(r'<link rel="stylesheet" href="(?P<path>[^"]+)"(?P<rest>[^>]*)>')
_SCRIPT = re.compile(r'[ ]*<script\b[^>]*\bsrc="[^"]*"[^>]*></script>\n')
#: A comparison consists of two more pages, so a single file has none.
_COMPARE, _COMPARISON = '<a id="compare" ', "pages/compare/"
_TEXTS = {".css", ".js", ".json"}
#: This library is a classic script.
_PLOTLY = "vendor/plotly-gl3d-4.1.1.min.js"
#: Replaces the module that says where the files of the page are.
_REPLACEMENTS = {"lib/files.js": "() => ({addressOf: $addressOf})"}
_WORKERS = ("compute/engine/worker.js", "compute/engine/trainer.js")
#: The mark is within this many bytes.
_HEAD = 4096


def export_single_file(
    gallery: Gallery, run_ids: Sequence[str], path: Path | str, *, stories: Sequence[Path | str] = ()
) -> Path:
    """Write the page, some runs and some stories into one HTML file.

    The file needs nothing else: it can be opened from a disk, sent by mail, or shown in a frame. It trains networks
    like any page, but compares no runs side by side. The runs are packed as in a compact export.

    Parameters
    ----------
    gallery
        The gallery.
    run_ids
        The ids of the runs; the page opens with the first.
    path
        The file to write.
    stories
        Files of stories (docs/stories.md). The page opens with the first.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    RunError
        If there is no such run, or it is damaged.
    ExportError
        If ``path`` is a folder or another file, if it cannot be written, or if a story cannot be read.
    """
    path = Path(path).resolve()
    _refuse_foreign(path)
    story_texts = {name: content.decode("utf-8-sig") for name, content in read_stories(stories).items()}
    for run_id in run_ids:
        open_stored(run_folder(gallery.data, run_id), check=True)
    text = _write_page(gallery, run_ids, story_texts)
    try:
        with replace_file(path) as file:
            file.write(text.encode())
    except OSError as error:
        raise ExportError(f"cannot write {path}: {error.strerror or error}; give another file") from error
    return path


def _refuse_foreign(path: Path) -> None:
    if path.is_dir():
        raise ExportError(f"{path} is a folder; give a file, such as {path / 'atlas.html'}")
    if path.exists() and _MARK.encode() not in path.read_bytes()[:_HEAD]:
        raise ExportError(f"{path} exists and is no single-file export; give another file")


def _write_page(gallery: Gallery, run_ids: Sequence[str], stories: dict[str, str]) -> str:
    """Return the text of the page, with everything that it needs inside."""
    with as_file(files("lossatlas").joinpath("web")) as web:
        texts = {name: (web / name).read_text(encoding="utf-8") for name in _list_texts()}
        binaries = {name: (web / name).read_bytes() for name in list_sources() if name.endswith(".wasm")}
        page = (web / "index.html").read_text(encoding="utf-8")
    opener = files("lossatlas").joinpath("site", "single_file.js").read_text(encoding="utf-8")
    modules = {name: texts.pop(name) for name in list(texts) if name.endswith(".js") and name != _PLOTLY}
    for run_id in run_ids:
        for file in list_run_files(run_folder(gallery.data, run_id), compact=True):
            binaries[f"data/runs/{run_id}/{file.name}"] = file.read()
    index = gallery.index()
    listed = {entry["id"]: entry for entry in index["runs"]}
    texts["data/index.json"] = _to_json({**index, "runs": [listed[run_id] for run_id in run_ids]})
    texts["catalog.json"] = _to_json(describe_catalog(compute=False, default=_choose_default(gallery, run_ids[0])))
    texts |= stories
    code = {
        "modules": [(name, _REPLACEMENTS.get(name) or to_function(name, source)) for name, source in modules.items()],
        "workers": {name: find_needed(modules, name) for name in _WORKERS},
        "texts": list(texts.items()),
    }
    packed = gzip.compress(_to_json(code).encode(), 9, mtime=0)
    blocks = {
        "texts": _to_base64(packed),
        "binaries": {name: _to_base64(content) for name, content in binaries.items()},
    }
    inside = [f'<script type="application/json" id="{key}">{_to_json(block)}</script>' for key, block in blocks.items()]
    return _assemble(page, texts, [*inside, f"<script>{opener}</script>"], hash_source(opener))


def _list_texts() -> list[str]:
    """List the modules, stylesheets and data of the page."""
    names = [name for name in list_sources() if Path(name).suffix in _TEXTS]
    return [name for name in names if not name.startswith(_COMPARISON)]


def _choose_default(gallery: Gallery, run_id: str) -> RunConfig | None:
    """Return the configuration of a run, with which the page opens, unless it has points or a model of its own."""
    manifest = read_manifest(run_folder(gallery.data, run_id))
    if is_recorded(manifest) or manifest["config"]["dataset"].get("own"):
        return None
    return RunConfig.from_mapping(manifest["config"])


def _assemble(page: str, texts: dict[str, str], inside: Sequence[str], opener: str) -> str:
    """Return a document that refers to no other file."""
    styles: list[str] = []

    def write_style(found: re.Match[str]) -> str:
        style = texts[found["path"]]
        styles.append(hash_source(style))
        return f"<style{found['rest']}>{style}</style>"

    page = _STYLE.sub(write_style, _SCRIPT.sub("", _LINK.sub("", page)))
    policy = {
        **PAGE_DIRECTIVES,
        "default-src": "'none'",
        "img-src": "data: blob:",
        "style-src": " ".join([PAGE_DIRECTIVES["style-src"].replace("'self'", "blob:"), *styles]),
        "script-src": f"blob: 'wasm-unsafe-eval' {opener}",
        "worker-src": "blob:",
        "connect-src": "blob: data:",
        "manifest-src": "'none'",
    }
    page = add_policy(page, policy, _MARK).replace(_COMPARE, f"{_COMPARE}hidden ", 1)
    return page.replace("</body>", "\n".join([*inside, "</body>"]), 1)


def _to_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def _to_base64(content: bytes) -> str:
    return base64.b64encode(content).decode()
