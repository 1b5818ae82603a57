"""Tests that a damaged run, or a folder without a run, gives one error that names the file and the fault."""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lossatlas.arrays import AnyArray
from lossatlas.errors import RunDamagedError, RunError, RunNotFoundError, RunVersionError
from lossatlas.runs import Run
from lossatlas.store import open_run, run_folder
from tests.support.stored_runs import assert_same, manifest_of, rewrite, with_nan


def replace_array(name: str, make: Callable[[AnyArray], AnyArray]) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        np.save(folder / name, make(np.load(folder / name)))

    return damage


def write_content(name: str, content: bytes | Callable[[bytes], bytes]) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        path = folder / name
        path.write_bytes(content if isinstance(content, bytes) else content(path.read_bytes()))

    return damage


def edit_manifest(edit: Callable[[dict[str, Any]], object]) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        manifest = manifest_of(folder)
        edit(manifest)
        rewrite(folder, manifest)

    return damage


def pickle_file(name: str) -> Callable[[Path], None]:
    return lambda folder: np.save(folder / name, np.array([{"a": 1}], dtype=object), allow_pickle=True)


def a_folder(name: str) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        (folder / name).unlink()
        (folder / name).mkdir()

    return damage


def archive() -> bytes:
    target = io.BytesIO()
    np.savez(target, weights=np.zeros(3))
    return target.getvalue()


DAMAGE: dict[str, tuple[Callable[[Path], None], str, str]] = {
    "array missing": (lambda f: (f / "weights.npy").unlink(), "weights.npy", "the file is missing"),
    "plane missing": (lambda f: shutil.rmtree(f / "planes"), "planes/fresh/directions.npy", "the file is missing"),
    "manifest missing": (lambda f: (f / "run.json").unlink(), "run.json", "the file is missing"),
    "array a folder": (a_folder("split.npy"), "split.npy", "not a NumPy array, or cut short"),
    "array cut short": (write_content("weights.npy", lambda b: b[:-1]), "weights.npy", "cut short"),
    "array cut in its header": (write_content("weights.npy", lambda b: b[:40]), "weights.npy", "cut short"),
    "array empty": (write_content("labels.npy", b""), "labels.npy", "cut short"),
    "array foreign": (write_content("labels.npy", b"\x89PNG\r\n\x1a\n" * 20), "labels.npy", "not a NumPy array"),
    "array an archive": (write_content("labels.npy", archive()), "labels.npy", "not a NumPy array"),
    "array a broken archive": (write_content("labels.npy", b"PK\x03\x04 nothing"), "labels.npy", "not a NumPy array"),
    "array a pickle": (pickle_file("points.npy"), "points.npy", "not a NumPy array"),
    "other shape": (
        replace_array("weights.npy", lambda a: a[:-1]),
        "weights.npy",
        r"holds float32 \[5, 49\].*\[6, 49\]",
    ),
    "transposed": (replace_array("points.npy", lambda a: a.T), "points.npy", r"holds float32 \[2, 40\].*\[40, 2\]"),
    "other dtype": (replace_array("points.npy", lambda a: a.astype("f8")), "points.npy", "holds float64"),
    "other byte order": (replace_array("points.npy", lambda a: a.astype(">f4")), "points.npy", "holds >f4"),
    "NaN in weights": (replace_array("weights.npy", with_nan), "weights.npy", "NaN"),
    "NaN in a surface": (
        replace_array("planes/fresh/loss_surface.npy", with_nan),
        "planes/fresh/loss_surface.npy",
        "NaN",
    ),
    "a class there is not": (replace_array("labels.npy", lambda a: a + 1), "labels.npy", "holds class 2 of 2"),
    "a prediction there is not": (
        replace_array("predicted_class.npy", lambda a: a + 200),
        "predicted_class.npy",
        "holds class 20[01] of 2",
    ),
    "manifest cut short": (write_content("run.json", lambda b: b[: len(b) // 2]), "run.json", "not readable as JSON"),
    "manifest not text": (write_content("run.json", b"\xff\xfe\x00"), "run.json", "not readable as JSON"),
    "manifest a list": (write_content("run.json", b"[1, 2]"), "run.json", "not the manifest of a run"),
    "manifest foreign": (write_content("run.json", b'{"name": "left-pad"}'), "run.json", "not the manifest of a run"),
    "version no number": (edit_manifest(lambda m: m.update(format_version="1")), "run.json", "format_version is '1'"),
    "version zero": (edit_manifest(lambda m: m.update(format_version=0)), "run.json", "format_version is 0"),
    "config missing": (edit_manifest(lambda m: m.pop("config")), "run.json", "config"),
    "config not valid": (
        edit_manifest(lambda m: m["config"]["training"].update(epochs=0)),
        "run.json",
        "training.epochs",
    ),
    "config another's": (
        edit_manifest(lambda m: m["config"]["training"].update(seed=99)),
        "run.json",
        "has the id moons-",
    ),
    "id another's": (edit_manifest(lambda m: m.update(id="moons-4-tanh-00000000")), "run.json", "'id' does not agree"),
    "layers others": (edit_manifest(lambda m: m["model"].update(layers=[2, 5, 5, 2])), "run.json", "does not agree"),
    "layers none": (edit_manifest(lambda m: m["model"].update(layers=[])), "run.json", "incomplete or inconsistent"),
    "parameters moved": (edit_manifest(lambda m: m["parameters"][1].update(offset=11)), "run.json", "'parameters'"),
    "metrics too short": (edit_manifest(lambda m: m["metrics"]["test_loss"].pop()), "run.json", "metrics"),
    "metrics NaN": (edit_manifest(lambda m: m["metrics"].update(test_loss=[float("nan")] * 6)), "run.json", "NaN"),
    "metrics without one": (edit_manifest(lambda m: m["metrics"].pop("test_loss")), "run.json", "test_loss"),
    "metrics null": (edit_manifest(lambda m: m["metrics"].update(test_loss=[None] * 6)), "run.json", "'metrics'"),
    "frames out of order": (edit_manifest(lambda m: m.update(frames=[0, 2, 1, 4, 8, 12])), "run.json", "frames"),
    "frames none": (edit_manifest(lambda m: m.update(frames=[])), "run.json", "incomplete or inconsistent"),
    "outcome unheard of": (edit_manifest(lambda m: m["outcome"].update(status="fine")), "run.json", "outcome"),
    "planes none": (edit_manifest(lambda m: m["planes"].clear()), "run.json", "incomplete or inconsistent"),
    "spans others": (
        edit_manifest(lambda m: m["planes"][0].update(spans=[2.0, 0.1])),
        "run.json",
        "incomplete or inconsistent",
    ),
    "kind another": (
        edit_manifest(lambda m: m["planes"][0].update(kind="gaussian")),
        "run.json",
        "kind or moving of fresh",
    ),
    "not moving": (edit_manifest(lambda m: m["planes"][0].update(moving=False)), "run.json", "kind or moving of fresh"),
    "planes left out": (
        edit_manifest(lambda m: m["left_out"].append({"name": "fresh", "why": "so"})),
        "run.json",
        "incomplete or inconsistent",
    ),
    "directions a line": (
        replace_array("planes/fresh/directions.npy", lambda a: a[[0, 0]]),
        "planes",
        "'fresh'.* do not span a plane",
    ),
    "directions infinite": (
        replace_array("planes/fresh/directions.npy", lambda a: np.full_like(a, np.inf)),
        "planes",
        "'fresh' are not all finite",
    ),
    "NaN in the path": (replace_array("planes/fresh/path.npy", with_nan), "planes/fresh/path.npy", "NaN"),
    "centre at no frame": (
        edit_manifest(lambda m: m["planes"][0].update(centre_frame=6)),
        "run.json",
        "incomplete or inconsistent",
    ),
    "arrays without one": (edit_manifest(lambda m: m["arrays"].pop("split")), "run.json", "incomplete or inconsistent"),
    "file outside": (
        edit_manifest(lambda m: m["arrays"]["split"].update(file="../../../secret.npy")),
        "run.json",
        "names a file outside the run",
    ),
    "file absolute": (
        edit_manifest(lambda m: m["arrays"]["split"].update(file="/dev/null")),
        "run.json",
        "names a file outside the run",
    ),
}


@pytest.mark.parametrize("name", DAMAGE)
def test_damage_is_one_error_that_names_file_and_fault(name: str, stored: Path) -> None:
    damage, file, fault = DAMAGE[name]
    damage(stored)
    with pytest.raises(RunDamagedError, match=fault) as caught:
        open_run(stored)
    assert caught.value.path == stored / file
    assert str(caught.value) == f"{stored / file}: {caught.value.fault}"
    assert "\n" not in caught.value.fault


def test_a_link_out_of_the_run_is_not_followed(stored: Path, tmp_path: Path) -> None:
    (stored / "split.npy").rename(tmp_path / "split.npy")
    (stored / "split.npy").symlink_to(tmp_path / "split.npy")
    with pytest.raises(RunDamagedError, match="outside the run"):
        open_run(stored)


def test_a_newer_version_is_refused_as_such(stored: Path) -> None:
    edit_manifest(lambda m: m.update(format_version=2))(stored)
    with pytest.raises(RunVersionError, match=r"run\.json: format version 2 is newer than 1.*upgrade"):
        open_run(stored)


def test_a_renamed_folder_is_noticed(stored: Path) -> None:
    moved = stored.rename(stored.with_name("moons-5x4-tanh-00000000"))
    with pytest.raises(RunDamagedError, match=f"has the id {stored.name}, but the folder is named {moved.name}"):
        open_run(moved)


def test_additions_of_a_newer_version_are_ignored(small_run: Run, stored: Path) -> None:
    edit_manifest(lambda m: (m.update(hessian="soon"), m["versions"].update(lossatlas="9.9.9")))(stored)
    assert_same(small_run, open_run(stored))


@pytest.mark.parametrize("run_id", ["", ".", "..", "../secret", "a/b", "Moons", "moons\n", "-moons", "m" * 129])
def test_a_text_that_is_no_id_is_refused(run_id: str, tmp_path: Path) -> None:
    with pytest.raises(RunNotFoundError, match="is no id of a run"):
        run_folder(tmp_path, run_id)


def test_a_missing_run_is_an_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(RunNotFoundError, match="there is no run moons-4"):
        open_run(tmp_path / "moons-4")


def leaves(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the paths of all values in plain data, including those of dicts and lists."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, below in inner for place in leaves(below, (*path, key)))]


JSON_VALUES: st.SearchStrategy[Any] = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(),
    st.text(max_size=5),
    st.sampled_from([[], {}, [[]], [{}], {"a": []}, "../..", "weights.npy", "run.json", "float32"]),
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(draw=st.data())
def test_any_change_of_one_value_gives_a_run_or_a_run_error(draw: st.DataObject, stored: Path) -> None:
    original = (stored / "run.json").read_text(encoding="utf-8")
    try:
        manifest: Any = json.loads(original)
        *path, last = draw.draw(st.sampled_from(leaves(manifest)[1:]))
        place = manifest
        for step in path:
            place = place[step]
        place[last] = draw.draw(JSON_VALUES)
        rewrite(stored, manifest)
        try:
            run = open_run(stored)
        except RunError:
            return
        assert run.trajectory.weights.shape == (6, 49)
        assert all(values.shape == (6,) for values in run.trajectory.metrics.values())
    finally:
        (stored / "run.json").write_text(original, encoding="utf-8")


def test_other_wordings_and_additions_of_another_version_are_no_damage(stored: Path) -> None:
    def reword(manifest: dict[str, Any]) -> None:
        manifest["title"] = manifest["arrays"]["points"]["what"] = manifest["planes"][0]["what"] = "said otherwise"
        manifest["arrays"]["hessian"] = {**manifest["arrays"]["points"], "file": "hessian.npy"}
        manifest["planes"][0]["cosine"] += 1e-9  # the last digits differ between machines

    edit_manifest(reword)(stored)
    assert open_run(stored).id == stored.name


@pytest.mark.parametrize(
    "content", [b"[" * 200_000, b'{"format": 1e999}', b'{"format": ' + b"9" * 5000 + b"}"], ids=["deep", "inf", "long"]
)
def test_json_that_breaks_readers_is_damage(content: bytes, stored: Path) -> None:
    (stored / "run.json").write_bytes(content)
    with pytest.raises(RunDamagedError, match="not readable as JSON"):
        open_run(stored)
