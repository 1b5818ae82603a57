from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from lossatlas.datasets import SOURCES
from lossatlas.errors import ConfigError, LossAtlasError
from lossatlas.networks import ACTIVATIONS
from lossatlas.runs import RunConfig
from lossatlas.training import OPTIMIZERS

SEEDS = st.integers(0, 2**53 - 1)
DATASETS = st.sampled_from(sorted(SOURCES)).flatmap(
    lambda name: st.fixed_dictionaries(
        {"name": st.just(name)},
        optional={
            "points": st.integers(20, SOURCES[name].available or 20_000),
            "noise": st.just(0) if SOURCES[name].is_real else st.floats(0, 10),
            "test_fraction": st.floats(0.2, 0.7),
            "seed": SEEDS,
        },
    )
)
SPANS = st.lists(st.floats(0, 1000, exclude_min=True), min_size=1, max_size=4, unique=True)
#: Configurations that JSON or TOML can express. Any part may be left out.
MAPPINGS = st.fixed_dictionaries(
    {},
    optional={
        "dataset": DATASETS,
        "model": st.fixed_dictionaries(
            {},
            optional={
                "hidden": st.lists(st.integers(1, 64), max_size=6),
                "activation": st.sampled_from(sorted(ACTIVATIONS)),
            },
        ),
        "training": st.fixed_dictionaries(
            {},
            optional={
                "optimizer": st.sampled_from(sorted(OPTIMIZERS)),
                "learning_rate": st.floats(0, 10_000, exclude_min=True),
                "momentum": st.floats(0, 1, exclude_max=True),
                "batch_size": st.integers(1, 20_000) | st.just("full"),
                "weight_decay": st.floats(0, 10),
                "epochs": st.integers(1, 1_000_000),
                "frames": st.integers(2, 100),
                "seed": SEEDS,
            },
        ),
        "boundary": st.fixed_dictionaries({}, optional={"resolution": st.integers(2, 200), "margin": st.floats(0, 2)}),
        "planes": st.fixed_dictionaries(
            {},
            optional={"seed": SEEDS, "spans": SPANS, "grid": st.integers(1, 50).map(lambda half: 2 * half + 1)},
        ).map(lambda plane: [plane]),
    },
)
CONFIGS = MAPPINGS.map(RunConfig.from_mapping)
PATHS = [
    ("dataset",),
    ("model",),
    ("training",),
    ("boundary",),
    ("planes", 0),
    (),
]


@given(CONFIGS)
def test_canonical_json_reads_back_as_the_same_configuration(config: RunConfig) -> None:
    again = RunConfig.from_mapping(json.loads(config.canonical))
    assert again == config
    assert hash(again) == hash(config)
    assert (again.canonical, again.id) == (config.canonical, config.id)


@given(CONFIGS)
def test_canonical_json_is_sorted_ascii_without_spaces(config: RunConfig) -> None:
    assert config.canonical.isascii()
    assert config.canonical == json.dumps(json.loads(config.canonical), sort_keys=True, separators=(",", ":"))


@given(MAPPINGS)
def test_reading_changes_no_value_that_was_given_and_not_the_mapping(values: dict[str, Any]) -> None:
    before = json.dumps(values)
    said = RunConfig.from_mapping(values).model_dump(mode="json")
    assert json.dumps(values) == before
    for name, part in values.items():
        found, given_part = (said[name][0], part[0]) if name == "planes" else (said[name], part)
        for key, value in given_part.items():
            assert found[key] == value


@given(st.sampled_from(PATHS), st.text("abcdefgh_", min_size=1, max_size=12))
def test_unknown_names_are_refused_at_any_place(path: tuple[Any, ...], name: str) -> None:
    values: Any = json.loads(RunConfig().canonical)
    place = values
    for step in path:
        place = place[step]
    if name in place:
        return
    place[name] = 1
    with pytest.raises(ConfigError) as caught:
        RunConfig.from_mapping(values)
    [(field, message)] = caught.value.faults
    assert field == ".".join(map(str, (*path, name)))
    assert message.startswith("there is no such setting")


@pytest.mark.parametrize(
    ("values", "field", "remedy"),
    [
        ({"epochs": 5}, "epochs", "here; training has one: in TOML, write it below a line [training]"),
        ({"seed": 5}, "seed", "here; dataset or training or planes has one"),
        ({"train": {"epochs": 5}}, "train", "did you mean training? There are dataset, model, training"),
        ({"training": {"lr": 0.1}}, "training.lr", "; there are optimizer, learning_rate, momentum"),
        ({"model": {"hiden": [3]}}, "model.hiden", "did you mean hidden? There are hidden, activation, residual"),
        ({"planes": [{"kind": "pca", "span": 1}]}, "planes.0.span", "; did you mean spans? There are kind, spans"),
        ({"planes": [{"kind": "pca", "seed": 1}]}, "planes.0.seed", "there are kind, spans, grid, moving"),
        (
            {"model": {"hidden": "16,16"}},
            "model.hidden",
            "'16,16' is not allowed: give a list of widths, as in hidden = [16, 16]",
        ),
        ({"model": {"hidden": 16}}, "model.hidden", "16 is not allowed: give a list of widths, as in hidden = [16]"),
        (
            {"planes": [{"kind": "through", "points": ["end"]}]},
            "planes.0.points",
            "end is not three points; give three, such as end",
        ),
        ({"planes": "pca"}, "planes", "'pca' is not allowed: give a list"),
        ({"training": 3}, "training", "3 is not allowed: give its settings by name"),
        (
            {"dataset": {"name": "iris", "points": 1000}},
            "dataset",
            "1000 points are not allowed: iris has 150; give 150",
        ),
    ],
)
def test_a_mistake_is_reported_with_its_remedy(values: dict[str, Any], field: str, remedy: str) -> None:
    with pytest.raises(ConfigError) as caught:
        RunConfig.from_mapping(values)
    [(found, message)] = caught.value.faults
    assert found == field
    assert remedy in message


@pytest.mark.parametrize("other", [3, "moons", None, [("dataset", {})], object()])
def test_a_wrong_configuration_is_refused_by_name(other: Any) -> None:
    with pytest.raises(ConfigError, match="is not allowed: give a RunConfig, or its settings as a dict"):
        RunConfig.from_mapping(other)
    assert RunConfig.from_mapping(RunConfig()) is not None


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("dataset.points", 7),
        ("dataset.noise", 11),
        ("dataset.test_fraction", 1.5),
        ("dataset.seed", 2**53),
        ("model.hidden.1", 0),
        ("training.optimizer", "lion"),
        ("training.learning_rate", -1),
        ("training.momentum", 1),
        ("training.batch_size", 0),
        ("training.batch_size", "half"),
        ("training.weight_decay", -1),
        ("training.epochs", 0),
        ("training.frames", 1),
        ("training.seed", -5),
        ("boundary.resolution", 0),
        ("boundary.margin", 3),
        ("planes.0.spans.0", -1),
        ("planes.0.grid", 10),
        ("planes.0.grid", 999),
        ("planes.0.kind", "pcb"),
    ],
)
def test_a_value_out_of_range_is_refused_by_its_whole_path_and_the_value(field: str, value: Any) -> None:
    values: Any = json.loads(RunConfig().canonical)
    *path, last = (int(step) if step.isdigit() else step for step in field.split("."))
    place = values
    for step in path:
        place = place[step]
    place[last] = value
    with pytest.raises(ConfigError) as caught:
        RunConfig.from_mapping(values)
    assert [name for name, _ in caught.value.faults] == [field]
    assert str(value) in caught.value.faults[0][1]
    assert str(caught.value).startswith(f"{field}: ")


def test_every_fault_is_reported_at_once() -> None:
    with pytest.raises(ConfigError) as caught:
        RunConfig.from_mapping({"training": {"epochs": 0, "frames": 1}, "boundary": {"margin": -1}, "extra": 1})
    names = sorted(name for name, _ in caught.value.faults)
    assert names == ["boundary.margin", "extra", "training.epochs", "training.frames"]


@pytest.mark.parametrize(
    "values", [[], "moons", 3, None, {"dataset": []}, {"planes": {}}, {"planes": []}, {"model": 1}]
)
def test_a_value_that_is_no_mapping_is_a_config_error(values: Any) -> None:
    with pytest.raises(ConfigError):
        RunConfig.from_mapping(values)


def test_errors_are_the_same_however_a_configuration_is_made() -> None:
    with pytest.raises(ConfigError) as by_name:
        RunConfig(boundary={"margin": 9})
    with pytest.raises(ConfigError) as by_mapping:
        RunConfig.from_mapping({"boundary": {"margin": 9}})
    with pytest.raises(ConfigError) as by_change:
        RunConfig().with_values(boundary={"margin": 9})
    assert by_name.value.faults == by_mapping.value.faults == by_change.value.faults
    assert isinstance(by_name.value, LossAtlasError)
    assert isinstance(by_name.value, ValueError)


def test_configurations_are_immutable() -> None:
    config = RunConfig()
    with pytest.raises(ValidationError, match="frozen"):
        config.model = config.model  # type: ignore[misc]


def test_with_values_changes_only_those() -> None:
    config = RunConfig()
    changed = config.with_values(model={"hidden": [3]})
    assert changed.model.hidden == (3,)
    assert changed.with_values(model=config.model) == config
    assert config == RunConfig()


def test_a_run_too_large_to_hold_is_refused_with_its_size() -> None:
    large = {"training": {"epochs": 1000, "frames": 1000}, "planes": [{"grid": 501}]}
    with pytest.raises(ConfigError, match=r"this run would take 3\.\d GB, and 2\.0 GB are allowed: give fewer frames"):
        RunConfig.from_mapping(large)
    smaller = RunConfig.from_mapping({**large, "training": {"epochs": 1000, "frames": 100}})
    planes, boundary = 100 * 3 * 501**2 * 4, 100 * 2 * 100**2
    assert smaller.size == planes + boundary + 100 * (512 + 4 * 354)


def test_whole_numbers_in_messages_are_whole() -> None:
    with pytest.raises(ConfigError, match=r"training.seed: .* give a number below 9007199254740992"):
        RunConfig.from_mapping({"training": {"seed": 2**53}})
