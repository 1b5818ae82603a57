"""Tests that the Python code in the README runs unchanged, and prints the same number twice."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import lossatlas

ROOT = Path(__file__).parent.parent


def test_the_python_of_the_readme_runs(tmp_path: Path) -> None:
    [code] = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    printed = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], cwd=tmp_path, check=True, capture_output=True, text=True
    ).stdout
    centre, recorded = map(float, printed.split())
    assert 0 < centre < 0.7
    assert centre == recorded
    assert len([line for line in code.splitlines() if line.strip()]) <= 10


def test_every_link_of_the_docs_leads_somewhere() -> None:
    for page in (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")):
        for target in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name} links to {target}, which is not there"


def test_every_public_name_is_there_and_documented() -> None:
    for name in lossatlas.__all__:
        assert getattr(lossatlas, name).__doc__, name
    assert set(lossatlas.__all__) <= set(dir(lossatlas))
