"""Tests scripts/processors.py: BLAS and NumPy use the kernels of an older processor, and failures are reported."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest
from scripts.processors import OLDER, main, make_environment

SEEN = """
import numpy, threadpoolctl
from numpy._core._multiarray_umath import __cpu_dispatch__ as built, __cpu_features__ as has
numpy.ones((2, 2)) @ numpy.ones((2, 2))
print(*[one["architecture"] for one in threadpoolctl.threadpool_info()][:1], *[name for name in built if has[name]])
"""


@pytest.mark.parametrize(
    ("name", "blas", "gone"),
    [("AVX2", "Haswell", r"AVX512\w+|X86_V4"), ("AVX", "Sandybridge", r"AVX512\w+|X86_V[34]|AVX2|FMA3")],
)
def test_numpy_and_blas_take_older_kernels(name: str, blas: str, gone: str) -> None:
    if name not in OLDER:
        pytest.skip(f"this processor has no {name}")
    program = [sys.executable, "-c", SEEN]
    said = subprocess.run(program, env=make_environment(name), check=True, capture_output=True, text=True)
    seen, *kernels = said.stdout.split()
    assert seen == blas
    assert not [kernel for kernel in kernels if re.fullmatch(gone, kernel)]


@pytest.mark.skipif(not OLDER, reason="no other processor to stand in for")
def test_a_command_that_fails_on_one_of_them_fails() -> None:
    fails = "import os, sys; sys.exit(3 if os.environ['OPENBLAS_CORETYPE'] == 'Haswell' else 0)"
    assert main([sys.executable, "-c", fails]) == (3 if "AVX2" in OLDER else 0)
    assert main([sys.executable, "-c", ""]) == 0
