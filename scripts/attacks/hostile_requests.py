"""Sends hostile requests to ``lossatlas serve``: paths, names, origins, bodies, framing, headers, links in its folder.

    python -m scripts.attacks.hostile_requests --data FOLDER [--seconds 5]

Every request has to be refused, or answered as if it were harmless: with one of the statuses below, in time, with a
problem document if it is refused, and without a word of a file outside the data folder. The server is alive afterwards.

The last line is JSON with counts. The exit code is 1 if something failed.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import socket
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from random import Random

from lossatlas.runs import RunConfig, compute_run
from lossatlas.server.api import SMALL
from lossatlas.store import Gallery
from scripts.attacks.servers import ServerProcess

REFUSED = frozenset({400, 403, 404, 405, 411, 413, 415, 421, 422})
HARMLESS = frozenset({200, 204, 206, 304, 416}) | REFUSED
#: What only files outside the data folder contain.
SECRET = b"a secret of the machine"

PATHS = [
    *("/../pyproject.toml", "/%2e%2e/server/app.py", "/%252e%252e/server/app.py", "/..%2f..%2fetc/passwd"),
    *("/..%5c..%5cetc%5cpasswd", "/..\\..\\etc\\passwd", "//etc/passwd", "/data//etc/passwd", "/data/../../etc/passwd"),
    *("/data/runs/%2e%2e%2f%2e%2e%2fx.npy", "/data/runs/{run}/../{run}/run.json", "/data/runs/{run}/run.json%00.npy"),
    *("/data/runs/{run}/run.json%0a", "/data/runs/{run}/planes/../weights.npy", "/data/.index.lock"),
    *("/data/runs/.unfinished-1-0/run.json", "/data/runs/.partial-{run}/parts.jsonl", "/%00", "/index.html%00"),
    *("/%ff%fe", "/" + "a" * 256, "/" + "a" * 20_000, "/" + "a/" * 8000, "/data/runs/" + "a" * 5000 + "/run.json"),
    *("/vendor/", "/__init__.py", "/vendor/..;/", "/.git/config", "/~root", "/server/app.py", "/CON", "/data/runs/"),
    *("/data/index.json/", "/shell.json/../../x", "/data/runs/{run}/link.npy", "/data/runs/leak-1/secret.npy"),
    *("/data/runs/{run}/planes/leak/secret.npy", "/data/runs/{run}/fifo.npy", "/api/runs/%00", "/api/runs/..%2f"),
]
HOSTS = [
    *("evil.example", "evil.example:80", "127.0.0.1.evil.example", "", "[::1", "localhost.evil.example"),
    *("127.0.0.1@evil.example", "evil.example#127.0.0.1", "evil.example?127.0.0.1", "evil.example\\127.0.0.1"),
    *("127.0.0.1 evil.example", "evil.example%00", "user@127.0.0.1", "evil.example/127.0.0.1"),
]
FOREIGN = [
    *("Origin: http://evil.example", "Origin: null", "Origin: http://127.0.0.1:1", "Origin: "),
    *("Origin: chrome-extension://127.0.0.1", "Sec-Fetch-Site: cross-site", "Sec-Fetch-Site: same-site"),
]
TYPES = [
    *("text/plain", "text/plain; application/json", "application/x-www-form-urlencoded"),
    *("multipart/form-data; boundary=x", "", "application/jsonx", "text/json"),
]
BODIES = {
    "deep": b"[" * 60_000,
    "a large number": b"9" * 60_000,
    "surrogates": rb'{"\ud800":1}',
    "NaN": b'{"training":{"learning_rate":NaN}}',
    "a long text": b'{"dataset":{"name":"' + b"x" * 60_000 + b'"}}',
    "a file of the server": b'{"planes":[{"kind":"file","file":"/etc/passwd"}]}',
    "a thousand planes": b'{"planes":[' + b",".join([b"{}"] * 1000) + b"]}",
    "ten thousand layers": b'{"model":{"hidden":[' + b",".join([b"1"] * 10_000) + b"]}}",
    "six thousand unknown names": b"{" + b",".join(b'"%x":1' % n for n in range(6000)) + b"}",
    "an epoch of hours": b'{"training":{"epochs":1000000,"batch_size":1}}',
    "gigabytes": b'{"model":{"hidden":['
    + b",".join([b"1024"] * 32)
    + b'],"activation":"tanh"},"planes":[{"kind":"hessian"}]}',
}
FRAMINGS = {
    "50 MB announced": (b"Content-Length: 50000000\r\n\r\n{", REFUSED),
    "a negative length": (b"Content-Length: -1\r\n\r\n{}", REFUSED),
    "a length in words": (b"Content-Length: 1e9\r\n\r\n{}", REFUSED),
    "a long length": (b"Content-Length: " + b"9" * 400 + b"\r\n\r\n{}", REFUSED),
    "two lengths": (b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}", REFUSED),
    "1 MB in chunks": (b"Transfer-Encoding: chunked\r\n\r\n100000\r\n" + b" " * 2**20 + b"\r\n0\r\n\r\n", REFUSED),
    "a chunk of no size": (b"Transfer-Encoding: chunked\r\n\r\nzz\r\n", REFUSED),
    "an unknown encoding": (b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", REFUSED | {501}),
    "a hidden second request": (
        b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
        REFUSED,
    ),
    "a compressed body": (b"Content-Encoding: gzip\r\nContent-Length: 3\r\n\r\n\x1f\x8b\x08", REFUSED),
}
HEADERS = {
    "Range of many parts": "Range: bytes=" + ",".join(f"{n}-{n}" for n in range(0, 9000, 2)),
    "Range of overlaps": "Range: bytes=" + ",".join(["0-"] * 900),
    "Range of no numbers": "Range: bytes=x-y",
    "Range beyond the end": "Range: bytes=999999999999-",
    "Range of a large number": "Range: bytes=0-" + "9" * 5000,
    "Accept-Encoding of 60 KB": "Accept-Encoding: " + "br," * 20_000,
    "Accept-Encoding of no sense": "Accept-Encoding: ;q=;q=,,*;q=0",
    "If-None-Match of 60 KB": "If-None-Match: " + '"a",' * 15_000,
    "If-Range of no date": "Range: bytes=0-3\r\nIf-Range: Thu, 99 Foo",
    "a megabyte": "X: " + "a" * 1_000_000,
    "five thousand": "\r\n".join(f"X{n}: {'b' * 40}" for n in range(5000)),
    "X-Forwarded-Host": "X-Forwarded-Host: evil.example",
}
LINES = {
    "a space before a colon": b"GET / HTTP/1.1\r\nHost : 127.0.0.1\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"x" * 500,
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\n",
    "noise": Random(1).randbytes(500) + b"\r\n\r\n",
    "no Host": b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n",
    "no Host of HTTP/1.0": b"GET / HTTP/1.0\r\n\r\n",
    "two Hosts": b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n",
    "CONNECT": b"CONNECT evil.example:443 HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n",
    "TRACE": b"TRACE / HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n",
    "OPTIONS of everything": b"OPTIONS * HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n",
}


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--data", type=Path, required=True)
    options.add_argument("--seconds", type=float, default=5.0, help="for the answer to each request")
    given = options.parse_args()
    data = given.data.resolve()
    run_id = _make_data(data)
    server = ServerProcess(data)
    failures, statuses = Counter[str](), Counter[int]()
    for name, sent, allowed in list_requests(run_id):
        began = time.monotonic()
        answer = _send(server.port, sent, 10 * given.seconds)
        fault = _find_fault(answer, allowed, time.monotonic() - began, given.seconds)
        statuses[_read_status(answer)] += 1
        if fault:
            failures[f"{name[:60]}: {fault}"] += 1
    if _read_status(_send(server.port, _get("/data/index.json"), 60)) != 200:
        failures["the server does not answer any more"] += 1
    server.stop()
    failures["tracebacks"] += server.tracebacks
    counted = {str(status): count for status, count in sorted(statuses.items())}
    print(json.dumps({"requests": statuses.total(), "statuses": counted, "failures": dict(+failures)}))
    sys.exit(bool(+failures))


def list_requests(run_id: str) -> Iterator[tuple[str, bytes, frozenset[int]]]:
    """Yield the name of each request, its bytes, and the statuses that may answer it."""
    for path in PATHS:
        yield f"path {path}", _get(path.replace("{run}", run_id)), frozenset({400, 404})
    for host in HOSTS:
        yield f"Host {host!r}", _get("/data/index.json", host=host), frozenset({400, 421})
    for header in FOREIGN:
        yield f"POST with {header}", _post(b"[]", header), frozenset({403})
        yield f"events with {header}", _get(f"/api/runs/{run_id}/events", header), frozenset({403})
    for media_type in TYPES:
        yield f"body of {media_type!r}", _post(b"{}", media_type=media_type), frozenset({415})
    for name, body in BODIES.items():
        yield f"body {name}", _post(body), REFUSED
    head = b"POST /api/runs HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nConnection: close\r\n"
    for name, (rest, allowed) in FRAMINGS.items():
        yield f"framing {name}", head + rest, allowed
    for name, header in HEADERS.items():
        yield f"header {name}", _get(f"/data/runs/{run_id}/weights.npy", header), HARMLESS
    for identifier in ("x-9999999999999999999999", "a" * 50_000, "a-\xb2"):
        yield (
            f"Last-Event-ID {identifier[:20]}",
            _get(f"/api/runs/{run_id}/events", f"Last-Event-ID: {identifier}"),
            HARMLESS,
        )
    for name, line in LINES.items():
        yield f"line {name}", line, REFUSED


def _make_data(data: Path) -> str:
    """Make a gallery with a run, and links from it to files outside. Return the id of the run."""
    shutil.rmtree(data, ignore_errors=True)
    folder = Gallery(data).save(compute_run(RunConfig.from_mapping(SMALL), threads=1))
    outside = data.with_name(f"{data.name}-outside")
    outside.mkdir(exist_ok=True)
    for name in ("secret.npy", "run.json"):
        (outside / name).write_bytes(SECRET)
    (folder / "link.npy").symlink_to(outside / "secret.npy")
    (data / "runs" / "leak-1").symlink_to(outside)
    (folder / "planes" / "leak").symlink_to(outside)
    os.mkfifo(folder / "fifo.npy")
    return folder.name


def _get(path: str, header: str = "X: 1", host: str = "127.0.0.1") -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{header}\r\n\r\n".encode("latin-1")


def _post(body: bytes, header: str = "X: 1", media_type: str = "application/json") -> bytes:
    head = (
        f"POST /api/runs HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nContent-Type: {media_type}\r\n{header}\r\n"
    )
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode("latin-1") + body


def _send(port: int, sent: bytes, patience: float) -> bytes:
    """Send bytes, and return everything that is answered until the connection ends."""
    answer = b""
    with socket.create_connection(("127.0.0.1", port), timeout=patience) as connection:
        try:
            connection.sendall(sent)
            while chunk := connection.recv(65536):
                answer += chunk
        except OSError:  # the server closed the connection before it had everything, as it may
            pass
    return answer


def _find_fault(answer: bytes, allowed: frozenset[int], took: float, seconds: float) -> str | None:
    status = _read_status(answer)
    head, _, body = answer.partition(b"\r\n\r\n")
    if status not in allowed:
        return f"{status}, not one of {sorted(allowed)}"
    if took > seconds:
        return f"answered after {took:.1f} s"
    if SECRET in body:
        return "an answer with a secret"
    if status in REFUSED and b"application/problem+json" not in head.lower():
        return f"{status} without a problem document"
    if answer.count(b"HTTP/1.1 ") > 1:
        return "several answers to one request"
    return None


def _read_status(answer: bytes) -> int:
    line = answer.partition(b"\r\n")[0].split(b" ")
    return int(line[1]) if len(line) > 1 and line[1].isdigit() else 0


if __name__ == "__main__":
    main()
