"""Tests that checksums reveal damage that no other check finds, and that runs without checksums can be read."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from lossatlas.cli.verify_command import verify_command
from lossatlas.errors import RunDamagedError
from lossatlas.runs import Run, compute_run
from lossatlas.site import export_site
from lossatlas.store import Gallery, open_run, open_stored, save_run
from tests.conftest import small_config


def read(folder: Path) -> dict[str, Any]:
    manifest: dict[str, Any] = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    return manifest


def entries(manifest: dict[str, Any]) -> list[dict[str, Any]]:
    return [e for arrays in (manifest, *manifest["planes"]) for e in arrays["arrays"].values()]


def test_the_manifest_holds_the_sha256_of_every_file_and_of_itself(stored: Path) -> None:
    manifest = read(stored)
    for entry in entries(manifest):
        assert entry["sha256"] == hashlib.sha256((stored / entry["file"]).read_bytes()).hexdigest()
    content = {key: value for key, value in manifest.items() if key != "sha256"}
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    assert manifest["sha256"] == hashlib.sha256(text.encode()).hexdigest()


def test_every_flipped_bit_of_any_file_is_found(stored: Path) -> None:
    random, gallery = Random(1), Gallery(stored.parents[1])
    for path in sorted(stored.rglob("*.npy")):
        content = path.read_bytes()
        for _ in range(4):
            changed = bytearray(content)
            changed[random.randrange(128, len(content))] ^= 1 << random.randrange(8)
            path.write_bytes(changed)
            (verdict,) = gallery.verify()
            assert str(path) in str(verdict.fault)
        path.write_bytes(content)
    assert [verdict.fault for verdict in gallery.verify()] == [None]


def test_a_flipped_bit_is_noticed_only_if_a_check_is_requested(stored: Path) -> None:
    path = stored / "confidence.npy"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    assert open_run(stored).confidence[-1, -1, -1] == content[-1]
    with pytest.raises(RunDamagedError, match=r"confidence\.npy: its SHA-256 is not the stored one"):
        open_run(stored, check=True)


def test_a_file_of_another_run_is_noticed(stored: Path) -> None:
    other = save_run(compute_run(small_config(training={"seed": 6}), threads=1), stored.parents[1])
    shutil.copy(other / "weights.npy", stored / "weights.npy")
    faults = {verdict.run_id: verdict.fault for verdict in Gallery(stored.parents[1]).verify()}
    assert faults[other.name] is None
    assert str(stored / "weights.npy") in str(faults[stored.name])


@pytest.mark.parametrize("key", ["train_loss", "test_accuracy"])
def test_a_changed_metric_is_noticed(key: str, stored: Path) -> None:
    manifest = read(stored)
    manifest["metrics"][key][2] += 1e-12
    (stored / "run.json").write_text(json.dumps(manifest), encoding="utf-8")
    open_run(stored)
    with pytest.raises(RunDamagedError, match=r"run\.json: its SHA-256"):
        open_run(stored, check=True)


def without_checksums(folder: Path) -> None:
    manifest = read(folder)
    for part in (manifest, *entries(manifest)):
        del part["sha256"]
    (folder / "run.json").write_text(json.dumps(manifest), encoding="utf-8")


def test_a_run_without_checksums_is_sound_and_verify_says_so(stored: Path) -> None:
    without_checksums(stored)
    open_run(stored, check=True)
    (verdict,) = Gallery(stored.parents[1]).verify()
    assert (verdict.fault, verdict.has_checksums) == (None, False)
    told = CliRunner().invoke(verify_command, ["--data", str(stored.parents[1])])
    assert told.exit_code == 0
    assert "1 of 1 runs are sound\n1 of them without checksums" in told.output


def test_verify_does_not_mention_checksums_of_a_sound_run(stored: Path) -> None:
    told = CliRunner().invoke(verify_command, ["--data", str(stored.parents[1])])
    assert "checksums" not in told.output


def test_saving_a_run_again_repairs_a_flipped_bit(small_run: Run, stored: Path) -> None:
    path = stored / "planes" / "fresh" / "loss_surface.npy"
    before = path.read_bytes()
    path.write_bytes(before[:-1] + bytes([before[-1] ^ 1]))
    save_run(small_run, stored.parents[1])
    assert path.read_bytes() == before


def test_an_export_leaves_a_flipped_bit_out_and_a_compact_one_keeps_the_checksums(stored: Path, tmp_path: Path) -> None:
    gallery = Gallery(stored.parents[1])
    assert export_site(gallery, tmp_path / "compact", compact=True).runs == (stored.name,)
    packed = read(tmp_path / "compact" / "data" / "runs" / stored.name)
    assert [entry["sha256"] for entry in entries(packed)] == [entry["sha256"] for entry in entries(read(stored))]
    path = stored / "labels.npy"
    path.write_bytes(path.read_bytes()[:-1] + b"\1" if path.read_bytes()[-1] == 0 else path.read_bytes()[:-1] + b"\0")
    export = export_site(gallery, tmp_path / "site")
    assert export.runs == ()
    assert "labels.npy: its SHA-256" in export.left_out[0]


def test_a_checked_run_has_the_same_arrays(small_run: Run, stored: Path) -> None:
    opened = open_stored(stored, check=True)
    assert isinstance(opened, Run)
    assert np.array_equal(opened.trajectory.weights, small_run.trajectory.weights)
