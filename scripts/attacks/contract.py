"""Compares the answers of the HTTP interface with its description, in thousands of cases that Schemathesis makes.

    python -m scripts.attacks.contract [--examples 1000] [--seed 1] [--phases examples,coverage,fuzzing,stateful]

The server computes only tiny runs here, so that queues fill and empty while requests arrive. A case fails if the answer

    has a status, a media type, a header or a body that the description does not have
    accepts what the description forbids
    is a 5xx, except 503 with Retry-After
    is a 405 without the right Allow

The last line is JSON with the number of cases and of failures.
"""

from __future__ import annotations

import argparse
import json
import re
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lossatlas.runs import RunConfig
from lossatlas.server import create_app
from lossatlas.server.api import SMALL
from lossatlas.server.capacity import Capacity
from lossatlas.server.serving import Server
from lossatlas.store import Gallery

#: The largest work of a run that is computed here, which takes a tenth of a second.
_WORK = 2e8
#: Some rules are about several settings at once, which a schema cannot express: so a valid configuration may be refused
#: with 422. The queue may be full at any time. DELETE ends the interest of one client, and the run may still be there.
_CONFIGURATION = """
[warnings]
enabled = false
[checks.not_a_server_error]
expected-statuses = ["2xx", "3xx", "4xx", 503]
[checks.positive_data_acceptance]
expected-statuses = ["2xx", 404, 409, 422, 503]
[checks.negative_data_rejection]
expected-statuses = [400, 404, 405, 409, 413, 415, 422, 503]
[checks.use_after_free]
enabled = false
"""


@contextmanager
def serve_here(data: Path, capacity: Capacity) -> Iterator[str]:
    """Serve a gallery from a thread of this process, and yield the address."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = Server(create_app(Gallery(data), threads=1, capacity=capacity), logging_config=None)
    thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
    finally:
        server.should_exit = True
        thread.join(30)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--examples", type=int, default=1000, help="for each operation and phase")
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--phases", default="examples,coverage,fuzzing,stateful")
    given = options.parse_args()
    run_id = RunConfig.from_mapping(SMALL).id
    cases = failures = 0
    with (
        tempfile.TemporaryDirectory() as name,
        serve_here((folder := Path(name)) / "data", capacity=Capacity(work=_WORK, workers=1, queue_size=4)) as url,
    ):
        # First any ids in paths, and then that of one run, which the examples ask for.
        for parameters in ("", f'[parameters]\n"path.run_id" = "{run_id}"\n'):
            said = _compare(url, folder, parameters, given)
            tested, failed = _count(said)
            if failed:
                print(said, file=sys.stderr)
            cases, failures = cases + tested, failures + failed
    print(json.dumps({"cases": cases, "failures": failures}))
    sys.exit(bool(failures))


def _compare(url: str, folder: Path, parameters: str, given: argparse.Namespace) -> str:
    """Run Schemathesis, and return what it prints."""
    (folder / "schemathesis.toml").write_text(_CONFIGURATION + parameters, encoding="utf-8")
    command = [
        *(sys.executable, "-m", "schemathesis.cli", "--config-file", "schemathesis.toml"),
        *("run", f"{url}api/openapi.json", "--url", f"{url}api", "--phases", given.phases),
        *("--seed", str(given.seed), "--max-examples", str(given.examples), "--generation-deterministic"),
        *("--request-timeout", "60", "--continue-on-failure", "--no-color"),
    ]
    return subprocess.run(
        command, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=folder
    ).stdout


def _count(said: str) -> tuple[int, int]:
    """Return how many cases Schemathesis reports, and how many failures. No case at all is a failure as well."""
    cases = int((re.search(r"(\d+) generated", said) or ["", "0"])[1])
    failures = sum(map(int, re.findall(r"^  ❌ .*: (\d+)$", said, re.MULTILINE)))
    return cases, failures or int(not re.search(r"No issues found", said))


if __name__ == "__main__":
    main()
