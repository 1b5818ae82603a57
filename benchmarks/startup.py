"""Measures how long Python takes to import the package, and how long the command line takes to answer --help.

python -m benchmarks.startup [ROUNDS]
"""

from __future__ import annotations

import subprocess
import sys
from functools import partial

from benchmarks.measure import format_table, time_interleaved

COMMANDS = {
    "python -c pass": [sys.executable, "-c", "pass"],
    "import lossatlas": [sys.executable, "-c", "import lossatlas"],
    "from lossatlas import compute_run": [sys.executable, "-c", "from lossatlas import compute_run"],
    "lossatlas --help": [sys.executable, "-c", "from lossatlas.cli import main; main()", "--help"],
}


def main(rounds: int) -> None:
    candidates = {
        name: partial(subprocess.run, command, check=True, stdout=subprocess.DEVNULL)
        for name, command in COMMANDS.items()
    }
    print(format_table(time_interleaved(candidates, rounds)))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 9)
