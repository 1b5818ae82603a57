"""Runs short forms of the attacks in scripts/attacks. docs/robustness.md has the results of the long ones."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the attacks read /proc")


def attack(name: str, *options: str) -> dict[str, Any]:
    """Run an attack, and return what it counts. Nothing may have failed."""
    command = [sys.executable, "-m", f"scripts.attacks.{name}", *options]
    done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=Path(__file__).parents[1])
    counted: dict[str, Any] = json.loads(done.stdout.splitlines()[-1]) if done.stdout else {"failures": done.stderr}
    assert counted["failures"] == {}, done.stderr
    return counted


def test_a_killed_server_loses_nothing_and_leaves_nothing(tmp_path: Path) -> None:
    # tests/test_building.py kills builds.
    counted = attack("kills", "--data", str(tmp_path), "--builds", "0", "--serves", "1", "--seed", "5")
    assert counted["servers"]["kills"] == 1
    assert counted["servers"]["stored"] >= 1


def test_a_death_at_a_change_of_the_file_system_loses_nothing_and_leaves_nothing(tmp_path: Path) -> None:
    # tests/test_export_again.py does this with exports.
    counted = attack("deaths", "--data", str(tmp_path), "--every", "40", "save over a damaged run", "build in parts")
    assert counted["save over a damaged run"]["deaths"] >= 2
    assert counted["build in parts"]["deaths"] >= 5


def test_a_class_is_served(tmp_path: Path) -> None:
    numbers = ("--followers", "12", "--browsers", "2", "--idle", "1100", "--half-sent", "0")
    counted = attack("classroom", "--data", str(tmp_path / "data"), *numbers, "--small")
    assert (counted["followers"]["complete"], counted["browsers"]["complete"]) == (12, 2)
    assert counted["browsers"]["files of each"] > counted["browsers"]["files of the first picture"] > 10
    assert counted["idle"]["others answered"]


def test_load_is_answered_and_memory_does_not_grow(tmp_path: Path) -> None:
    numbers = ("--rate", "50", "--seconds", "0.5", "--runs", "4", "--stampede", "0")
    counted = attack("load", "--data", str(tmp_path), *numbers)
    assert counted["static"]["while two runs are computed"]["requests"] == 25
    assert counted["runs"]["stored"] == 4


def test_hostile_requests_are_refused(tmp_path: Path) -> None:
    # How long an answer takes depends on what else the machine does.
    counted = attack("hostile_requests", "--data", str(tmp_path / "data"), "--seconds", "60")
    assert counted["requests"] > 100
