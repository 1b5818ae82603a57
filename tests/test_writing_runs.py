"""Tests that runs are written safely beside other processes, on full disks, and when the writer is killed."""

from __future__ import annotations

import os
import shutil
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

import lossatlas.store.write
from lossatlas.errors import DataFolderError
from lossatlas.runs import Run
from lossatlas.store import Gallery, open_run, remove_unfinished, save_run, write_text
from lossatlas.store.manifest import list_arrays
from tests.conftest import small_config
from tests.support.stored_runs import LAYOUT, assert_same, files_in

CHILD = """
import json, os, signal, stat, sys
from lossatlas.runs import compute_run
from lossatlas.landscape import Cut
from lossatlas.planes import KINDS
from lossatlas.runs import RunConfig
import lossatlas.store.durable as durable
import lossatlas.store.write as store

config, data, moment = json.loads(sys.argv[1]), sys.argv[2], int(sys.argv[3])
run = compute_run(RunConfig.from_mapping(config), threads=1)
die = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
calls = 0

def to_disk(descriptor):
    global calls
    if stat.S_ISDIR(os.fstat(descriptor).st_mode):
        return
    calls += 1
    if calls == moment:
        die()

durable._sync = to_disk
if moment == 0:  # all is written, and nothing is in its place yet
    store._move_into_place = die
print("ready", flush=True)
sys.stdin.readline()
store.save_run(run, data)
"""


def child(data: Path, moment: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", CHILD, small_config().canonical, str(data), str(moment)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def test_a_process_killed_while_it_writes_leaves_no_run(small_run: Run, tmp_path: Path) -> None:
    data = tmp_path / "data"
    # the process dies at the first array, at one of a plane, at the last, at the manifest, and before the rename
    moments = (1, 7, len(LAYOUT), len(LAYOUT) + 1, 0)
    processes = [child(data, moment) for moment in moments]
    for process in processes:
        process.communicate("go\n", timeout=60)
        assert process.returncode == -signal.SIGKILL
    gallery = Gallery(data)
    assert gallery.ids() == []
    assert gallery.index()["runs"] == []
    assert list(gallery.verify()) == []
    assert small_run.id not in gallery
    assert len(list((data / "runs").iterdir())) == len(moments)
    assert remove_unfinished(data) == len(moments)
    assert list((data / "runs").iterdir()) == []
    assert_same(small_run, gallery.open(gallery.save(small_run).name))


def test_two_processes_that_save_the_same_run_both_succeed(small_run: Run, tmp_path: Path) -> None:
    processes = [child(tmp_path, -1) for _ in range(2)]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:  # both processes start here at once
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in processes:
        process.communicate(timeout=60)
        assert process.returncode == 0
    assert [path.name for path in (tmp_path / "runs").iterdir()] == [small_run.id]
    assert_same(small_run, open_run(tmp_path / "runs" / small_run.id))


def test_the_slower_of_two_savers_finds_the_run_in_its_place(
    small_run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    appear = lossatlas.store.write._move_into_place

    def overtaken(unfinished: Path, folder: Path) -> None:
        shutil.copytree(unfinished, folder)  # another process saves the run first
        appear(unfinished, folder)

    monkeypatch.setattr(lossatlas.store.write, "_move_into_place", overtaken)
    folder = save_run(small_run, tmp_path)
    assert_same(small_run, open_run(folder))
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]


def test_unfinished_folders_of_earlier_versions_are_kept_for_a_day(tmp_path: Path) -> None:
    """A process with the id in the name may run in another container."""
    own = tmp_path / "runs" / ".unfinished-999999999-abc"
    own.mkdir(parents=True)
    assert remove_unfinished(tmp_path) == 0
    assert own.is_dir()
    os.utime(own, (0, 0))
    assert remove_unfinished(tmp_path) == 1
    assert not own.exists()


def test_foreign_folders_are_kept(tmp_path: Path) -> None:
    foreign = tmp_path / "runs" / ".unfinished-business"
    foreign.mkdir(parents=True)
    assert remove_unfinished(tmp_path) == 0
    assert foreign.is_dir()


def test_a_data_folder_that_is_a_file_is_refused(small_run: Run, tmp_path: Path) -> None:
    file = tmp_path / "data"
    file.write_text("mine")
    with pytest.raises(DataFolderError, match=f"{file} is a file, not a folder; give another folder$"):
        save_run(small_run, file)
    with pytest.raises(DataFolderError, match="is a file"):
        Gallery(file)
    with pytest.raises(DataFolderError, match="cannot write into"):
        save_run(small_run, file / "below")
    assert file.read_text() == "mine"


@pytest.mark.parametrize("call", range(1, len(LAYOUT) + 2))
def test_a_disk_that_is_full_leaves_nothing_half_written(
    call: int, small_run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = 0

    def full(_descriptor: int) -> None:
        nonlocal calls
        calls += 1
        if calls == call:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(lossatlas.store.durable, "_sync", full)
    with pytest.raises(DataFolderError, match=r"cannot write into .* \(No space left on device\); give another"):
        save_run(small_run, tmp_path)
    assert calls == call
    assert list((tmp_path / "runs").iterdir()) == []


def test_every_file_reaches_the_disk_before_the_run_appears(
    small_run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: dict[int, int] = {}  # the size of each file when it was synced, by inode

    def note(descriptor: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            return
        assert not (tmp_path / "runs" / small_run.id).exists()
        file = os.fstat(descriptor)
        synced[file.st_ino] = file.st_size

    monkeypatch.setattr(lossatlas.store.durable, "_sync", note)
    folder = save_run(small_run, tmp_path)
    files = [(folder / name).stat() for name in files_in(folder)]
    assert synced == {file.st_ino: file.st_size for file in files}  # every file was synced at its full size


def test_a_text_file_is_replaced_completely_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "index.json"
    write_text(path, "old")

    def refuse(*_: object) -> None:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", refuse)
        with pytest.raises(OSError, match="Input/output"):
            write_text(path, "new")
    assert path.read_text() == "old"
    assert [file.name for file in tmp_path.iterdir()] == ["index.json"]
    write_text(path, "θ")
    assert path.read_text(encoding="utf-8") == "θ"


def test_saving_does_not_change_the_run(small_run: Run, tmp_path: Path) -> None:
    before = {name: array.tobytes() for name, array in list_arrays(small_run).items()}
    save_run(small_run, tmp_path)
    assert {name: array.tobytes() for name, array in list_arrays(small_run).items()} == before
