"""Tests to whom a server is open: names, paths under a proxy, frames, and a server that only shows stored runs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lossatlas.errors import LossAtlasError
from lossatlas.runs import compute_run
from lossatlas.server import Exposure
from lossatlas.store import Gallery
from tests.conftest import small_config
from tests.server.live import Live, live_server

RUN = small_config().id
JSON = {"Content-Type": "application/json"}


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"allowed_hosts": ["https://atlas.example"]}, "https://atlas.example"),
        ({"allowed_hosts": ["atlas.example:80"]}, "atlas.example:80"),
        ({"allowed_hosts": ["atlas.example", ""]}, "''"),
        ({"root_path": "atlas"}, "'atlas'"),
        ({"root_path": "//evil.example"}, "//evil.example"),
        ({"root_path": "/a/../b"}, "/a/../b"),
        ({"framed_by": ["course.example"]}, "course.example"),
        ({"framed_by": ["https://course.example/unit"]}, "https://course.example/unit"),
        ({"framed_by": ["https://a.example; script-src *"]}, "script-src"),
        ({"framed_by": ["'unsafe-inline'"]}, "unsafe-inline"),
        ({"proxies": ["proxy.example"]}, "proxy.example"),
        ({"proxies": ["10.1.2.3/16"]}, "10.1.2.3/16"),
    ],
)
def test_a_setting_that_is_not_valid_is_refused_with_its_value(wrong: dict[str, Any], named: str) -> None:
    with pytest.raises(LossAtlasError, match="give ") as caught:
        Exposure(**wrong)
    assert named in str(caught.value)


def test_a_server_for_this_machine_alone_says_nothing_and_others_say_what_they_expose() -> None:
    data = Path("runs of mine")
    assert Exposure().describe(8642, data) == []
    shared = Exposure("0.0.0.0", allowed_hosts=["atlas.example"], framed_by=["https://course.example/"])
    reach, can, called, framed = shared.describe(99, data)
    assert "port 99 of this one" in reach
    assert "no passwords" in reach
    assert "stored there too" in can
    assert str(data) in can
    assert "atlas.example, localhost" in called
    assert "https://course.example may" in framed
    assert shared.find_url(99) == "http://127.0.0.1:99/"
    behind = Exposure(root_path="/atlas/", read_only=True)
    assert "a proxy here" in behind.describe(1, data)[0]
    assert "Nothing is computed, and nothing is written" in behind.describe(1, data)[1]
    assert behind.find_url(1) == "http://127.0.0.1:1/atlas/"
    assert "any name" in " ".join(Exposure("::", allowed_hosts=["*"]).describe(1, data))
    assert Exposure("::").find_url(1) == "http://[::1]:1/"


@pytest.fixture(scope="module")
def below(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    gallery = Gallery(tmp_path_factory.mktemp("below"))
    gallery.save(compute_run(small_config(), threads=1))
    with live_server(gallery, root_path="/atlas", threads=1, framed_by=["https://course.example"]) as live:
        yield live


@pytest.mark.parametrize("prefix", ["", "/atlas"], ids=["a proxy that removes the path", "a proxy that passes it on"])
def test_everything_is_found_below_a_root_path(below: Live, prefix: str) -> None:
    page = below.raw("GET", f"{prefix}/")
    assert page.status == 200
    assert b"<title>Loss Atlas</title>" in page.body
    assert page.headers["content-security-policy"].endswith("frame-ancestors 'self' https://course.example")
    assert below.raw("GET", f"{prefix}/pages/atlas/main.js").status == 200
    assert json.loads(below.raw("GET", f"{prefix}/data/index.json").body)["runs"][0]["id"] == RUN
    body = small_config().model_dump_json().encode()
    sent = {**JSON, "Content-Length": str(len(body))}
    answer = below.raw("POST", f"{prefix}/api/runs", sent, body)
    assert json.loads(answer.body) == {"id": RUN, "state": "stored", "run": f"data/runs/{RUN}/run.json"}
    events = below.raw("GET", f"{prefix}/api/runs/{RUN}/events")
    assert b"event: done" in events.body
    assert events.headers["x-accel-buffering"] == "no"
    missing = below.raw("GET", f"{prefix}/atlases")
    assert (missing.status, missing.headers["content-type"]) == (404, "application/problem+json")


@pytest.mark.parametrize("prefix", ["", "/atlas"])
def test_foreign_sites_are_refused_below_a_root_path(below: Live, prefix: str) -> None:
    for headers in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        assert below.raw("GET", f"{prefix}/api/runs/{RUN}/events", headers).status == 403
    assert below.raw("GET", f"{prefix}/", {"Host": "evil.example"}).status == 421


def test_the_root_path_without_a_slash_leads_to_the_page_with_its_query(below: Live) -> None:
    answer = below.raw("GET", "/atlas?run=a&epoch=3")
    assert (answer.status, answer.headers["location"]) == (307, "/atlas/?run=a&epoch=3")


def test_a_proxy_may_change_the_host_if_the_browser_says_that_the_page_is_of_the_same_origin(below: Live) -> None:
    path, origin = f"/api/runs/{RUN}", {"Origin": "https://atlas.example"}
    assert below.raw("GET", path, origin).status == 403
    assert below.raw("GET", path, {**origin, "Sec-Fetch-Site": "same-origin"}).status == 200


@pytest.fixture
def shown(tmp_path: Path) -> Iterator[Live]:
    gallery = Gallery(tmp_path / "data")
    gallery.save(compute_run(small_config(), threads=1))
    with live_server(gallery, threads=1, read_only=True) as live:
        yield live


def list_files(folder: Path) -> dict[str, tuple[int, int]]:
    found = {path: path.stat() for path in folder.rglob("*")}
    return {path.as_posix(): (status.st_mtime_ns, status.st_size) for path, status in found.items()}


def test_a_server_that_only_shows_computes_nothing_and_writes_nothing(shown: Live) -> None:
    for extra in (".index.lock", "index.json"):
        (shown.data / extra).unlink()
    (shown.data / "runs" / RUN / "weights.npy").write_bytes(b"damaged")
    before = list_files(shown.data)
    catalog = shown.http.get("catalog.json").json()
    assert (catalog["compute"], catalog["read_only"]) == (False, True)
    assert [run["id"] for run in shown.http.get("data/index.json").json()["runs"]] == [RUN]
    assert shown.post(small_config().model_dump(mode="json")).json()["state"] == "stored"
    refused = shown.post(small_config(training={"seed": 9}).model_dump(mode="json"))
    assert (refused.status_code, refused.headers["content-type"]) == (403, "application/problem+json")
    assert "train this one in the page" in refused.json()["detail"]
    assert shown.http.delete(f"api/runs/{RUN}").json()["state"] == "stored"
    assert [event.name for event in shown.events(RUN)] == ["done"]
    assert list_files(shown.data) == before


def test_every_refusal_for_now_says_when_to_ask_again(live: Live) -> None:
    live.start_run({"training": {"epochs": 1_000_000, "frames": 2}})
    answers = [live.post({"training": {"epochs": 1_000_000, "frames": 2, "seed": seed}}) for seed in (1, 2)]
    assert [answer.status_code for answer in answers] == [202, 503]
    assert int(answers[1].headers["retry-after"]) > 0
