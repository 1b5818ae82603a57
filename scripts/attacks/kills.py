"""Kills ``lossatlas build`` and ``lossatlas serve`` with SIGKILL, at random moments of every phase of their work.

    python -m scripts.attacks.kills --data FOLDER [--builds 100] [--serves 100] [--seed 1]

After each kill ``verify`` has to accept the folder, and each run that was stored before has to be there with the same
bytes. Builds are started again until they are complete: then they have the bytes of a build that was not killed, and
nothing else is left in the folder. Half of the builds compute whole runs, and the others compute runs in parts. After
each kill of a server, the next one is asked for the same runs, and has to store them. Processes that have ended, and
servers that have nothing more to do, are not counted as killed.

The last line is JSON with counts, also by phases. The exit code is 1 if something was lost, damaged or left behind. It
needs Linux.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from itertools import count, cycle
from pathlib import Path
from random import Random
from typing import Any

import httpx
import numpy as np

from scripts.attacks.folders import find_faults, find_leftovers, hash_runs
from scripts.attacks.moments import AIMS, DONE, STARTING, Progress, list_stored, wait_for
from scripts.attacks.servers import ServerProcess, list_children, make_command

#: It reads no certificates, which would take longer than a request.
_HTTP = httpx.Client(timeout=60, verify=False)
#: How many seconds the workers of a killed build have to end.
_PATIENCE = 60.0
_SETTINGS = """
[dataset]
points = 60
[training]
epochs = 12
frames = 6
batch_size = 16
[boundary]
resolution = 12
[curvature]
frames = 2
[[planes]]
kind = "fresh"
spans = [1.0, 0.1]
grid = 9
[[planes]]
grid = 9
"""
_NAMES = ("moons", "spirals", "circles", "checkerboard")
_DATASETS = [option for name in _NAMES for option in ("--dataset", name)]
_RUNS = len(_NAMES)
#: What a killed server was computing has to be stored by the next one within this time, in seconds.
_STORED_WITHIN = 300.0


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--data", type=Path, required=True)
    options.add_argument("--builds", type=int, default=100)
    options.add_argument("--serves", type=int, default=100)
    options.add_argument("--seed", type=int, default=1)
    given = options.parse_args()
    given.data.mkdir(parents=True, exist_ok=True)
    random, failures, counts = Random(given.seed), Counter[str](), {}
    for kind, kills in (("whole", given.builds - given.builds // 2), ("parts", given.builds // 2)):
        if kills:
            counts[f"builds of {kind} runs"] = kill_builds(given.data.resolve(), kind, kills, random, failures)
    if given.serves:
        counts["servers"] = ServerKills(given.data.resolve() / "served", random, failures).kill(given.serves)
    print(json.dumps({**counts, "failures": +failures}))
    sys.exit(bool(+failures))


def kill_builds(folder: Path, kind: str, kills: int, random: Random, failures: Counter[str]) -> dict[str, int]:
    """Kill builds, each of which continues where the last one was killed, and count them by phases."""
    command = _make_command(folder, kind)
    duration, want = _build_undisturbed(command, folder / f"{kind}-undisturbed")
    data, had, done = folder / f"{kind}-killed", dict[str, str](), Counter[str](kills=0, complete=0)
    shutil.rmtree(data, ignore_errors=True)
    aims = cycle(AIMS)
    while done["kills"] < kills:
        status, phase = _kill_build([*command, "--data", str(data)], data, next(aims), random, duration, failures)
        failures["builds that failed"] += status not in {0, -signal.SIGKILL}
        _compare(data, had, want, failures)
        had = hash_runs(data)
        if status == -signal.SIGKILL:
            done["kills"] += 1
            done[phase] += 1
            done["kills that left something"] += bool(find_leftovers(data))
        if status != -signal.SIGKILL or phase == DONE or done["kills"] == kills:
            _check_complete(data, subprocess.call([*command, "--data", str(data)], **_SILENT), want, failures)
            done["complete"] += 1
            shutil.rmtree(data)
            had = {}
    return dict(done)


_SILENT: Any = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}


def _make_command(folder: Path, kind: str) -> list[str]:
    """Return the command of a build of four runs. A run with a plane from a file of vectors is computed in parts."""
    vectors = folder / "vectors.npy"
    np.save(vectors, np.random.default_rng(0).normal(size=(2, 22)).astype(np.float32))
    plane = {"whole": 'kind = "pca"', "parts": f'kind = "file"\nfile = "{vectors}"'}[kind]
    settings = folder / f"{kind}.toml"
    settings.write_text(f"{_SETTINGS}{plane}\n", encoding="utf-8")
    command = [sys.executable, "-m", "lossatlas", "build", "--config", str(settings), *_DATASETS, "--hidden", "4"]
    return [*command, "--workers", "2"]


def _build_undisturbed(command: list[str], data: Path) -> tuple[float, dict[str, str]]:
    """Return the seconds that a build takes, and the hashes of its runs."""
    shutil.rmtree(data, ignore_errors=True)
    began = time.monotonic()
    subprocess.run([*command, "--data", str(data)], check=True, **_SILENT)
    return time.monotonic() - began, hash_runs(data)


def _kill_build(
    command: list[str], data: Path, aim: str, random: Random, usual: float, failures: Counter[str]
) -> tuple[int, str]:
    """Start a build, kill it if it is still there, and return its exit code and the phase. Its workers must end."""
    progress = Progress(data, _RUNS)
    process = subprocess.Popen(command, **_SILENT)
    wait_for(aim, progress, random, usual, lambda: process.poll() is not None)
    workers = list_children(process.pid)
    process.kill()
    status = process.wait()
    failures["workers that outlived a build"] += _count_alive(workers)
    return status, progress.name_phase(len(workers))


def _count_alive(workers: list[int]) -> int:
    """Count the processes that are still alive after some seconds."""
    end = time.monotonic() + _PATIENCE
    while (alive := sum(_is_alive(worker) for worker in workers)) and time.monotonic() < end:
        time.sleep(0.05)
    return alive


def _is_alive(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def _compare(data: Path, had: dict[str, str], want: dict[str, str] | None, failures: Counter[str]) -> None:
    """Compare what a kill left with what was there before it, and with the bytes that each run has to have."""
    faults = find_faults(data)
    if faults:
        print(*faults, sep="\n", file=sys.stderr)
    now = hash_runs(data)
    failures["damaged"] += len(faults)
    failures["lost"] += sum(now.get(run_id) != digest for run_id, digest in had.items())
    failures["other bytes"] += sum(want.get(run_id) != digest for run_id, digest in now.items()) if want else 0


def _check_complete(data: Path, status: int, want: dict[str, str], failures: Counter[str]) -> None:
    if status != 0 or hash_runs(data) != want:
        failures["builds that did not become complete"] += 1
    if left := find_leftovers(data):
        print(f"left in {data}: {dict(left)}", file=sys.stderr)
        failures["left behind"] += sum(left.values())


class ServerKills:
    """Kills servers in every phase. Each next server has to store the runs that the killed one was asked for.

    Parameters
    ----------
    data
        The data folder, which is deleted first.
    random
        The random generator.
    failures
        The counts of failures.

    Attributes
    ----------
    done
        The counts of kills, by phases, and of runs that are stored.
    """

    def __init__(self, data: Path, random: Random, failures: Counter[str]) -> None:
        shutil.rmtree(data, ignore_errors=True)
        data.parent.mkdir(parents=True, exist_ok=True)
        self.done = Counter[str](kills=0, stored=0)
        self._data, self._random, self._failures = data, random, failures
        self._asked: list[dict[str, Any]] = []
        self._seeds = count()
        self._usual = 2.0  # how many seconds a server needs for the runs that it is asked for

    def kill(self, kills: int) -> dict[str, int]:
        """Kill servers that many times, and return the counts."""
        aims = cycle(AIMS)
        while self.done["kills"] < kills:
            aim = next(aims)
            if aim == "start":
                self._kill_starting_server()
            server = self._start()
            self._asked = [_make_config(next(self._seeds)) for _ in range(self._random.randint(1, 3))]
            if aim == "start":  # this one is not killed, in order to learn how long its runs take
                began = time.monotonic()
                self._stop(server)
                self._usual = time.monotonic() - began
            else:
                self._kill_working_server(server, aim)
        self._stop(self._start())
        self._failures["left behind"] += sum(find_leftovers(self._data).values())
        _compare(self._data, {}, None, self._failures)
        self.done["stored"] = len(hash_runs(self._data))
        return dict(self.done)

    def _start(self) -> ServerProcess:
        """Start a server, and wait until it has stored what the one before was asked for."""
        server = ServerProcess(self._data)
        self._wait_until_stored(server)
        return server

    def _stop(self, server: ServerProcess) -> None:
        self._wait_until_stored(server)
        self._asked = []
        self._failures["servers that did not end"] += server.stop() != 0
        self._failures["tracebacks"] += server.tracebacks

    def _wait_until_stored(self, server: ServerProcess) -> None:
        stored = sum(_ask_until_stored(server, config) for config in self._asked)
        self._failures["runs that the next server did not store"] += len(self._asked) - stored

    def _kill_working_server(self, server: ServerProcess, aim: str) -> None:
        had, progress = hash_runs(self._data), self._watch()
        for config in self._asked:
            _HTTP.post(f"http://127.0.0.1:{server.port}/api/runs", json=config)
        deadline = time.monotonic() + _STORED_WITHIN
        wait_for(aim, progress, self._random, self._usual, lambda: time.monotonic() > deadline)
        workers = self._end(server.process)
        self._failures["tracebacks"] += server.tracebacks
        self._count(progress.name_phase(workers), had)

    def _kill_starting_server(self) -> None:
        """Start a server, and kill it before or after it has said its address."""
        had, progress = hash_runs(self._data), self._watch()
        process = subprocess.Popen(make_command(self._data), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        time.sleep(self._random.uniform(0, 1.5))
        workers = self._end(process)
        said = process.stdout.read() if process.stdout else b""
        self._count(progress.name_phase(workers) if said else STARTING, had)

    def _watch(self) -> Progress:
        return Progress(self._data, len(list_stored(self._data)) + len(self._asked))

    def _end(self, process: subprocess.Popen[Any]) -> int:
        """Kill a server, wait for its workers, and return how many there were."""
        workers = list_children(process.pid)
        process.kill()
        process.wait()
        self._failures["workers that outlived a server"] += _count_alive(workers)
        return len(workers)

    def _count(self, phase: str, had: dict[str, str]) -> None:
        """Count a kill, unless the server had nothing more to do, and look at what it left."""
        if phase == DONE:
            self.done["idle when they were killed"] += 1
        else:
            self.done["kills"] += 1
            self.done[phase] += 1
            self.done["kills that left something"] += bool(find_leftovers(self._data))
        _compare(self._data, had, None, self._failures)


def _make_config(seed: int) -> dict[str, Any]:
    return {
        "dataset": {"points": 60},
        "training": {"epochs": 60, "frames": 20, "seed": seed},
        "boundary": {"resolution": 30},
        "curvature": {"frames": 2},
        "planes": [{"kind": "fresh", "grid": 21}, {"kind": "pca", "grid": 21}],
    }


def _ask_until_stored(server: ServerProcess, config: dict[str, Any]) -> bool:
    """Ask a server for a run, and wait until it is stored. Return whether it is."""
    url = f"http://127.0.0.1:{server.port}/api/runs"
    answer = _HTTP.post(url, json=config).json()
    end = time.monotonic() + _STORED_WITHIN
    while answer.get("state") in {"queued", "running"} and time.monotonic() < end:
        time.sleep(0.02)
        answer = _HTTP.get(f"{url}/{answer['id']}").json()
    return bool(answer.get("state") == "stored")


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    main()
