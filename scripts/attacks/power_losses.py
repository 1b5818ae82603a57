"""Cuts the power of a simulated disk at random moments of ``lossatlas build``, ``serve`` and ``export``.

    sudo python -m scripts.attacks.power_losses --data FOLDER [--builds 60] [--serves 40] [--exports 40] [--seed 1]

The data folder is on a small ext4 file system in a file. To cut the power, all processes are stopped and that file is
copied: so the copy has what was written to the disk, and nothing that is only in the memory of the system. The file
system writes on request only, as it does not commit by itself here, and does not guess what a rename means. The copy is
mounted, which replays its journal. Then ``verify`` has to accept it, and each run that was reported as stored
has to be there. With one copy of ten, the build continues: it has to become complete, and to leave nothing else. Of
exports, the old site or the new one has to be there with all its bytes, and the new one if it was reported as exported.

The last line is JSON with counts. The exit code is 1 if something failed. It needs Linux, root and mkfs.ext4; the short
form, with a disk that is simulated in Python, is tests/test_durability.py.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from random import Random
from typing import Any

import httpx

from lossatlas.building import build_gallery
from lossatlas.building.estimate import Sizes
from lossatlas.errors import LossAtlasError
from lossatlas.runs import RunConfig
from lossatlas.site import export_site
from lossatlas.store import Gallery
from scripts.attacks.folders import find_faults, find_leftovers, hash_folder, hash_runs
from scripts.attacks.servers import ServerProcess, list_children
from scripts.interrupt_exports import KINDS, make_gallery

_SIZE, _SIZE_FOR_SITES = 48 * 2**20, 128 * 2**20
#: No commit within ten minutes, and no guesses: what was not synced is not on the disk.
_OPTIONS = "loop,commit=600,noauto_da_alloc"
#: The number of runs of a build. Half of them are computed in parts.
_RUNS = 16
_IN_PARTS = Sizes(large_work=0, part_work=2e4, part_bytes=2e3)
#: One of this many copies is used to continue.
_RESUMED = 10


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--data", type=Path, required=True)
    options.add_argument("--builds", type=int, default=60)
    options.add_argument("--serves", type=int, default=40)
    options.add_argument("--exports", type=int, default=40)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--export-on-request", type=Path, metavar="GALLERY", help=argparse.SUPPRESS)
    options.add_argument("--build-and-report", action="store_true", help=argparse.SUPPRESS)
    given = options.parse_args()
    if given.build_and_report:
        build_and_report(given.data)
        return
    if given.export_on_request:
        export_on_request(Gallery(given.export_on_request), given.data)
        return
    given.data.mkdir(parents=True, exist_ok=True)
    random, failures, counts = Random(given.seed), Counter[str](), Counter[str]()
    while counts["losses during builds"] < given.builds:
        with Disk(given.data.resolve()) as disk:
            cut_builds(disk, random, given.builds, counts, failures)
    if given.serves:
        with Disk(given.data.resolve()) as disk:
            cut_servers(disk, random, given.serves, counts, failures)
    if given.exports:
        gallery = given.data.resolve() / "gallery"
        shutil.rmtree(gallery, ignore_errors=True)
        make_gallery(gallery)
        with Disk(given.data.resolve(), _SIZE_FOR_SITES) as disk:
            cut_exports(disk, gallery, random, given.exports, counts, failures)
    print(json.dumps({**counts, "failures": {name: count for name, count in failures.items() if count}}))
    sys.exit(bool(+failures))


class Disk:
    """A file system in a file, and a copy of it as it is found after a loss of power.

    Attributes
    ----------
    data
        A folder on the file system.
    """

    def __init__(self, folder: Path, size: int = _SIZE) -> None:
        self._size = size
        self._image, self._copy = folder / "disk.img", folder / "copy.img"
        self._live, self._dead = folder / "live", folder / "dead"
        self.data = self._live / "data"

    def __enter__(self) -> Disk:
        for place in (self._live, self._dead):
            place.mkdir(exist_ok=True)
        self._image.unlink(missing_ok=True)
        with self._image.open("wb") as file:
            file.truncate(self._size)
        _call("mkfs.ext4", "-q", self._image)
        _call("mount", "-o", _OPTIONS, self._image, self._live)
        _call("sync", "--file-system", self._live)
        return self

    def __exit__(self, *_: object) -> None:
        _call("umount", "--lazy", self._live)

    @contextmanager
    def cut_power(self, process: int) -> Iterator[Path]:
        """Stop a process and those that it has started; yield the data folder as a dead machine would leave it."""
        stopped = _stop(process)
        shutil.copyfile(self._image, self._copy)
        for pid in stopped:
            _signal(pid, signal.SIGCONT)
        _call("mount", "-o", "loop", self._copy, self._dead)
        try:
            yield self._dead / "data"
        finally:
            _call("umount", self._dead)


def _stop(process: int) -> list[int]:
    """Stop a process and its descendants, and return them when none of them runs any more."""
    stopped: list[int] = []
    while new := [pid for pid in (process, *list_children(process)) if pid not in stopped]:
        for pid in new:
            _signal(pid, signal.SIGSTOP)
        while any(_read_state(pid) not in "TZX" for pid in new):
            time.sleep(0.001)
        stopped += new
    return stopped


def _signal(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):  # it has ended meanwhile
        os.kill(pid, number)


def _read_state(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return "X"


def _call(*command: str | Path) -> None:
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def _make_config(seed: int) -> RunConfig:
    return RunConfig.from_mapping(
        {
            "dataset": {"points": 40},
            "model": {"hidden": [4]},
            "training": {"epochs": 12, "frames": 6, "seed": seed},
            "boundary": {"resolution": 12},
            "curvature": {"frames": 2},
            "planes": [{"kind": "fresh", "grid": 9}, {"kind": "pca", "grid": 9}],
        }
    )


def build_and_report(data: Path) -> None:
    """Build the runs, and print the id of each as soon as it is reported as stored."""
    configs = [_make_config(seed) for seed in range(_RUNS)]
    for half, sizes in ((configs[::2], Sizes()), (configs[1::2], _IN_PARTS)):
        build_gallery(Gallery(data), half, workers=2, sizes=sizes, on_done=lambda run_id: print(run_id, flush=True))


def cut_builds(disk: Disk, random: Random, most: int, counts: Counter[str], failures: Counter[str]) -> None:
    """Cut the power by turns when a run is reported as stored, and at random moments, until the build is complete."""
    command = [sys.executable, "-m", "scripts.attacks.power_losses", "--build-and-report", "--data", str(disk.data)]
    build = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    reported: list[str] = []
    listening = threading.Thread(target=lambda: reported.extend(map(str.strip, build.stdout or ())), daemon=True)
    listening.start()
    pace = 1.0  # how many seconds the last run took
    while build.poll() is None and counts["losses during builds"] < most:
        if counts["losses during builds"] % 2:
            time.sleep(random.uniform(0, pace))
        else:
            before, began = len(reported), time.monotonic()
            while len(reported) == before and build.poll() is None:
                time.sleep(0.002)
            pace = time.monotonic() - began
        stored = list(reported)
        if build.poll() is None:
            with disk.cut_power(build.pid) as found:
                _check(found, stored, counts, failures)
                counts["losses during builds"] += 1
                if counts["losses during builds"] % _RESUMED == 0:
                    _continue_build(found, command, counts, failures)
    build.kill()
    build.wait()
    listening.join()


def _check(found: Path, reported: list[str], counts: Counter[str], failures: Counter[str]) -> None:
    """Check what is on the disk: it is sound, and what was reported as stored is there."""
    there = hash_runs(found)
    faults = find_faults(found)
    if faults:
        print(*faults, sep="\n", file=sys.stderr)
    counts["runs reported as stored, and looked for"] += len(reported)
    failures["reported as stored, and gone"] += len(set(reported) - there.keys())
    failures["damaged"] += len(faults)


def _continue_build(found: Path, command: list[str], counts: Counter[str], failures: Counter[str]) -> None:
    status = subprocess.run([*command[:-1], str(found)], check=False, stdout=subprocess.DEVNULL).returncode
    complete = status == 0 and len(hash_runs(found)) == _RUNS and not find_faults(found)
    counts["builds that continued"] += 1
    failures["builds that did not become complete"] += not complete
    failures["left behind"] += sum(find_leftovers(found).values())


def cut_servers(disk: Disk, random: Random, most: int, counts: Counter[str], failures: Counter[str]) -> None:
    """Ask a server for runs, and cut the power when it says that one is stored, or a little later."""
    server = ServerProcess(disk.data, log=disk.data.parent.with_suffix(".log"))
    url, reported = f"http://127.0.0.1:{server.port}/api/runs", []
    for seed in range(most):
        # The next one is asked for as well, so that it is being computed and stored when the power is cut.
        for number in (2 * seed, 2 * seed + 1):
            httpx.post(url, json=_make_config(1000 + number).model_dump(mode="json"), timeout=60)
        reported.append(_wait_until_stored(url, _make_config(1000 + 2 * seed).id))
        time.sleep(random.choice([0, 0, random.uniform(0, 1)]))
        with disk.cut_power(server.process.pid) as found:
            _check(found, reported, counts, failures)
        reported.append(_wait_until_stored(url, _make_config(1001 + 2 * seed).id))
        counts["losses of servers"] += 1
    server.stop()
    failures["tracebacks"] += server.tracebacks


def _wait_until_stored(url: str, run_id: str) -> str:
    while (state := _get(f"{url}/{run_id}")["state"]) != "stored":
        if state not in {"queued", "running"}:
            raise SystemExit(f"{run_id} is {state}")
        time.sleep(0.01)
    return run_id


def _get(url: str) -> dict[str, Any]:
    found: dict[str, Any] = httpx.get(url, timeout=60).json()
    return found


def export_on_request(gallery: Gallery, site: Path) -> None:
    """Export for each number on the standard input, over the site before, and print the number when it is done."""
    for line in sys.stdin:
        export_site(gallery, site, **KINDS[int(line) % len(KINDS)])
        print(line, end="", flush=True)


def cut_exports(
    disk: Disk, gallery: Path, random: Random, most: int, counts: Counter[str], failures: Counter[str]
) -> None:
    """Cut the power by turns when an export is reported as done, and in the middle of one."""
    site, states, seconds = disk.data / "site", [""], 1.0
    options = ["--export-on-request", str(gallery), "--data", str(site)]
    command = [sys.executable, "-m", "scripts.attacks.power_losses", *options]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as exporter:
        if not (exporter.stdin and exporter.stdout):
            raise SystemExit("the exporter has no pipes")
        for number in range(most):
            began = time.monotonic()
            print(number, file=exporter.stdin, flush=True)
            if number % 2:
                if number % 4 == 1:  # shortly before it is exchanged, or after that
                    while not any(disk.data.glob(".site.*/site/catalog.json")) and time.monotonic() < began + 60:
                        time.sleep(0.001)
                time.sleep(random.uniform(0, seconds if number % 4 == 3 else seconds / 8))
                with disk.cut_power(exporter.pid) as found:
                    exporter.stdout.readline()
                    states.append(hash_folder(site))
                    _check_site(found, states[-2:], counts, failures)
                    if number % _RESUMED == 1:
                        _export_again(found, gallery, number, states[-1], counts, failures)
            else:
                exporter.stdout.readline()
                seconds = time.monotonic() - began
                states.append(hash_folder(site))
                with disk.cut_power(exporter.pid) as found:
                    _check_site(found, states[-1:], counts, failures)
            counts["losses during exports"] += 1
        exporter.stdin.close()


def _check_site(found: Path, allowed: list[str], counts: Counter[str], failures: Counter[str]) -> None:
    """Check that a site is one of those that it may be; an empty hash allows that there is none."""
    state = hash_folder(found / "site") if (found / "site").is_dir() else ""
    counts["the new site was found"] += state == allowed[-1]
    failures["neither the old site nor the new one"] += state not in allowed


def _export_again(
    found: Path, gallery: Path, number: int, want: str, counts: Counter[str], failures: Counter[str]
) -> None:
    counts["exports that were repeated"] += 1
    try:
        export_site(Gallery(gallery), found / "site", **KINDS[number % len(KINDS)])
    except LossAtlasError as error:
        print(error, file=sys.stderr)
        failures["exports that were refused afterwards"] += 1
    else:
        failures["other sites"] += hash_folder(found / "site") != want
    failures["left beside sites"] += len(list(found.iterdir())) - 1


if __name__ == "__main__":
    main()
