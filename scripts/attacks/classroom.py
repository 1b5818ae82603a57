"""Sends a class to ``lossatlas serve``: followers of one stream, browsers that open the page, connections that idle.

    python -m scripts.attacks.classroom --data FOLDER [--followers 200] [--browsers 200] [--idle 1100] [--half-sent 300]

The server may open 1,024 files at first, as in most shells. In this order

    followers   follow one run from its first event; each has to receive the same events up to the last one, of which a
                slow one may miss some frames, and the run is computed once
    browsers    open six connections each, and fetch every file of the page and of a stored run; each has to get all
    idle        connect and send nothing, while somebody else is answered
    half-sent   send half of a request each, while somebody else is answered; they are cut off after 20 s

The last line is JSON with counts, memory and times. The exit code is 1 if something failed. It needs Linux.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import resource
import shutil
import socket
import sys
import time
from collections import Counter
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
_CLASS_WAITS = 600.0


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
    """Fetch all files with many clients that have six connections each."""
    paths = await _list_files(server.port)
    took, began = list[float](), time.monotonic()
    with MemoryWatch(server) as memory:
        async with asyncio.timeout(_CLASS_WAITS):
            opened = await asyncio.gather(*(_open_page(server.port, paths, took) for _ in range(clients)))
    seconds = time.monotonic() - began
    failures["browsers that did not get everything"] += opened.count(False)
    failures["memory above the limit"] += memory.peak > _MEMORY
    took.sort()
    return {
        "complete": opened.count(True),
        "files of each": len(paths),
        "files a second": round(len(took) / seconds),
        "median ms": round(1000 * took[len(took) // 2]),
        "memory": memory.peak,
    }


async def _list_files(port: int) -> list[str]:
    """List the paths that a browser requests for the first picture of a stored run, and of all the page's files."""
    async with Connection(port) as teacher:
        shell = await teacher.get_json("/shell.json")
        run_id = (await teacher.get_json("/data/index.json"))["runs"][0]["id"]
        manifest = await teacher.get_json(f"/data/runs/{run_id}/run.json")
    arrays = [*manifest["arrays"].values(), *manifest["planes"][0]["arrays"].values()]
    return [
        *("/", "/catalog.json", "/data/index.json", f"/data/runs/{run_id}/run.json"),
        *(f"/{name}" for name in shell["files"]),
        *(f"/data/runs/{run_id}/{array['file']}" for array in arrays),
    ]


async def _open_page(port: int, paths: list[str], took: list[float]) -> bool:
    """Fetch all files on six connections, note how long each took, and return whether all arrived."""
    left, right = list(reversed(paths)), True

    async def fetch() -> None:
        nonlocal right
        async with Connection(port) as connection:
            while left:
                began = time.monotonic()
                status, body = await connection.get(left.pop())
                took.append(time.monotonic() - began)
                right = right and status == 200 and bool(body)

    try:
        await asyncio.gather(*(fetch() for _ in range(6)))
    except (OSError, EOFError):
        return False
    return right


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
