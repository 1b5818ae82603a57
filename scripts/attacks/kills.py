"""Kills ``lossatlas build`` and ``lossatlas serve`` at random moments with SIGKILL.

    python -m scripts.attacks.kills --data FOLDER [--builds 100] [--serves 100] [--seed 1]

After each kill ``verify`` has to accept the folder, and each run that was stored before has to be there with the same
bytes. Builds are started again until they are complete: then they have the bytes of a build that was not killed, and
nothing else is left in the folder. Half of the builds compute whole runs, and the others compute runs in parts. After
each kill of a server, the next one is asked for the same runs, and has to store them.

The last line is JSON with counts. The exit code is 1 if something was lost, damaged or left behind. It needs Linux.
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
from pathlib import Path
from random import Random
from typing import Any

import httpx
import numpy as np

from scripts.attacks.folders import find_faults, find_leftovers, hash_runs
from scripts.attacks.servers import ServerProcess, list_children

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
_DATASETS = [option for name in ("moons", "spirals", "circles", "checkerboard") for option in ("--dataset", name)]
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
    counts["servers"] = kill_servers(given.data.resolve() / "served", given.serves, random, failures)
    print(json.dumps({**counts, "failures": failures}))
    sys.exit(bool(failures))


def kill_builds(folder: Path, kind: str, kills: int, random: Random, failures: Counter[str]) -> dict[str, int]:
    """Kill builds, each of which continues where the last one was killed, and count them."""
    command = _make_command(folder, kind)
    duration, want = _build_undisturbed(command, folder / f"{kind}-undisturbed")
    data, had, done = folder / f"{kind}-killed", dict[str, str](), Counter[str](kills=0, complete=0)
    shutil.rmtree(data, ignore_errors=True)
    while done["kills"] < kills:
        status = _kill_after(random.uniform(0, 1.1 * duration), [*command, "--data", str(data)], failures)
        _compare(data, had, want, failures)
        had = hash_runs(data)
        if status == -signal.SIGKILL:
            done["kills"] += 1
            done["kills that left something"] += bool(find_leftovers(data))
        else:
            _check_complete(data, status, want, failures)
            done["complete"] += 1
            shutil.rmtree(data)
            had = {}
    _check_complete(data, subprocess.call([*command, "--data", str(data)], **_SILENT), want, failures)
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


def _kill_after(seconds: float, command: list[str], failures: Counter[str]) -> int:
    """Start a command, kill it after a time if it is still there, and return its exit code. Its workers must end."""
    process = subprocess.Popen(command, **_SILENT)
    try:
        return process.wait(seconds)
    except subprocess.TimeoutExpired:
        workers = list_children(process.pid)
        process.kill()
        failures["workers that outlived a build"] += _count_alive(workers)
        return process.wait()


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
    for name in [name for name, count in failures.items() if not count]:
        del failures[name]


def _check_complete(data: Path, status: int, want: dict[str, str], failures: Counter[str]) -> None:
    if status != 0 or hash_runs(data) != want:
        failures["builds that did not become complete"] += 1
    if left := find_leftovers(data):
        print(f"left in {data}: {dict(left)}", file=sys.stderr)
        failures["left behind"] += sum(left.values())


def kill_servers(data: Path, kills: int, random: Random, failures: Counter[str]) -> dict[str, int]:
    """Kill servers while they compute and store runs, ask the next ones for the same runs, and count."""
    shutil.rmtree(data, ignore_errors=True)
    data.parent.mkdir(parents=True, exist_ok=True)
    done, asked, seed = Counter[str](kills=0, stored=0), list[dict[str, Any]](), 0
    for _ in range(kills):
        server = ServerProcess(data)
        stored = sum(_ask_until_stored(server, config) for config in asked)
        failures["runs that the next server did not store"] += len(asked) - stored
        asked = [_make_config(seed + number) for number in range(1, random.randint(2, 4))]
        seed += len(asked)
        for config in asked:
            httpx.post(f"http://127.0.0.1:{server.port}/api/runs", json=config, timeout=60)
        time.sleep(random.uniform(0, 3))
        had = hash_runs(data)
        workers = list_children(server.process.pid)
        server.process.kill()
        server.process.wait()
        failures["workers that outlived a server"] += _count_alive(workers)
        failures["tracebacks"] += server.tracebacks
        done["kills"] += 1
        done["kills that left something"] += bool(find_leftovers(data))
        _compare(data, had, None, failures)
    if kills:
        server = ServerProcess(data)
        failures["runs that the next server did not store"] += sum(
            not _ask_until_stored(server, each) for each in asked
        )
        server.stop()
        failures["left behind"] += sum(find_leftovers(data).values())
        _compare(data, {}, None, failures)
    done["stored"] = len(hash_runs(data))
    return dict(done)


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
    answer = httpx.post(url, json=config, timeout=60).json()
    end = time.monotonic() + _STORED_WITHIN
    while answer.get("state") in {"queued", "running"} and time.monotonic() < end:
        time.sleep(0.02)
        answer = httpx.get(f"{url}/{answer['id']}", timeout=60).json()
    return bool(answer.get("state") == "stored")


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    main()
