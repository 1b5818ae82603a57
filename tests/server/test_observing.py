"""Tests what a server tells those who run it: health, the access log, and numbers for Prometheus."""

from __future__ import annotations

import json
import logging
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from lossatlas.errors import LossAtlasError, MissingExtraError
from lossatlas.runs import compute_run
from lossatlas.server.jobs import JobCounts
from lossatlas.server.logs import JsonFormatter, log_exchange
from lossatlas.server.metrics import Metrics
from lossatlas.server.observing import Exchange
from lossatlas.store import Gallery
from tests.conftest import small_config
from tests.server.live import Live, get, live_server

RUN = small_config().id


def count_none() -> JobCounts:
    return JobCounts(0, 0, 0)


@pytest.fixture
def stored(tmp_path: Path) -> Gallery:
    gallery = Gallery(tmp_path / "data")
    gallery.save(compute_run(small_config(), threads=1))
    return gallery


def test_a_server_lives_and_is_ready_while_its_folder_can_be_read_and_it_is_not_stopping(live: Live) -> None:
    def refused() -> str:
        answer = live.http.get("readyz")
        assert (answer.status_code, answer.headers["content-type"]) == (503, "application/problem+json")
        assert int(answer.headers["retry-after"]) > 0
        assert str(live.data) not in answer.text
        return str(answer.json()["detail"])

    assert "cannot be read" in refused()
    live.data.mkdir()
    assert live.http.get("readyz").json() == {"status": "ready"}
    live.app.state.jobs.stop()
    assert "stopping" in refused()
    assert live.http.get("healthz").json() == {"status": "ok"}


@pytest.fixture
def observed(stored: Gallery) -> Iterator[tuple[Live, list[Exchange], Metrics]]:
    exchanges: list[Exchange] = []
    metrics = Metrics(stored, lambda: JobCounts(3, 2, 7))
    with live_server(stored, "/atlas", threads=1, observers=[exchanges.append, metrics.observe]) as live:
        yield live, exchanges, metrics


def test_every_request_is_observed_without_its_secrets_and_counted(
    observed: tuple[Live, list[Exchange], Metrics],
) -> None:
    live, exchanges, metrics = observed
    live.raw("GET", f"/atlas/api/runs/{RUN}/events?client=secret", {"Cookie": "secret", "X-Forwarded-For": "192.0.2.7"})
    index = live.raw("GET", "/data/index.json")
    live.raw("HEAD", "/")
    live.raw("INVENTED", "/healthz")
    live.raw("OPTIONS", "*")
    live.raw("GET", "/a%0ab", {"Host": "evil.example"})
    live.raw("GET", "/readyz")  # the last bytes are sent before the request is observed, so one more is sent
    seen = [(each.method, each.kind, each.status) for each in exchanges[:6]]
    assert seen == [
        ("GET", "events", 200),
        ("GET", "data", 200),
        ("HEAD", "page", 200),
        ("other", "health", 405),
        ("OPTIONS", "page", 405),
        ("GET", "page", 421),
    ]
    assert exchanges[0].client == "192.0.2.7"  # the proxy of this machine says so
    assert exchanges[1].size == len(index.body)
    assert exchanges[5].path == "/a%0Ab"
    assert "secret" not in str(exchanges)
    with metrics.serve("127.0.0.1", 0) as port:
        text = get(f"http://127.0.0.1:{port}/metrics").text
    numbers = {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
    assert numbers["lossatlas_http_requests_total", "data", "GET", "200"] == 1
    assert numbers["lossatlas_http_requests_total", "health", "other", "405"] == 1
    assert numbers["lossatlas_http_response_bytes_total", "data"] == len(index.body)
    assert numbers["lossatlas_http_request_duration_seconds_count", "events"] == 1
    assert [numbers[f"lossatlas_{name}",] for name in ("jobs_waiting", "jobs_running", "event_streams")] == [3, 2, 7]
    assert numbers[("lossatlas_runs",)] == 1
    assert numbers[("lossatlas_data_free_bytes",)] > 0
    assert numbers[("process_resident_memory_bytes",)] > 0


def test_metrics_name_what_is_missing_and_a_taken_address(stored: Gallery, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with (
            pytest.raises(LossAtlasError, match=f"port {port}, for metrics"),
            Metrics(stored, count_none).serve("127.0.0.1", port),
        ):
            pass
    monkeypatch.setitem(sys.modules, "prometheus_client", None)
    with pytest.raises(MissingExtraError, match=r"lossatlas\[metrics\]"):
        Metrics(stored, count_none)


def test_the_log_can_be_json_with_the_parts_of_a_request(caplog: pytest.LogCaptureFixture) -> None:
    exchange = Exchange("GET", "/x%0a", "page", 404, 120, 0.25, "192.0.2.7")
    with caplog.at_level(logging.INFO, "lossatlas.access"):
        log_exchange(exchange)
    try:
        raise ValueError("two\nlines")
    except ValueError:
        logging.getLogger("lossatlas.server").exception("failed")
    first, second = (json.loads(JsonFormatter().format(record)) for record in caplog.records)
    assert vars(exchange).items() <= first.items()
    assert first["message"] == "GET /x%0a 404, 120 bytes in 0.250 s for 192.0.2.7"
    assert (second["level"], second["logger"], second["message"]) == ("ERROR", "lossatlas.server", "failed")
    assert "ValueError: two\nlines" in second["exception"]
