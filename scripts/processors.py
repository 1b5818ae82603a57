"""Other processors, as far as this one can stand in for them: the older kernels that BLAS and NumPy bring along.

    python -m scripts.processors                  what the chaotic trainings of docs/ come to on each
    python -m scripts.processors COMMAND …        runs it as on each of OLDER, which this processor can stand in for

Kernels differ in the order of their sums, and so in the last bit of a number. No test and no claim may hang on that.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterable

from numpy._core._multiarray_umath import (  # type: ignore[import-not-found]
    __cpu_dispatch__,
    __cpu_features__,
)

#: What a processor has → what it lacks: the beginnings of NumPy's names, of all its releases from 2.0 on.
_LACKS = {"AVX2": ("AVX512", "X86_V4"), "AVX": ("AVX512", "X86_V4", "X86_V3", "AVX2", "FMA3")}
_BLAS = {"AVX2": "Haswell", "AVX": "Sandybridge"}
OLDER = tuple(name for name in _BLAS if __cpu_features__.get(name))


def environment(name: str) -> dict[str, str]:
    """The variables that make OpenBLAS and NumPy take the kernels of a processor with no more than that."""
    lacking = [one for one in __cpu_dispatch__ if __cpu_features__[one] and one.startswith(_LACKS[name])]
    return {**os.environ, "OPENBLAS_CORETYPE": _BLAS[name], "NPY_DISABLE_CPU_FEATURES": " ".join(lacking)}


def settings() -> list[dict[str, str]]:
    """The variables for this processor as it is, with the BLAS of older ones, and with all kernels of older ones."""
    return [
        dict(os.environ),
        *({**os.environ, "OPENBLAS_CORETYPE": _BLAS[name]} for name in OLDER),
        *(environment(name) for name in OLDER),
    ]


def joined(texts: Iterable[str]) -> str:
    """One text for numbers that differ: of ``0.24`` and ``0.77``, ``0.24–0.77``; with their unit."""
    texts = list(texts)
    numbers = sorted({number for text in texts for number in re.findall(r"[\d.]+", text)}, key=float)
    unit = " %" if texts[0].endswith(" %") else ""
    return (numbers[0] if len(numbers) == 1 else f"{numbers[0]}–{numbers[-1]}") + unit


def everywhere(lines: Iterable[dict[str, str]]) -> dict[str, str]:
    """What was found with each of some settings, as one."""
    found = list(lines)
    return {name: joined(one[name] for one in found) for name in found[0]}


def chaotic_numbers() -> dict[str, str]:
    """The numbers of docs/reading-a-landscape.md that hang on the last bit, over all settings of this processor."""
    program = "import json; from scripts.figure_data import chaotic; print(json.dumps(chaotic()))"
    found = []
    for setting in settings():
        said = subprocess.run([sys.executable, "-c", program], env=setting, check=True, capture_output=True, text=True)
        found.append(json.loads(said.stdout))
    return everywhere(found)


def main(command: list[str]) -> int:
    """Run a command as on each older processor; the worst of its exit codes."""
    if not command:
        print(json.dumps(chaotic_numbers(), ensure_ascii=False, indent=1))
        return 0
    for missing in sorted(_BLAS.keys() - set(OLDER)):
        print(f"skipped: this processor cannot stand in for one with {missing} alone", file=sys.stderr)
    codes = []
    for name in OLDER:
        print(f"as on a processor that has {name} and no more", flush=True)
        codes.append(subprocess.run(command, env=environment(name), check=False).returncode)
    return max(codes, default=0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
