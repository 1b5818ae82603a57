"""Tests the space for runs that were computed on demand, and which of them are deleted when it is used up."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from lossatlas.building import build_gallery
from lossatlas.building.estimate import estimate_stored_bytes
from lossatlas.runs import RunConfig, compute_run
from lossatlas.server import space
from lossatlas.server.space import Space
from lossatlas.store import Gallery, list_on_demand
from tests.conftest import small_config
from tests.server.live import Live, live_server


def config_of(seed: int) -> dict[str, Any]:
    return small_config(training={"seed": seed}).model_dump(mode="json")


def measure(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def list_runs(live: Live) -> list[str]:
    """Return the ids of all runs, which are the same in the index and on the disk."""
    listed = [entry["id"] for entry in live.http.get("data/index.json").json()["runs"]]
    assert listed == live.gallery.ids()
    return listed


def test_an_estimate_of_the_stored_bytes_is_near_and_not_below(tmp_path: Path) -> None:
    for config in (small_config(), RunConfig.from_mapping({"training": {"epochs": 6, "frames": 7}})):
        folder = Gallery(tmp_path).save(compute_run(config, threads=1))
        assert measure(folder) <= estimate_stored_bytes(config) <= measure(folder) + 100_000


def test_the_oldest_runs_that_nobody_watches_make_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gallery = Gallery(tmp_path)
    built = small_config(training={"seed": 10})
    size = measure(gallery.save(compute_run(built, threads=1)))
    os.utime(tmp_path / "runs" / built.id / "run.json", (0, 0))  # the oldest one, but the server has not computed it
    limit = 1.5 * size + estimate_stored_bytes(built)  # room for two runs
    with live_server(gallery, threads=1, space=limit) as live:
        first, second = (live.compute(config_of(seed))[0] for seed in (1, 2))
        refused = live.compute(config_of(3))[1][-1]  # the others were just computed, so somebody looks at them
        assert (refused.name, refused.body["status"]) == ("failed", 503)
        assert list_runs(live) == sorted([built.id, first, second])
        monkeypatch.setattr(space, "WATCHED", 0.0)
        live.http.get(f"data/runs/{first}/run.json")  # the older one was used last
        third = live.compute(config_of(3))[0]
        assert list_runs(live) == sorted([built.id, first, third])
        assert live.compute(config_of(2))[1][-1].name == "done"  # it is computed again
        assert built.id in list_runs(live)


def test_a_run_that_is_larger_than_the_space_is_refused(tmp_path: Path) -> None:
    with live_server(Gallery(tmp_path), threads=1, space=1000.0) as live:
        answer = live.post(config_of(1))
        assert answer.status_code == 422
        [exceeded] = answer.json()["exceeded"]
        assert (exceeded["what"], exceeded["limit"]) == ("space", 1000.0)
        assert exceeded["estimate"] == estimate_stored_bytes(small_config(training={"seed": 1}))


def test_a_run_that_somebody_else_wants_too_is_kept(live: Live) -> None:
    run_id, _ = live.compute(config_of(1))
    assert list_on_demand(live.data) == [run_id]
    build_gallery(live.gallery, [small_config(training={"seed": 1})], workers=1)
    assert list_on_demand(live.data) == []


def test_a_damaged_run_of_somebody_else_is_kept_after_it_was_computed_again(live: Live) -> None:
    folder = live.gallery.save(compute_run(small_config(training={"seed": 1}), threads=1))
    (folder / "weights.npy").write_bytes(b"no array")
    run_id, events = live.compute(config_of(1))
    assert (run_id, events[-1].name) == (folder.name, "done")
    assert list_on_demand(live.data) == []


def test_a_run_that_is_followed_or_needed_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(space, "WATCHED", 0.0)
    gallery = Gallery(tmp_path)
    config = small_config()
    needed: list[str] = [config.id]
    size = measure(gallery.save(compute_run(config, threads=1)))
    kept = Space(gallery, 0.5 * size + estimate_stored_bytes(config), lambda run_id: run_id in needed)
    kept.note_stored(config.id)
    with pytest.raises(Exception, match="used up by runs that somebody looks at"), kept.reserve(config):
        pass
    needed.clear()
    with kept.reserve(config):
        assert gallery.ids() == []
    assert not list(tmp_path.glob("runs/*"))
