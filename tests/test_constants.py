"""Tests the constants that the package and the page share: in ``catalog.json``, or written in both."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lossatlas
from lossatlas.datasets import SOURCES, DatasetConfig
from lossatlas.engine import wasm_kernel
from lossatlas.networks import ACTIVATIONS, activations
from lossatlas.planes import FreshPlane
from lossatlas.rng import Stream
from lossatlas.runs import RunConfig
from lossatlas.runs.notebook import CLASS_COLOURS, VIRIDIS
from lossatlas.site import describe_catalog
from lossatlas.site.byte_planes import MAGIC, MEDIA_TYPE
from lossatlas.tables import columns, decoding, numbers, points, rows, sampling, table
from lossatlas.training import OPTIMIZERS, TrainingConfig, training

WEB = Path(lossatlas.__file__).parent / "web"
SCRIPTS = sorted(path for path in WEB.rglob("*.js") if "vendor" not in path.parts)
CATALOG = describe_catalog(compute=False)
CONSTANTS = CATALOG["constants"]


def code(path: str) -> str:
    return (WEB / path).read_text(encoding="utf-8")


def in_page(path: str, name: str) -> str:
    """Return the code after ``const NAME =`` in a module of the page, up to the semicolon at the end of a line."""
    found = re.search(rf"^(?:export )?const {name} =\s(\{{\n.*?^\}}|.*?);$", code(path), re.MULTILINE | re.DOTALL)
    assert found, f"{path} has no {name}"
    return found[1]


def number_in(path: str, name: str) -> float:
    return float(in_page(path, name).replace("_", ""))


def texts_in(path: str, name: str) -> list[str]:
    return [text.replace("\\t", "\t") for text in re.findall(r"'([^']*)'", in_page(path, name))]


def keys_in(path: str, name: str) -> list[str]:
    """List the properties of an object that is written with one property per line."""
    return re.findall(r"^  (\w+)\b[:,(]", in_page(path, name), re.MULTILINE)


def test_the_catalogs_bounds_are_those_of_the_settings() -> None:
    for name, bounds in CONSTANTS["bounds"].items():
        assert getattr(TrainingConfig.from_mapping({name: bounds["most"]}), name) == bounds["most"]
        with pytest.raises(lossatlas.LossAtlasError):
            TrainingConfig.from_mapping({name: bounds["most"] + 1})
        with pytest.raises(lossatlas.LossAtlasError):
            TrainingConfig.from_mapping({name: bounds["least"] - 1})


def test_the_catalogs_defaults_are_those_of_the_default_run() -> None:
    usual = RunConfig()
    assert CONSTANTS["defaults"]["points"] == usual.dataset.points
    assert CONSTANTS["defaults"]["test_fraction"] == usual.dataset.test_fraction
    assert CONSTANTS["defaults"]["boundary"] == usual.boundary.model_dump(mode="json")
    fresh = usual.planes[0]
    assert isinstance(fresh, FreshPlane)
    plane = CONSTANTS["fresh_plane"]
    assert (plane["kind"], plane["spans"], plane["grid"]) == (fresh.kind, list(fresh.spans or ()), fresh.grid)
    for dataset in CATALOG["datasets"]:
        assert dataset["noise"] == DatasetConfig(name=dataset["name"]).noise


def test_the_constants_survive_json_and_are_those_of_the_code() -> None:
    assert json.loads(json.dumps(CONSTANTS)) == CONSTANTS
    np.testing.assert_array_equal(CONSTANTS["colours"]["losses"], VIRIDIS)
    np.testing.assert_array_equal(CONSTANTS["colours"]["classes"], CLASS_COLOURS)
    assert len(CLASS_COLOURS) == CONSTANTS["own_data"]["classes"]
    assert {each["name"]: each["title"] for each in CONSTANTS["optimizers"]} == {
        name: optimizer.title for name, optimizer in OPTIMIZERS.items()
    }


def test_the_page_does_not_repeat_what_the_catalog_says() -> None:
    """No text and no colour of the catalog is a literal in the page, except names that the code needs."""
    texts = {
        *(each["title"] for each in (*CONSTANTS["optimizers"], *CATALOG["activations"], *CATALOG["datasets"])),
        *(text for each in CATALOG["datasets"] for text in (each["summary"], *each["features"], *each["classes"])),
        *(CONSTANTS["fresh_plane"][name] for name in ("title", "what", "hides")),
    } - {each["name"] for each in (*CONSTANTS["optimizers"], *CATALOG["activations"])}
    colours = CONSTANTS["colours"]["losses"] + CONSTANTS["colours"]["classes"]
    literals = {f"{quote}{text}{quote}" for text in texts for quote in "'\"`"} | {str(colour) for colour in colours}
    literals |= set(CONSTANTS["own_data"]["features"])
    for path in SCRIPTS:
        written = re.sub(r"/\*.*?\*/", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
        again = [literal for literal in literals if literal in written]
        assert not again, f"{path.relative_to(WEB)} has {again}; read it from model/constants.js"


#: Numbers of algorithms and rules that the page and the package contain.
NUMBERS = {
    ("compute/engine/measure.js", "LARGEST_LOGIT"): training._LARGEST_LOGIT,
    ("compute/engine/activations.js", "GELU_CUBIC"): activations._GELU_CUBIC,
    ("compute/engine/kernel.js", "BLOCK"): wasm_kernel.BLOCK,
    ("compute/engine/kernel.js", "PAGE"): wasm_kernel._PAGE,
    ("compute/engine/kernel.js", "LINE"): wasm_kernel._LINE,
    ("features/datasets/tables/sample.js", "LEAST"): sampling._LEAST,
    ("features/datasets/tables/sample.js", "FAR"): sampling._FAR,
    ("features/datasets/tables/sample.js", "FEW"): sampling._FEW,
    ("features/datasets/tables/read.js", "MAX_ERRORS"): table._MAX_ERRORS,
    ("features/datasets/tables/read.js", "NAMED"): points._NAMED,
    ("features/datasets/tables/rows.js", "PROBE"): rows._PROBE,
    ("features/datasets/tables/decode.js", "PROBE"): decoding._PROBE,
    ("features/datasets/tables/columns.js", "JUDGED"): columns._JUDGED,
}
#: Lists that both contain, in this order.
TEXTS: dict[tuple[str, str], list[str]] = {
    ("compute/engine/kernel.js", "ACTIVATIONS"): list(wasm_kernel._ACTIVATIONS),
    ("compute/engine/kernel.js", "BUILDS"): [wasm_kernel.RELAXED, wasm_kernel.PLAIN],
    ("features/datasets/tables/rows.js", "SEPARATORS"): list(rows.SEPARATORS),
    ("features/datasets/tables/numbers.js", "CURRENCY"): [numbers._CURRENCY],
    ("features/share/numbers.js", "METRICS"): list(training.METRICS),
}
#: Tables of the page, with the names that they must have an entry for.
KEYS: dict[tuple[str, str], list[str]] = {
    ("compute/engine/optimizers.js", "OPTIMIZERS"): list(OPTIMIZERS),
    ("compute/engine/activations.js", "ACTIVATIONS"): list(ACTIVATIONS),
    ("compute/engine/scalar.js", "FUNCTIONS"): list(ACTIVATIONS),
    ("compute/datasets/generate.js", "SAMPLES"): [source.name for source in SOURCES.values() if not source.is_real],
}


@pytest.mark.parametrize("place", NUMBERS, ids=" ".join)
def test_a_number_of_an_algorithm_that_both_have_is_the_same(place: tuple[str, str]) -> None:
    assert number_in(*place) == NUMBERS[place]


@pytest.mark.parametrize("place", TEXTS, ids=" ".join)
def test_a_list_that_both_have_is_the_same(place: tuple[str, str]) -> None:
    assert texts_in(*place) == TEXTS[place]


@pytest.mark.parametrize("place", KEYS, ids=" ".join)
def test_the_page_has_an_entry_for_every_entry_of_the_package(place: tuple[str, str]) -> None:
    assert sorted(keys_in(*place)) == sorted(KEYS[place])


def test_words_that_stand_for_no_value_are_the_same() -> None:
    assert set(texts_in("features/datasets/tables/numbers.js", "MISSING")) == numbers._MISSING
    assert set(texts_in("features/datasets/tables/numbers.js", "NO_LABEL")) == numbers._NO_LABEL
    names: Any = re.search(r"\^\((.*)\)\$", in_page("features/datasets/tables/columns.js", "LABEL_NAMES"))
    assert names[1] == columns._LABEL_NAMES.pattern


def test_streams_of_random_numbers_are_the_same() -> None:
    written = in_page("compute/engine/random.js", "STREAMS") + in_page("compute/engine/random.js", "POINT_STREAMS")
    found = {name: int(number) for name, number in re.findall(r"(\w+): (\d+)", written)}
    assert found == {
        "points": Stream.POINTS,
        "split": Stream.SPLIT,
        "weights": Stream.WEIGHTS,
        "batches": Stream.BATCHES,
        "directionA": Stream.DIRECTION_A,
        "directionB": Stream.DIRECTION_B,
    }


def test_packed_arrays_have_the_same_names_in_requests_and_answers() -> None:
    assert f"'{MEDIA_TYPE}, */*'" in code("loading/npy.js")
    assert f"'{MAGIC[1:].decode()}'" in code("loading/npy.js")


def test_the_parts_of_a_configuration_have_an_order_in_the_comparison() -> None:
    assert set(texts_in("pages/compare/differences.js", "ORDER")) == set(RunConfig.model_fields)
