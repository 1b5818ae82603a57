"""Tests the export as a single file: what it contains, and what it refuses."""

from __future__ import annotations

import base64
import gzip
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lossatlas.errors import ExportError, RunDamagedError, RunNotFoundError
from lossatlas.runs import Run
from lossatlas.site import PAGE_DIRECTIVES, export_single_file, hash_source, list_sources
from lossatlas.site.modules import find_needed, to_function
from lossatlas.store import Gallery, save_run
from tests.test_cli import lossatlas
from tests.test_export import from_planes


@pytest.fixture
def gallery(stored: Path) -> Gallery:
    return Gallery(stored.parents[1])


@pytest.fixture(scope="module")
def page(small_run: Run, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Export the small run as a single file, and return its text."""
    folder = tmp_path_factory.mktemp("single-file")
    path = export_single_file(
        Gallery(folder / "data"), [save_run(small_run, folder / "data").name], folder / "out.html"
    )
    return path.read_text(encoding="utf-8")


def read_block(page: str, name: str) -> Any:
    [block] = re.findall(rf'<script type="application/json" id="{name}">(.*?)</script>', page)
    return json.loads(block)


def test_everything_is_inside_and_nothing_is_requested(page: str, small_run: Run) -> None:
    assert re.findall(r'\b(?:src|href)="(?!data:|#|compare\.html)[^"]*"', page) == []
    assert re.findall(r"<a id=\"compare\" hidden ", page), "there is no page for comparisons"
    inside = json.loads(gzip.decompress(base64.b64decode(read_block(page, "texts"))))
    names = {name for kind in ("modules", "texts") for name, _ in inside[kind]} | set(read_block(page, "binaries"))
    page_files = {name for name in list_sources() if Path(name).suffix in {".js", ".css", ".json", ".wasm"}}
    assert {name for name in page_files if not name.startswith("pages/compare/")} <= names
    assert [entry["id"] for entry in json.loads(dict(inside["texts"])["data/index.json"])["runs"]] == [small_run.id]


def test_the_arrays_of_the_run_are_inside(page: str, small_run: Run) -> None:
    files = read_block(page, "binaries")
    place = f"data/runs/{small_run.id}"
    manifest = json.loads(base64.b64decode(files[f"{place}/run.json"]))
    packed = base64.b64decode(files[f"{place}/{manifest['arrays']['weights']['file']}"])
    np.testing.assert_array_equal(from_planes(gzip.decompress(packed)), small_run.trajectory.weights)


def test_its_policy_allows_what_is_inside_and_nothing_else(page: str) -> None:
    [policy] = re.findall(r'<meta http-equiv="Content-Security-Policy" content="([^"]*)">', page)
    directives = {name: set(values) for name, *values in (part.split() for part in policy.split("; "))}
    scripts = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    styles = re.findall(r"<style[^>]*>(.*?)</style>", page, re.DOTALL)
    assert len(scripts) == 1
    assert directives["script-src"] == {"blob:", "'wasm-unsafe-eval'", hash_source(scripts[0])}
    assert directives["style-src"] >= {hash_source(style) for style in styles}
    assert directives["default-src"] == {"'none'"}
    assert directives.keys() == PAGE_DIRECTIVES.keys()
    everything = {source for sources in directives.values() for source in sources}
    assert not everything & {"'self'", "'unsafe-inline'", "'unsafe-eval'", "*", "https:", "http:"}


def test_other_files_are_refused_and_an_earlier_export_is_replaced(
    gallery: Gallery, stored: Path, other_run: Run, tmp_path: Path
) -> None:
    (tmp_path / "thesis.html").write_text("mine")
    with pytest.raises(ExportError, match="is no single-file export"):
        export_single_file(gallery, [stored.name], tmp_path / "thesis.html")
    with pytest.raises(ExportError, match="is a folder"):
        export_single_file(gallery, [stored.name], tmp_path)
    with pytest.raises(ExportError, match="cannot write"):
        export_single_file(gallery, [stored.name], tmp_path / "nowhere" / "out.html")
    assert (tmp_path / "thesis.html").read_text() == "mine"
    path = export_single_file(gallery, [stored.name], tmp_path / "out.html")
    first = path.read_bytes()
    assert export_single_file(gallery, [stored.name], path).read_bytes() == first
    other = save_run(other_run, gallery.data)
    assert export_single_file(gallery, [other.name], path).read_bytes() != first
    (other / "labels.npy").unlink()
    with pytest.raises(RunDamagedError, match="labels"):
        export_single_file(gallery, [other.name], path)
    with pytest.raises(RunNotFoundError):
        export_single_file(gallery, ["nothing"], path)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["data", "out.html", "thesis.html"]


def test_the_command_finds_the_run_by_the_beginning_of_its_id(stored: Path, tmp_path: Path) -> None:
    done = lossatlas("export", tmp_path / "out.html", "--single-file", stored.name[:5], "--data", stored.parents[1])
    assert done.stdout == f"{tmp_path / 'out.html'}\n"
    assert re.fullmatch(r"\d\.\d MB\n", done.stderr)
    assert lossatlas("export", tmp_path / "b.html", "--single-file", "x", "--data", stored.parents[1]).returncode == 1


def test_modules_become_functions() -> None:
    source = """/** @param {import('./types.js').X} x */
import {a, b as c} from './x.js';
import d from '../vendor/y.js';
import * as e from './z.js';
export const one = () => import('./later.js');
export async function two() {}
const worker = () => new Worker(new URL('./w.js', import.meta.url), {type: 'module'});
export {worker as three};
"""
    assert to_function("lib/m.js", source).splitlines() == [
        "() => {'use strict';",
        "/** @param {import('./types.js').X} x */",
        'const {a: a, b: c} = $load("lib/x.js");'.replace("a: a", "a"),
        'const {default: d} = $load("vendor/y.js");',
        'const e = $load("lib/z.js");',
        'const one = () => $import("lib/later.js");',
        "async function two() {}",
        'const worker = () => $worker("lib/w.js");',
        "",
        "return {three: worker, one, two};",
        "}",
    ]
    for unknown in ("export default 1;", "export * from './x.js';", "import './x.js';", "const u = import.meta.url;"):
        with pytest.raises(ExportError, match=r"lib/m\.js: cannot turn this into a function: "):
            to_function("lib/m.js", unknown + "\n")
    sources = {
        "a.js": "import {b} from './lib/b.js';",
        "lib/b.js": "import {c} from './c.js';",
        "lib/c.js": "",
        "d.js": "",
    }
    assert find_needed(sources, "a.js") == ["a.js", "lib/b.js", "lib/c.js"]
