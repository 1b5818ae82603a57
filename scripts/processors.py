"""Runs commands with the kernels that BLAS and NumPy have for older processors.

    python -m scripts.processors                  compute the chaotic numbers of docs/ with all these kernels
    python -m scripts.processors COMMAND …        run a command with the kernels of each processor in OLDER

Kernels differ in the order of their sums, and so in the last bit of a number. No test and no claim may depend on it.
"""

from __future__ import annotations

import functools
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from numpy._core._multiarray_umath import (  # type: ignore[import-not-found]
    __cpu_dispatch__,
    __cpu_features__,
)

#: For each processor, the features that it lacks: prefixes of NumPy's names in all releases from 2.0 on.
_LACKS = {"AVX2": ("AVX512", "X86_V4"), "AVX": ("AVX512", "X86_V4", "X86_V3", "AVX2", "FMA3")}
_BLAS = {"AVX2": "Haswell", "AVX": "Sandybridge"}
OLDER = tuple(name for name in _BLAS if __cpu_features__.get(name))


def make_environment(name: str) -> dict[str, str]:
    """Return the environment in which OpenBLAS and NumPy use the kernels of an older processor."""
    lacking = [one for one in __cpu_dispatch__ if __cpu_features__[one] and one.startswith(_LACKS[name])]
    return {**os.environ, "OPENBLAS_CORETYPE": _BLAS[name], "NPY_DISABLE_CPU_FEATURES": " ".join(lacking)}


def list_environments() -> list[dict[str, str]]:
    """List the environments of this processor, of the BLAS of older processors, and of all kernels of older ones."""
    return [
        dict(os.environ),
        *({**os.environ, "OPENBLAS_CORETYPE": _BLAS[name]} for name in OLDER),
        *(make_environment(name) for name in OLDER),
    ]


def join_numbers(texts: Iterable[str]) -> str:
    """Join texts with different numbers into a range: ``0.24`` and ``0.77`` become ``0.24–0.77``, with their unit."""
    texts = list(texts)
    numbers = sorted({number for text in texts for number in re.findall(r"[\d.]+", text)}, key=float)
    unit = " %" if texts[0].endswith(" %") else ""
    return (numbers[0] if len(numbers) == 1 else f"{numbers[0]}–{numbers[-1]}") + unit


def join_all(lines: Iterable[dict[str, str]]) -> dict[str, str]:
    """Join the numbers of several environments into ranges."""
    found = list(lines)
    return {name: join_numbers(one[name] for one in found) for name in found[0]}


def compute_chaotic_numbers() -> dict[str, str]:
    """Compute the numbers of docs/reading-a-landscape.md that depend on the last bit, in all environments."""
    program = "import json; from scripts.figure_data import compute_chaotic; print(json.dumps(compute_chaotic()))"
    found = []
    for setting in list_environments():
        said = subprocess.run([sys.executable, "-c", program], env=setting, check=True, capture_output=True, text=True)
        found.append(json.loads(said.stdout))
    return join_all(found)


def main(command: list[str]) -> int:
    """Run a command with the kernels of each older processor, all at once, and return the largest of the exit codes."""
    if not command:
        print(json.dumps(compute_chaotic_numbers(), ensure_ascii=False, indent=1))
        return 0
    for missing in sorted(_BLAS.keys() - set(OLDER)):
        print(f"skipped: this processor cannot run the kernels for {missing}", file=sys.stderr)
    with ThreadPoolExecutor() as pool:
        ended = list(pool.map(functools.partial(_run_as, command), OLDER))
    for name, one in zip(OLDER, ended, strict=True):
        print(f"with the kernels of a processor that has only {name}", one.stdout, sep="\n", flush=True)
    return max((one.returncode for one in ended), default=0)


def _run_as(command: list[str], name: str) -> subprocess.CompletedProcess[str]:
    """Run a command with the kernels of an older processor, and collect what it prints."""
    streams: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    return subprocess.run(command, env=make_environment(name), check=False, text=True, **streams)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
