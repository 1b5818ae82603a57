"""Tests every refusal of the server. All have the same form, problem details."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path

import pytest

from lossatlas.errors import DataFolderError
from lossatlas.runs import compute_run
from lossatlas.server.api import BODY_LIMIT
from lossatlas.server.guard import SECURITY_HEADERS
from lossatlas.server.service import RunService
from lossatlas.store import Gallery
from tests.conftest import small_config
from tests.server.live import Live, live_server

RUN = small_config().id
JSON = {"Content-Type": "application/json"}


@dataclass(frozen=True)
class Case:
    status: int
    method: str
    path: str
    says: str
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


def _post(status: int, says: str, body: bytes, **headers: str) -> Case:
    sent = {
        **JSON,
        "Content-Length": str(len(body)),
        **{name.replace("_", "-"): value for name, value in headers.items()},
    }
    return Case(status, "POST", "/api/runs", says, sent, body)


CASES = {
    # 404
    "page": Case(404, "GET", "/nothing", "/nothing"),
    "page folder": Case(404, "GET", "/vendor", "/vendor"),
    "page, dotted": Case(404, "GET", "/.hidden", "/.hidden"),
    "page, up": Case(404, "GET", "/../pyproject.toml", "nothing"),
    "page, up encoded": Case(404, "GET", "/%2e%2e/server/app.py", "nothing"),
    "page, NUL": Case(404, "GET", "/index.html%00", "nothing"),
    "api": Case(404, "GET", "/api", "/api"),
    "api path": Case(404, "GET", "/api/nothing", "/api/nothing"),
    "swagger": Case(404, "GET", "/api/docs", "/api/docs"),
    "run": Case(404, "GET", "/api/runs/moons-4-tanh-00000000", "moons-4-tanh-00000000"),
    "run id": Case(404, "GET", "/api/runs/NotAnId", "NotAnId"),
    "run id, up": Case(404, "GET", "/api/runs/..%2f..%2fetc", "nothing"),
    "run id, long": Case(404, "GET", f"/api/runs/{'a' * 5000}", "no id of a run"),
    "events": Case(404, "GET", "/api/runs/moons-4-tanh-00000000/events", "moons-4-tanh-00000000"),
    "cancel": Case(404, "DELETE", "/api/runs/moons-4-tanh-00000000", "moons-4-tanh-00000000"),
    "data": Case(404, "GET", "/data", "/data"),
    "data folder": Case(404, "GET", "/data/", "/data/"),
    "data, lock": Case(404, "GET", "/data/.index.lock", "nothing"),
    "data, stranger": Case(404, "GET", "/data/secret.txt", "nothing"),
    "data, run folder": Case(404, "GET", f"/data/runs/{RUN}/", "nothing"),
    "data, no run": Case(404, "GET", "/data/runs/moons-4-tanh-00000000/run.json", "nothing"),
    "data, no array": Case(404, "GET", f"/data/runs/{RUN}/nothing.npy", "nothing"),
    "data, stranger in a run": Case(404, "GET", f"/data/runs/{RUN}/notes.txt", "nothing"),
    "data, unfinished": Case(404, "GET", "/data/runs/.unfinished-1-0/run.json", "nothing"),
    "data, link out": Case(404, "GET", f"/data/runs/{RUN}/link.npy", "nothing"),
    "data, up": Case(404, "GET", "/data/runs/../../outside.npy", "nothing"),
    "data, up encoded": Case(404, "GET", "/data/runs/%2e%2e%2f%2e%2e%2foutside.npy", "nothing"),
    "data, up twice encoded": Case(404, "GET", "/data/runs/%252e%252e%252foutside.npy", "nothing"),
    "data, absolute": Case(404, "GET", "/data//etc/passwd", "nothing"),
    # 405 and 415
    "put": Case(405, "PUT", "/api/runs", "POST"),
    "get runs": Case(405, "GET", "/api/runs", "POST"),
    "post run": Case(405, "POST", f"/api/runs/{RUN}", "is not allowed"),
    "delete events": Case(405, "DELETE", f"/api/runs/{RUN}/events", "GET"),
    "post page": Case(405, "POST", "/", "GET"),
    "delete data": Case(405, "DELETE", f"/data/runs/{RUN}/run.json", "GET"),
    "post catalog": Case(405, "POST", "/catalog.json", "GET"),
    # 400 and 422
    "no json": _post(400, "not JSON", b"{"),
    "empty": _post(400, "not JSON", b""),
    "no utf-8": _post(400, "not JSON", b"\xff\xfe{"),
    "deep": _post(400, "not JSON", b"[" * 60_000),
    "long number": _post(400, "not JSON", b"1" * 60_000),
    "form": _post(415, "application/json", b"a=1", Content_Type="application/x-www-form-urlencoded"),
    "text, as a foreign form could send": _post(415, "text/plain", b"{}", Content_Type="text/plain"),
    "no type": _post(415, "no type", b"{}", Content_Type=""),
    "not an object": _post(422, "not valid", b"[1]"),
    "null": _post(422, "not valid", b"null"),
    "bad value": _post(422, "not valid", b'{"training": {"epochs": -1}}'),
    "unknown name": _post(422, "not valid", b'{"trainin": {}}'),
    "a plane that is no object": _post(422, "not valid", b'{"planes": [3]}'),
    "a plane from a file": _post(422, "not valid", b'{"planes": [{"kind": "file", "file": "/etc/passwd"}]}'),
    "half a surrogate": _post(422, "not valid", rb'{"\ud800": "\ud800", "dataset": {"name": "\ud800"}}'),
    "not a number": _post(422, "not valid", b'{"training": {"learning_rate": NaN}}'),
    # 413 and 503
    "announced": _post(413, "64 KiB", b"", Content_Length="50000000"),
    "sent": Case(
        413,
        "POST",
        "/api/runs",
        "64 KiB",
        {**JSON, "Transfer-Encoding": "chunked"},
        b"11000\r\n" + b" " * 0x11000 + b"\r\n",
    ),
    # 403 and 421
    "rebound name": Case(421, "GET", "/", "evil.example", {"Host": "evil.example"}),
    "rebound name, api": Case(421, "POST", "/api/runs", "evil.example", {"Host": "evil.example:80"}),
    "rebound look-alike": Case(421, "GET", "/data/index.json", "127.0.0.1.evil", {"Host": "127.0.0.1.evil.example"}),
    "broken host": Case(421, "GET", "/", "[::1", {"Host": "[::1"}),
    "foreign origin": _post(403, "own page", b"{}", Origin="http://evil.example"),
    "other port": _post(403, "own page", b"{}", Origin="http://127.0.0.1:1"),
    "null origin": _post(403, "own page", b"{}", Origin="null"),
    "foreign site": _post(403, "own page", b"{}", Sec_Fetch_Site="cross-site"),
    "foreign delete": Case(403, "DELETE", f"/api/runs/{RUN}", "own page", {"Sec-Fetch-Site": "same-site"}),
}


@pytest.fixture(scope="module")
def cluttered(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """Make a gallery with one run, and with files that must not be served."""
    gallery = Gallery(tmp_path_factory.mktemp("cluttered") / "data")
    folder = gallery.save(compute_run(small_config(), threads=1))
    outside = gallery.data.parent / "outside.npy"
    for path in (gallery.data / "secret.txt", folder / "notes.txt", outside):
        path.write_text("secret")
    (folder / "link.npy").symlink_to(outside)
    unfinished = gallery.data / "runs" / ".unfinished-1-0"
    unfinished.mkdir()
    (unfinished / "run.json").write_text("{}")
    assert (gallery.data / ".index.lock").exists()
    with live_server(gallery, threads=1) as live:
        yield live


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_refusals_have_one_shape(cluttered: Live, case: Case) -> None:
    answer = cluttered.raw(case.method, case.path, case.headers, case.body)
    assert answer.headers["content-type"] == "application/problem+json"
    problem = json.loads(answer.body)
    assert problem.keys() - {"errors"} == {"type", "title", "status", "detail"}
    assert (answer.status, problem["status"]) == (case.status, case.status)
    assert problem["title"] == HTTPStatus(case.status).phrase
    assert case.says in problem["detail"]
    assert ("errors" in problem) == (case.status == 422)
    for fault in problem.get("errors", []):
        assert fault.keys() == {"field", "message"}
        assert fault["message"]
    assert "secret" not in answer.body.decode().replace("secret.txt", "")
    assert {name: answer.headers[name.lower()] for name in SECURITY_HEADERS} == SECURITY_HEADERS


def test_the_table_contains_every_refusal() -> None:
    assert {case.status for case in CASES.values()} == {400, 403, 404, 405, 413, 415, 421, 422}


def test_faults_name_their_fields(stocked: Live) -> None:
    problem = stocked.post({"training": {"epochs": -1, "rate": 2}, "model": {"hidden": [0]}}).json()
    assert {fault["field"] for fault in problem["errors"]} == {"training.epochs", "training.rate", "model.hidden.0"}


@pytest.mark.parametrize("file", ["/etc/passwd", "/nowhere", "vectors.npy", ""])
@pytest.mark.parametrize("digest", [{}, {"sha256": "0" * 64}])
def test_planes_from_files_of_the_server_are_refused_and_the_files_are_not_read(
    stocked: Live, file: str, digest: dict[str, str]
) -> None:
    answer = stocked.post({"planes": [{}, {"kind": "file", "file": file, **digest}, {"kind": "pca"}]})
    assert answer.status_code == 422
    (fault,) = answer.json()["errors"]
    assert fault["field"] == "planes.1.kind"
    assert fault["message"].startswith("'file' is not allowed")
    assert "passwd" not in answer.text


def test_405_says_what_is_allowed(stocked: Live) -> None:
    assert stocked.raw("PUT", "/api/runs").headers["allow"] == "POST"
    assert set(stocked.raw("POST", "/").headers["allow"].split(", ")) == {"GET", "HEAD"}


def test_the_largest_body_is_read(stocked: Live) -> None:
    body = b'{"a":1}'.ljust(BODY_LIMIT)
    answer = stocked.raw("POST", "/api/runs", {**JSON, "Content-Length": str(len(body))}, body)
    assert answer.status == 422  # it is not refused with 413


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:80", "127.0.0.1", "[::1]:8642", "192.168.1.5", "atlas.example"]
)
def test_the_servers_own_host_names_are_accepted(stocked: Live, host: str) -> None:
    assert stocked.raw("GET", "/", {"Host": host}).status == 200


@pytest.mark.parametrize(
    "headers", [{"Origin": "http://localhost:8000"}, {"Sec-Fetch-Site": "same-origin"}, {"Sec-Fetch-Site": "none"}, {}]
)
def test_requests_from_the_servers_own_page_are_accepted(stocked: Live, headers: dict[str, str]) -> None:
    answer = stocked.raw("DELETE", f"/api/runs/{RUN}", {"Host": "localhost:8000", **headers})
    assert (answer.status, json.loads(answer.body)["state"]) == (200, "stored")


@pytest.mark.parametrize("path", ["data/index.json", "api/runs/moons"])
def test_an_unexpected_error_is_reported_without_its_traceback(
    tmp_path: Path, path: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> None:
        raise ValueError("a secret of the server")

    monkeypatch.setattr(Gallery, "index", fail)
    monkeypatch.setattr(Gallery, "__contains__", fail)
    with live_server(Gallery(tmp_path)) as live:
        answer = live.raw("GET", f"/{path}")
    assert answer.status == 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert b"secret" not in answer.body
    assert b"Traceback" not in answer.body


def test_a_damaged_manifest_affects_only_its_own_run(live: Live) -> None:
    folder = live.data / "runs" / "moons-4-tanh-00000000"
    folder.mkdir(parents=True)
    (folder / "run.json").write_text("{")
    assert live.http.get("data/index.json").json()["runs"] == []
    answer = live.http.get(f"api/runs/{folder.name}/events")
    assert answer.status_code == 409
    assert answer.json()["detail"].startswith("runs/moons-4-tanh-00000000/run.json: ")


def test_no_answer_tells_where_the_data_folder_lies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    link = tmp_path / "linked"
    link.symlink_to(tmp_path / "data")

    def fail(*_: object, **__: object) -> None:
        raise DataFolderError(f"cannot write into {link} or {tmp_path}/data/runs/moons (full); give another folder")

    with live_server(Gallery(link), threads=1) as live:
        monkeypatch.setattr(RunService, "request", fail)
        answer = live.post({})
    detail = "cannot write into the data folder or runs/moons (full); give another folder"
    assert (answer.status_code, answer.json()["detail"]) == (500, detail)
    assert str(link) in capsys.readouterr().err  # those who run the server need to know it
