"""Tests that only clients that wait for a run can end it, and that the server follows no links."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from lossatlas.server import jobs
from lossatlas.server.guard import SECURITY_HEADERS
from tests.server.live import ENDLESS, Live, until

FOREIGN = [{"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}, {"Origin": "http://evil.example"}]


@pytest.mark.parametrize("headers", FOREIGN, ids=["cross-site", "same-site", "origin"])
def test_a_foreign_page_cannot_attach_to_a_run_and_so_cannot_end_it_by_leaving(
    headers: dict[str, str], live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "GRACE", 0.01)
    run_id = live.start_run(ENDLESS)
    answer = live.raw("GET", f"/api/runs/{run_id}/events", headers)
    assert (answer.status, answer.headers["content-type"]) == (403, "application/problem+json")
    assert live.app.state.jobs.find(run_id).giving_up is None
    assert live.state(run_id) == "running"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "user@127.0.0.1"}, 421),
        ({"Origin": "chrome-extension://127.0.0.1:PORT"}, 403),
        ({"Origin": "http://["}, 403),
        ({"Origin": "http://127.0.0.1:PORT/"}, 403),
        ({"Origin": "http://127.0.0.1:PORT"}, 415),
    ],
)
def test_names_that_only_look_like_this_server_are_refused(headers: dict[str, str], status: int, stocked: Live) -> None:
    sent = {name: value.replace("PORT", str(stocked.port)) for name, value in headers.items()}
    assert stocked.raw("POST", "/api/runs", sent).status == status


def stream(live: Live, run_id: str, client: str | None) -> Any:
    return live.http.stream("GET", f"api/runs/{run_id}/events", params={"client": client} if client else {})


def names(response: Any) -> list[str]:
    return [line.removeprefix("event: ") for line in response.iter_lines() if line.startswith("event: ")]


def delete(live: Live, run_id: str, client: str | None) -> str:
    answer = live.http.delete(f"api/runs/{run_id}", params={"client": client} if client else {})
    assert answer.status_code == 200
    return str(answer.json()["state"])


def test_a_client_leaves_a_run_and_it_continues_for_others(live: Live) -> None:
    run_id = live.start_run(ENDLESS)
    with stream(live, run_id, "first") as first, stream(live, run_id, "second") as second:
        until(lambda: len(live.app.state.jobs.find(run_id).log._listeners) == 2)
        assert delete(live, run_id, "first") == "running"
        assert names(first)[-1] == "cancelled"  # this stream has ended
        until(lambda: len(live.app.state.jobs.find(run_id).log._listeners) == 1)
        assert live.state(run_id) == "running"
        assert delete(live, run_id, "second") == "cancelled"
        assert names(second)[-1] == "cancelled"


@pytest.mark.parametrize("client", [None, "stranger"])
def test_another_client_cannot_end_a_run_that_somebody_follows(client: str | None, live: Live) -> None:
    run_id = live.start_run(ENDLESS)
    with stream(live, run_id, "first"):
        until(lambda: live.app.state.jobs.find(run_id).log.has_listeners)
        assert delete(live, run_id, client) == "running"
        assert live.state(run_id) == "running"


def test_any_client_can_cancel_a_run_that_nobody_follows(live: Live) -> None:
    run_id = live.start_run(ENDLESS)
    assert delete(live, run_id, None) == "cancelled"


def test_documents_have_headers_that_restrict_them(stocked: Live) -> None:
    headers = stocked.raw("GET", "/").headers
    for part in ("object-src 'none'", "base-uri 'none'", "form-action 'none'", "frame-ancestors 'self'"):
        assert part in headers["content-security-policy"]
    assert headers["cross-origin-opener-policy"] == "same-origin"
    assert "camera=()" in headers["permissions-policy"]
    assert {name: headers[name.lower()] for name in SECURITY_HEADERS} == SECURITY_HEADERS


@pytest.mark.parametrize(("header", "status"), [("bytes=x-y", 400), ("bytes=999999999999-", 416)])
def test_wrong_ranges_are_problems_too(header: str, status: int, stocked: Live) -> None:
    (run,) = stocked.gallery.ids()
    answer = stocked.raw("GET", f"/data/runs/{run}/weights.npy", {"Range": header})
    assert (answer.status, answer.headers["content-type"]) == (status, "application/problem+json")
    assert json.loads(answer.body)["status"] == status


def plant(data: Path, run: str, kind: str) -> str:
    """Put a link or a pipe into a data folder, and return the path with which it would be requested."""
    outside = data.parent / f"outside-{data.name}"
    outside.mkdir(exist_ok=True)
    for name in ("run.json", "hidden.npy", "index.json"):
        (outside / name).write_text("secret")
    if kind == "run folder":
        (data / "runs" / "leak-1").symlink_to(outside)
        return "/data/runs/leak-1/run.json"
    if kind == "plane folder":
        (data / "runs" / run / "planes" / "leak").symlink_to(outside)
        return f"/data/runs/{run}/planes/leak/hidden.npy"
    if kind == "index":
        (data / "index.json").unlink()
        (data / "index.json").symlink_to(outside / "index.json")
        return "/data/index.json"
    if kind == "pipe":
        os.mkfifo(data / "runs" / run / "pipe.npy")
        return f"/data/runs/{run}/pipe.npy"
    link = data / "runs" / run / "leak.npy"  # this link stays within the run
    link.symlink_to("weights.npy")
    return f"/data/runs/{run}/leak.npy"


@pytest.mark.parametrize("kind", ["run folder", "plane folder", "index", "pipe", "file within the run"])
def test_no_link_is_followed(kind: str, live: Live) -> None:
    run_id, _ = live.compute({"training": {"epochs": 2, "frames": 2}, "planes": [{"grid": 3}]})
    answer = live.raw("GET", plant(live.data, run_id, kind))
    assert b"secret" not in answer.body
    if kind == "index":
        assert answer.status == 200
        assert [entry["id"] for entry in json.loads(answer.body)["runs"]] == [run_id]
    else:
        assert answer.status == 404
