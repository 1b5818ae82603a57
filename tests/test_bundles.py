"""Tests the bundles: they have the page's modules, each where it is needed, with nothing but comments left out."""

from __future__ import annotations

import hashlib
import json
import posixpath
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from lossatlas.site.bundles import Bundles, join_page
from lossatlas.site.modules import to_function

ROOT = Path(__file__).parents[1]
WEB = ROOT / "src" / "lossatlas" / "web"
HASHED = re.compile(r"bundles/(.+)\.[0-9a-f]{12}(\.\w+)")
#: Lines that are not those of a module.
WRITTEN = re.compile(r"\$(?:load|import|worker|addressOf)\b|^return \{|^\},?$|'use strict'")
#: Prints two programs without comments as TypeScript's printer does, and compares them.
COMPARE = """
const ts = require('typescript');
const printer = ts.createPrinter({removeComments: true});
const print = (text) => printer.printFile(ts.createSourceFile('m.js', text, ts.ScriptTarget.Latest, false));
const pairs = JSON.parse(require('fs').readFileSync(0, 'utf-8'));
const different = Object.keys(pairs).filter((name) => print(pairs[name][0]) !== print(pairs[name][1]));
console.log(JSON.stringify(different));
"""


@pytest.fixture(scope="module")
def joined() -> Bundles:
    return join_page(WEB)


@pytest.fixture(scope="module")
def named(joined: Bundles) -> Mapping[str, str]:
    """The bundles of all documents, by their names without the hash."""
    return name_bundles(joined)


def name_bundles(joined: Bundles) -> dict[str, str]:
    found = {}
    for path, text in joined.files.items():
        match = HASHED.fullmatch(path)
        assert match, path
        assert match[1] + match[2] not in found, "no two pages import the same module later"
        found[match[1] + match[2]] = text
    return found


def list_modules(bundle: str) -> list[str]:
    return re.findall(r'^"([\w./-]+\.js)": \(', bundle, re.M)


def find_reached(start: str) -> set[str]:
    """Find the modules that a module imports statically, with itself."""
    found, waiting = set(), [WEB / start]
    while waiting:
        path = waiting.pop()
        name = path.relative_to(WEB).as_posix()
        if name in found:
            continue
        found.add(name)
        text = path.read_text(encoding="utf-8")
        waiting += [(path.parent / each).resolve() for each in re.findall(r"^import [^;]*?'(\.[^']+)';", text, re.M)]
    return found


def test_each_bundle_has_what_its_module_needs_and_the_page_does_not_have_yet(named: Mapping[str, str]) -> None:
    first, views = find_reached("pages/atlas/main.js"), find_reached("pages/atlas/wiring.js")
    assert list_modules(named["pages/atlas/main.js"]) == sorted(first)
    assert list_modules(named["pages/atlas/wiring.js"]) == sorted(views - first)
    tour = find_reached("features/tour/tour.js")
    assert tour & first, "the tour needs some modules that are there"
    assert list_modules(named["features/tour/tour.js"]) == sorted(tour - first - views)
    for worker in ("compute/engine/worker.js", "compute/engine/trainer.js"):
        assert list_modules(named[worker]) == sorted(find_reached(worker)), "a worker has no page"
    compare = find_reached("pages/compare/main.js")
    assert list_modules(named["pages/compare/main.js"]) == sorted(compare)
    form = find_reached("pages/compare/settings_form.js")
    assert list_modules(named["pages/compare/settings_form.js"]) == sorted(form - compare)


def test_every_module_of_the_page_is_in_a_bundle(joined: Bundles, named: Mapping[str, str]) -> None:
    modules = {path.relative_to(WEB).as_posix() for path in WEB.rglob("*.js")}
    scripts = {"service-worker.js", "lib/opened_as_file.js", "vendor/plotly-gl3d-4.1.1.min.js"}
    apart = {*scripts, "model/types.js"}  # which has no code
    assert {name for bundle in named.values() for name in list_modules(bundle)} == modules - apart
    assert {name for name in joined.joined if name.endswith(".js")} == modules - apart


def test_every_import_of_a_bundle_finds_its_module(joined: Bundles, named: Mapping[str, str]) -> None:
    starts = {"pages/atlas/main.js", "pages/compare/main.js", "compute/engine/worker.js", "compute/engine/trainer.js"}
    for start in starts:
        [table] = re.findall(r"import\.meta\.url\), (\{.*\})\);", named[start])
        later: dict[str, str] = json.loads(table)
        assert set(later.values()) <= set(joined.files)
        bundles = [named[start], *(joined.files[path] for path in later.values())]
        there = {name for bundle in bundles for name in list_modules(bundle)}
        for bundle in bundles:
            assert set(re.findall(r'\$load\("([^"]+)"\)', bundle)) <= there
            assert set(re.findall(r'\$(?:import|worker)\("([^"]+)"\)', bundle)) <= later.keys()


def test_no_module_imports_itself_through_others() -> None:
    """Modules in a circle run in a browser, and would not as functions."""
    imports = {
        path: [(path.parent / each).resolve() for each in re.findall(r"^import [^;]*?'(\.[^']+)';", text, re.M)]
        for path in WEB.rglob("*.js")
        for text in [path.read_text(encoding="utf-8")]
    }
    done: set[Path] = set()
    while free := [path for path in imports if path not in done and done.issuperset(imports[path])]:
        done.update(free)
    assert imports.keys() == done


def test_documents_load_bundles_and_styles_in_their_order(joined: Bundles) -> None:
    for name, styles in (
        ("index.html", ["styles/tokens.css", "styles/layout.css", "styles/controls.css", "styles/plots.css"]),
        ("compare.html", ["styles/tokens.css", "styles/controls.css", "styles/plots.css", "pages/compare/compare.css"]),
    ):
        source, document = (WEB / name).read_text(encoding="utf-8"), joined.documents[name]
        [start] = re.findall(r'<script type="module" src="([^"]+)">', source)
        [script] = re.findall(r'<script type="module" src="([^"]+)">', document)
        match = HASHED.fullmatch(script)
        assert match
        assert match[1] + match[2] == start
        [style] = re.findall(r'<link rel="stylesheet" href="([^"]+)">', document)
        assert joined.files[style] == "\n".join((WEB / each).read_text(encoding="utf-8") for each in styles)
        links = re.compile(r' *<(?:link rel="stylesheet"|script).*\n')
        assert links.sub("", document) == links.sub("", source), "nothing else changes"


def test_names_have_the_hash_of_the_content_and_change_only_with_it(joined: Bundles, tmp_path: Path) -> None:
    for path, text in {**joined.files, **joined.source_maps}.items():
        assert hashlib.sha256(text.encode()).hexdigest()[:12] == path.split(".")[-2]
    shutil.copytree(WEB, tmp_path / "web")
    changed = tmp_path / "web" / "features" / "tour" / "tour.js"
    changed.write_text(changed.read_text(encoding="utf-8") + "export const MORE = 1;\n", encoding="utf-8")
    other = join_page(tmp_path / "web")
    new = {HASHED.sub(r"\1\2", path) for path in other.files.keys() - joined.files.keys()}
    assert new == {"features/tour/tour.js", "pages/atlas/main.js"}, "the first names the others"


def test_only_comments_and_empty_lines_are_left_out(named: Mapping[str, str]) -> None:
    """TypeScript's printer, which drops comments by parsing, prints the same program before and after."""
    pairs = {}
    for bundle in named.values():
        for name in list_modules(bundle):
            if name in pairs or name == "lib/files.js" or name.startswith("vendor/"):
                continue
            start = bundle.index(f'"{name}": (')
            end = bundle.index("\n},\n", start)
            inside = bundle[start + len(f'"{name}": ') : end + 2]
            pairs[name] = (f"({to_function(name, (WEB / name).read_text(encoding='utf-8'))});", f"({inside});")
    assert len(pairs) > 200
    assert any("/**" in whole for whole, _ in pairs.values())
    assert all(not re.search(r"^\s*/\*\*.*\*/$", short, re.M) for _, short in pairs.values())
    done = subprocess.run(
        ["node", "-e", COMPARE], input=json.dumps(pairs), capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert json.loads(done.stdout) == []


def test_source_maps_lead_to_the_lines_of_the_modules(joined: Bundles) -> None:
    for path, bundle in joined.files.items():
        if path.endswith(".css"):
            continue
        lines = bundle.split("\n")
        [name] = re.findall(r"^//# sourceMappingURL=(.+)$", lines[-1])
        source_map = json.loads(joined.source_maps[posixpath.join(posixpath.dirname(path), name)])
        places = decode(source_map)
        assert len(places) == len(lines) - 1
        folder = posixpath.join(WEB.as_posix(), posixpath.dirname(path))
        originals = {
            name: Path(posixpath.normpath(posixpath.join(folder, name))).read_text(encoding="utf-8").split("\n")
            for name in {place[0] for place in places if place}
        }
        for text, place in zip(lines, places, strict=False):
            if place and not ("/vendor/" in place[0] or WRITTEN.search(text)):
                assert originals[place[0]][place[1]].removeprefix("export ").rstrip() == text.rstrip(), path
        assert len(originals) == len(list_modules(bundle))


def decode(source_map: dict[str, Any]) -> list[tuple[str, int] | None]:
    """Decode a source map with one segment a line, by the definition of base64 VLQ."""
    digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    places: list[tuple[str, int] | None] = []
    source = line = 0
    for segment in source_map["mappings"].split(";"):
        numbers, value, shift = [], 0, 0
        for digit in map(digits.index, segment):
            value += (digit & 31) << shift
            shift += 5
            if not digit & 32:
                numbers.append(-(value >> 1) if value & 1 else value >> 1)
                value = shift = 0
        if numbers:
            assert numbers[0] == numbers[3] == 0
            source, line = source + numbers[1], line + numbers[2]
        places.append((source_map["sources"][source], line) if numbers else None)
    return places
