"""Tests that stored data survive a loss of power, and that a run that cannot be stored is kept elsewhere.

``Disk`` simulates a disk that loses everything that was not synced. It keeps the names that a folder had, and the bytes
that a file had, when they were last synced.
"""

from __future__ import annotations

import errno
import os
import stat
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lossatlas.site.export
import lossatlas.store.durable
import lossatlas.store.write
from lossatlas.arrays import AnyArray
from lossatlas.building import build_gallery
from lossatlas.errors import DataFolderError, LossAtlasError
from lossatlas.runs import Run, RunConfig
from lossatlas.site import export_single_file, export_site
from lossatlas.store import Gallery, RecordingWriter, Tensor, open_run, save_run, save_run_or_keep
from lossatlas.store.durable import write_array
from lossatlas.store.folders import remove_abandoned, replace_folder
from tests.conftest import small_config
from tests.server.live import live_server
from tests.support.large_runs import TINY, InTurn, config_of


class Disk:
    """Records what reaches the disk below a folder. The name of the folder is on the disk at the start."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.names: dict[int, dict[str, int]] = {}
        self.sizes: dict[int, int] = {}
        self._note(root.stat().st_ino, root)

    def _note(self, inode: int, folder: Any) -> None:
        with os.scandir(folder) as entries:
            self.names[inode] = {entry.name: entry.inode() for entry in entries}

    def sync(self, descriptor: int) -> None:
        status = os.fstat(descriptor)
        if stat.S_ISDIR(status.st_mode):
            self._note(status.st_ino, descriptor)
        else:
            self.sizes[status.st_ino] = status.st_size

    def survivors(self, folder: Path | None = None) -> dict[str, int]:
        """List the files below a folder that are there after a loss of power, with the bytes that they have."""
        found, folders = {}, [("", (folder or self.root).stat().st_ino)]
        while folders:
            above, inode = folders.pop()
            for name, below in self.names.get(inode, {}).items():
                if below in self.names:
                    folders.append((f"{above}{name}/", below))
                elif below in self.sizes:
                    found[f"{above}{name}"] = self.sizes[below]
        return found


@pytest.fixture
def disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Disk:
    disk = Disk(tmp_path)
    monkeypatch.setattr(lossatlas.store.durable, "_sync", disk.sync)
    return disk


def files_of(folder: Path, root: Path) -> dict[str, int]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(root).as_posix(): path.stat().st_size for path in files}


def test_a_run_that_is_said_to_be_stored_survives_a_loss_of_power(small_run: Run, disk: Disk) -> None:
    folder = save_run(small_run, disk.root / "new" / "data")
    assert files_of(folder, disk.root).items() <= disk.survivors().items()


def test_a_run_that_replaces_a_damaged_one_survives_a_loss_of_power(small_run: Run, disk: Disk) -> None:
    folder = save_run(small_run, disk.root / "data")
    (folder / "weights.npy").write_bytes(b"damaged")
    assert save_run(small_run, disk.root / "data") == folder
    assert files_of(folder, disk.root).items() <= disk.survivors().items()


def test_runs_of_a_build_survive_a_loss_of_power_in_parts_or_whole(disk: Disk) -> None:
    configs = [config_of(), small_config()]
    stored: list[dict[str, int]] = []

    def note(run_id: str) -> None:
        folder = disk.root / "data" / "runs" / run_id
        stored.append(files_of(folder, disk.root))
        assert stored[-1].items() <= disk.survivors().items()

    build_gallery(Gallery(disk.root / "data"), configs[:1], executor=InTurn(), sizes=TINY, on_done=note)
    build_gallery(Gallery(disk.root / "data"), configs[1:], executor=InTurn(), on_done=note)
    assert len(stored) == 2


def test_frames_of_a_recording_survive_a_loss_of_power(disk: Disk) -> None:
    writer = RecordingWriter(disk.root / "data", "mine", [Tensor("w", (3,), 0)], [], {})
    for epoch in range(3):
        writer.append(np.ones(3, np.float32), np.empty(0), epoch, {})
        files = files_of(writer.folder, disk.root)
        del files[f"{writer.folder.relative_to(disk.root)}/recording.lock"]  # a lock ends with its process anyway
        assert files
        assert files.items() <= disk.survivors().items()


def test_an_export_survives_a_loss_of_power(
    small_run: Run, other_run: Run, disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    gallery, site = Gallery(disk.root / "data"), disk.root / "new" / "out" / "site"
    replaced: list[str] = []

    def replace(new: Path, place: Path, claimed: Path) -> Path | None:
        # The disk may have the new name at once, and the old site is gone then.
        assert files_of(new, new).items() <= disk.survivors(new).items()
        replaced.append(place.name)
        return replace_folder(new, place, claimed)

    monkeypatch.setattr(lossatlas.site.export, "replace_folder", replace)
    for run in (small_run, other_run):
        save_run(run, gallery.data)
        export_site(gallery, site)
        assert len(files_of(site, site)) > 200
        assert files_of(site, disk.root).items() <= disk.survivors().items()
    assert replaced == ["site", "site"]


def test_an_export_that_changes_nothing_completes_a_killed_one(
    small_run: Run, disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    gallery, site = Gallery(disk.root / "data"), disk.root / "site"
    save_run(small_run, gallery.data)
    with monkeypatch.context() as patch:
        patch.setattr("lossatlas.store.folders.sync_folder", lambda _: None)  # it is killed before this
        export_site(gallery, site)
    assert not disk.survivors().keys() & files_of(site, disk.root).keys()
    assert export_site(gallery, site).written == 0
    assert files_of(site, disk.root).items() <= disk.survivors().items()


def test_an_export_into_one_file_survives_a_loss_of_power(small_run: Run, disk: Disk) -> None:
    gallery = Gallery(disk.root / "data")
    save_run(small_run, gallery.data)
    page = export_single_file(gallery, [small_run.id], disk.root / "page.html")
    assert disk.survivors()["page.html"] == page.stat().st_size


# what cannot be stored --------------------------------------------------------------------------------------------


def refuse(code: int) -> Callable[..., Any]:
    def fail(*_: object) -> None:
        raise OSError(code, os.strerror(code))

    return fail


@pytest.mark.skipif(sys.platform == "win32", reason="it has no limit of the size of a file")
def test_an_array_that_does_not_fit_says_why(tmp_path: Path) -> None:
    import resource

    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, limits[1]))
    try:
        with pytest.raises(OSError, match="File too large") as caught, (tmp_path / "array.npy").open("wb") as file:
            write_array(file, np.zeros(10_000, np.float32))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert caught.value.errno == errno.EFBIG  # as ENOSPC on a full disk


@pytest.mark.parametrize("shape", [(3, 5), (7,), (0, 4), ()])
@pytest.mark.parametrize("dtype", [np.float32, np.uint8, np.float64])
def test_arrays_have_the_bytes_of_numpy(shape: tuple[int, ...], dtype: type, tmp_path: Path) -> None:
    array: AnyArray = np.asfortranarray(np.arange(np.prod(shape)).reshape(shape).astype(dtype))
    with (tmp_path / "ours.npy").open("wb") as file:
        write_array(file, array)
    np.save(tmp_path / "theirs.npy", np.ascontiguousarray(array))
    assert (tmp_path / "ours.npy").read_bytes() == (tmp_path / "theirs.npy").read_bytes()


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS])
def test_a_finished_run_that_cannot_be_stored_is_kept_elsewhere(
    code: int, small_run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    move = lossatlas.store.write._move_into_place
    data = tmp_path / "data"

    def fail_there(unfinished: Path, folder: Path) -> None:
        if folder.is_relative_to(data):
            refuse(code)()
        move(unfinished, folder)

    monkeypatch.setattr(lossatlas.store.write, "_move_into_place", fail_there)
    with pytest.raises(DataFolderError, match="The finished run is kept: move ") as caught:
        save_run_or_keep(small_run, data)
    kept = Path(str(caught.value).rpartition("kept: move ")[2].partition(" to ")[0])
    assert np.array_equal(open_run(kept, check=True).trajectory.weights, small_run.trajectory.weights)
    assert list((data / "runs").iterdir()) == []


def test_a_run_that_cannot_be_kept_anywhere_is_reported_as_lost_with_the_reason(
    small_run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lossatlas.store.write, "_move_into_place", refuse(errno.ENOSPC))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with pytest.raises(DataFolderError, match=r"\(No space left on device\); give another folder$"):
        save_run_or_keep(small_run, tmp_path / "data")


def test_a_build_ends_when_the_disk_is_full_instead_of_computing_all_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    configs = [small_config(training={"seed": seed}) for seed in range(4)]
    executor = InTurn()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(lossatlas.store.write, "_move_into_place", refuse(errno.ENOSPC))
    with pytest.raises(LossAtlasError, match=r"No space left.*Nothing more can be stored there"):
        build_gallery(Gallery(tmp_path / "data"), configs, executor=executor, workers=1)
    assert executor.calls.total() < len(configs)


def test_the_server_keeps_a_finished_run_until_it_can_be_stored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = small_config().model_dump(mode="json")
    with live_server(Gallery(tmp_path), threads=1) as live:
        with monkeypatch.context() as patch:
            patch.setattr(lossatlas.store.write, "_move_into_place", refuse(errno.ENOSPC))
            run_id, events = live.compute(config)
        assert events[-1].name == "failed"
        assert "No space left" in events[-1].body["detail"]
        assert "ask for it again to store it" in events[-1].body["detail"]
        assert live.state(run_id) == "failed"
        again, events = live.compute(config)
        assert again == run_id
        assert [event.name for event in events] == ["queued", "done"]  # no frame is computed again
        assert live.gallery.open(run_id, check=True).id == run_id


# what is left behind ----------------------------------------------------------------------------------------------


def test_a_build_removes_the_remains_of_a_killed_one_if_the_run_is_stored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = config_of()

    def die(*_: object, **__: object) -> None:
        if config.id in Gallery(tmp_path):  # the run is stored, but its parts are not deleted yet
            raise KeyboardInterrupt  # this replaces a SIGKILL

    with monkeypatch.context() as patch:
        patch.setattr("lossatlas.building.checkpoint.shutil.rmtree", die)
        with pytest.raises(KeyboardInterrupt):
            build_gallery(Gallery(tmp_path), [config], executor=InTurn(), sizes=TINY)
    names = {path.name for path in (tmp_path / "runs").iterdir()}
    assert names == {config.id, f".partial-{config.id}"}
    other: RunConfig = small_config()
    build_gallery(Gallery(tmp_path), [config, other], executor=InTurn(), sizes=TINY)
    assert {path.name for path in (tmp_path / "runs").iterdir()} == {config.id, other.id}


def test_the_next_index_removes_the_remains_of_an_unfinished_one(tmp_path: Path) -> None:
    left = tmp_path / ".index.json.4711-0123abcd"
    left.touch()
    Gallery(tmp_path).write_index()
    assert not left.exists()
    assert remove_abandoned(tmp_path / "nowhere", ".unfinished-") == 0
