"""Tests that the server answers with the files of the page and of the gallery."""

from __future__ import annotations

import gzip
import io
import os
import re
from importlib.resources import files
from pathlib import Path

import brotli
import numpy as np
import pytest

from lossatlas.server.files import Cache
from lossatlas.site import (
    DOCUMENT_HEADERS,
    MEDIA_TYPE,
    MOST_STORY_BYTES,
    PAGE_DIRECTIVES,
    WORKER_DIRECTIVES,
    describe_catalog,
    format_policy,
    make_assets,
    to_byte_planes,
)
from tests.conftest import small_config
from tests.server.live import Live

RUN = small_config().id
WEB = Path(str(files("lossatlas") / "web"))
PLOTLY = next(path.relative_to(WEB).as_posix() for path in (WEB / "vendor").glob("plotly-*.js"))


def test_every_file_of_a_run_is_answered_byte_for_byte(stocked: Live) -> None:
    folder = stocked.data / "runs" / RUN
    paths = [*folder.glob("*.npy"), *folder.glob("planes/*/*.npy"), folder / "run.json"]
    assert len(paths) == 18
    for path in paths:
        url = path.relative_to(stocked.data).as_posix()
        for encoding in ("identity", "gzip", "br"):
            answer = stocked.http.get(f"data/{url}", headers={"Accept-Encoding": encoding})
            assert answer.content == path.read_bytes(), (url, encoding)


def test_arrays_are_read_as_arrays(stocked: Live) -> None:
    answer = stocked.http.get(f"data/runs/{RUN}/weights.npy")
    np.testing.assert_array_equal(np.load(io.BytesIO(answer.content)), stocked.gallery.open(RUN).trajectory.weights)


def test_the_index_is_the_file(stocked: Live) -> None:
    assert stocked.http.get("data/index.json").content == (stocked.data / "index.json").read_bytes()


def test_a_gallery_that_does_not_exist_yet_is_empty(live: Live) -> None:
    assert not live.data.exists()
    assert live.http.get("data/index.json").json() == {"format": "lossatlas-gallery", "format_version": 1, "runs": []}
    assert not live.data.exists()


def test_stories_of_the_data_folder_are_answered_and_nothing_else_there(live: Live, tmp_path: Path) -> None:
    folder = live.data / "stories"
    folder.mkdir(parents=True)
    story = b'{"format": "lossatlas-story", "version": 1, "title": "A", "stops": []}'
    for path in (folder / "my-lesson.json", folder / "Other.json", folder / "notes.txt", tmp_path / "secret.json"):
        path.write_bytes(story)
    (folder / "linked.json").symlink_to(tmp_path / "secret.json")
    (folder / "folder.json").mkdir()
    (folder / "long.json").write_bytes(b" " * (MOST_STORY_BYTES + 1))
    answer = live.http.get("stories/my-lesson.json")
    assert (answer.status_code, answer.content) == (200, story)
    assert answer.headers["content-type"] == "application/json"
    names = ("Other.json", "notes.txt", "linked.json", "folder.json", "long.json", "none.json", "..%2Findex.json", "")
    assert {live.raw("GET", f"/stories/{name}").status for name in names} == {404}


def test_the_catalog_offers_to_compute(stocked: Live) -> None:
    answer = stocked.http.get("catalog.json")
    assert answer.json() == describe_catalog(compute=True)
    assert answer.json()["compute"] is True


def test_the_page_is_at_the_root(stocked: Live) -> None:
    answer = stocked.http.get("")
    assert answer.text == make_assets().texts["index.html"]
    assert answer.headers["cache-control"] == "no-cache"
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["content-security-policy"] == format_policy(PAGE_DIRECTIVES, [])
    assert {name: answer.headers[name] for name in DOCUMENT_HEADERS} == DOCUMENT_HEADERS
    assert answer.headers["referrer-policy"] == "no-referrer"


def test_bundles_are_kept_for_ever_and_modules_are_asked_for_again(stocked: Live) -> None:
    [start] = re.findall(r'<script type="module" src="([^"]+)">', stocked.http.get("").text)
    answer = stocked.http.get(start)
    assert answer.text == make_assets().texts[start]
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["content-type"] == "text/javascript; charset=utf-8"
    assert answer.headers["content-encoding"] in {"br", "gzip"}
    module = stocked.http.get("pages/atlas/main.js")
    assert module.text == (WEB / "pages/atlas/main.js").read_text(encoding="utf-8")
    assert module.headers["cache-control"] == "no-cache"
    assert stocked.http.get("bundles/pages/atlas/main.000000000000.js").status_code == 404
    for name in stocked.http.get("shell.json").json()["files"]:
        assert stocked.http.head(name).status_code == 200, name


def test_the_policy_allows_no_inline_scripts_or_styles_except_four_that_plotly_writes() -> None:
    policy = format_policy(PAGE_DIRECTIVES, ["https://course.example"])
    assert "'unsafe-inline'" not in policy
    assert "'unsafe-eval'" not in policy
    assert policy.count("'sha256-") == 4
    for directive in ("object-src 'none'", "base-uri 'none'", "form-action 'none'"):
        assert f"; {directive};" in policy
    assert policy.endswith("; frame-ancestors 'self' https://course.example")
    assert "frame-ancestors" not in format_policy(PAGE_DIRECTIVES)  # an element meta must not contain it


@pytest.mark.parametrize(
    ("path", "policy"),
    [
        ("pages/atlas/wiring.js", format_policy(WORKER_DIRECTIVES)),
        ("styles/tokens.css", None),
        ("catalog.json", None),
    ],
)
def test_scripts_have_the_policy_of_workers_and_other_files_have_none(
    stocked: Live, path: str, policy: str | None
) -> None:
    answer = stocked.http.get(path)
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers.get("content-security-policy") == policy
    assert not {"permissions-policy", "cross-origin-opener-policy"} & set(answer.headers)
    assert answer.headers.get("referrer-policy") == (
        None if policy else "no-referrer"
    )  # that of the page that loads it


@pytest.mark.parametrize(
    ("path", "media_type"),
    [
        ("pages/atlas/wiring.js", "text/javascript; charset=utf-8"),
        ("index.html", "text/html; charset=utf-8"),
        ("catalog.json", "application/json"),
        ("data/index.json", "application/json"),
        (f"data/runs/{RUN}/points.npy", "application/octet-stream"),
        (f"data/runs/{RUN}/run.json", "application/json"),
    ],
)
@pytest.mark.parametrize("encoding", ["identity", "br"])
def test_head_and_get_agree(stocked: Live, path: str, media_type: str, encoding: str) -> None:
    got = stocked.raw("GET", f"/{path}", {"Accept-Encoding": encoding})
    head = stocked.raw("HEAD", f"/{path}", {"Accept-Encoding": encoding})
    assert (head.status, head.body) == (got.status, b"") == (200, b"")
    assert head.headers["content-type"] == media_type
    assert int(head.headers["content-length"]) == len(got.body)
    assert head.headers["etag"] == got.headers["etag"]


@pytest.mark.parametrize(
    ("accepted", "encoding"),
    [
        ("br", "br"),
        ("gzip, deflate, br, zstd", "br"),
        ("gzip", "gzip"),
        ("br;q=0, gzip;q=0.5", "gzip"),
        ("BR; q=1.0", "br"),
        ("gzip;q=0.0", None),
        ("identity", None),
        ("", None),
        (None, None),
    ],
)
def test_the_encoding_is_one_that_is_accepted(stocked: Live, accepted: str | None, encoding: str | None) -> None:
    answer = stocked.raw("GET", "/pages/atlas/wiring.js", {} if accepted is None else {"Accept-Encoding": accepted})
    assert answer.headers.get("content-encoding") == encoding
    assert answer.headers["vary"] == "Accept-Encoding"
    decode = {"br": brotli.decompress, "gzip": gzip.decompress, None: bytes}[encoding]
    assert decode(answer.body) == (WEB / "pages/atlas/wiring.js").read_bytes()


def test_an_array_is_sent_in_byte_planes_if_the_client_accepts_them(stocked: Live) -> None:
    path = f"/data/runs/{RUN}/weights.npy"
    plain, planes = (
        stocked.raw("GET", path, {"Accept-Encoding": "br", "Accept": accept})
        for accept in ("*/*", f"{MEDIA_TYPE}, */*")
    )
    usual = brotli.decompress(plain.body)
    assert brotli.decompress(planes.body) == to_byte_planes(usual) != usual
    assert planes.headers["etag"] != plain.headers["etag"]
    assert planes.headers["vary"] == "Accept-Encoding, Accept"
    ranged = stocked.raw("GET", path, {"Accept-Encoding": "br", "Accept": MEDIA_TYPE, "Range": "bytes=0-5"})
    assert ranged.body == b"\x93NUMPY"


def test_plotly_weighs_little(stocked: Live) -> None:
    answer = stocked.raw("GET", f"/{PLOTLY}", {"Accept-Encoding": "br"})
    assert len(answer.body) < 520_000


@pytest.mark.parametrize("path", ["/", "/catalog.json", "/data/index.json", f"/data/runs/{RUN}/weights.npy"])
@pytest.mark.parametrize("encoding", ["identity", "br"])
def test_content_that_the_client_has_is_not_sent_again(stocked: Live, path: str, encoding: str) -> None:
    tag = stocked.raw("GET", path, {"Accept-Encoding": encoding}).headers["etag"]
    for known in (tag, f'"other", W/{tag}', "*"):
        answer = stocked.raw("GET", path, {"Accept-Encoding": encoding, "If-None-Match": known})
        assert (answer.status, answer.body, answer.headers["etag"]) == (304, b"", tag)
    assert stocked.raw("GET", path, {"Accept-Encoding": encoding, "If-None-Match": '"other"'}).status == 200


def test_a_changed_file_is_sent_again(live: Live) -> None:
    live.data.mkdir()
    index = live.data / "index.json"
    for text, moment in (("[1]".ljust(2000), 1_000_000_000), ("[2]".ljust(2000), 2_000_000_000)):
        index.write_text(text)
        os.utime(index, ns=(moment, moment))  # they have the same size
        assert live.http.get("data/index.json", headers={"Accept-Encoding": "br"}).text == text


def test_ranges_are_of_the_file_itself(stocked: Live) -> None:
    answer = stocked.raw("GET", f"/data/runs/{RUN}/weights.npy", {"Accept-Encoding": "br", "Range": "bytes=0-5"})
    assert (answer.status, answer.body) == (206, b"\x93NUMPY")


def test_the_cache_keeps_what_is_used_and_stays_within_its_limit() -> None:
    cache, made = Cache(limit=10), []

    def get(name: str, size: int) -> bytes:
        return cache.get((name,), lambda: made.append(name) or bytes(size))  # type: ignore[func-returns-value]

    get("a", 4), get("b", 4), get("a", 4)
    assert made == ["a", "b"]
    get("c", 4)  # b was used least recently, so it is dropped
    get("a", 4), get("c", 4)
    assert made == ["a", "b", "c"]
    get("b", 4)
    assert made == ["a", "b", "c", "b"]
    assert len(get("huge", 100)) == 100  # returned, but not cached
    get("huge", 100)
    assert made.count("huge") == 2


def test_the_schema_lists_every_path_and_every_model(stocked: Live) -> None:
    schema = stocked.http.get("api/openapi.json").json()
    assert set(schema["paths"]) == {"/runs", "/runs/{run_id}", "/runs/{run_id}/events"}
    references = {text.split('"')[0] for text in str(schema).replace("'", '"').split("#/components/schemas/")[1:]}
    assert {"RunConfig", "RunAnswer", "Problem", "TrainingConfig"} <= references <= set(schema["components"]["schemas"])


def test_plotly_is_sent_in_its_compressed_form(stocked: Live) -> None:
    [script] = (WEB / "vendor").glob("plotly-*.js")
    packed = script.with_name(f"{script.name}.br").read_bytes()
    assert brotli.decompress(packed) == script.read_bytes(), "run scripts/compress_vendor.py"
    answer = stocked.raw("GET", f"/vendor/{script.name}", {"Accept-Encoding": "br"})
    assert answer.body == packed
    assert len(packed) < 460_000
