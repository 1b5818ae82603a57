"""The layers of docs/architecture.md: an import may only point to the left."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import lossatlas

SOURCE = Path(lossatlas.__file__).parent
LAYERS = (
    ("errors", "arrays", "byte_planes", "checks", "inputs", "rng", "config"),
    ("tables", "datasets", "activations", "network", "engine", "gradient", "hessian", "optimizers"),
    ("training", "curvature"),
    ("stability", "directions"),
    ("surface", "rounding", "boundary"),
    ("cuts",),
    ("runs",),
    ("computing", "manifest"),
    ("reading",),
    ("store",),
    ("gallery", "catalog", "shell", "staging", "processes", "cluster"),
    ("parts",),
    ("work",),
    ("large",),
    ("building",),
    ("server", "export"),
    ("cli", "__main__"),
)
LAYER = {name: number for number, layer in enumerate(LAYERS) for name in layer}
MODULES = sorted(path.relative_to(SOURCE) for path in SOURCE.rglob("*.py") if path.parent != SOURCE / "web")


def layer_name(module: Path) -> str:
    return module.parts[0].removesuffix(".py")


def imports(module: Path) -> Iterator[tuple[str, bool]]:
    """Every imported module's full name, and whether the import stands where importing the module does not run it."""
    tree = ast.parse((SOURCE / module).read_text(encoding="utf-8"))
    inside = {
        id(node)
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) or _for_types_only(function)
        for node in ast.walk(function)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, id(node) in inside) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}: relative import"
            if node.module == "lossatlas":
                yield from ((f"lossatlas.{alias.name}", id(node) in inside) for alias in node.names)
            else:
                yield node.module or "", id(node) in inside


def _for_types_only(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def ours(module: Path) -> set[str]:
    return {name.split(".")[1] for name, _ in imports(module) if name.startswith("lossatlas.")}


def third_party(module: Path) -> set[str]:
    return {name.split(".")[0] for name, _ in imports(module)}


def test_there_is_something_to_check() -> None:
    assert len(MODULES) > 20
    assert Path("datasets/moons.py") in MODULES
    assert ours(Path("store.py")) >= {"manifest", "runs", "errors"}
    assert third_party(Path("engine/blas.py")) >= {"threadpoolctl"}


@pytest.mark.parametrize("module", MODULES, ids=str)
def test_every_module_has_a_layer_and_imports_only_to_the_left(module: Path) -> None:
    if module == Path("__init__.py"):
        return  # the package's own front: it names everything
    name = layer_name(module)
    assert name in LAYER, f"{module} has no place in the layers"
    to_the_right = {other for other in ours(module) if LAYER.get(other, -1) > LAYER[name]}
    assert not to_the_right, f"{module} imports {sorted(to_the_right)}, which stand to the right of {name}"


@pytest.mark.parametrize("module", MODULES, ids=str)
def test_heavy_packages_are_imported_only_where_they_belong(module: Path) -> None:
    assert "torch" not in third_party(module)
    at_the_top = {name.split(".")[0] for name, inside in imports(module) if not inside}
    assert not at_the_top & {"sklearn", "scipy", "distributed"}, "they take too long: import them where they are used"
    allowed = {
        "fastapi": {"server"},
        "starlette": {"server"},
        "uvicorn": {"server"},
        "click": {"cli"},
        "distributed": {"cluster"},
    }
    for package, layers in allowed.items():
        if package in third_party(module):
            assert layer_name(module) in layers, f"{module} imports {package}"


def test_no_two_modules_import_each_other() -> None:
    """Packages may look into themselves; between flat modules there is no circle."""
    graph: dict[str, set[str]] = {}
    for module in MODULES:
        if module != Path("__init__.py"):
            graph.setdefault(layer_name(module), set()).update(ours(module) - {layer_name(module)})
    done: list[str] = []
    while len(done) < len(graph):
        free = [name for name in graph if name not in done and graph[name] & graph.keys() <= set(done)]
        assert free, f"a circle among {sorted(graph.keys() - set(done))}"
        done += free
