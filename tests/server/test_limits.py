"""Tests the limits for a client: connections, time for a request, reported faults, and work and memory of a run."""

from __future__ import annotations

import gc
import json
import socket
import time
import weakref
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from lossatlas.building.estimate import Limits, estimate_memory, estimate_total_work
from lossatlas.config import _MOST_TOLD
from lossatlas.errors import ConfigError, RunTooLargeError
from lossatlas.runs import RunConfig
from lossatlas.server import api, connections
from lossatlas.server import files as served_files
from lossatlas.server.api import make_config
from lossatlas.server.events import PIECE
from lossatlas.server.files import Cache
from lossatlas.server.jobs import Jobs
from lossatlas.store import Gallery
from tests.conftest import small_config
from tests.server.live import ENDLESS, Live, live_server, until


def connect(live: Live, sent: bytes = b"") -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", live.port), timeout=30)
    connection.sendall(sent)
    return connection


def is_closed(connection: socket.socket) -> bool:
    connection.settimeout(30)
    try:
        return connection.recv(1) == b""
    except ConnectionError:
        return True


@pytest.mark.parametrize("sent", [b"", b"GET / HTTP/1.1\r\nHost: 127", b"GET /data/index.json HTTP/1.1\r\nHo"])
def test_a_connection_without_a_whole_request_is_closed_after_a_while(
    sent: bytes, stocked: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "PATIENCE", 0.2)
    with connect(stocked, sent) as connection:
        assert is_closed(connection)


def test_a_head_that_arrives_slowly_gets_no_more_time(stocked: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "PATIENCE", 0.3)
    with connect(stocked, b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: ") as connection:
        connection.settimeout(0.01)
        end = time.monotonic() + 30
        while True:
            assert time.monotonic() < end
            try:
                connection.sendall(b"a")
                if connection.recv(1) == b"":
                    break
            except TimeoutError:
                continue
            except ConnectionError:
                break


def test_a_stream_outlives_the_time_for_a_head(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "PATIENCE", 0.2)
    run_id = live.start_run({"training": {"epochs": 1_000_000, "frames": 2}})
    with live.http.stream("GET", f"api/runs/{run_id}/events") as response:
        pings = (line for line in response.iter_lines() if line.startswith(": ping"))
        for _ in range(10):  # there is at most one every 50 ms
            next(pings)


def test_connections_are_limited_and_idle_ones_make_room(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "find_most_connections", lambda: 5)
    monkeypatch.setattr(connections, "IDLE", 0.0)
    idle = [connect(live, b"GET / HTTP/1.1\r\nHo") for _ in range(5)]
    until(lambda: len(live.server.server_state.connections) == 5)
    assert live.raw("GET", "/data/index.json").status == 200
    assert is_closed(idle[0])
    assert len(live.server.server_state.connections) <= 5
    for connection in idle:
        connection.close()


def test_a_connection_beyond_the_limit_waits_until_another_one_ends(
    live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = live.start_run(ENDLESS)
    monkeypatch.setattr(connections, "find_most_connections", lambda: 3)
    head = f"GET /api/runs/{run_id}/events HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode()
    live.http.close()
    busy = [connect(live, head) for _ in range(3)]
    assert all(connection.recv(9) == b"HTTP/1.1 " for connection in busy)
    with connect(live, b"GET /data/index.json HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n") as one_more:
        one_more.settimeout(0.3)
        with pytest.raises(TimeoutError):
            one_more.recv(1)
        for connection in busy:
            connection.close()
        one_more.settimeout(30)
        assert one_more.recv(15) == b"HTTP/1.1 200 OK"


def test_connections_leave_files_to_everything_else(monkeypatch: pytest.MonkeyPatch) -> None:
    resource = pytest.importorskip("resource")
    set_to: list[tuple[int, int]] = []
    monkeypatch.setattr(resource, "getrlimit", lambda _: set_to[-1] if set_to else (1024, 4096))
    monkeypatch.setattr(resource, "setrlimit", lambda _, limits: set_to.append(limits))
    assert connections.find_most_connections() == 1024 - 256
    connections.raise_open_files_limit()
    assert set_to == [(4096, 4096)]
    assert connections.find_most_connections() == 4096 - 256


def test_a_body_that_does_not_arrive_is_a_problem(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api, "BODY_PATIENCE", 0.2)
    head = f"POST /api/runs HTTP/1.1\r\nHost: 127.0.0.1:{live.port}\r\nContent-Type: application/json\r\n"
    with connect(live, f"{head}Content-Length: 100\r\n\r\n{{".encode()) as connection:
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"application/problem+json" in answer


HOSTILE: dict[str, dict[str, Any]] = {
    "unknown names": {f"{number:x}": 1 for number in range(6000)},
    "unknown names in planes": {"planes": [{f"{number:x}": 1} for number in range(3000)]},
    "wrong widths": {"model": {"hidden": ["x"] * 10_000}},
    "planes from files": {"planes": [{"kind": "file"}] * 3000},
    "wrong points": {"dataset": {"name": "own", "own": {"x": ["a"] * 4000, "y": ["a"] * 4000, "label": ["a"] * 4000}}},
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_small_body_with_thousands_of_faults_costs_little_and_a_few_are_named(name: str) -> None:
    body = HOSTILE[name]
    assert len(json.dumps(body)) <= api.BODY_LIMIT
    began = time.process_time()
    with pytest.raises(ConfigError) as caught:
        make_config(body)
    # This takes 0.3 s on an idle machine; a comparison of each pair would take minutes.
    assert time.process_time() - began < 3
    assert 1 <= len(caught.value.faults) <= _MOST_TOLD + 1
    assert all(len(field) <= 200 for field, _ in caught.value.faults)


def test_the_faults_that_are_not_named_are_counted() -> None:
    with pytest.raises(ConfigError, match="there are 60 more faults"):
        RunConfig.from_mapping({f"x{number}": 1 for number in range(_MOST_TOLD + 60)})


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"training": {"epochs": True}}, "training.epochs"),
        ({"training": {"batch_size": True}}, "training.batch_size"),
        ({"model": {"hidden": [4, True]}}, "model.hidden"),
        ({"planes": [{"spans": [True]}]}, "planes.0.spans"),
        ({"planes": [{"seed": False}]}, "planes.0.seed"),
        ({"curvature": {"frames": False}}, "curvature.frames"),
        ({"training": {"epochs": "5"}}, "training.epochs"),
        ({"training": {"batch_size": "32"}}, "training.batch_size"),
        ({"training": {"learning_rate": "1e-2"}}, "training.learning_rate"),
        ({"model": {"hidden": [4, "4"]}}, "model.hidden"),
    ],
)
def test_booleans_and_texts_are_no_numbers(values: dict[str, Any], field: str) -> None:
    with pytest.raises(ConfigError) as caught:
        RunConfig.from_mapping(values)
    ((found, message),) = caught.value.faults
    assert found == field
    assert message.endswith("is not allowed: give a number")
    RunConfig.from_mapping({"model": {"residual": True}, "planes": [{"moving": True}]})


@pytest.mark.parametrize("value", [0, 1, 1.0, "true", "off", "1"])
def test_numbers_and_texts_are_no_booleans(value: object) -> None:
    for values, field in (
        ({"planes": [{"test_frames": value}]}, "planes.0.test_frames"),
        ({"model": {"residual": value}}, "model.residual"),
    ):
        with pytest.raises(ConfigError) as caught:
            RunConfig.from_mapping(values)
        assert caught.value.faults == ((field, f"{value!r} is not allowed: give true or false"),)


LARGE: dict[str, tuple[dict[str, Any], set[str]]] = {
    "hours of single steps": ({"training": {"epochs": 1_000_000, "batch_size": 1}}, {"work"}),
    "a wide and deep network": (
        {
            "model": {"hidden": [1024] * 32},
            "training": {"epochs": 1, "frames": 2},
            "curvature": {"frames": 0},
            "planes": [{"kind": "gaussian", "moving": False, "seed": n, "grid": 501} for n in range(16)],
        },
        {"work", "memory"},
    ),
    "many points of a wide and deep network at once": (
        {
            "model": {"hidden": [1024] * 32},
            "dataset": {"points": 20_000},
            "training": {"epochs": 1, "frames": 2, "batch_size": "full"},
            "curvature": {"frames": 0},
            "planes": [{"moving": False, "grid": 3, "spans": [1.0]}],
        },
        {"memory"},
    ),
    "a Hessian plane of many parameters": (
        {
            "model": {"hidden": [1024] * 32},
            "dataset": {"points": 10},
            "training": {"epochs": 1, "frames": 2},
            "curvature": {"frames": 0},
            "planes": [{"kind": "hessian", "grid": 3, "spans": [1.0]}],
        },
        {"memory"},
    ),
}


@pytest.mark.parametrize("name", LARGE)
def test_a_run_that_is_too_large_is_refused_with_the_limit_and_the_estimate(name: str, live: Live) -> None:
    config, exceeded = LARGE[name]
    answer = live.post(config)
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    problem = answer.json()
    assert {each["what"] for each in problem["exceeded"]} == exceeded
    estimates = {
        "work": estimate_total_work(RunConfig.from_mapping(config)),
        "memory": estimate_memory(RunConfig(**config)),
    }
    for each in problem["exceeded"]:
        assert each["estimate"] == estimates[each["what"]] > each["limit"] == getattr(Limits(), each["what"])
        assert f"{each['limit']:.1e} are allowed" in problem["detail"]
    assert live.http.get("data/index.json").json()["runs"] == []


def test_ordinary_runs_are_far_below_the_limits() -> None:
    for config in ({}, {"training": {"epochs": 1_000_000}}, {"model": {"hidden": [256, 256]}}):
        Limits().check(RunConfig.from_mapping(config))
    assert estimate_total_work(RunConfig()) < Limits().work / 500


def test_the_limits_are_settings_and_do_not_apply_to_stored_runs(tmp_path: Path) -> None:
    with live_server(Gallery(tmp_path), threads=1) as live:
        run_id, _ = live.compute(small_config().model_dump(mode="json"))
    limits = Limits(work=1.0)
    with pytest.raises(RunTooLargeError, match=r"1\.0e\+00 are allowed"):
        limits.check(small_config())
    with live_server(Gallery(tmp_path), threads=1, work=limits.work) as live:
        assert live.post(small_config().model_dump(mode="json")).json() == {
            "id": run_id,
            "state": "stored",
            "run": f"data/runs/{run_id}/run.json",
        }
        assert live.post(small_config(training={"seed": 9}).model_dump(mode="json")).status_code == 422


def test_a_forgotten_job_takes_no_memory_until_a_collection(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lossatlas.server.jobs.REMEMBERED_JOBS", 0)
    queue = Jobs(Gallery(tmp_path), threads=1)
    gc.disable()
    try:
        job = queue.submit(small_config())
        queue.cancel(job)
        left = weakref.ref(job)
        del job
        assert left() is None
    finally:
        gc.enable()


def test_a_file_that_many_request_at_once_is_compressed_once() -> None:
    cache, made = Cache(100), []

    def make() -> bytes:
        made.append(1)
        time.sleep(0.05)
        return b"compressed"

    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(lambda _: cache.get(("a",), make), range(8))) == [b"compressed"] * 8
    assert len(made) == 1


def test_a_failure_to_compress_reaches_all_clients_and_is_not_kept() -> None:
    cache = Cache(100)
    with pytest.raises(ValueError, match="no"):
        cache.get(("a",), _fail)
    assert cache.get(("a",), lambda: b"yes") == b"yes"


def _fail() -> bytes:
    raise ValueError("no")


@pytest.fixture
def named(tmp_path: Path) -> Iterator[Live]:
    with live_server(Gallery(tmp_path), threads=1) as live:
        yield live


@pytest.mark.parametrize("length", [256, 4000])
def test_a_name_that_no_file_can_have_is_not_found(length: int, named: Live) -> None:
    for path in (f"/{'a' * length}", f"/vendor/{'a' * length}.js", f"/data/runs/moons-4/{'a' * length}.npy"):
        assert named.raw("GET", path).status == 404


def open_stream(live: Live, run_id: str) -> socket.socket:
    """Open a stream of events with a small buffer, and read nothing of it."""
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.connect(("127.0.0.1", live.port))
    connection.sendall(f"GET /api/runs/{run_id}/events HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
    return connection


#: A run of a few small steps, whose events take 20 MB.
TALKATIVE = {
    "dataset": {"points": 8},
    "model": {"hidden": [1]},
    "training": {"epochs": 2, "frames": 3},
    "boundary": {"resolution": 2},
    "planes": [{"grid": 501, "spans": [1.0, 0.5]}],
    "curvature": {"frames": 0},
}


def test_few_files_are_open_for_clients_that_read_slowly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(served_files, "MOST_SENT", 2)
    monkeypatch.setattr(served_files, "_PATIENCE", 0.5)
    run = tmp_path / "runs" / "moons-1"
    run.mkdir(parents=True)
    (run / "run.json").write_bytes(b"{}")
    (run / "weights.npy").write_bytes(bytes(20_000_000))
    large = "/data/runs/moons-1/weights.npy"
    with live_server(Gallery(tmp_path), threads=1) as live, ExitStack() as held:
        for _ in range(2):
            connection = held.enter_context(socket.socket())
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            connection.connect(("127.0.0.1", live.port))
            connection.sendall(f"GET {large} HTTP/1.1\r\nHost: 127.0.0.1\r\nRange: bytes=0-19999999\r\n\r\n".encode())
            assert connection.recv(12) == b"HTTP/1.1 206"
        refused = live.raw("GET", large)
        assert (refused.status, refused.headers["retry-after"]) == (503, "5")
        assert live.raw("GET", "/data/runs/moons-1/run.json").body == b"{}"
        assert live.raw("GET", large, {"Accept-Encoding": "br"}).status == 200
        held.close()
        until(lambda: live.raw("GET", large).status == 200)


def test_streams_that_nobody_reads_share_a_piece_and_are_cut_off(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    run_id, events = live.compute(TALKATIVE)
    assert max(len(json.dumps(event.body)) for event in events) > 2_000_000
    log = live.app.state.jobs.find(run_id).log
    idle = [open_stream(live, run_id) for _ in range(20)]
    until(lambda: log.listener_count == 20 and len(log._shared) == 2)  # the plan of an event, and one of its pieces
    assert live.http.get(f"api/runs/{run_id}").status_code == 200
    until(lambda: all(each.transport.get_write_buffer_size() > 0 for each in live.server.server_state.connections))
    buffered = [each.transport.get_write_buffer_size() for each in live.server.server_state.connections]
    assert max(buffered) < 4 * PIECE
    for connection in idle:
        connection.close()
    until(lambda: not log.has_listeners and not log._shared)
    monkeypatch.setattr(connections, "STALLED", 0.1)
    with open_stream(live, run_id):
        until(lambda: log.has_listeners)
        until(lambda: not log.has_listeners)


def test_streams_are_limited_for_each_address_and_in_all(tmp_path: Path) -> None:
    with live_server(Gallery(tmp_path), threads=1, streams=4) as live:
        run_id = live.start_run({"training": {"epochs": 1_000_000, "frames": 2}})
        with live.listen(run_id) as first, live.listen(run_id) as second:
            assert next(first).name == next(second).name == "queued"
            refused = live.http.get(f"api/runs/{run_id}/events")
            assert (refused.status_code, refused.headers["retry-after"]) == (429, "5")
            assert live.app.state.jobs.count().streams == 2
            others = {"X-Forwarded-For": "192.0.2.7"}
            with live.http.stream("GET", f"api/runs/{run_id}/events", headers=others) as other:
                assert other.status_code == 200
        until(lambda: live.app.state.jobs.count().streams == 0)
        with live.listen(run_id) as again:
            assert next(again).name == "queued"
