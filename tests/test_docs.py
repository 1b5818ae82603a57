"""Tests docs/reading-a-landscape.md: its numbers are the measured ones, and its pictures and commands exist."""

from __future__ import annotations

import json
import re
import tomllib
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from scripts.figure_data import format_number, format_percent, random_walk, rescale, spectrum
from scripts.processors import join_all

import lossatlas
from lossatlas.arrays import Float64
from lossatlas.cli.options import MODEL_SETTINGS, PLANES, SETTINGS
from lossatlas.runs import Run
from tests.conftest import network_of, some_models

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "reading-a-landscape.md").read_text(encoding="utf-8")
IMAGES = ROOT / "docs" / "images"
NUMBERS: dict[str, str] = json.loads((IMAGES / "figures.json").read_text(encoding="utf-8"))
#: The quoted numbers with their names: ``0.71<!--start_loss-->``, ``98.9 %<!--pca_holds-->``.
QUOTED = [(text, name) for text, name in re.findall(r"([−\d][\d.,–]*(?: %)?)<!--(\w+)-->", PAGE)]


def test_every_number_of_the_page_is_the_measured_one() -> None:
    assert len(QUOTED) == PAGE.count("<!--")
    wrong = {name: (text, NUMBERS.get(name)) for text, name in QUOTED if NUMBERS.get(name) != text}
    assert not wrong


def test_every_measured_number_is_quoted() -> None:
    assert NUMBERS.keys() == {name for _, name in QUOTED}


def test_every_picture_exists_is_small_and_has_a_caption() -> None:
    shown = re.findall(r"!\[([^\]]+)\]\(images/([\w-]+\.png)\)\n\n\*[^*]+\*\n", PAGE)
    assert len(shown) == PAGE.count("![") == 7
    for _, file in shown:
        content = (IMAGES / file).read_bytes()
        assert content.startswith(b"\x89PNG"), file
        assert len(content) < 120_000, file


def test_the_random_walk_is_the_one_on_the_page() -> None:
    assert random_walk().numbers.items() <= NUMBERS.items()


def test_another_random_walk_gives_the_theorys_share_too() -> None:
    share = float(random_walk(seed=1).numbers["walk_share"].removesuffix(" %"))
    assert share == pytest.approx(float(NUMBERS["walk_theory"].removesuffix(" %")), abs=1.0)


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.29861, "0.30"), (58.04, "58"), (0.000381, "0.00038"), (4.0, "4.0"), (187.0, "190"), (0.000013, "0.000013")],
)
def test_numbers_are_quoted_in_two_digits(value: float, text: str) -> None:
    assert format_number(value) == text


@pytest.mark.parametrize(
    ("found", "text"),
    [
        (["0.24", "0.77", "0.3"], "0.24–0.77"),
        (["0.0025", "0.0025"], "0.0025"),
        (["80–95 %", "53 %", "100 %"], "53–100 %"),
        (["5", "3"], "3–5"),
    ],
)
def test_results_that_differ_between_processors_are_quoted_as_ranges(found: list[str], text: str) -> None:
    assert join_all({"name": one} for one in found) == {"name": text}


def test_shares_are_quoted_in_per_cent() -> None:
    assert (format_percent(0.4249), format_percent(0.98949, 1)) == ("42 %", "98.9 %")


def test_every_command_of_the_page_is_valid() -> None:
    flags = {setting.flag for setting in (*MODEL_SETTINGS, *SETTINGS)} | {"--plane"}
    commands = re.findall(r"^    lossatlas train (.*?)(?:  #.*)?$", PAGE, re.MULTILINE)
    assert len(commands) > 8
    for command in commands:
        assert set(re.findall(r"--[\w-]+", command)) <= flags, command
        assert set(re.findall(r"--plane ([\w-]+)", command)) <= PLANES.keys(), command
    assert set(re.findall(r"--plane ([\w-]+)", PAGE)) == PLANES.keys() - {"fresh-layer"}


def test_every_python_name_of_the_page_exists() -> None:
    names = re.findall(r"\bla\.(\w+)", PAGE)
    assert names
    assert set(names) <= set(lossatlas.__all__)
    for module, name in re.findall(r"^    from (lossatlas[\w.]*) import (\w+)$", PAGE, re.MULTILINE):
        scope: dict[str, object] = {}
        exec(f"from {module} import {name}", scope)
        assert callable(scope[name])


def test_matplotlib_draws_the_docs_and_is_no_dependency() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert [group for group, packages in project["dependency-groups"].items() if "matplotlib>=3.9" in packages] == [
        "docs"
    ]
    needed = [project["project"]["dependencies"], *project["project"]["optional-dependencies"].values()]
    assert not [package for packages in needed for package in packages if package.startswith("matplotlib")]
    sources = (ROOT / "src" / "lossatlas").rglob("*.py")
    assert not [source.name for source in sources if "matplotlib" in source.read_text(encoding="utf-8")]


def test_a_rescaled_relu_network_is_the_same_function_with_other_parameters() -> None:
    network = network_of(5, 4, activation="relu")
    theta = some_models(network, 1)[0].astype(np.float64)
    other = rescale(network, theta, 10.0)
    assert np.abs(other - theta).max() > 1
    points = np.random.default_rng(0).normal(size=(30, 2))
    logits = [relu_logits(network.layers, model, points) for model in (theta, other)]
    np.testing.assert_allclose(logits[1], logits[0], rtol=1e-12, atol=1e-12)


def relu_logits(layers: tuple[int, ...], theta: Float64, points: Float64) -> Float64:
    """Compute the logits layer by layer, from the layout of theta in docs/run-format.md."""
    values, start = points, 0
    for number, (fan_in, fan_out) in enumerate(pairwise(layers)):
        weight = theta[start : start + fan_in * fan_out].reshape(fan_out, fan_in)
        start += fan_in * fan_out
        values = values @ weight.T + theta[start : start + fan_out]
        start += fan_out
        values = np.maximum(values, 0) if number < len(layers) - 2 else values
    return values


def test_random_directions_see_the_mean_curvature(small_run: Run) -> None:
    shown = spectrum(small_run)
    values, seen = shown.data["spectrum"], shown.data["seen"]
    # This is about the standard deviation of dᵀHd for d uniform on the sphere.
    spread = np.sqrt(2 * (values**2).sum()) / len(values)
    assert abs(seen.mean() - values.mean()) < 4 * spread / np.sqrt(len(seen))
    assert values[0] <= seen.min() <= seen.max() <= values[-1]
