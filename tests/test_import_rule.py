"""Tests the layers of docs/architecture.md: imports point only to the left, and no ``__init__.py`` contains code."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

import lossatlas

SOURCE = Path(lossatlas.__file__).parent
ARCHITECTURE = Path(__file__).parents[1] / "docs" / "architecture.md"
#: The layers from left to right. A name is a package, or a module beside the packages.
LAYERS = (
    ("errors", "arrays", "checks", "input_files", "rng", "config"),
    ("tables",),
    ("datasets",),
    ("networks",),
    ("engine",),
    ("derivatives",),
    ("training",),
    ("curvature",),
    ("planes",),
    ("landscape",),
    ("runs",),
    ("store",),
    ("showcase",),
    ("building",),
    ("torch",),
    ("site",),
    ("server",),
    ("cli",),
    ("__main__",),
)
LAYER = {name: number for number, layer in enumerate(LAYERS) for name in layer}
MODULES = sorted(path.relative_to(SOURCE) for path in SOURCE.rglob("*.py") if path != SOURCE / "__init__.py")
FRONTS = [module for module in MODULES if module.name == "__init__.py"]
PACKAGES = [front.parent.as_posix() for front in FRONTS]


def name_module(module: Path) -> str:
    """Name a module: ``lossatlas.store.read`` for ``store/read.py``, ``lossatlas.store`` for its ``__init__.py``."""
    parts = module.with_suffix("").parts
    return ".".join(("lossatlas", *(parts[:-1] if parts[-1] == "__init__" else parts)))


NAMES = {name_module(module) for module in MODULES}


def layer_name(module: Path) -> str:
    return module.parts[0].removesuffix(".py")


@cache
def parse(module: Path) -> ast.Module:
    return ast.parse((SOURCE / module).read_text(encoding="utf-8"))


@cache
def list_imports(module: Path) -> list[tuple[str, bool]]:
    """List the full names of imported modules, and whether each import runs later than the import of this module."""
    tree = parse(module)
    inside = {
        id(node)
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) or _for_types_only(function)
        for node in ast.walk(function)
    }
    found: list[tuple[str, bool]] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += ((alias.name, id(node) in inside) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}: relative import"
            for alias in node.names:
                submodule = f"{node.module}.{alias.name}"
                found.append((submodule if submodule in NAMES else node.module or "", id(node) in inside))
    return found


def _for_types_only(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def list_own_imports(module: Path) -> set[str]:
    """List the full names of the modules of this package that a module imports anywhere."""
    return {name for name, _ in list_imports(module) if name.startswith("lossatlas.")}


def third_party(module: Path) -> set[str]:
    return {name.split(".")[0] for name, _ in list_imports(module)}


def test_there_is_something_to_check() -> None:
    assert len(MODULES) > 60
    assert Path("datasets/moons.py") in MODULES
    assert list_own_imports(Path("store/write.py")) >= {
        "lossatlas.store.manifest",
        "lossatlas.runs",
        "lossatlas.errors",
    }
    assert list_own_imports(Path("engine/evaluator.py")) >= {"lossatlas.engine.wasm_kernel"}
    assert third_party(Path("engine/blas.py")) >= {"threadpoolctl"}


@pytest.mark.parametrize("module", MODULES, ids=str)
def test_every_module_has_a_layer_and_imports_only_to_the_left(module: Path) -> None:
    name = layer_name(module)
    assert name in LAYER, f"{module} has no place in the layers"
    to_the_right = {other for other in list_own_imports(module) if LAYER[other.split(".")[1]] > LAYER[name]}
    assert not to_the_right, f"{module} imports {sorted(to_the_right)}, which stand to the right of {name}"


@pytest.mark.parametrize("module", MODULES, ids=str)
def test_heavy_packages_are_imported_only_where_they_belong(module: Path) -> None:
    assert "torch" not in third_party(module) or layer_name(module) == "torch"
    at_the_top = {name.split(".")[0] for name, inside in list_imports(module) if not inside}
    assert not at_the_top & {"sklearn", "scipy", "distributed", "plotly", "safetensors"}, (
        "these imports take too long: import the modules where they are used"
    )
    allowed = {
        "fastapi": "lossatlas.server",
        "starlette": "lossatlas.server",
        "uvicorn": "lossatlas.server",
        "click": "lossatlas.cli",
        "distributed": "lossatlas.building.dask_cluster",
        "sklearn": "lossatlas.datasets.real",
        "plotly": "lossatlas.runs.plots",
        "lightning": "lossatlas.torch.lightning_callback",
        "pytorch_lightning": "lossatlas.torch.lightning_callback",
        "transformers": "lossatlas.torch.transformers_callback",
        "safetensors": "lossatlas.torch.checkpoints",
    }
    for package, home in allowed.items():
        if package in third_party(module):
            assert name_module(module).startswith(home), f"{module} imports {package}"


def test_no_modules_import_each_other_in_a_circle() -> None:
    """An ``__init__.py`` counts as a module, so a module that imports from its own package is found."""
    graph = {name_module(module): list_own_imports(module) for module in MODULES}
    done: set[str] = set()
    while len(done) < len(graph):
        free = {name for name in graph if name not in done and graph[name] <= done}
        assert free, f"a circle among {sorted(graph.keys() - done)}"
        done |= free


@pytest.mark.parametrize("module", [each for each in MODULES if layer_name(each) != "cli"], ids=str)
def test_only_the_command_line_names_its_options(module: Path) -> None:
    tree = parse(module)
    docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    texts = [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings
    ]
    assert not [text for text in texts if re.search(r"(?<![\w-])--[a-z]", text)]


_TYPE_CHECKING = "from typing import TYPE_CHECKING"


@pytest.mark.parametrize("front", FRONTS, ids=str)
def test_the_init_module_of_a_package_only_lists_its_public_names(front: Path) -> None:
    [docstring, *body] = parse(front).body
    assert isinstance(docstring, ast.Expr)
    if isinstance(last := body[-1], ast.FunctionDef):  # it imports modules that take long when they are first used
        assert last.name == "__getattr__"
        body = [node for node in body[:-1] if not _for_types_only(node) and ast.unparse(node) != _TYPE_CHECKING]
    *imported, names = body
    assert all(isinstance(node, ast.ImportFrom) for node in imported), f"{front} contains code: move it into a module"
    assert isinstance(names, ast.Assign)
    listed = ast.literal_eval(names.value)
    found = [alias.name for node in imported if isinstance(node, ast.ImportFrom) for alias in node.names]
    assert sorted(listed) == sorted(found)


def read_architecture() -> list[tuple[str, set[str]]]:
    """Read the table of packages: its first column, and the names in backticks in its second column."""
    text = ARCHITECTURE.read_text(encoding="utf-8")
    [table] = re.findall(r"^\| package \| modules \|.*\n((?:\|.*\n)+)", text, re.MULTILINE)
    rows = [row.split("|")[1:3] for row in table.splitlines()[1:]]
    return [(package.strip(" `/"), set(re.findall(r"`(\w+)`", modules))) for package, modules in rows]


def modules_in(folder: Path) -> set[str]:
    return {path.stem for path in folder.glob("*.py")} - {"__init__"}


def test_the_architecture_names_every_package_and_every_module_in_the_order_of_the_layers() -> None:
    rows = read_architecture()
    beside: set[str] = set().union(*(modules for package, modules in rows if not package))
    assert beside == modules_in(SOURCE)
    packages = {package: modules for package, modules in rows if package}
    assert packages == {package: modules_in(SOURCE / package) for package in PACKAGES}
    layers = [LAYER[name] for package, modules in rows for name in ([package] if package else modules)]
    assert layers == sorted(layers)
