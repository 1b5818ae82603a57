"""Tests scripts/test.sh with stand-ins for its tools: whatever fails makes it fail."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parents[1] / "scripts"
#: What the script runs, in .venv/bin, in node_modules/.bin, and elsewhere on the PATH.
TOOLS = [
    *(".venv/bin/python", ".venv/bin/ruff", ".venv/bin/mypy", ".venv/bin/pytest"),
    *("node_modules/.bin/tsc", "node_modules/.bin/biome"),
    *("bin/npm", "bin/python3", "bin/chromium", "bin/chromium-headless-shell", "bin/firefox-esr"),
    *("bin/WebKitWebDriver", "bin/Xvfb", "bin/nginx", "bin/apt-get"),
]
#: How the call begins that runs the tests.
TESTS = "pytest --numprocesses"
#: Writes down how it was called, and fails if the call contains the words of $FAILS.
STAND_IN = """#!/bin/bash
call="${0##*/} $*"
echo "$call" >> "$CALLS"
[[ -z "$FAILS" || "$call" != *"$FAILS"* ]]
"""


def run_script(folder: Path, *, fails: str = "", lacking: str = "") -> tuple[int, list[str]]:
    """Run the script in a folder of stand-ins, and return its exit code and the calls that it made."""
    shutil.copytree(SCRIPTS, folder / "scripts")
    for name in TOOLS:
        tool = folder / name
        tool.parent.mkdir(parents=True, exist_ok=True)
        if tool.name != lacking:
            tool.write_text(STAND_IN)
            tool.chmod(0o755)
    for name in ("env", "dirname", "nproc"):
        (folder / "bin" / name).symlink_to(str(shutil.which(name)))
    (folder / "bin" / "id").write_text("#!/bin/bash\necho 0\n")  # root may install
    (folder / "bin" / "id").chmod(0o755)
    calls = folder / "calls"
    environment = {"PATH": str(folder / "bin"), "CALLS": str(calls), "FAILS": fails, "CI": "true"}
    script = ["/bin/bash", str(folder / "scripts" / "test.sh")]
    ended = subprocess.run(script, env=environment, capture_output=True, check=False)
    return ended.returncode, calls.read_text().splitlines()


def test_everything_is_called_and_the_tests_run_last(tmp_path: Path) -> None:
    code, calls = run_script(tmp_path)
    assert code == 0
    for wanted in ("ruff check", "ruff format --check", "mypy", "npm install", "tsc", "biome ci", "python -m pip"):
        assert [call for call in calls if call.startswith(wanted)], wanted
    assert calls[-2].startswith(TESTS)
    assert calls[-1].startswith("python -m scripts.processors")


@pytest.mark.parametrize(
    "fails",
    [
        *("pip install --quiet --disable-pip-version-check --no-compile", "ruff check", "ruff format", "mypy"),
        *("npm install", "tsc", "biome", TESTS, "scripts.processors"),
    ],
)
def test_a_tool_that_fails_makes_the_command_fail(tmp_path: Path, fails: str) -> None:
    code, calls = run_script(tmp_path, fails=fails)
    assert code != 0
    assert [call for call in calls if fails in call]
    if fails not in {TESTS, "scripts.processors"}:
        assert not [call for call in calls if call.startswith(TESTS)], "the tests run only after all checks"


def test_the_tests_are_run_even_if_they_cannot_all_be_collected(tmp_path: Path) -> None:
    code, calls = run_script(tmp_path, fails="pytest --collect-only")
    assert code == 0
    assert [call for call in calls if call.startswith(TESTS)], "they say what is wrong"


def test_what_is_missing_is_installed_from_debian(tmp_path: Path) -> None:
    code, calls = run_script(tmp_path, lacking="firefox-esr")
    assert code == 0
    assert [call for call in calls if call.startswith("apt-get install")] == ["apt-get install -y -qq firefox-esr"]


@pytest.mark.parametrize(("lacking", "passes"), [("chromium", False), ("firefox-esr", True)])
def test_only_chromium_is_indispensable(tmp_path: Path, lacking: str, passes: bool) -> None:
    code, calls = run_script(tmp_path, lacking=lacking, fails="apt-get install")
    assert (code == 0) == passes
    assert bool([call for call in calls if call.startswith(TESTS)]) == passes
