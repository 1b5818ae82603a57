"""Measures whether the memory of a server and of its workers outlives the runs that it computes.

    python scripts/memory_of_runs.py [--runs 500]

It starts ``lossatlas serve`` with an empty gallery, has it compute small runs one after another, each followed by a
client, and prints the memory of its processes. Half of the runs are for the caches and the remembered jobs to fill. The
exit code is 1 if the memory grows by more than 10 MB after that. `tests/server/test_memory.py` is the short form.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
import urllib.request
from pathlib import Path

#: The largest growth in bytes during the second half of the runs.
_MOST_GROWTH = 10 * 2**20
_CONFIG = {
    "dataset": {"points": 40},
    "model": {"hidden": [5, 4]},
    "boundary": {"resolution": 13},
    "planes": [{"spans": [1.0], "grid": 9}],
    "curvature": {"frames": 0},
}


def compute(url: str, seed: int) -> None:
    """Have the server compute a run, and follow it to its end."""
    config = {**_CONFIG, "training": {"epochs": 4, "frames": 3, "seed": seed}}
    request = urllib.request.Request(
        f"{url}api/runs", json.dumps(config).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request) as response:
        events = json.load(response)["events"]
    with urllib.request.urlopen(url + events) as response:
        if b"event: done" not in response.read():
            sys.exit(f"the run with seed {seed} was not stored")


def measure(process: int) -> dict[int, int]:
    """Return the resident bytes of a process and of its children, by their ids."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            status = (folder / "status").read_text()
        except OSError:
            continue
        parent, resident = re.search(r"PPid:\s*(\d+)", status), re.search(r"VmRSS:\s*(\d+) kB", status)
        if parent and resident and process in (int(folder.name), int(parent[1])):
            found[int(folder.name)] = int(resident[1]) * 1024
    return found


def main() -> None:
    """Compute the runs, print the memory, and end with 1 if it has grown."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=500)
    runs = parser.parse_args().runs
    with tempfile.TemporaryDirectory() as data:
        command = [sys.executable, "-m", "lossatlas", "serve", "--no-browser", "--port", "0", "--data", data]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
            try:
                grown = _watch(server, runs)
            finally:
                server.terminate()
    print(f"the largest growth of a process in the second half: {grown / 2**20:.1f} MB")
    sys.exit(int(grown > _MOST_GROWTH))


def _watch(server: subprocess.Popen[str], runs: int) -> int:
    url = re.search(r"http://\S+", server.stdout.readline() if server.stdout else "")
    if not url:
        sys.exit("the server did not start")
    before: dict[int, int] = {}
    for number in range(1, runs + 1):
        compute(url[0], number)
        if number == runs // 2:
            before = measure(server.pid)
        if number % max(1, runs // 10) == 0:
            print(number, {process: f"{size / 2**20:.0f} MB" for process, size in measure(server.pid).items()})
    after = measure(server.pid)
    return max(size - before.get(process, 0) for process, size in after.items())


if __name__ == "__main__":
    main()
