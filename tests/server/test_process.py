"""Tests the command ``serve`` as a process: what it says, what signals do, and nginx in front of it."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from lossatlas.cli.serve_command import serve_command
from lossatlas.errors import LossAtlasError
from lossatlas.runs import compute_run
from lossatlas.store import Gallery
from tests.conftest import small_config
from tests.server.live import ENDLESS, Live, get, live_server, open_stream, post, until

DEPLOY = Path(__file__).parents[2] / "deploy"
RUN = small_config().id


def is_open(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Process:
    """A running command ``serve``."""

    def __init__(self, data: Path, options: tuple[str, ...], before: tuple[str, ...] = ()) -> None:
        command = [*before, sys.executable, "-m", "lossatlas", "serve", "--no-browser", "--port", "0"]
        command += ["--data", str(data)]
        self.process = subprocess.Popen(
            [*command, *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, bufsize=1
        )
        assert self.process.stdout is not None
        self.announced = self.process.stdout.readline()
        found = re.search(r"http://127\.0\.0\.1:(\d+)/\S*", self.announced)
        assert found, (self.announced, self.process.communicate())
        self.url, self.port = found.group(), int(found.group(1))

    def read_sentences(self, count: int) -> list[str]:
        assert self.process.stdout is not None
        return [self.process.stdout.readline().strip() for _ in range(count)]

    def is_listening(self) -> bool:
        return is_open(self.port)

    def send_half_a_body(self) -> socket.socket:
        """Send a request that keeps the server from stopping for a while."""
        connection = socket.create_connection(("127.0.0.1", self.port), timeout=30)
        connection.sendall(
            f"POST /api/runs HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\nContent-Type: application/json\r\n"
            "Expect: 100-continue\r\nContent-Length: 100\r\n\r\n".encode()
        )
        assert connection.recv(100).startswith(b"HTTP/1.1 100 ")  # the server reads the body now
        return connection


@contextmanager
def serve(data: Path, *options: str, before: tuple[str, ...] = ()) -> Iterator[Process]:
    started = Process(data, options, before)
    try:
        yield started
    finally:
        started.process.kill()
        started.process.communicate()


@pytest.fixture
def stored(tmp_path: Path) -> Iterator[Gallery]:
    """Make a gallery in a folder that nobody may write."""
    gallery = Gallery(tmp_path / "data")
    gallery.save(compute_run(small_config(), threads=1))
    for lock in gallery.data.rglob(".*lock"):
        lock.unlink()
    folders = [gallery.data, *(path for path in gallery.data.rglob("*") if path.is_dir())]
    for folder in folders:
        folder.chmod(0o555)
    yield gallery
    for folder in folders:
        folder.chmod(0o755)


def drop_rights() -> tuple[str, ...]:
    """Return the beginning of a command that takes from root the right to write where nobody may."""
    if os.geteuid() or not shutil.which("setpriv"):
        return ()
    return ("setpriv", "--bounding-set=-dac_override,-dac_read_search,-fowner", "--")


def test_a_shared_server_says_what_it_exposes_shows_a_folder_that_it_cannot_write_and_stops_on_sigterm(
    stored: Gallery,
) -> None:
    before = {path for path in stored.data.rglob("*") if path.is_file()}
    options = ["--host", "0.0.0.0", "--allow-host", "atlas.example", "--root-path", "/atlas", "--read-only"]
    options += ["--access-log", "--log-format", "json"]
    with serve(stored.data, *options, before=drop_rights()) as server:
        assert server.url.endswith("/atlas/")
        reach, can, called = server.read_sentences(3)
        assert "no passwords" in reach
        assert "nothing is written" in can
        assert "atlas.example" in called
        named = {"Host": "atlas.example"}
        index = get(f"{server.url}data/index.json", headers=named).json()
        assert [run["id"] for run in index["runs"]] == [RUN]
        assert get(server.url, headers={"Host": "evil.example"}).status_code == 421
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(timeout=60) == 0
        assert server.process.stderr is not None
        logged = [json.loads(line) for line in server.process.stderr]
        assert [(line["path"], line["status"]) for line in logged] == [
            ("/data/index.json", 200),
            ("/", 421),
        ]
    assert {path for path in stored.data.rglob("*") if path.is_file()} == before
    command = [*drop_rights(), sys.executable, "-m", "lossatlas", "verify", "--data", str(stored.data)]
    verified = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (verified.returncode, verified.stdout) == (0, "1 of 1 runs are sound\n")


def test_sigterm_tells_streams_and_a_second_signal_ends_the_process_at_once(tmp_path: Path) -> None:
    with serve(tmp_path, "--threads", "1", "--shutdown-timeout", "600") as server:
        run_id = post(f"{server.url}api/runs", json=ENDLESS).json()["id"]
        events = f"{server.url}api/runs/{run_id}/events"
        with server.send_half_a_body(), open_stream("GET", events, timeout=60) as stream:
            lines = stream.iter_lines()
            assert any(line == "event: manifest" for line in lines)
            server.process.send_signal(signal.SIGTERM)
            assert 'data: {"stopping":true}' in list(lines)  # and the stream ends
            until(lambda: not server.is_listening())
            assert server.process.poll() is None  # it waits for the body
            server.process.send_signal(signal.SIGTERM)
            assert server.process.wait(timeout=60) == 128 + signal.SIGTERM


def test_a_request_that_does_not_end_is_cut_off_after_the_time_to_stop(tmp_path: Path) -> None:
    with serve(tmp_path, "--shutdown-timeout", "0.5") as server, server.send_half_a_body():
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(timeout=60) == 0
        assert server.process.stderr is not None
        assert "Traceback" not in server.process.stderr.read()


def test_an_address_of_another_machine_is_refused(tmp_path: Path) -> None:
    arguments = ["--host", "192.0.2.1", "--data", str(tmp_path)]
    with pytest.raises(LossAtlasError, match=r"cannot listen on 192\.0\.2\.1 \(.*--host"):
        serve_command.main(arguments, standalone_mode=False)


@pytest.fixture
def nginx(tmp_path: Path) -> Iterator[tuple[Live, str]]:
    """Start nginx with the configuration of ``deploy/`` in front of a server."""
    program = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if program is None:
        pytest.skip("nginx is not installed")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with live_server(Gallery(tmp_path / "data"), root_path="/atlas", threads=1) as live:
        location = (DEPLOY / "nginx.conf").read_text().replace("127.0.0.1:8642", f"127.0.0.1:{live.port}")
        paths = "".join(
            f"{name}_temp_path {tmp_path}/{name};" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        (tmp_path / "nginx.conf").write_text(
            f"daemon off; pid {tmp_path}/pid; error_log {tmp_path}/error.log; events {{}}\n"
            f"http {{ access_log off; {paths}\nserver {{ listen 127.0.0.1:{port};\n{location}}} }}"
        )
        process = subprocess.Popen([program, "-e", tmp_path / "error.log", "-c", tmp_path / "nginx.conf"])
        try:
            until(lambda: is_open(port))
            yield live, f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(60)


def test_behind_nginx_the_page_computes_and_events_arrive_at_once(nginx: tuple[Live, str]) -> None:
    live, url = nginx
    page = get(f"{url}/atlas?epoch=1", follow_redirects=True)
    assert page.url == f"{url}/atlas/?epoch=1"
    assert "<title>Loss Atlas</title>" in page.text
    assert get(f"{url}/atlas/catalog.json").json()["compute"] is True
    own = {"Origin": url}
    answer = post(f"{url}/atlas/api/runs", json=ENDLESS, headers=own)
    assert answer.status_code == 202
    with open_stream("GET", f"{url}/atlas/{answer.json()['events']}", headers=own) as stream:
        assert any(line == "event: manifest" for line in stream.iter_lines())  # though the run does not end
    foreign = post(f"{url}/atlas/api/runs", json=ENDLESS, headers={"Origin": "https://evil.example"})
    assert foreign.status_code == 403
    assert live.http.get("data/index.json").json()["runs"] == []
