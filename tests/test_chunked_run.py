"""Tests large runs: they are computed in parts, have the same bits, and can be resumed."""

from __future__ import annotations

import json
import os
import shutil
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest

from lossatlas.building import build_gallery, find_unfinished
from lossatlas.building.estimate import Sizes, estimate_total_work, estimate_work
from lossatlas.errors import LossAtlasError
from lossatlas.runs import RunConfig
from lossatlas.store import Gallery
from tests.conftest import diverging_config
from tests.support.large_runs import TINY, WHOLE, InTurn, built, config_of, parts_of, run_bytes

#: With these sizes every run is large, and its parts have the default sizes.
USUAL = Sizes(large_work=0)


@pytest.mark.parametrize("sizes", [TINY, USUAL, Sizes(large_work=0, part_work=300_000, part_bytes=3000)])
def test_a_run_has_the_same_bits_for_any_division_into_parts(
    sizes: Sizes, whole: dict[str, bytes], tmp_path: Path
) -> None:
    found = built(tmp_path, [config_of()], sizes, executor=InTurn())
    assert found.keys() == whole.keys()
    assert [name for name in whole if found[name] != whole[name]] == []


@pytest.mark.parametrize("optimizer", ["sgd", "momentum", "nesterov", "rmsprop", "adamw"])
def test_training_in_stretches_gives_the_same_bits(optimizer: str, tmp_path: Path) -> None:
    config = config_of(optimizer, planes=[{"kind": "fresh", "grid": 3}])
    assert built(tmp_path / "parts", [config], TINY, executor=InTurn()) == built(
        tmp_path / "whole", [config], WHOLE, executor=InTurn()
    )


def test_a_large_run_that_diverges_has_the_same_bits(tmp_path: Path) -> None:
    config = diverging_config()
    assert built(tmp_path / "parts", [config], TINY, executor=InTurn()) == built(
        tmp_path / "whole", [config], WHOLE, executor=InTurn()
    )


def test_a_plane_that_cannot_be_laid_is_left_out_of_a_large_run_too(tmp_path: Path) -> None:
    config = config_of(planes=[{"kind": "fresh", "grid": 3}, {"kind": "pca", "grid": 3}])
    config = config.with_values(training={**config.training.model_dump(), "epochs": 1})
    found = built(tmp_path / "parts", [config], TINY, executor=InTurn())
    assert found == built(tmp_path / "whole", [config], WHOLE, executor=InTurn())
    manifest = json.loads(found[f"runs/{config.id}/run.json"])
    assert [entry["name"] for entry in manifest["left_out"]] == ["pca"]


def test_a_resume_that_recomputes_or_skips_cells__each_part_is_computed_once(
    undisturbed: Counter[str], whole: dict[str, bytes], tmp_path: Path
) -> None:
    data, in_all = tmp_path / "data", Counter[str]()
    disturbed = 0
    while True:
        executor = InTurn(breaks_at=11)
        try:
            build_gallery(Gallery(data), [config_of()], executor=executor, workers=1, sizes=TINY)
        except KeyboardInterrupt:
            disturbed += 1
        else:
            break
        finally:
            in_all += executor.calls
        assert Gallery(data).ids() == []  # readers do not see the unfinished run
    assert disturbed > 5
    # two parts are given out at a time, and each disturbance wastes at most one computed part
    assert 0 <= in_all.total() - undisturbed.total() <= disturbed
    assert run_bytes(data) == whole


def break_off(data: Path, calls: int) -> tuple[Path, list[str]]:
    """Interrupt the computation of a large run, and return its folder and its finished parts."""
    with pytest.raises(KeyboardInterrupt):
        build_gallery(Gallery(data), [config_of()], executor=InTurn(calls), workers=1, sizes=TINY)
    return data / "runs" / f".partial-{config_of().id}", parts_of(data, config_of())


@pytest.fixture(scope="module")
def broken_off(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a large run whose computation was interrupted."""
    return break_off(tmp_path_factory.mktemp("broken-off"), 30)[0]


def copy_unfinished(folder: Path, data: Path) -> Path:
    copy = data / "runs" / folder.name
    shutil.copytree(folder, copy)
    return copy


@pytest.mark.parametrize(
    "damage",
    [
        b'{"part":"surfaces-fr',
        b'{"part":"surfaces-fr\n{"part":"another","note":null}\n',
    ],
    ids=["cut short", "and written on"],
)
def test_a_line_that_was_being_written_does_not_count(damage: bytes, whole: dict[str, bytes], tmp_path: Path) -> None:
    folder, done = break_off(tmp_path, 30)
    with (folder / "parts.jsonl").open("ab") as file:
        file.write(damage)
    executor = InTurn(breaks_at=0)
    with pytest.raises(KeyboardInterrupt):
        build_gallery(Gallery(tmp_path), [config_of()], executor=executor, sizes=TINY)
    assert parts_of(tmp_path, config_of()) == done
    assert built(tmp_path, [config_of()], TINY, executor=InTurn()) == whole


def flip_last_bit(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))


def make_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


@pytest.mark.parametrize(
    "damage",
    [
        lambda folder: (folder / "run" / "weights.npy").unlink(),
        lambda folder: (folder / "run" / "weights.npy").write_bytes(b"short"),
        lambda folder: (folder / "parts.jsonl").write_bytes(b""),
        lambda folder: (folder / "parts.jsonl").write_text((folder / "parts.jsonl").read_text().replace("numpy", "x")),
        lambda folder: flip_last_bit(folder / "run" / "weights.npy"),
    ],
    ids=["an array is gone", "an array is cut", "no record", "another release", "a flipped bit"],
)
def test_an_inconsistent_folder_is_started_again(
    damage: Callable[[Path], Any], undisturbed: Counter[str], whole: dict[str, bytes], broken_off: Path, tmp_path: Path
) -> None:
    damage(copy_unfinished(broken_off, tmp_path))
    executor = InTurn()
    assert built(tmp_path, [config_of()], TINY, executor=executor) == whole
    assert executor.calls == undisturbed


def list_kept(data: Path) -> list[str]:
    """Continue an unfinished run, and return the parts that are not computed again."""
    with pytest.raises(KeyboardInterrupt):
        build_gallery(Gallery(data), [config_of()], executor=InTurn(0), sizes=TINY)
    return parts_of(data, config_of())


@pytest.mark.parametrize(
    "damage",
    [
        lambda folder: flip_last_bit(min(folder.glob("curvature-*.npz"))),
        lambda folder: min(folder.glob("curvature-*.npz")).unlink(),
        lambda folder: shutil.copy(*sorted(folder.glob("*.npz"))[:2]),
        lambda folder: make_pipe(folder / "parts.jsonl"),
        lambda folder: (
            shutil.move(folder, folder.parents[2] / "moved") and folder.symlink_to(folder.parents[2] / "moved")
        ),
    ],
    ids=["a flipped bit", "a part is gone", "another part", "a pipe", "a link"],
)
def test_nothing_is_kept_of_a_damaged_folder(damage: Callable[[Path], Any], broken_off: Path, tmp_path: Path) -> None:
    folder = copy_unfinished(broken_off, tmp_path / "data")
    damage(folder)
    assert list_kept(tmp_path / "data") == []
    assert not folder.is_symlink()


def test_parts_from_a_damaged_line_on_are_computed_again(
    whole: dict[str, bytes], broken_off: Path, tmp_path: Path
) -> None:
    record = copy_unfinished(broken_off, tmp_path) / "parts.jsonl"
    done = parts_of(tmp_path, config_of())
    record.write_bytes(record.read_bytes().replace(b'"part":"curvature-', b'"part":"curwature-', 1))
    kept = list_kept(tmp_path)
    assert 0 < len(kept) < len(done)
    assert kept == done[: len(kept)]
    assert built(tmp_path, [config_of()], TINY, executor=InTurn()) == whole


def test_two_builds_of_large_runs_do_not_write_into_one_folder(tmp_path: Path) -> None:
    class Nested(InTurn):
        def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
            with pytest.raises(LossAtlasError, match="another build is computing large runs into"):
                build_gallery(Gallery(tmp_path), [config_of()], executor=InTurn(0), sizes=TINY)
            self.nested = True
            return super().submit(fn, *args, **kwargs)

    executor = Nested()
    built(tmp_path, [config_of(planes=[{"kind": "fresh", "grid": 3}])], USUAL, executor=executor)
    assert executor.nested


def test_unfinished_runs_of_other_builds_are_reported_unless_they_are_stored_by_now(tmp_path: Path) -> None:
    folder, _ = break_off(tmp_path, 30)
    there = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    other = tmp_path / "runs" / ".partial-moons-4-tanh-00000000"
    shutil.copytree(folder, other)
    assert find_unfinished(tmp_path).keys() == {config_of().id, "moons-4-tanh-00000000"}
    assert all(0 < size <= there for size in find_unfinished(tmp_path).values())
    build_gallery(Gallery(tmp_path / "elsewhere"), [config_of()], executor=InTurn(), sizes=WHOLE)
    shutil.move(tmp_path / "elsewhere" / "runs" / config_of().id, tmp_path / "runs")
    assert find_unfinished(tmp_path).keys() == {"moons-4-tanh-00000000"}
    assert not folder.exists()
    assert [verdict.run_id for verdict in Gallery(tmp_path).verify()] == [config_of().id]


def test_a_run_waits_for_those_that_its_planes_go_through(tmp_path: Path) -> None:
    first = config_of(seed=5, planes=[{"kind": "fresh", "grid": 3}])
    through = {"kind": "through", "grid": 3, "points": ["end", "start", f"run:{first.id}"]}
    second = config_of(planes=[through])
    reported: list[str] = []
    build_gallery(Gallery(tmp_path), [second, first], workers=2, sizes=TINY, on_done=reported.append)
    assert reported == [first.id, second.id]
    found = run_bytes(tmp_path)
    assert found == built(tmp_path / "again", [second, first], WHOLE, executor=InTurn())


def test_a_part_that_fails_makes_only_its_own_run_fail(tmp_path: Path) -> None:
    failing = config_of(planes=[{"kind": "through", "grid": 3, "points": ["end", "start", "run:nobody"]}])
    fine = config_of(seed=1, planes=[{"kind": "fresh", "grid": 3}])
    with pytest.raises(LossAtlasError, match=rf"1 of 2 runs failed.*\n  {failing.id}: .*there is no run nobody"):
        build_gallery(Gallery(tmp_path), [failing, fine], workers=2, sizes=TINY)
    assert Gallery(tmp_path).ids() == [fine.id]


def test_the_default_run_is_small_and_a_wide_network_with_a_fine_grid_is_not() -> None:
    assert not Sizes().needs_parts(RunConfig())
    wide = RunConfig.from_mapping({"model": {"hidden": [256, 256]}, "planes": [{"grid": 101}]})
    assert Sizes().needs_parts(wide)
    # 80 frames, 3 spans of 101 × 101, and 300 epochs; 512 points; (2+1)·256 + 257·256 + 257·2 parameters
    surfaces = (80 * 3 * 101**2 + 3 * 300) * 512 * 67_074
    # the Hessian at 40 frames, each 100 products of 6 evaluations; 100 × 100 inputs a frame; 300 epochs of single steps
    hessians, boundaries, steps = 40 * 100 * 6 * 512 * 67_074, 80 * 100**2 * 67_074, 300 * 512 * 5e5
    hessians += 40 * 100 * 160 * 67_074  # each of the 100 vectors of Lanczos is made orthogonal to up to 160 others
    single = wide.with_values(training={"batch_size": 1})
    assert estimate_work(wide) == estimate_work(single) == surfaces
    assert estimate_total_work(single) == surfaces + hessians + boundaries + steps
    assert estimate_total_work(wide) == estimate_total_work(single) - steps + 300 * (512 / 32) * 5e5
