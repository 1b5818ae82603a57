"""Tests that the answers of the HTTP interface agree with its description, and that each refusal has the same form."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from lossatlas.runs import RunConfig
from lossatlas.server.api import SMALL
from tests.server.live import Live
from tests.server.test_errors import CASES, RUN

POST = b"POST /api/runs HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"


def test_answers_agree_with_the_description() -> None:
    command = [sys.executable, "-m", "scripts.attacks.contract", "--examples", "4", "--phases", "examples,fuzzing"]
    done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=Path(__file__).parents[2])
    result = json.loads(done.stdout.splitlines()[-1])
    assert result["failures"] == 0, done.stderr
    assert result["cases"] >= 20


@pytest.fixture(scope="module")
def operations(stocked: Live) -> dict[tuple[str, str], Any]:
    paths = stocked.http.get("api/openapi.json").json()["paths"]
    return {(method.upper(), path): each for path, methods in paths.items() for method, each in methods.items()}


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if "/api/runs" in case.path])
def test_each_refusal_is_described(operations: dict[tuple[str, str], Any], name: str) -> None:
    case = CASES[name]
    path = "/runs" if case.path == "/api/runs" else "/runs/{run_id}" + "/events" * case.path.endswith("/events")
    if case.status == 405:
        assert (case.method, path) not in operations
    elif case.path.count("/") == path.count("/") + 1:
        answer = operations[case.method, path]["responses"][str(case.status)]
        assert answer["content"].keys() == {"application/problem+json"}


def test_refusals_that_hold_only_for_now_are_described_with_their_header(
    operations: dict[tuple[str, str], Any],
) -> None:
    for operation in operations.values():
        assert "default" not in operation["responses"]
        for status in ("429", "503"):
            assert operation["responses"][status]["headers"]["Retry-After"]["required"]


def test_every_event_is_described(operations: dict[tuple[str, str], Any], live: Live) -> None:
    stream = operations["GET", "/runs/{run_id}/events"]["responses"]["200"]["content"]["text/event-stream"]
    bodies = {
        each["properties"]["event"]["const"]: each["properties"]["data"]["contentSchema"]
        for each in stream["itemSchema"]["oneOf"]
    }
    _, events = live.compute(SMALL)
    assert {event.name for event in events} >= {"manifest", "frame", "stage", "done"}
    for event in events:
        assert set(bodies[event.name]["required"]) <= event.body.keys()


def test_the_example_is_a_configuration_and_planes_from_files_are_not_offered(stocked: Live) -> None:
    description = stocked.http.get("api/openapi.json").json()
    body = description["paths"]["/runs"]["post"]["requestBody"]["content"]["application/json"]
    RunConfig.from_mapping(body["examples"]["small"]["value"])
    assert "FilePlane" not in json.dumps(description)


@pytest.mark.parametrize(
    ("path", "methods"), [("runs", "POST"), (f"runs/{RUN}", "GET, DELETE"), (f"runs/{RUN}/events", "GET")]
)
def test_a_method_that_is_not_allowed_gets_all_that_are(path: str, methods: str, stocked: Live) -> None:
    answer = stocked.raw("PATCH", f"/api/{path}")
    assert (answer.status, answer.headers["allow"]) == (405, methods)


def test_a_parameter_that_is_not_valid_is_a_problem(stocked: Live) -> None:
    answer = stocked.raw("DELETE", f"/api/runs/{RUN}?client={'a' * 65}")
    assert (answer.status, answer.headers["content-type"]) == (422, "application/problem+json")
    assert [fault["field"] for fault in json.loads(answer.body)["errors"]] == ["client"]


@pytest.mark.parametrize(
    "sent",
    [
        b"GET / HTTP/1.1\r\nHost : 127.0.0.1\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET / HTTP/1.1\r\nX: " + b"a" * 100_000,
        POST + b"Content-Length: -1\r\n\r\n{}",
        # A proxy could read another end of this request, and take the second one for that of somebody else.
        POST
        + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    ],
    ids=["space before colon", "TLS", "long head", "negative length", "two lengths"],
)
def test_what_is_no_valid_http_is_a_problem_and_ends_the_connection(sent: bytes, stocked: Live) -> None:
    with socket.create_connection(("127.0.0.1", stocked.port), timeout=30) as connection:
        connection.sendall(sent)
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 ")
    assert b"content-type: application/problem+json" in head.lower()
    assert json.loads(body)["status"] == 400
    assert answer.count(b"HTTP/1.1 ") == 1


@pytest.mark.parametrize("path", ["/" + "a" * 256, "/" + "a/" * 3000, f"/data/runs/{RUN}/run.json%0a", "/%ff%fe"])
def test_a_path_that_no_file_has_is_not_found(path: str, stocked: Live) -> None:
    assert stocked.raw("GET", path).status == 404
