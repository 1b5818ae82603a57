"""Tests that the page's modules import leftwards only (docs/architecture.md), and that a feature can be deleted."""

from __future__ import annotations

import posixpath
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
WEB = ROOT / "src/lossatlas/web"
#: Each folder may import from itself and from those before it.
LAYERS = ["vendor", "lib", "model", "figures", "loading", "compute", "views", "features", "pages"]
#: What is fetched with its first use only: nobody imports these but themselves.
LAZY = ["features", "pages"]
#: An import that is made with the module itself; `import()` is made later, and may go anywhere.
STATIC = re.compile(r"^(?:import\b[^;('\"]*|export\s*(?:\*|\{[^}]*\})\s*from\s*)'(\.[^']+)'", re.MULTILINE)
MODULES = sorted(
    path.relative_to(WEB).as_posix()
    for path in WEB.rglob("*.js")
    if path.parent.name != "vendor" and path.parent != WEB
)


def imports_of(module: str) -> list[str]:
    found = STATIC.findall((WEB / module).read_text(encoding="utf-8"))
    return [posixpath.normpath(posixpath.join(posixpath.dirname(module), path)) for path in found]


def unit_of(module: str) -> str:
    """Return the layer of a module. In the layers of features and pages, it is the folder of one feature or page."""
    layer, *rest = module.split("/")
    return f"{layer}/{rest[0]}" if layer in LAZY else layer


def test_every_module_but_the_service_worker_is_in_a_layer() -> None:
    assert [path.name for path in WEB.glob("*.js")] == ["service-worker.js"]  # its folder is its scope
    assert {module.split("/")[0] for module in MODULES} == set(LAYERS) - {"vendor"}
    assert len(MODULES) > 100


@pytest.mark.parametrize("module", MODULES)
def test_a_module_imports_leftwards_only(module: str) -> None:
    layer, unit = module.split("/")[0], unit_of(module)
    for other in imports_of(module):
        assert (WEB / other).is_file(), f"{module} imports {other}, which is not there"
        its = other.split("/")[0]
        assert LAYERS.index(its) <= LAYERS.index(layer), f"{module} imports {other}: {layer} stands left of {its}"
        assert its not in LAZY or unit_of(other) == unit, (
            f"{module} imports {other}, which is fetched with its first use"
        )


def test_the_architecture_names_every_folder_and_every_module() -> None:
    rows = re.findall(
        r"^\| `([\w/]+)/` \| ([^|]*) \|", (ROOT / "docs/architecture.md").read_text("utf-8"), re.MULTILINE
    )
    named = {folder: sorted(re.findall(r"`(\w+)`", modules)) for folder, modules in rows if (WEB / folder).is_dir()}
    there: dict[str, list[str]] = {}
    for module in MODULES:
        folder, _, name = module.rpartition("/")
        there.setdefault(folder, []).append(name.removesuffix(".js"))
    assert {folder: named.get(folder) for folder in there} == {folder: sorted(names) for folder, names in there.items()}
    order = [folder.split("/")[0] for folder, _ in rows if folder.split("/")[0] in LAYERS]
    assert sorted(order, key=LAYERS.index) == order, "the table is in the order of the layers"


def test_only_the_code_that_creates_a_run_names_its_kind() -> None:
    """Everybody else asks the run what it can do, so that a new kind is one more value in ``model/run.js``."""
    asking = r"\bKINDS\b|\b[rR]un\??\.kind\b|=== 'page'"
    makers = {module for module in MODULES if re.search(asking, (WEB / module).read_text(encoding="utf-8"))}
    assert makers == {"model/run.js", "loading/live.js", "features/training/trained_run.js"}


def test_parts_that_load_at_their_first_use_are_loaded_by_one_helper() -> None:
    """But for the part of the page that is on its way while the first run travels."""
    all_of = r"Promise\.all\(\[[^\]]*\]|import\([^)]*\)"
    for module in MODULES:
        code = re.sub(r"/\*.*?\*/|//[^\n]*", "", (WEB / module).read_text(encoding="utf-8"), flags=re.DOTALL)
        lazily = re.findall(rf"(?:load: |createLazyModule\()\(\) =>\s*(?:{all_of})", code)
        first = module == "pages/atlas/main.js"
        by_helper = sum(part.count("import(") for part in lazily)
        assert code.count("import(") == by_helper + first, f"{module} imports lazily by hand; use lib/lazy.js"
        assert "'stylesheet'" not in code or module == "lib/lazy.js"


def test_numbers_are_written_and_rounded_by_one_module() -> None:
    """And no other module has Plotly write one, whose ``%{y:.4~g}`` looks unlike ours."""
    writers = re.compile(
        r"\.to(?:Fixed|Precision|Exponential|LocaleString)\(|\bIntl\.|replaceAll\('-', '−'\)|%\{[xyz]\b"
    )
    found = {module for module in MODULES if writers.search((WEB / module).read_text(encoding="utf-8"))}
    assert found == {"lib/numbers.js"}, "write and round numbers with lib/numbers.js"


def test_keys_are_joined_by_one_module() -> None:
    """A key that is joined by hand can be ambiguous, because a text may contain the separator."""
    by_hand = re.compile(
        r"""\b\w*[kK]ey\s*=\s*[`\[]"""  # const key = `${a}|${b}`, or a list that is compared as text
        r"""|\b\w*[kK]ey\s*=\s*JSON\.stringify"""
        r"""|[kK]ey\w*\s*=\s*\([^()]*\)\s*=>\s*[`\[]"""  # const keyOf = (shot) => [...].join()
        r"""|\.join\((?:'[|@#]')?\)"""  # a list with plain commas is not meant for people, so it is a key
        r"""|`planes/\$\{|lastIndexOf\('/'\)"""
    )
    found = {module: by_hand.findall((WEB / module).read_text(encoding="utf-8")) for module in MODULES}
    assert {module for module, keys in found.items() if keys} == {"model/keys.js"}, "make keys with model/keys.js"
