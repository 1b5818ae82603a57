"""Tests requests for runs, and the events of their computation."""

from __future__ import annotations

import shutil
import threading
from base64 import b64decode
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from lossatlas.arrays import AnyArray
from lossatlas.runs import Run
from lossatlas.server import jobs
from lossatlas.server.job import Job
from lossatlas.server.jobs import Jobs
from lossatlas.store import Gallery
from tests.conftest import SMALL, diverging_config, small_config
from tests.server.live import ENDLESS, Live, ReceivedEvent, live_server, until


def _config(**parts: dict[str, Any]) -> dict[str, Any]:
    return small_config(**parts).model_dump(mode="json")


def _endless(seed: int = 0) -> dict[str, Any]:
    return _config(training={**ENDLESS["training"], "seed": seed})


def _names(events: list[ReceivedEvent]) -> list[str]:
    return [event.name for event in events]


def test_events_contain_exactly_the_stored_bytes(live: Live) -> None:
    run_id, events = live.compute(SMALL)
    frames = [event.body for event in events if event.name == "frame"]
    assert _names(events) == ["queued", "manifest", *["frame"] * 6, "stage", "stage", "done"]
    assert events[0].body == {"position": 0}
    manifest = live.http.get(f"data/runs/{run_id}/run.json").json()
    folder = live.data / "runs" / run_id
    for name, text in events[1].body["data"].items():
        assert b64decode(text) == _load(folder / f"{name}.npy").tobytes(), name
    for body in frames:
        for name, text in body["data"].items():
            stored = _load(folder / f"{name}.npy")
            of_frame = stored[:, body["frame"]] if name.endswith("loss_surface") else stored[body["frame"]]
            assert b64decode(text) == of_frame.tobytes(), name
        assert body["metrics"] == {name: values[body["frame"]] for name, values in manifest["metrics"].items()}
    assert [body["epoch"] for body in frames] == manifest["frames"]
    assert [(body["done"], body["total"]) for body in frames] == [(i + 1, 6) for i in range(6)]
    assert set(frames[0]["data"]) == {
        "predicted_class",
        "confidence",
        "point_predicted_class",
        "planes/fresh/loss_surface",
    }


def _load(path: Any) -> AnyArray:
    array: AnyArray = np.load(path)
    return array


def test_the_manifest_event_agrees_with_the_stored_manifest(live: Live) -> None:
    run_id, events = live.compute(SMALL)
    manifest = live.http.get(f"data/runs/{run_id}/run.json").json()
    for entry in [e for part in (manifest, *manifest["planes"]) for e in part["arrays"].values()]:
        del entry["sha256"]  # which is known only when all is stored
    received = {key: value for key, value in events[1].body.items() if key != "data"}
    running = {"metrics": {name: [] for name in manifest["metrics"]}, "outcome": {"status": "running"}}
    after = {"planes", "curvature", "arrays", "sha256"}
    assert {k: v for k, v in received.items() if k not in after} == {
        k: v for k, v in {**manifest, **running}.items() if k not in after
    }
    assert received["arrays"].items() <= manifest["arrays"].items()
    for key, value in received["planes"][0].items():
        known = manifest["planes"][0][key]
        assert value.items() <= known.items() if key == "arrays" else key == "centre_frame" or value == known
    static = {"points", "labels", "split", "grid_x", "grid_y", "planes/fresh/coordinates"}
    assert set(events[1].body["data"]) == static


def test_done_names_the_run_and_its_final_frames(live: Live) -> None:
    run_id, events = live.compute(SMALL)
    done = events[-1].body
    assert done["outcome"] == {"status": "completed"}
    assert done["frames"] == live.http.get(done["run"]).json()["frames"]
    assert run_id in [entry["id"] for entry in live.http.get("data/index.json").json()["runs"]]


def test_a_divergence_ends_the_frames_early(live: Live) -> None:
    _, events = live.compute(diverging_config().model_dump(mode="json"))
    assert events[-1].name == "done"
    assert events[-1].body["outcome"]["status"] == "diverged"
    assert len(events[-1].body["frames"]) == _names(events).count("frame") < len(events[1].body["frames"])


def test_a_known_configuration_is_answered_from_the_store(live: Live) -> None:
    first = live.post(SMALL)
    run_id = first.json()["id"]
    assert first.status_code == 202
    assert first.json()["events"] == f"api/runs/{run_id}/events"
    live.events(run_id)
    again = live.post(SMALL)
    assert again.status_code == 200
    assert again.json() == {"id": run_id, "state": "stored", "run": f"data/runs/{run_id}/run.json"}
    assert live.http.get(f"api/runs/{run_id}").json() == again.json()


def test_left_out_settings_take_their_defaults(live: Live) -> None:
    answer = live.post({"training": {"epochs": 7}}).json()
    assert live.http.delete(f"api/runs/{answer['id']}").json()["state"] == "cancelled"
    assert answer["id"].startswith("moons-16x16-tanh-")


def test_each_frame_is_sent_before_the_next_is_computed(live: Live) -> None:
    run_id = live.post(_endless()).json()["id"]
    with live.listen(run_id) as events:
        frame = next(event.body for event in events if event.name == "frame")
        assert (frame["frame"], frame["total"]) == (0, 2)
        assert live.state(run_id) == "running"  # the other frame is a million epochs away


def test_a_damaged_run_is_set_aside_and_computed_again(live: Live) -> None:
    run_id, _ = live.compute(SMALL)
    folder = live.data / "runs" / run_id
    whole = (folder / "weights.npy").read_bytes()
    (folder / "weights.npy").write_bytes(b"no array")
    assert live.post(SMALL).status_code == 202
    assert live.events(run_id)[-1].name == "done"
    assert (folder / "weights.npy").read_bytes() == whole
    (aside,) = (live.data / "runs").glob(f".damaged-{run_id}-*")
    assert (aside / "weights.npy").read_bytes() == b"no array"


def test_a_folder_without_a_manifest_does_not_prevent_a_run(live: Live) -> None:
    folder = live.data / "runs" / small_config().id
    folder.mkdir(parents=True)
    live.compute(SMALL)
    assert live.gallery.open(folder.name).id == folder.name


def test_a_run_of_a_newer_version_is_left_alone(live: Live) -> None:
    run_id, _ = live.compute(SMALL)
    path = live.data / "runs" / run_id / "run.json"
    path.write_text(path.read_text().replace('"format_version": 1', '"format_version": 2'))
    answer = live.post(SMALL)
    assert answer.status_code == 409
    assert "upgrade" in answer.json()["detail"]
    assert path.exists()


def test_the_same_configuration_asked_twice_is_one_job(live: Live) -> None:
    run_id = live.start_run(_endless())
    again = live.post(_endless())
    assert (again.status_code, again.json()["id"], again.json()["state"]) == (202, run_id, "running")


def test_a_running_job_is_cancelled(live: Live) -> None:
    run_id = live.start_run(_endless())
    with live.listen(run_id) as events:
        assert next(events).name == "queued"
        answer = live.http.delete(f"api/runs/{run_id}")
        assert (answer.status_code, answer.json()["state"]) == (200, "cancelled")
        last = list(events)[-1]
        assert (last.name, last.body) == ("cancelled", {})
    assert live.state(run_id) == "cancelled"
    assert run_id not in live.gallery
    assert live.compute(SMALL)[1][-1].name == "done"  # the worker can take the next job


def test_a_queued_job_is_cancelled_and_the_next_moves_up(live: Live) -> None:
    first = live.start_run(_endless(1))
    second = live.post(_endless(2)).json()
    assert second["state"] == "queued"
    live.http.delete(f"api/runs/{second['id']}")
    events = live.events(second["id"])
    assert [(event.name, event.body) for event in events] == [("queued", {"position": 1}), ("cancelled", {})]
    assert live.post(_endless(3)).status_code == 202  # there is room in the queue again
    assert live.state(first) == "running"


def test_a_queued_job_reports_when_its_turn_comes(live: Live) -> None:
    first = live.start_run(_endless(1))
    second = live.post(SMALL).json()["id"]
    with live.listen(second) as events:
        assert next(events).body == {"position": 1}
        live.http.delete(f"api/runs/{first}")
        rest = list(events)
    assert (rest[0].name, rest[0].body) == ("queued", {"position": 0})
    assert rest[-1].name == "done"


@pytest.mark.parametrize("queued", [False, True], ids=["running", "queued"])
def test_a_job_that_all_listeners_have_left_is_cancelled(
    live: Live, monkeypatch: pytest.MonkeyPatch, queued: bool
) -> None:
    monkeypatch.setattr(jobs, "GRACE", 0.05)
    if queued:
        blocker = live.start_run(_endless(1))  # a job that never has a listener
    run_id = live.post(_endless(2)).json()["id"]
    with live.listen(run_id) as events:
        next(events)
    until(lambda: live.state(run_id) == "cancelled")
    if queued:
        assert live.state(blocker) == "running"
        live.http.delete(f"api/runs/{blocker}")
    assert live.compute(SMALL)[1][-1].name == "done"


def _find_timer(live: Live, run_id: str) -> threading.Timer | None:
    job = live.app.state.jobs.find(run_id)
    return job.giving_up if job else None


@pytest.mark.parametrize("how", ["listening", "asking"])
def test_a_job_that_is_wanted_again_in_time_continues(live: Live, monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    monkeypatch.setattr(jobs, "GRACE", 60.0)
    run_id = live.start_run(_endless())
    with live.listen(run_id) as events:
        next(events)
        assert _find_timer(live, run_id) is None
    until(lambda: _find_timer(live, run_id) is not None)
    timer = _find_timer(live, run_id)
    assert timer
    if how == "asking":
        live.post(_endless())
        assert _find_timer(live, run_id) is None
    else:
        with live.listen(run_id) as events:
            next(events)
            assert _find_timer(live, run_id) is None
    timer.join(20)
    assert not timer.is_alive()  # it was cancelled early
    assert live.state(run_id) == "running"


def test_a_job_with_listeners_comes_before_jobs_that_all_listeners_have_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "GRACE", 60.0)
    with live_server(Gallery(tmp_path), threads=1, queue_size=2) as live:
        blocker = live.start_run(_endless())
        left = live.post(_endless(1)).json()["id"]
        with live.listen(left) as events:
            assert next(events).body == {"position": 1}
        until(lambda: _find_timer(live, left) is not None)
        wanted = live.post(_endless(2)).json()["id"]
        with live.listen(wanted) as events:
            assert next(events).body == {"position": 1}
            # the queue is full, but all listeners of one job have left
            script = live.post(_endless(3))
            assert (script.status_code, live.state(left)) == (202, "cancelled")
            live.http.delete(f"api/runs/{blocker}")
            until(lambda: live.state(wanted) == "running")
            assert live.state(script.json()["id"]) == "queued"


def test_a_cancelled_run_can_be_requested_again(live: Live) -> None:
    run_id = live.start_run(_endless())
    live.http.delete(f"api/runs/{run_id}")
    assert live.post(_endless()).json()["state"] in {"queued", "running"}
    until(lambda: live.state(run_id) == "running")


def test_cancelling_a_stored_run_keeps_it(live: Live) -> None:
    run_id, _ = live.compute(SMALL)
    assert live.http.delete(f"api/runs/{run_id}").json()["state"] == "stored"
    assert run_id in live.gallery


def test_a_full_queue_says_when_to_come_back(live: Live) -> None:
    live.start_run(_endless(1))
    assert live.post(_endless(2)).status_code == 202
    refused = live.post(_endless(3))
    assert refused.status_code == 503
    assert int(refused.headers["retry-after"]) > 0
    assert live.http.get(f"api/runs/{small_config().id}").status_code == 404  # the server does not know a refused run


def test_events_resume_after_the_last_one_seen(live: Live) -> None:
    run_id, events = live.compute(SMALL)
    for seen in (0, 3, len(events) - 2):
        assert live.events(run_id, after=events[seen].id) == events[seen + 1 :]
    assert live.http.get(f"api/runs/{run_id}/events", headers={"Last-Event-ID": events[-1].id}).status_code == 204


@pytest.mark.parametrize("foreign", ["7", "deadbeef-3", "deadbeef--3", "x", "-"])
def test_ids_of_another_log_start_from_the_first_event(live: Live, foreign: str) -> None:
    run_id, events = live.compute(SMALL)
    assert live.events(run_id, after=foreign) == events


def test_many_listeners_receive_the_same_events_and_one_may_leave(live: Live) -> None:
    blocker = live.start_run(_endless())
    run_id = live.post(SMALL).json()["id"]
    with live.listen(run_id) as leaving:
        next(leaving)
    with live.listen(run_id) as one, live.listen(run_id) as other:
        live.http.delete(f"api/runs/{blocker}")
        slow = next(one)  # this listener reads nothing more until the computation has ended
        heard = list(other)
        assert heard[-1].name == "done"
        assert [slow, *one] == heard


def test_silence_is_filled_with_comments(live: Live) -> None:
    run_id = live.start_run(_endless())
    with live.http.stream("GET", f"api/runs/{run_id}/events") as response:
        assert any(line.startswith(":") for line in response.iter_lines())


def test_a_forgotten_run_that_is_stored_is_done_at_once(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "REMEMBERED_JOBS", 0)
    run_id, events = live.compute(SMALL)
    again = live.events(run_id)
    assert [(event.name, event.body) for event in again] == [("done", events[-1].body)]


def test_memory_is_bounded(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "REMEMBERED_JOBS", 2)
    queue = Jobs(Gallery(tmp_path), threads=1)
    asked: list[Job] = [queue.submit(small_config(training={"seed": seed})) for seed in range(4)]
    for job in asked:
        queue.cancel(job)
    assert [queue.find(job.id) for job in asked] == [None, None, *asked[2:]]
    monkeypatch.setattr(jobs, "REMEMBERED_BYTES", -1)
    last = queue.submit(small_config())
    queue.cancel(last)
    assert queue.find(last.id) is last  # its end is reported, and nothing else of it is kept
    assert [event.name for event in last.log._events] == ["cancelled"]


def test_a_run_deleted_from_the_store_is_computed_again(live: Live) -> None:
    run_id, _ = live.compute(SMALL)
    shutil.rmtree(live.data / "runs" / run_id)
    assert live.http.get(f"api/runs/{run_id}").status_code == 404
    assert live.post(SMALL).status_code == 202
    assert live.events(run_id)[-1].name == "done"
    assert run_id in live.gallery


def test_a_store_that_cannot_be_written_fails_the_job_and_not_the_worker(live: Live) -> None:
    live.data.mkdir()
    (live.data / "runs").write_text("in the way")
    run_id, events = live.compute(SMALL)
    problem = events[-1].body
    assert events[-1].name == "failed"
    assert problem["status"] == 500
    assert problem["detail"].startswith("cannot write into the data folder (File exists)")
    assert live.state(run_id) == "failed"
    (live.data / "runs").unlink()
    assert live.compute(SMALL)[1][-1].name == "done"


def test_an_unexpected_failure_is_reported_without_its_traceback(
    live: Live, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(self: Gallery, run: Run) -> None:
        raise ValueError("a secret of the server")

    with monkeypatch.context() as patch, caplog.at_level("ERROR", "lossatlas"):
        patch.setattr(Gallery, "save", fail)
        run_id, events = live.compute(SMALL)
    assert events[-1].name == "failed"
    assert (events[-1].body["status"], live.state(run_id)) == (500, "failed")
    assert "secret" not in str(events[-1].body)
    assert live.compute(SMALL)[1][-1].name == "done"


def test_the_server_stops_in_the_middle_of_a_run_while_someone_listens(live: Live) -> None:
    run_id = live.start_run(_endless())
    with live.listen(run_id) as events:
        next(events)
        live.server.should_exit = True
        assert list(events)[-1].name == "cancelled"
    live.thread.join(30)
    assert not live.thread.is_alive()  # though the run has a million epochs to go
    with pytest.raises(httpx.ConnectError):
        live.http.get("")
