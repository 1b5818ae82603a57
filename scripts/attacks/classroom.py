"""Sends a class to ``lossatlas serve``: followers of one stream, browsers that open the page, connections that idle.

    python -m scripts.attacks.classroom --data FOLDER [--followers 200] [--browsers 200] [--idle 1100] [--half-sent 300]

The server may open 1,024 files at first, as in most shells. In this order

    followers   follow one run from its first event; each has to receive the same events up to the last one, of which a
                slow one may miss some frames, and the run is computed once
    browsers    open six connections each, and fetch what index.html names and the arrays of a stored run, and then all
                other files of the page, which a service worker keeps; each has to get all
    idle        connect and send nothing, while somebody else is answered
    half-sent   send half of a request each, while somebody else is answered; they are cut off after 20 s

The last line is JSON with counts, memory and times. The exit code is 1 if something failed. It needs Linux.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import resource
import shutil
import socket
import sys
import time
from collections import Counter
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from lossatlas.server.api import SMALL
from lossatlas.server.connections import PATIENCE
from scripts.attacks.clients import Connection, follow
from scripts.attacks.servers import MemoryWatch, ServerProcess

#: How many files a shell usually allows.
_FILES = 1024
#: The largest memory that a class may cost, in MiB.
_MEMORY = 300
#: How many seconds a class waits for everything, on a machine that does other work as well.
_CLASS_WAITS = 1800.0


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--data", type=Path, required=True)
    options.add_argument("--followers", type=int, default=200)
    options.add_argument("--browsers", type=int, default=200)
    options.add_argument("--idle", type=int, default=1100)
    options.add_argument("--half-sent", type=int, default=300)
    options.add_argument(
        "--small", action="store_true", help="follow a run of a tenth of a second, not the default run"
    )
    given = options.parse_args()
    shutil.rmtree(given.data, ignore_errors=True)
    server = ServerProcess(given.data.resolve(), files=_FILES)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(10 * given.browsers, 4096),) * 2)  # of this process, for clients
    failures: Counter[str] = Counter()
    counts = {
        "followers": asyncio.run(send_followers(server, given.followers, SMALL if given.small else {}, failures)),
        "browsers": asyncio.run(send_browsers(server, given.browsers, failures)),
        "idle": send_idle(server, given.idle, b"", failures),
        "half-sent": send_idle(server, given.half_sent, b"GET / HTTP/1.1\r\nHost: 127", failures),
    }
    server.stop()
    failures["tracebacks"] += server.tracebacks
    load = os.getloadavg()[0]
    print(json.dumps({**counts, "load average": round(load, 1), "failures": {n: c for n, c in failures.items() if c}}))
    sys.exit(bool(+failures))


async def send_followers(
    server: ServerProcess, clients: int, config: dict[str, Any], failures: Counter[str]
) -> dict[str, Any]:
    """Follow one run with many clients."""
    before = server.measure_memory()
    with MemoryWatch(server) as memory:
        async with asyncio.timeout(_CLASS_WAITS), Connection(server.port) as teacher:
            run_id = (await teacher.post("/api/runs", config))["id"]
            heard = await asyncio.gather(*(follow(server.port, run_id) for _ in range(clients)))
    complete = sum(each.last == "done" and each.events["manifest"] == each.events["done"] == 1 for each in heard)
    frames = {each.events["frame"] for each in heard}
    digests: dict[str, set[str]] = {}
    for event_id, digest in (item for each in heard for item in each.digests.items()):
        digests.setdefault(event_id, set()).add(digest)
    failures["followers whose stream did not end"] += clients - complete
    failures["events that differ between followers"] += sum(len(found) > 1 for found in digests.values())
    failures["memory above the limit"] += memory.peak > _MEMORY
    return {"complete": complete, "frames": sorted(frames), "memory before": before, "memory": memory.peak}


async def send_browsers(server: ServerProcess, clients: int, failures: Counter[str]) -> dict[str, Any]:
    """Open the page with many clients that have six connections each, until they have all its files."""
    if not clients:
        return {}
    visit, visits = await _list_files(server.port), list[_Visitor]()
    with MemoryWatch(server) as memory:
        async with asyncio.timeout(_CLASS_WAITS):
            visits = await asyncio.gather(*(_open_page(server.port, visit) for _ in range(clients)))
    complete = sum(not each.fault for each in visits)
    failures["browsers that did not get everything"] += clients - complete
    print(Counter(each.fault for each in visits if each.fault), file=sys.stderr)
    failures["memory above the limit"] += memory.peak > _MEMORY
    took = sorted(seconds for each in visits for seconds in each.took)
    return {
        "complete": complete,
        "files of the first picture": len(visit.first),
        "files of each": len(visit.first) + len(visit.rest),
        "seconds until all have the first picture": round(max(each.first for each in visits), 1),
        "seconds until all have everything": round(max(each.whole for each in visits), 1),
        "median ms": round(1000 * took[len(took) // 2]),
        "memory": memory.peak,
    }


@dataclass(frozen=True)
class _Visit:
    """The paths that a browser requests, in this order: for the first picture of a stored run, and after it."""

    first: list[str]
    rest: list[str]


@dataclass
class _Visitor:
    """What a browser got: how long each file took, how long the first picture and everything, and what went wrong."""

    took: list[float]
    first: float = 0.0
    whole: float = 0.0
    fault: str = ""


class _Named(HTMLParser):
    """Collects the files that a document names: its scripts, stylesheets, icons, and what it preloads."""

    def __init__(self) -> None:
        super().__init__()
        self.paths: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        path = dict(attrs).get({"link": "href", "script": "src"}.get(tag, ""))
        if path and not re.match(r"[a-z]+:|#", path):
            self.paths.append(f"/{path.removeprefix('./')}")


async def _list_files(port: int) -> _Visit:
    """List what the document names, the arrays of a run, and then the files that the page keeps for later."""
    named = _Named()
    async with Connection(port) as teacher:
        named.feed((await teacher.get_plain("/")).decode())
        shell = await teacher.get_json("/shell.json")
        run_id = (await teacher.get_json("/data/index.json"))["runs"][0]["id"]
        manifest = await teacher.get_json(f"/data/runs/{run_id}/run.json")
    arrays = [*manifest["arrays"].values(), *manifest["planes"][0]["arrays"].values()]
    run = [f"/data/runs/{run_id}/run.json", *(f"/data/runs/{run_id}/{array['file']}" for array in arrays)]
    first = list(dict.fromkeys(["/", *named.paths, "/catalog.json", "/data/index.json", *run]))
    later = ["/shell.json", "/service-worker.js", *(f"/{name}" for name in shell["files"])]
    return _Visit(first, [path for path in dict.fromkeys(later) if path not in first])


async def _open_page(port: int, visit: _Visit) -> _Visitor:
    """Fetch the document, then the other files on six connections."""
    visitor, began = _Visitor([]), time.monotonic()
    try:
        for paths in (visit.first[:1], visit.first[1:]):
            await _fetch_all(port, paths, visitor)
        visitor.first = time.monotonic() - began
        await _fetch_all(port, visit.rest, visitor)
    except (OSError, EOFError) as error:
        visitor.fault = str(error)
    visitor.whole = time.monotonic() - began
    return visitor


async def _fetch_all(port: int, paths: list[str], visitor: _Visitor) -> None:
    """Fetch files on six connections in their order, and note how long each took."""
    left = iter(paths)

    async def fetch() -> None:
        async with Connection(port) as connection:
            for path in left:
                began = time.monotonic()
                status, body = await connection.get(path)
                visitor.took.append(time.monotonic() - began)
                if status != 200 or not body:
                    visitor.fault = f"{status} for {path}"

    await asyncio.gather(*(fetch() for _ in range(min(6, len(paths)))))


def send_idle(server: ServerProcess, clients: int, sent: bytes, failures: Counter[str]) -> dict[str, Any]:
    """Hold many connections that send no whole request; somebody else has to be answered, and half requests to end."""
    held = []
    for _ in range(clients):
        connection = socket.create_connection(("127.0.0.1", server.port), timeout=60)
        connection.sendall(sent)
        held.append(connection)
    if not held:
        return {}
    began = time.monotonic()
    answered = asyncio.run(_is_answered(server.port))
    waited = time.monotonic() - began
    open_still = _count_open(held, 3 * PATIENCE) if sent else 0
    for connection in held:
        connection.close()
    failures["not answered beside idle connections"] += not answered
    failures["half requests that stay open"] += open_still
    return {"held": clients, "others answered": answered, "others waited s": round(waited, 2), "open": open_still}


async def _is_answered(port: int) -> bool:
    """Return whether a request is answered. A connection beyond the limit is closed, and then tried again."""
    end = time.monotonic() + 3 * PATIENCE
    while time.monotonic() < end:
        try:
            async with asyncio.timeout(3 * PATIENCE), Connection(port) as connection:
                return (await connection.get("/data/index.json"))[0] == 200
        except (OSError, EOFError):
            await asyncio.sleep(0.1)
    return False


def _count_open(held: list[socket.socket], patience: float) -> int:
    """Count the connections that the server has not closed after some seconds."""
    end = time.monotonic() + patience
    count = 0
    for connection in held:
        connection.settimeout(max(0.01, end - time.monotonic()))
        try:
            count += connection.recv(1) != b""
        except TimeoutError:
            count += 1
        except OSError:
            pass
    return count


if __name__ == "__main__":
    main()
