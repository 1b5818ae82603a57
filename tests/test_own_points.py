"""Tests own points in Python, from arrays, tables and files to configurations, datasets and stored runs."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lossatlas as la
from lossatlas.datasets import OwnPoints
from lossatlas.errors import ConfigError, DataError, DataWarning
from lossatlas.runs import RunConfig
from lossatlas.server.jobs import Jobs
from lossatlas.server.service import RunService
from lossatlas.showcase import gallery_configs
from lossatlas.store import Gallery, read_manifest
from lossatlas.tables import read_bytes

DATA = Path(__file__).parent / "data" / "tables"
RANDOM = np.random.default_rng(0)
POINTS = RANDOM.normal(size=(30, 2)) * [1e-3, 1e6] + [1e9, -7]
CLASSES = np.arange(30) % 3 % 2  # the classes have 20 and 10 points


def config_of(labels: Any, **more: Any) -> la.DatasetConfig:
    return la.DatasetConfig.from_arrays(POINTS, labels, **more)


@pytest.mark.parametrize(
    ("labels", "classes"),
    [
        (CLASSES, ("class 0", "class 1")),
        (CLASSES + 1, ("class 1", "class 2")),
        (2 * CLASSES - 1, ("class -1", "class 1")),
        (CLASSES + 99.0, ("class 99", "class 100")),
        (CLASSES.astype(bool), ("False", "True")),
        (np.array(["no", "yes"])[CLASSES], ("no", "yes")),
        (np.array(["no", "yes"], object)[CLASSES], ("no", "yes")),
        (np.eye(2)[CLASSES], ("class 0", "class 1")),
        (CLASSES[:, None], ("class 0", "class 1")),
        (CLASSES.tolist(), ("class 0", "class 1")),
    ],
    ids=["0/1", "1/2", "-1/+1", "99/100", "bool", "text", "objects", "one-hot", "column", "list"],
)
def test_labels_are_taken_in_any_numbering(labels: Any, classes: tuple[str, ...]) -> None:
    config = config_of(labels)
    assert config.own is not None
    assert config.own.classes == classes
    assert config.own.label == tuple(CLASSES.tolist())
    assert np.array_equal(config.own.points, POINTS)  # the values are equal to the last bit
    assert (config.points, config.noise, config.class_count) == (30, 0.0, 2)


def test_names_can_be_given() -> None:
    own = config_of(CLASSES, features=["width", "height"], classes=["cat", "dog"], title=" My\tanimals ").own
    assert own is not None
    assert (own.title, own.features, own.classes) == ("My animals", ("width", "height"), ("cat", "dog"))
    named = config_of(2 * CLASSES - 1, classes=["below", "above"]).own
    assert named is not None
    assert named.classes == ("below", "above")
    assert named.label == tuple(CLASSES.tolist())
    unused = config_of(2 * CLASSES, classes=["a", "b", "c"]).own
    assert unused is not None
    assert unused.classes == ("a", "c")


@pytest.mark.parametrize(
    ("labels", "more", "message"),
    [
        (CLASSES[:-1], {}, r"the labels have the shape \[29\], but there are 30 points"),
        (np.where(CLASSES == 1, np.nan, 0.0), {}, "10 of 30 labels are missing, the first in row 1"),
        ([None, *CLASSES[1:]], {}, "1 of 30 labels are missing, the first in row 0"),
        (CLASSES * 0, {}, "every point has the same label, '0'; give points of at least two classes"),
        (np.arange(30), {}, "30 different labels, and at most 10 can be told apart"),
        (np.ones((30, 2)), {}, "not one-hot rows; give one label per point"),
        ([0] * 29 + [1], {}, "the class 'class 1' has 1 points, but needs 2"),
        (CLASSES + 5, {"classes": ["a", "b", "c"]}, "there are 3 class names for 2 different labels"),
        (CLASSES, {"features": "ab"}, "features: give 2 names, not ab"),
        (CLASSES, {"features": ["x", ""]}, "give a name that can be seen"),
        (CLASSES, {"classes": ["a", "a"]}, "two classes have the same name: a, a"),
        (CLASSES, {"features": ["x"]}, "features: give 2 names, not x"),
    ],
)
def test_arrays_that_cannot_be_used_are_refused_with_a_reason(labels: Any, more: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        config_of(labels, **more)


@pytest.mark.parametrize(
    ("points", "message"),
    [
        (np.where(POINTS[4] == POINTS, np.nan, POINTS), "row 4, column 0 is nan"),
        (POINTS[:, :1], r"points have the shape \[30, 1\]"),
        (POINTS.T, "transposed"),
    ],
)
def test_arrays_that_are_no_points_are_refused_with_a_reason(points: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        la.DatasetConfig.from_arrays(points, CLASSES)


def test_settings_are_checked() -> None:
    with pytest.raises(ConfigError, match=r"test_fraction: 2\.0 is not allowed"):
        config_of(CLASSES, test_fraction=2.0)
    with pytest.raises(ConfigError, match=r"points: 6 is not allowed: give 8 or more"):
        la.DatasetConfig.from_arrays(POINTS[:6], [0, 1] * 3)
    own = config_of(CLASSES).own
    for wrong in ({"noise": 1.0}, {"points": 31}, {"name": "moons"}):
        with pytest.raises(ConfigError, match="is not allowed: for these own points it is"):
            la.DatasetConfig(**{"own": own, **wrong})


def test_the_points_are_part_of_the_run_s_id_and_survive_json() -> None:
    config = RunConfig(dataset=config_of(CLASSES))
    again = RunConfig.from_mapping(json.loads(config.canonical))
    assert again == config
    assert hash(again) == hash(config)
    assert again.id == config.id
    assert config.id.startswith(f"{config.dataset.name}-16x16-tanh-")
    moved = POINTS.copy()
    moved[0, 0] = np.nextafter(moved[0, 0], 0)
    other = RunConfig(dataset=la.DatasetConfig.from_arrays(moved, CLASSES))
    assert other.dataset.name != config.dataset.name
    assert other.id != config.id
    assert "own" not in RunConfig().model_dump()["dataset"]


@pytest.mark.parametrize("test_fraction", [0.5, 0.25, 0.001, 0.999])
def test_each_class_is_split_by_itself_and_the_training_points_set_the_scale(test_fraction: float) -> None:
    config = config_of(CLASSES, test_fraction=test_fraction, seed=3)
    dataset = la.load_dataset(config)
    for k, count in ((0, 20), (1, 10)):
        expected = min(count - 1, max(1, round(count * test_fraction)))
        assert (dataset.split[dataset.labels == k] == 1).sum() == expected
    assert dataset.split.tolist() == sorted(dataset.split.tolist())
    original = dataset.points * dataset.scale + dataset.mean
    order = [int(np.abs(POINTS - row).max(axis=1).argmin()) for row in original]
    assert sorted(order) == list(range(30))
    assert np.array_equal(CLASSES[order], dataset.labels)
    train = POINTS[order][dataset.split == 0]
    np.testing.assert_allclose(dataset.mean, train.mean(axis=0), rtol=1e-12)
    assert dataset.points.dtype == np.float64


def test_values_that_differ_very_little_are_still_distinguished() -> None:
    points = np.stack([np.arange(30) * 1e-200, 1e28 * np.arange(30)], axis=1)
    dataset = la.load_dataset(la.DatasetConfig.from_arrays(points, CLASSES))
    assert np.isfinite(dataset.points).all()
    assert len(np.unique(dataset.points[:, 0])) == 30


class Frame:
    """A minimal data frame, with only the methods that are used."""

    def __init__(self, columns: dict[str, Any]) -> None:
        self._columns = columns

    columns = property(lambda self: list(self._columns))

    def __getitem__(self, name: str) -> Any:
        return self._columns[name]


TABLE = {"id": np.arange(30), "x": POINTS[:, 0], "y": POINTS[:, 1], "z": POINTS[:, 0] * 2, "who": CLASSES + 1}


@pytest.mark.parametrize(
    "table",
    [
        TABLE,
        Frame(TABLE),
        np.array(list(zip(*TABLE.values(), strict=True)), [(name, values.dtype) for name, values in TABLE.items()]),
    ],
    ids=["dict", "frame", "structured array"],
)
def test_tables_are_read_by_their_columns(table: Any) -> None:
    config = la.DatasetConfig.from_table(table, y="z", title="Mine")
    assert config.own is not None
    assert np.array_equal(config.own.points, np.stack([POINTS[:, 0], 2 * POINTS[:, 0]], axis=1))
    assert config.own.features == ("x", "z")
    assert config.own.classes == ("who 1", "who 2")
    assert config.own.title == "Mine"
    with pytest.raises(DataError, match="x: there is no column 'w'"):
        la.DatasetConfig.from_table(table, x="w")


def test_data_without_a_table_is_refused_and_left_out_rows_give_a_warning() -> None:
    with pytest.raises(DataError, match="ndarray is not a table: give a data frame"):
        la.DatasetConfig.from_table(POINTS)
    with pytest.raises(ConfigError, match="colour: there is no such setting; there are x, y, label"):
        la.DatasetConfig.from_table(TABLE, colour="red")
    holes = {**TABLE, "y": [None, *POINTS[1:, 1]]}
    with pytest.warns(DataWarning, match="One row has no number in “y” .column 3. and is left out: row 0"):
        assert la.DatasetConfig.from_table(holes, x="x", y="y").points == 29


@pytest.mark.parametrize("name", ["a00_xy_units.csv", "c01_user_id.csv", "s06_unix_time.csv", "l09_ten_classes.csv"])
def test_files_are_read_as_tables_are(name: str) -> None:
    config = la.DatasetConfig.from_file(DATA / name)
    table = read_bytes((DATA / name).read_bytes())
    assert config.own is not None
    assert np.array_equal(config.own.points, table.points)
    assert config.own.label == tuple(table.labels.tolist())
    assert (config.own.classes, config.own.features) == (table.classes, table.features)
    assert config.own.title == name.removesuffix(".csv")
    assert la.DatasetConfig.from_file(DATA / name, points=20).points == 20


def test_files_that_cannot_be_read_are_reported(tmp_path: Path) -> None:
    for path, message in (
        (tmp_path / "none.csv", "No such file"),
        (tmp_path, "Is a directory"),
        ("a\0b", "cannot read"),
    ):
        with pytest.raises(DataError, match=message):
            la.DatasetConfig.from_file(path)
    with pytest.raises(ConfigError, match="decimal: 'dot' is not allowed: give point"):
        la.DatasetConfig.from_file(DATA / "a00_xy_units.csv", decimal="dot")


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> tuple[Gallery, la.Run]:
    gallery = Gallery(tmp_path_factory.mktemp("own"))
    dataset = config_of(CLASSES, features=["width", "height"], classes=["cat", "dog"], title="My animals")
    quick = {"model": {"hidden": [3]}, "training": {"epochs": 3, "frames": 3}, "boundary": {"resolution": 5}}
    run = la.compute_run({"dataset": dataset, **quick, "planes": [{"grid": 5}]})
    gallery.save(run)
    return gallery, run


def test_a_run_on_own_points_is_stored_and_opened_again(stored: tuple[Gallery, la.Run]) -> None:
    gallery, run = stored
    again = gallery.open(run.id)
    assert again.setup.config == run.setup.config
    assert again.setup.dataset.title == "My animals"
    assert again.setup.title == "My animals · 1 × 3 tanh"
    assert again.setup.dataset.class_names == ("cat", "dog")
    assert again.setup.dataset.feature_names == ("width", "height")
    assert [verdict.fault for verdict in gallery.verify()] == [None]
    # the run contains the points, from which the same run can be computed
    assert la.compute_run(again.setup.config).trajectory.weights.tobytes() == run.trajectory.weights.tobytes()


def test_the_index_names_the_dataset_and_shows_some_of_its_points(stored: tuple[Gallery, la.Run]) -> None:
    gallery, run = stored
    [entry] = json.loads((gallery.data / "index.json").read_text())["runs"]
    assert (entry["dataset"]["name"], entry["dataset"]["title"]) == (run.setup.config.dataset.name, "My animals")
    assert not {"x", "y", "label"} & entry["config"]["dataset"]["own"].keys()
    thumbnail = entry["dataset"]["thumbnail"]
    assert len(thumbnail["x"]) == len(thumbnail["y"]) == len(thumbnail["label"]) == 30
    assert set(thumbnail["label"]) == {0, 1}
    for axis, values in zip(("x", "y"), POINTS.T, strict=True):  # even points such as 1e9 ± 1e-3 are visible
        assert np.corrcoef(thumbnail[axis], values)[0, 1] > 0.999
    own = read_manifest(gallery.data / "runs" / run.id)["config"]["dataset"]["own"]
    assert OwnPoints.from_mapping(own) == run.setup.config.dataset.own


def test_a_gallery_of_own_points_has_no_other_datasets() -> None:
    base = RunConfig(dataset=config_of(CLASSES))
    assert [(config.dataset, config.model.hidden) for config in gallery_configs(None, [[3], [4]], base)] == [
        (base.dataset, (3,)),
        (base.dataset, (4,)),
    ]


def test_a_name_of_own_points_alone_is_no_dataset() -> None:
    with pytest.raises(ConfigError, match="the points of 'own-12345678' are stored in their run"):
        la.load_dataset("own-12345678")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert la.load_dataset("moons").title == "Half moons"


def test_the_server_takes_own_points_by_their_name_from_a_run_that_has_them(stored: tuple[Gallery, la.Run]) -> None:
    gallery, run = stored
    service = RunService(gallery, Jobs(gallery))
    name = run.setup.config.dataset.name
    for dataset in ({"name": name}, {"name": name, "own": None}, {"name": name, "own": {"title": "My animals"}}):
        found = RunConfig.from_mapping(service.add_own_points({"dataset": dataset}))
        assert found.dataset == run.setup.config.dataset
    others: list[Any] = [{"dataset": {"name": "moons"}}, {}, [], None, {"dataset": "own-1"}, {"dataset": {"name": 3}}]
    for other in others:
        assert service.add_own_points(other) == other
    with pytest.raises(ConfigError, match="the points of 'own-00000000' are stored in their run only"):
        RunConfig.from_mapping(service.add_own_points({"dataset": {"name": "own-00000000"}}))
