"""Runs a short form of ``python -m scripts.corrupt_runs``: each corruption gives one named error, or a right run."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.skipif(sys.platform == "win32", reason="each case runs in a fork")
@pytest.mark.parametrize(("kind", "cases"), [((), 30), (("--recorded",), 15)], ids=["computed", "recorded"])
def test_every_corruption_is_a_named_error_or_a_right_run(kind: tuple[str, ...], cases: int, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "scripts.corrupt_runs", "--data", str(tmp_path), "--cases", str(cases), *kind]
    done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=Path(__file__).parents[1])
    result = json.loads(done.stdout.splitlines()[-1])
    assert result["bad"] == []
    assert result["ends"]["error"] > 0.8 * cases
    assert set(result["ends"]) <= {"error", "right"}
