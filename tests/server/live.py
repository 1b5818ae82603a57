"""Starts real servers on free ports, and sends requests to them."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import httpx
from fastapi import FastAPI

from lossatlas.server import create_app
from lossatlas.server.capacity import Capacity
from lossatlas.server.logs import make_logging
from lossatlas.server.serving import Server, _listen
from lossatlas.store import Gallery

#: A training with more epochs than any test waits for, and no frames except the first and the last.
ENDLESS = {"training": {"epochs": 1_000_000, "frames": 2}}


#: Requests without TLS. Otherwise each reads all certificates that the system trusts, which takes most of its time.
get = partial(httpx.get, verify=False)
post = partial(httpx.post, verify=False)
open_stream = partial(httpx.stream, verify=False)

_leaving: list[threading.Thread] = []


@dataclass(frozen=True)
class ReceivedEvent:
    """One event that a listener received."""

    id: str
    name: str
    body: Any


@dataclass(frozen=True)
class Raw:
    """An HTTP answer, not interpreted."""

    status: int
    headers: dict[str, str]
    body: bytes


class Live:
    """A running server."""

    def __init__(self, app: FastAPI, gallery: Gallery, port: int, server: Server, thread: threading.Thread) -> None:
        self.app, self.gallery, self.port, self.server, self.thread = app, gallery, port, server, thread
        self.http = httpx.Client(base_url=f"http://127.0.0.1:{port}/", timeout=30, verify=False)

    @property
    def data(self) -> Path:
        return self.gallery.data

    def post(self, config: dict[str, Any]) -> httpx.Response:
        return self.http.post("api/runs", json=config)

    def start_run(self, config: dict[str, Any]) -> str:
        """Post a configuration, wait until it is being computed, and return the id."""
        run_id: str = self.post(config).json()["id"]
        until(lambda: self.state(run_id) == "running")
        return run_id

    def compute(self, config: dict[str, Any]) -> tuple[str, list[ReceivedEvent]]:
        run_id: str = self.post(config).json()["id"]
        return run_id, self.events(run_id)

    def state(self, run_id: str) -> str:
        return str(self.http.get(f"api/runs/{run_id}").json().get("state"))

    def events(self, run_id: str, after: str | None = None) -> list[ReceivedEvent]:
        with self.listen(run_id, after) as events:
            return list(events)

    @contextmanager
    def listen(self, run_id: str, after: str | None = None) -> Iterator[Iterator[ReceivedEvent]]:
        headers = {"Last-Event-ID": after} if after else {}
        with self.http.stream("GET", f"api/runs/{run_id}/events", headers=headers) as response:
            assert response.headers["content-type"].startswith("text/event-stream")
            yield _decode_events(response.iter_lines())

    def raw(self, method: str, path: str, headers: dict[str, str] | None = None, body: bytes = b"") -> Raw:
        """Send exactly these bytes, which no HTTP client would send, and read the answer."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=30)
        connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        for name, value in {"Host": f"127.0.0.1:{self.port}", **(headers or {})}.items():
            connection.putheader(name, value)
        connection.endheaders(body or None)
        response = connection.getresponse()
        answer = Raw(response.status, {name.lower(): value for name, value in response.getheaders()}, response.read())
        connection.close()
        return answer


@contextmanager
def live_server(gallery: Gallery, root_path: str = "", **options: Any) -> Iterator[Live]:
    listener = _listen("127.0.0.1", 0)
    up = threading.Event()
    named = {name: options.pop(name) for name in Capacity.__dataclass_fields__ if name in options}
    app = create_app(gallery, capacity=Capacity(**{"workers": 1, **named}), **options)
    server = Server(app, up.set, make_logging(), root_path=root_path)
    thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
    thread.start()
    assert up.wait(10)
    live = Live(app, gallery, listener.getsockname()[1], server, thread)
    try:
        yield live
    finally:
        live.http.close()
        server.should_exit = True  # the next test does not wait for it
        _leaving.append(thread)


def wait_for_servers() -> bool:
    """Wait for every server to end."""
    for thread in _leaving:
        thread.join(10)
    return not any(thread.is_alive() for thread in _leaving)


def until(condition: Callable[[], bool], patience: float = 20.0) -> None:
    """Wait for a condition that another thread fulfils."""
    end = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.005)


def _decode_events(lines: Iterator[str]) -> Iterator[ReceivedEvent]:
    fields: dict[str, str] = {}
    for line in lines:
        if not line:
            if "data" in fields:
                yield ReceivedEvent(fields["id"], fields["event"], json.loads(fields["data"]))
            fields = {}
        name, _, value = line.partition(": ")
        fields[name or "comment"] = value
