"""Kills a process at each single change of the file system: while it stores a run, builds in parts, and exports.

    python -m scripts.attacks.deaths --data FOLDER [--every 1] [--every-of-exports 40] [SCENARIO ...]

The changes are those that Python is about to make: to open a file for writing, to rename, link or delete one, to make
or delete a folder. After each death ``verify`` has to accept what it accepted before, and what was stored has to be
there. A site has to be the old one or the new one. Then the same is done again: it has to give the same bytes as
without a death, and to leave nothing else.

The last line is JSON with counts. The exit code is 1 if something failed. It needs Linux.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import sys
import traceback
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lossatlas.building import build_gallery
from lossatlas.building.estimate import Sizes
from lossatlas.runs import RunConfig, compute_run
from lossatlas.site import export_site
from lossatlas.store import Gallery, remove_unfinished, save_run
from scripts.attacks.folders import find_faults, find_leftovers, hash_folder, hash_runs

_CHANGES = {"os.rename", "os.mkdir", "os.remove", "os.rmdir", "os.truncate", "os.link", "os.symlink"}
_FOR_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT
_IN_PARTS = Sizes(large_work=0, part_work=2e4, part_bytes=2e3)


class _Here(Executor):
    """Calls each function at once in this process."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        future.set_result(fn(*args, **kwargs))
        return future


def _make_config(seed: int) -> RunConfig:
    return RunConfig.from_mapping(
        {
            "dataset": {"points": 40},
            "model": {"hidden": [4]},
            "training": {"epochs": 6, "frames": 4, "seed": seed},
            "boundary": {"resolution": 8},
            "curvature": {"frames": 2},
            "planes": [{"kind": "fresh", "grid": 5, "spans": [1.0]}, {"kind": "pca", "grid": 5}],
        }
    )


@dataclass(frozen=True)
class Scenario:
    """What is done, and killed.

    Attributes
    ----------
    prepare
        Makes what is there before, in a folder.
    step
        Is killed.
    describe
        Describes what is in the folder.
    is_sound
        Tells from a description, and from those before and after an undisturbed step, whether a death may leave it.
    find_left
        Counts what else is in the folder.
    """

    prepare: Callable[[Path], Any]
    step: Callable[[Path], Any]
    describe: Callable[[Path], Any]
    is_sound: Callable[[Any, Any, Any], bool]
    find_left: Callable[[Path], int]


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--data", type=Path, required=True)
    options.add_argument("--every", type=int, default=1, help="kill at one of this many changes")
    options.add_argument("--every-of-exports", type=int, default=40)
    scenarios = _make_scenarios()
    options.add_argument("scenarios", nargs="*", metavar="SCENARIO", help=", ".join(scenarios))
    given = options.parse_args()
    given.data.mkdir(parents=True, exist_ok=True)
    failures, counts = Counter[str](), {}
    for name in given.scenarios or scenarios:
        every = given.every_of_exports if "export" in name else given.every
        counts[name] = die_everywhere(scenarios[name], given.data.resolve(), every, failures)
    print(json.dumps({**counts, "failures": +failures}))
    sys.exit(bool(+failures))


def die_everywhere(scenario: Scenario, data: Path, every: int, failures: Counter[str]) -> dict[str, int]:
    """Do something in processes, each of which is killed at another change, and look at what each leaves."""
    case = data / "case"

    def start_again() -> Path:
        shutil.rmtree(case, ignore_errors=True)
        case.mkdir()
        scenario.prepare(case / "data")
        return case / "data"

    folder = start_again()
    before = scenario.describe(folder)
    changes = _die_at(0, lambda: scenario.step(folder))
    if changes is None:
        raise SystemExit("the undisturbed step failed")
    after = scenario.describe(folder)
    deaths = range(1, changes + 1, every)
    for change in deaths:
        start_again()
        failures["not killed"] += _die_at(change, lambda: scenario.step(folder)) is not None
        if not scenario.is_sound(scenario.describe(folder), before, after):
            print(f"change {change}: {scenario.describe(folder)}", file=sys.stderr)
            failures["damaged or lost"] += 1
        scenario.step(folder)
        failures["not completed"] += scenario.describe(folder) != after
        failures["left behind"] += scenario.find_left(folder)
    return {"changes": changes, "deaths": len(deaths)}


def _die_at(change: int, step: Callable[[], Any]) -> int | None:
    """Call a function in a process that is killed at a change, and return the number of changes; None if it died."""
    reader, writer = os.pipe()
    process = os.fork()
    if not process:
        seen = 0

        def count(event: str, args: tuple[Any, ...]) -> None:
            nonlocal seen
            flags = args[2] if event == "open" and isinstance(args[2], int) else 0
            if event in _CHANGES or flags & _FOR_WRITING:
                seen += 1
                if seen == change:
                    os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(count)
        try:
            step()
            os.write(writer, str(seen).encode())
        except BaseException:
            traceback.print_exc()
        os._exit(0)
    os.close(writer)
    os.waitpid(process, 0)
    with os.fdopen(reader) as file:
        found = file.read()
    return int(found) if found else None


def _make_scenarios() -> dict[str, Scenario]:
    first, second = (compute_run(_make_config(seed), threads=1) for seed in range(2))

    def save(data: Path) -> None:
        remove_unfinished(data)
        Gallery(data).save(first)

    def save_and_damage(data: Path) -> None:
        (save_run(first, data) / "weights.npy").write_bytes(b"damaged")

    def build(data: Path) -> None:
        build_gallery(Gallery(data), [_make_config(2), _make_config(3)], executor=_Here(), workers=1, sizes=_IN_PARTS)

    def export_first(data: Path) -> None:
        _export(data, first)

    def export_both(data: Path) -> None:
        _export(data, second)

    def describe(data: Path) -> tuple[dict[str, str], int]:
        return hash_runs(data), len(find_faults(data))

    def keeps_runs(now: Any, before: Any, after: Any) -> bool:
        there, faults = now
        lost = not before[1] and any(there.get(name) != digest for name, digest in before[0].items())
        changed = any(digest not in {before[0].get(name), after[0].get(name)} for name, digest in there.items())
        return not lost and not changed and faults <= before[1]

    def count_left(data: Path) -> int:
        return sum(count for name, count in find_leftovers(data).items() if name != ".damaged")

    def describe_site(data: Path) -> str:
        return hash_folder(data / "site") if (data / "site").is_dir() else ""

    def is_old_or_new(now: Any, before: Any, after: Any) -> bool:
        return now in {before, after}

    def count_beside(data: Path) -> int:
        return sum(path.name not in {"site", "gallery"} for path in data.iterdir())

    storing = describe, keeps_runs, count_left
    exporting = describe_site, is_old_or_new, count_beside
    return {
        "save": Scenario(lambda data: data.mkdir(), save, *storing),
        "save over a damaged run": Scenario(save_and_damage, save, *storing),
        "build in parts": Scenario(lambda data: save_run(first, data), build, *storing),
        "export": Scenario(lambda data: data.mkdir(), export_first, *exporting),
        "export again": Scenario(export_first, export_both, *exporting),
    }


def _export(data: Path, run: Any) -> None:
    Gallery(data / "gallery").save(run)
    export_site(Gallery(data / "gallery"), data / "site")


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    main()
