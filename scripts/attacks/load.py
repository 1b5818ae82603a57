"""Loads ``lossatlas serve``: static requests while runs are computed, many runs one after another, a cold large array.

    python -m scripts.attacks.load --data FOLDER [--rate 500] [--seconds 20] [--p99 50] [--runs 500] [--stampede 60]

    static      --rate requests per second, sent at fixed times whether or not earlier ones are answered, on 25
                connections, for the page, a manifest, the index and an array: idle, and while two runs are computed
    runs        --runs small runs, one after another; the memory is printed at ten points and must not grow during the
                second half: by then, the server remembers as many finished runs as it ever does
    stampede    --stampede clients ask at once for an array of 26 MB that nobody has asked for; it is compressed once

The two runs are large, and a server leaves one of its worker processes to small ones. By default it has two: one large
run is computed, and the other one waits. So the server of this attack has three, and the attack waits until a process
computes each run.

The last line is JSON with counts, milliseconds and MiB. The exit code is 1 if an answer was wrong, or if memory grew;
and with --p99, also if the rate was missed, more than 1 % of the answers took longer than that many milliseconds, or a
run got nothing of the processor. Without it, times are only reported, as they depend on what else the machine does.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import resource
import shutil
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lossatlas.server.api import SMALL
from scripts.attacks.clients import Connection
from scripts.attacks.servers import MemoryWatch, ServerProcess, list_children, measure_cpu

_CONNECTIONS = 25
#: A server with this many worker processes computes two large runs at a time.
_WORKERS = ("--workers", "3")
#: The seconds until two runs are computed, on a machine that does other work as well.
_RUNS_BEGIN = 600.0
#: The seconds of a processor that show that a process computes: starting one takes less.
_COMPUTES = 0.2
#: The rate is missed if fewer requests than this share of it are answered.
_RATE_SHARE = 0.98
#: Runs that take hours, which compute while static requests are answered.
_LONG = [{"training": {"epochs": epochs, "frames": 1000}} for epochs in (1_000_000, 999_999)]
#: A run that is small except for one array of 26 MB.
_WIDE = {
    "dataset": {"points": 8, "test_fraction": 0.3},
    "model": {"hidden": []},
    "training": {"epochs": 100, "frames": 26, "batch_size": "full"},
    "curvature": {"frames": 0},
    "boundary": {"resolution": 1000},
    "planes": [{"kind": "fresh", "grid": 3, "spans": [1]}],
}
#: The memory of a server may grow by this many MiB in the second half of the runs: an allocator keeps the gaps that the
#: growing index leaves when it is read and written.
_SCATTER = 16
#: At how many points the memory is measured.
_POINTS = 10


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--data", type=Path, required=True)
    options.add_argument("--rate", type=int, default=500)
    options.add_argument("--seconds", type=float, default=20.0)
    options.add_argument("--p99", type=float, help="milliseconds that 99 of 100 static answers may take at the rate")
    options.add_argument("--runs", type=int, default=500)
    options.add_argument("--stampede", type=int, default=60)
    given = options.parse_args()
    given.data.mkdir(parents=True, exist_ok=True)
    failures, counts = Counter[str](), dict[str, Any]()
    if given.rate:
        asked = Rate(given.rate, given.seconds, given.p99)
        counts["static"] = _with_server(given.data / "static", send_static, (asked,), failures, options=_WORKERS)
    if given.runs:
        counts["runs"] = _with_server(given.data / "runs", ask_for_runs, (given.runs,), failures)
    if given.stampede:
        counts["stampede"] = _stampede(given.data / "stampede", given.stampede, failures)
    load = round(os.getloadavg()[0], 1)
    print(json.dumps({**counts, "load average": load, "failures": {n: c for n, c in failures.items() if c}}))
    sys.exit(bool(+failures))


def _with_server(
    data: Path,
    attack: Any,
    arguments: tuple[Any, ...],
    failures: Counter[str],
    *,
    keep: bool = False,
    options: tuple[str, ...] = (),
) -> Any:
    """Run one attack on a fresh server, and return what it counts."""
    if not keep:
        shutil.rmtree(data, ignore_errors=True)
    server = ServerProcess(data.resolve(), *options)
    try:
        return asyncio.run(attack(server, *arguments, failures))
    finally:
        server.stop()
        failures["tracebacks"] += server.tracebacks


@dataclass(frozen=True)
class Rate:
    """Requests at a rate.

    Attributes
    ----------
    rate, seconds
        Requests a second, and for how many seconds.
    p99
        The milliseconds that 99 of 100 answers may take; None if no time is judged.
    """

    rate: int
    seconds: float
    p99: float | None


async def send_static(server: ServerProcess, asked: Rate, failures: Counter[str]) -> dict[str, Any]:
    """Send static requests at a fixed rate, idle and while two runs are computed."""
    async with Connection(server.port) as teacher:
        run_id = await _compute(teacher, SMALL)
        base = f"/data/runs/{run_id}"
        paths = ["/", "/data/index.json", f"{base}/run.json", f"{base}/predicted_class.npy"]
    alone = await _send_at_rate(server, paths, asked, failures)
    async with Connection(server.port) as teacher:
        ids = [str((await teacher.post("/api/runs", config))["id"]) for config in _LONG]
        await _wait_until_computed(server, teacher, ids)
    before = _measure_workers(server)
    beside = await _send_at_rate(server, paths, asked, failures)
    async with Connection(server.port) as teacher:
        states = [(await teacher.get_json(f"/api/runs/{run_id}"))["state"] for run_id in ids]
    worked = _find_work(server, before)
    if asked.p99 is not None:
        failures["runs that were not computed meanwhile"] += len(ids) - sum(seconds > 0 for seconds in worked)
    failures["runs that were not running at the end"] += len(ids) - states.count("running")
    beside["workers' CPU s"] = [round(seconds, 1) for seconds in worked]
    return {"idle": alone, "while two runs are computed": beside}


async def _wait_until_computed(server: ServerProcess, teacher: Connection, ids: list[str]) -> None:
    """Wait until runs are running, and as many processes use the processor."""
    end, states = time.monotonic() + _RUNS_BEGIN, list[str]()
    before = _measure_workers(server)
    while time.monotonic() < end:
        states = [(await teacher.get_json(f"/api/runs/{run_id}"))["state"] for run_id in ids]
        worked = _find_work(server, before)
        if set(states) == {"running"} and sum(seconds > _COMPUTES for seconds in worked) >= len(ids):
            return
        await asyncio.sleep(0.1)
    raise SystemExit(f"the runs are not computed at the same time: {states}, {_find_work(server, before)} s")


def _measure_workers(server: ServerProcess) -> dict[int, float]:
    """Return the seconds that each worker process has used the processor."""
    return {pid: measure_cpu(pid) for pid in list_children(server.process.pid)}


def _find_work(server: ServerProcess, before: dict[int, float]) -> list[float]:
    """Return the seconds that the two busiest worker processes have used since they were measured."""
    worked = [seconds - before.get(pid, 0.0) for pid, seconds in _measure_workers(server).items()]
    return sorted(worked, reverse=True)[: len(_LONG)]


async def _send_at_rate(server: ServerProcess, paths: list[str], asked: Rate, failures: Counter[str]) -> dict[str, Any]:
    """Send requests at fixed times, and report how long they took, counted from these times."""
    count, began, cpu = int(asked.rate * asked.seconds), time.monotonic(), measure_cpu(server.process.pid)
    todo, took = iter(range(count)), list[float]()

    async def send() -> None:
        async with Connection(server.port) as connection:
            for number in todo:
                due = began + number / asked.rate
                await asyncio.sleep(max(0.0, due - time.monotonic()))
                status, body = await connection.get(paths[number % len(paths)])
                failures["wrong answers"] += status != 200 or not body
                took.append(time.monotonic() - due)

    await asyncio.gather(*(send() for _ in range(_CONNECTIONS)))
    took.sort()
    elapsed, p99 = time.monotonic() - began, 1000 * took[count * 99 // 100]
    if asked.p99 is not None:
        failures["p99 above the limit"] += p99 > asked.p99
        failures["rates that were missed"] += count / elapsed < _RATE_SHARE * asked.rate
    return {
        "requests": count,
        "a second": round(count / elapsed),
        "p50 ms": round(1000 * took[count // 2], 1),
        "p99 ms": round(p99, 1),
        "server CPU ms each": round(1000 * (measure_cpu(server.process.pid) - cpu) / count, 2),
    }


async def ask_for_runs(server: ServerProcess, runs: int, failures: Counter[str]) -> dict[str, Any]:
    """Compute many runs, and compare the memory after half of them with that after all."""
    half, measured = max(1, runs // 2), {0: server.measure_each()}
    async with Connection(server.port) as teacher:
        for seed in range(runs):
            training: dict[str, Any] = {"epochs": 4, "frames": 3, "seed": seed}
            await _compute(teacher, {**SMALL, "training": training})
            if (seed + 1) % max(1, runs // _POINTS) == 0 or seed + 1 in {half, runs}:
                measured[seed + 1] = server.measure_each()
        listed = len((await teacher.get_json("/data/index.json"))["runs"])
    failures["runs that are not in the index"] += runs - listed
    for before, after in zip(measured[half], measured[runs], strict=True):
        failures["growth of memory"] += after - before > _SCATTER
    return {"stored": listed, "memory of server and workers": measured}


def _stampede(data: Path, clients: int, failures: Counter[str]) -> dict[str, Any]:
    """Store a run with a large array, and ask a server that is started anew for it with many clients at once."""
    run_id = _with_server(data, lambda server, _: _compute_alone(server, _WIDE), (), failures)
    counted: dict[str, Any] = _with_server(data, ask_at_once, (clients, run_id), failures, keep=True)
    shutil.rmtree(data)
    return counted


async def ask_at_once(server: ServerProcess, clients: int, run_id: str, failures: Counter[str]) -> dict[str, Any]:
    """Ask for a large array with many clients at once, and for the page beside them."""
    before, cpu, bodies = server.measure_memory(), measure_cpu(server.process.pid), set[bytes]()

    async def ask() -> None:
        async with Connection(server.port) as connection:
            status, body = await connection.get(f"/data/runs/{run_id}/confidence.npy")
            failures["wrong answers"] += status != 200
            bodies.add(body)

    with MemoryWatch(server) as memory:
        began = time.monotonic()
        everybody = asyncio.gather(*(ask() for _ in range(clients)))
        async with Connection(server.port) as connection:
            await connection.get("/")
        page = time.monotonic() - began
        await everybody
    many = measure_cpu(server.process.pid) - cpu
    failures["different answers"] += len(bodies) - 1
    return {
        "clients": clients,
        "compressed MB": round(len(bodies.pop()) / 1e6, 1),
        "seconds": round(time.monotonic() - began, 1),
        "server CPU s": round(many, 1),
        "the page meanwhile s": round(page, 1),
        "memory before": before,
        "memory": memory.peak,
    }


async def _compute_alone(server: ServerProcess, config: dict[str, Any]) -> str:
    async with Connection(server.port) as teacher:
        return await _compute(teacher, config)


async def _compute(teacher: Connection, config: dict[str, Any]) -> str:
    """Ask for a run, wait until it is stored, and return its id."""
    answer = await teacher.post("/api/runs", config)
    while answer.get("state") in {"queued", "running"}:
        await asyncio.sleep(0.005)
        answer = await teacher.get_json(f"/api/runs/{answer['id']}")
    if answer.get("state") != "stored":
        raise SystemExit(f"a run is not stored: {answer}")
    return str(answer["id"])


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_NOFILE, (4096, 4096))
    main()
