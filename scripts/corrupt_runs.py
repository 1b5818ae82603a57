"""Corrupts stored runs in some 2,000 ways, and checks how lossatlas handles each.

    python -m scripts.corrupt_runs --data FOLDER [--cases 2000] [--seed 1] [--family NAME] [--recorded]

Each case is a fresh copy of a small gallery with one corruption, of computed runs or of recorded ones. A separate
process opens the run with a check of its checksums, verifies the gallery, makes the index, and exports in some cases.
The case ends as one of

    error       one RunError, and verify and the index go on
    right       exactly what was stored
    WRONG       other numbers without a word
    TRACEBACK   any other exception
    SLOW        more than --seconds of processor time, or twenty times as long on the clock
    MEMORY      more than --memory MiB more than before

The last line is JSON. The exit code is 1 if any case ended in capitals.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import signal
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

from lossatlas.errors import RunError
from lossatlas.runs import RecordedRun, Run, RunConfig, compute_run
from lossatlas.site import export_site, make_assets
from lossatlas.store import (
    Gallery,
    Recording,
    RecordingWriter,
    Tensor,
    describe_adopted,
    open_stored,
    save_recorded,
    save_run,
)
from lossatlas.store.manifest import describe_run, list_arrays
from scripts.corruptions import FAMILIES, Case

#: One of this many cases includes an export.
_EXPORTED = 25


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--data", type=Path, required=True)
    options.add_argument("--cases", type=int, default=2000)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--family", choices=list(FAMILIES))
    options.add_argument("--recorded", action="store_true", help="corrupt recorded runs, which another reader opens")
    options.add_argument("--seconds", type=float, default=2.0)
    options.add_argument("--memory", type=int, default=300)
    given = options.parse_args()
    good = _make_good(given.data / ("recorded" if given.recorded else "good"), recorded=given.recorded)
    first, second = (good / "runs" / run_id for run_id in Gallery(good).ids())
    want = _describe(open_stored(first, check=True))
    make_assets()  # the processes that export have it from this one
    random, ends, bad = Random(given.seed), Counter[str](), []
    for number, family in enumerate(_choose_families(given.cases, given.family)):
        case = given.data / "case"
        for name in ("case", "outside", "site"):
            shutil.rmtree(given.data / name, ignore_errors=True)
        shutil.copytree(good, case)
        done = FAMILIES[family][1](Case(case / "runs" / first.name, second, given.data / "outside", random))

        def read(number: int = number, case: Path = case) -> str:
            return _read(case, first.name, want, given.data / "site" if number % _EXPORTED == 0 else None)

        end, said = _run_apart(read, given.seconds, given.memory)
        ends[end] += 1
        if end.isupper():
            bad.append(f"{end}: {family}: {done}: {said}")
            print(bad[-1], file=sys.stderr, flush=True)
    print(json.dumps({"cases": sum(ends.values()), "ends": ends, "bad": bad}))
    sys.exit(bool(bad))


def _choose_families(cases: int, only: str | None) -> list[str]:
    total = sum(share for share, _ in FAMILIES.values())
    return [
        name
        for name, (share, _) in FAMILIES.items()
        for _ in range(max(1, round(share * cases / total)))
        if name == only or only is None
    ]


def _make_good(data: Path, *, recorded: bool) -> Path:
    """Make a gallery of two small runs with planes of several kinds, unless it exists."""
    for seed in range(2) if not data.exists() else ():
        config = {
            "dataset": {"points": 40, "seed": 3},
            "model": {"hidden": [5, 4]},
            "training": {"epochs": 12, "frames": 6, "batch_size": 8, "seed": seed},
            "boundary": {"resolution": 13},
            "curvature": {"frames": 3},
            "planes": [
                {"kind": "fresh", "spans": [1.0, 0.1], "grid": 9},
                {"kind": "pca", "grid": 9, "nonconvexity": 3},
                {"kind": "hessian", "grid": 9},
                {"kind": "through", "grid": 9},
            ],
        }
        run = compute_run(RunConfig.from_mapping(config), threads=1)
        if recorded:
            save_recorded(describe_adopted(run, _record(run, data)), data)
        else:
            save_run(run, data)
    Gallery(data).write_index()
    return data


def _record(run: Run, data: Path) -> Recording:
    """Record a training again, as if it were somebody's own."""
    layout = [Tensor("weights", (run.setup.network.parameter_count,), 0)]
    about = {
        "model": {"title": "network", "parameters": layout[0].shape[0], "trainable": layout[0].shape[0]},
        "samples": {"train": len(run.setup.dataset.train[0]), "test": len(run.setup.dataset.test[0])},
        "loss": {"name": "CrossEntropyLoss"},
        "versions": {},
        "torch": "",
    }
    writer = RecordingWriter(data, f"seed {run.setup.config.training.seed}", layout, [], about)
    for number, epoch in enumerate(run.trajectory.epochs):
        metrics = {name: float(values[number]) for name, values in run.trajectory.metrics.items()}
        writer.append(np.asarray(run.trajectory.weights[number]), np.empty(0), epoch, metrics)
    return Recording.open(writer.folder)


def _describe(run: Run | RecordedRun) -> tuple[dict[str, tuple[str, bytes]], Any]:
    """Return all numbers of a run, and its manifest."""
    found, manifest = (
        (run.arrays, run.manifest) if isinstance(run, RecordedRun) else (list_arrays(run), describe_run(run))
    )
    arrays = {name: (str(a.dtype), np.ascontiguousarray(a).tobytes()) for name, a in found.items()}
    return arrays, json.loads(json.dumps(manifest))


def _read(case: Path, run_id: str, want: tuple[dict[str, tuple[str, bytes]], Any], site: Path | None) -> str:
    gallery, end = Gallery(case), ""
    try:
        found = _describe(open_stored(case / "runs" / run_id, check=True))
        end = "right" if found == want else "WRONG"
    except RunError as error:
        end = f"error {error}"
    verdicts = {verdict.run_id: verdict.fault for verdict in gallery.verify()}
    listed = [entry["id"] for entry in gallery.index()["runs"]]
    others = [other for other in gallery.ids() if other != run_id]
    if not all(verdicts[other] is None and other in listed for other in others):
        return "WRONG another run is no longer there"
    if run_id in verdicts and (verdicts[run_id] is None) != (end == "right"):
        return f"WRONG verify says {verdicts[run_id]}, and opening {end}"
    json.dumps(gallery.index(), allow_nan=False).encode()
    gallery.write_index()
    if site and others[0] not in export_site(gallery, site).runs:
        return "WRONG the export lacks another run"
    return end


def _run_apart(read: Callable[[], str], seconds: float, memory: int) -> tuple[str, str]:
    """Call a function in a separate process, and return how it ended and its message."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    reader, writer = os.pipe()
    process = os.fork()
    if not process:
        os.close(reader)
        try:
            said = read()
        except BaseException as error:
            at = " < ".join(
                f"{Path(f.filename).name}:{f.lineno}" for f in traceback.extract_tb(error.__traceback__)[-5:]
            )
            said = f"TRACEBACK {type(error).__name__}: {str(error)[:150]} at {at}"
        usage = resource.getrusage(resource.RUSAGE_SELF)
        if usage.ru_utime + usage.ru_stime > seconds:
            said = f"SLOW {usage.ru_utime + usage.ru_stime:.1f} s: {said}"
        if (usage.ru_maxrss - before) >> 10 > memory:
            said = f"MEMORY {(usage.ru_maxrss - before) >> 10} MiB: {said}"
        os.write(writer, said.encode("utf-8", "replace")[:4000])
        os._exit(0)
    os.close(writer)
    said = _wait(process, reader, time.monotonic() + 20 * seconds)
    os.close(reader)
    end, _, rest = said.partition(" ")
    return end, rest


def _wait(process: int, reader: int, deadline: float) -> str:
    while os.waitpid(process, os.WNOHANG) == (0, 0):
        if time.monotonic() > deadline:
            os.kill(process, signal.SIGKILL)
            os.waitpid(process, 0)
            return "SLOW it was killed"
        time.sleep(0.002)
    return os.read(reader, 4000).decode() or "TRACEBACK the process died"


if __name__ == "__main__":
    main()
