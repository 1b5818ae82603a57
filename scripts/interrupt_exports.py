"""Kills exports at random moments, and checks after each that the site is whole.

    python -m scripts.interrupt_exports [--kills 30] [--seed 1] [--browser]

A small gallery is exported over its own site again and again, in turns as plain arrays, as compact ones, and with
compressed copies, so that each export changes many files. Each process is killed at a random moment of the time that an
export takes. Then the site must have every file that it lists, and every array must have its checksum; with
``--browser``, Chromium opens it and waits for the first picture. In the end an export is completed and must leave
nothing beside the site, and a further export must write no file. The last line is JSON; the exit code is 1 if anything
was wrong.
"""

from __future__ import annotations

import argparse
import gzip
import http.server
import json
import os
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import brotli

from lossatlas.runs import RunConfig, compute_run
from lossatlas.site import export_site
from lossatlas.store import Gallery, open_run

#: The options of the exports, which take turns.
KINDS: tuple[dict[str, Any], ...] = ({}, {"compact": True}, {"compress": True}, {"compact": True, "compress": True})
_UNPACK = {".gz": gzip.decompress, ".br": brotli.decompress}


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--kills", type=int, default=30)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--browser", action="store_true")
    given = options.parse_args()
    random = Random(given.seed)
    with tempfile.TemporaryDirectory() as folder:
        gallery, site = make_gallery(Path(folder) / "data"), Path(folder) / "out" / "site"
        for kind in KINDS:
            _export(gallery, site, kind)
        seconds = [_export(gallery, site, kind)[0] for kind in KINDS]
        faults, exports, killed = [], 0, 0
        with _browser(site) if given.browser else _without_browser() as opens:
            while killed < given.kills:
                number = exports % len(KINDS)
                exports += 1
                killed += _export(gallery, site, KINDS[number], random.uniform(0, seconds[number]))[1]
                faults += [f"export {exports}: {fault}" for fault in (*find_faults(site), *opens())]
        _export(gallery, site, {})
        left = sorted(path.name for path in site.parent.iterdir())
        faults += find_faults(site) + ([f"left beside the site: {left}"] if left != ["site"] else [])
        written = export_site(gallery, site).written
    print("\n".join(faults))
    print(json.dumps({"exports": exports, "killed": killed, "faults": len(faults), "written_again": written}))
    sys.exit(bool(faults or written))


def find_faults(site: Path) -> list[str]:
    """List what a visitor of a site would miss: files that it names and lacks, and damaged arrays and copies."""
    try:
        names = json.loads((site / "shell.json").read_text(encoding="utf-8"))["files"]
        index = json.loads((site / "data" / "index.json").read_text(encoding="utf-8"))
        json.loads((site / "catalog.json").read_text(encoding="utf-8"))
        faults = [f"{name} is missing" for name in ["index.html", *names] if not (site / name).is_file()]
        for entry in index["runs"]:
            faults += _find_faults_of_run(site / "data" / "runs" / entry["id"])
        for path in (path for path in site.rglob("*") if path.suffix in _UNPACK and path.with_suffix("").is_file()):
            if _UNPACK[path.suffix](path.read_bytes()) != path.with_suffix("").read_bytes():
                faults.append(f"{path.name} is a copy of another file")
    except (OSError, ValueError, EOFError, brotli.error) as error:
        return [repr(error)]
    return faults


def _find_faults_of_run(folder: Path) -> list[str]:
    manifest = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    if not manifest.get("compact"):
        open_run(folder, check=True)
        return []
    arrays = [manifest["arrays"], *(plane["arrays"] for plane in manifest["planes"])]
    entries = [entry for group in arrays for entry in group.values()]
    return [
        f"{entry['file']} is not whole"
        for entry in entries
        if not gzip.decompress((folder / entry["file"]).read_bytes())
    ]


def make_gallery(data: Path) -> Gallery:
    """Make a gallery of two small runs."""
    gallery = Gallery(data)
    for dataset in ("moons", "arms"):
        config: dict[str, Any] = {"dataset": {"name": dataset, "points": 80}, "training": {"epochs": 20, "frames": 6}}
        gallery.save(compute_run(RunConfig(**config, model={"hidden": (8,)}, planes=({"grid": 15},))))
    return gallery


def _export(gallery: Gallery, site: Path, kind: dict[str, Any], delay: float | None = None) -> tuple[float, bool]:
    """Export in a process, kill it after a delay, and return the seconds that it took, and whether it was killed."""
    start = time.monotonic()
    process = os.fork()
    if process == 0:
        export_site(gallery, site, **kind)
        os._exit(0)
    if delay is not None:
        time.sleep(delay)
        os.kill(process, signal.SIGKILL)
    status = os.waitpid(process, 0)[1]
    return time.monotonic() - start, os.WIFSIGNALED(status)


@contextmanager
def _without_browser() -> Iterator[Any]:
    yield list


@contextmanager
def _browser(site: Path) -> Iterator[Any]:
    """Yield a function that opens the site in Chromium, and lists what went wrong."""
    from playwright.sync_api import sync_playwright

    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    class Server(http.server.ThreadingHTTPServer):
        request_queue_size = 128

        def handle_error(self, *_: object) -> None:
            """Ignore errors: a page may be closed before its requests are answered."""

    server = Server(("127.0.0.1", 0), partial(Handler, directory=str(site)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])

        def open_site() -> list[str]:
            page = browser.new_page()
            page.goto(f"http://127.0.0.1:{server.server_address[1]}/")
            deadline = time.monotonic() + 60
            while not page.evaluate("document.body.dataset.pictured === 'true'"):
                if time.monotonic() > deadline:
                    return ["the page shows no picture"]
                page.wait_for_timeout(50)
            page.close()
            return []

        yield open_site
        browser.close()
    server.shutdown()


if __name__ == "__main__":
    main()
