"""Tests planes whose directions are read from a file."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path

import numpy as np
import pytest

from lossatlas.arrays import AnyArray
from lossatlas.errors import ConfigError, PlaneError
from lossatlas.planes import FilePlane
from tests.conftest import network_of
from tests.planes.trained import train_network

NETWORK = network_of(5, 4)
VECTORS = np.random.default_rng(0).normal(size=(2, 49))


def save_plane(path: Path, vectors: AnyArray = VECTORS) -> FilePlane:
    np.save(path, vectors)
    return FilePlane(file=str(path))


@pytest.mark.parametrize("dtype", ["float64", "float32", ">f8", "int16"])
def test_the_directions_are_the_two_rows_as_they_are(tmp_path: Path, dtype: str) -> None:
    vectors = (10 * VECTORS).astype(dtype)
    ended = train_network(NETWORK)
    plane = save_plane(tmp_path / "mine.npy", vectors).lay(ended)
    assert (plane.directions == vectors.astype(np.float32)).all()
    assert plane.directions.dtype == np.float32
    assert (plane.centre == ended.trajectory.weights[-1]).all()
    assert (plane.kind, plane.centre_frame, plane.title) == ("file", 5, "Vectors of mine.npy")


def test_the_digest_is_that_of_the_bytes_and_part_of_the_configuration(tmp_path: Path) -> None:
    first = save_plane(tmp_path / "a.npy")
    assert first.sha256 == hashlib.sha256((tmp_path / "a.npy").read_bytes()).hexdigest()
    assert FilePlane.from_mapping(first.model_dump(mode="json")) == first
    assert save_plane(tmp_path / "a.npy", VECTORS + 1).sha256 != first.sha256


def test_a_configuration_with_a_digest_needs_its_file_only_for_the_plane(tmp_path: Path) -> None:
    plane = save_plane(tmp_path / "a.npy")
    (tmp_path / "a.npy").unlink()
    again = FilePlane.from_mapping(plane.model_dump(mode="json"))
    with pytest.raises(ConfigError, match=r"file: cannot read .*a\.npy: No such file"):
        again.lay(train_network(NETWORK))


def test_a_file_that_has_changed_is_refused(tmp_path: Path) -> None:
    plane = save_plane(tmp_path / "a.npy")
    save_plane(tmp_path / "a.npy", VECTORS + 1)
    with pytest.raises(ConfigError, match=r"file: .*a\.npy has changed"):
        plane.lay(train_network(NETWORK))


def archive() -> bytes:
    target = io.BytesIO()
    np.savez(target, vectors=VECTORS)
    return target.getvalue()


def pickle_array() -> bytes:
    target = io.BytesIO()
    np.save(target, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    return target.getvalue()


def store_array(vectors: AnyArray) -> bytes:
    target = io.BytesIO()
    np.save(target, vectors)
    return target.getvalue()


def with_one(value: float) -> AnyArray:
    vectors = VECTORS.copy()
    vectors[1, 7] = value
    return vectors


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"", "is not a NumPy array"),
        (b"a, b", "is not a NumPy array"),
        (archive(), "an archive"),
        (pickle_array(), "is not a NumPy array"),
        (store_array(VECTORS)[:-8], "is not a NumPy array"),
        (store_array(VECTORS.T), r"holds float64 \[49, 2\]; two directions are real numbers \[2, 49\]"),
        (store_array(VECTORS[:, :-1]), r"\[2, 48\]; .*\[2, 49\]"),
        (store_array(VECTORS[:1]), r"\[1, 49\]"),
        (store_array(VECTORS > 0), "holds bool"),
        (store_array(VECTORS + 1j), "holds complex128"),
        (store_array(VECTORS.astype("U8")), "holds <U8"),
        (store_array(with_one(np.nan)), "not finite"),
        (store_array(with_one(-np.inf)), "not finite"),
        (store_array(with_one(1e39)), "float32 cannot hold"),
    ],
    ids=["empty", "text", "npz", "pickle", "cut", "transposed", "short", "one", "bool", "complex", "words", "NaN",
         "inf", "large"],
)  # fmt: skip
def test_nan_silently_replaced__what_are_not_two_directions_is_refused(
    tmp_path: Path, content: bytes, fault: str
) -> None:
    path = tmp_path / "a.npy"
    path.write_bytes(content)
    plane = FilePlane(file=str(path))
    with pytest.raises(ConfigError, match=fault) as caught:
        plane.lay(train_network(NETWORK))
    assert [field for field, _ in caught.value.faults] == ["file"]


@pytest.mark.parametrize("vectors", [VECTORS[[0, 0]], VECTORS[[0]] * [[1], [-3]], 0 * VECTORS, VECTORS * [[1], [0]]])
def test_a_plane_that_is_a_line_is_refused_before_spans_are_fitted(tmp_path: Path, vectors: AnyArray) -> None:
    with pytest.raises(PlaneError, match="do not span a plane"):
        save_plane(tmp_path / "a.npy", vectors).lay(train_network(NETWORK))


@pytest.mark.parametrize("file", ["", "nowhere.npy", "."])
def test_a_file_that_cannot_be_read_is_a_fault_of_the_configuration(
    file: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError) as caught:
        FilePlane(file=file)
    assert [field for field, _ in caught.value.faults] == ["file"]
