"""Tests temporary folders, and folders that are replaced in one step."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import lossatlas.store.folders as folders
from lossatlas.store import claim_folder, open_regular, remove_abandoned, replace_folder
from lossatlas.store.regular_files import IrregularFileError, read_regular

HOLDER = """
import sys
from pathlib import Path
from lossatlas.store import claim_folder
with claim_folder(Path(sys.argv[1]), ".work-") as claimed:
    (claimed / "before").mkdir()
    if len(sys.argv) > 2:
        (Path(sys.argv[1]) / sys.argv[2]).rename(claimed / "before" / sys.argv[2])
    print(claimed, flush=True)
    sys.stdin.readline()
"""


def hold(parent: Path, *moved: str) -> subprocess.Popen[str]:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(parent), *moved], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None
    assert str(parent) in holder.stdout.readline()
    return holder


def test_a_temporary_folder_is_left_alone_until_its_process_is_killed(tmp_path: Path) -> None:
    holder = hold(tmp_path)
    assert remove_abandoned(tmp_path, ".work-") == 0
    assert len(list(tmp_path.iterdir())) == 1
    holder.send_signal(signal.SIGKILL)
    holder.communicate()
    assert remove_abandoned(tmp_path, ".work-") == 1
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_a_killed_process_was_replacing_is_moved_back(tmp_path: Path) -> None:
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "index.html").write_text("old")
    holder = hold(tmp_path, "site")
    assert not (tmp_path / "site").exists()
    holder.kill()
    holder.communicate()
    remove_abandoned(tmp_path, ".work-")
    assert (tmp_path / "site" / "index.html").read_text() == "old"


@pytest.mark.parametrize("exchanges", [True, False])
def test_a_folder_is_replaced_and_the_old_one_is_returned(
    exchanges: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not exchanges:
        monkeypatch.setattr(folders, "_exchange", lambda *_: False)
    place = tmp_path / "place"
    for content in ("first", "second"):
        with claim_folder(tmp_path, ".work-") as claimed:
            (claimed / "new").mkdir()
            (claimed / "new" / content).touch()
            old = replace_folder(claimed / "new", place, claimed)
            assert [path.name for path in place.iterdir()] == [content]
            assert [path.name for path in old.iterdir()] == ["first"] if old else content == "first"
    assert [path.name for path in tmp_path.iterdir()] == ["place"]


def test_a_folder_that_cannot_be_moved_leaves_the_old_one_in_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folders, "_exchange", lambda *_: False)
    (tmp_path / "place").mkdir()
    (tmp_path / "place" / "old").touch()
    with pytest.raises(FileNotFoundError), claim_folder(tmp_path, ".work-") as claimed:
        replace_folder(claimed / "nothing", tmp_path / "place", claimed)
    assert (tmp_path / "place" / "old").exists()


@pytest.mark.parametrize("name", ["link", "pipe", "folder", "below/file", "self", "../secret", ""])
def test_only_regular_files_are_opened_and_none_through_a_link(name: str, tmp_path: Path) -> None:
    data = tmp_path / "data"
    (data / "folder").mkdir(parents=True)
    (tmp_path / "secret").write_text("secret")
    (data / "link").symlink_to(tmp_path / "secret")
    (data / "self").symlink_to("self")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "file").touch()
    (data / "below").symlink_to(tmp_path / "other")
    os.mkfifo(data / "pipe")
    with pytest.raises(IrregularFileError, match=r"a link|no regular file|no path"):
        open_regular(data, name)


def test_no_file_is_read_beyond_the_limit(tmp_path: Path) -> None:
    with (tmp_path / "sparse").open("wb") as file:
        file.truncate(10**10)
    with pytest.raises(IrregularFileError, match=r"takes 10,000,000,000 bytes, and 100 are the most"):
        read_regular(tmp_path, "sparse", 100)
