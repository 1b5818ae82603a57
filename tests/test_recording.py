from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
from itertools import count
from pathlib import Path
from threading import Event

import numpy as np
import pytest
from click.testing import CliRunner

from lossatlas.arrays import AnyArray
from lossatlas.cli.commands import commands
from lossatlas.errors import DataFolderError, RunDamagedError, RunError, RunNotFoundError
from lossatlas.store import (
    Gallery,
    Recording,
    RecordingWriter,
    describe_unfinished,
    iterate_unfinished,
    lay_out,
    recording_writer,
)

PARAMETERS = lay_out([("weight", (50, 30)), ("bias", (7,))])
BUFFERS = lay_out([("mean", (3,))])


def writer_in(data: Path, **options: bool) -> RecordingWriter:
    return RecordingWriter(data, "killed", PARAMETERS, BUFFERS, {}, frames=100_000, **options)  # type: ignore[arg-type]


def write_until_killed(data: Path, acknowledge: int) -> None:
    """Take snapshots as a recorder does. After each, the frame before it is on the disk, and its epoch is printed."""
    writer = writer_in(data, resume=True)
    for epoch in count(len(writer.frames)):
        writer.append_later(np.full(1507, epoch, np.float32), np.full(3, epoch), epoch, {"train_loss": float(epoch)})
        os.write(acknowledge, f"{epoch - 1}\n".encode())


def test_thirty_kills_during_snapshots_lose_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    acknowledged, delays = -1, np.random.default_rng(0).uniform(0, 0.004, 30)
    for delay in delays.tolist():
        reader, acknowledge = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                write_until_killed(tmp_path, acknowledge)
            finally:
                os._exit(1)
        os.close(acknowledge)
        with os.fdopen(reader) as lines:
            acknowledged = int(lines.readline())
            signal.sigtimedwait([], delay)  # the kill may come at any point of a snapshot
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            acknowledged = max([acknowledged, *(int(line) for line in lines if line.endswith("\n"))])
        [folder] = (tmp_path / "recordings").iterdir()
        recording = Recording.open(folder)
        assert [frame.epoch for frame in recording.frames] == list(range(len(recording.frames)))
        assert len(recording.frames) > acknowledged
        for number, frame in enumerate(recording.frames):
            assert (recording.theta(number) == frame.epoch).all()
            assert (recording.buffers_at(number) == frame.epoch).all()
    writer_in(tmp_path, resume=True)
    assert not [path.name for path in folder.iterdir() if path.name.startswith(".")]
    assert len([path for path in folder.iterdir() if path.name.startswith("theta")]) == len(recording.frames)


def test_a_recording_whose_process_was_killed_is_interrupted_and_can_continue(tmp_path: Path) -> None:
    """It is told from one that is being recorded by a lock, which the system releases with the process."""
    about = {"model": {"title": "Net", "parameters": 1507}, "loss": {"name": "MSELoss"}}
    reader, acknowledge = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            writer = RecordingWriter(tmp_path, "killed", PARAMETERS, BUFFERS, about)
            for epoch in range(2):
                writer.append(np.zeros(1507, np.float32), np.zeros(3), epoch, {})
            os.write(acknowledge, b"done\n")
            signal.pause()
        finally:
            os._exit(1)
    os.close(acknowledge)
    with os.fdopen(reader) as lines:
        assert lines.readline() == "done\n"
    [recording] = iterate_unfinished(Gallery(tmp_path))
    assert describe_unfinished(recording)["outcome"] == {"status": "recording"}
    assert "(being recorded)" in call("list", tmp_path)
    with pytest.raises(RunError, match=f"{recording.id} is being recorded by another process"):
        RecordingWriter(tmp_path, "killed", PARAMETERS, BUFFERS, about, resume=True)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    before = sorted(recording.folder.iterdir())
    outcome = describe_unfinished(recording)["outcome"]
    assert outcome["status"] == "interrupted"
    assert (
        f'ended at epoch 1, and no run was made of it. Continue it with resume="{recording.id}"' in outcome["message"]
    )
    assert f"{recording.id}        1       –       –  killed · Net  (interrupted)" in call("list", tmp_path)
    assert outcome["message"] in call("info", tmp_path, "kill")
    assert sorted(recording.folder.iterdir()) == before
    writer = RecordingWriter(tmp_path, "killed", PARAMETERS, BUFFERS, about, resume=True)
    assert describe_unfinished(recording)["outcome"] == {"status": "recording"}
    writer.release()
    assert describe_unfinished(recording)["outcome"]["status"] == "interrupted"
    writer.append(np.zeros(1507, np.float32), np.zeros(3), 2, {})
    assert describe_unfinished(recording)["outcome"] == {"status": "recording"}


def call(command: str, data: Path, *arguments: str) -> str:
    result = CliRunner().invoke(commands, [command, "--data", str(data), *arguments], catch_exceptions=False)
    assert result.exit_code == 0
    return result.output


def append(writer: RecordingWriter, epoch: int) -> None:
    writer.append_later(np.full(1507, epoch, np.float32), np.full(3, epoch), epoch, {})


def test_a_frame_is_written_after_the_call_and_the_next_one_waits_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer, may_write = writer_in(tmp_path), Event()
    save = recording_writer._save_array

    def save_when_allowed(path: Path, array: AnyArray) -> None:
        assert may_write.wait(60)
        save(path, array)

    monkeypatch.setattr(recording_writer, "_save_array", save_when_allowed)
    append(writer, 0)
    assert Recording.open(writer.folder).frames == ()
    may_write.set()
    append(writer, 1)
    assert Recording.open(writer.folder).frames[0].epoch == 0
    writer.flush()
    assert [frame.epoch for frame in Recording.open(writer.folder).frames] == [0, 1]


@pytest.mark.parametrize("fails", ["_save_array", "append_line"])
def test_a_full_disk_is_an_error_of_the_next_call_and_loses_one_frame(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fails: str
) -> None:
    writer = writer_in(tmp_path)
    writer.append(np.zeros(1507, np.float32), np.zeros(3), 0, {})

    def fill(path: Path, content: object) -> None:
        if fails == "append_line":  # a part of the line reaches the file
            with path.open("a") as file:
                file.write('{"number": 1, "epo')
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(recording_writer, fails, fill)
        append(writer, 1)
        writer.wait()
    with pytest.raises(DataFolderError, match=r"No space left on device"):
        append(writer, 2)
    append(writer, 3)
    writer.flush()
    recording = Recording.open(writer.folder)
    assert [frame.epoch for frame in recording.frames] == [0, 2, 3] == [frame.epoch for frame in writer.frames]
    assert [int(recording.theta(number)[0]) for number in range(3)] == [0, 2, 3]


def test_a_line_that_was_cut_short_is_no_frame(tmp_path: Path) -> None:
    writer = writer_in(tmp_path)
    for epoch in range(3):
        writer.append(np.zeros(1507, np.float32), np.zeros(3), epoch, {"train_loss": None})
    log = writer.folder / "frames.jsonl"
    whole = log.read_bytes()
    log.write_bytes(whole[:-9])
    assert [frame.epoch for frame in Recording.open(writer.folder).frames] == [0, 1]
    again = writer_in(tmp_path, resume=True)
    again.append(np.zeros(1507, np.float32), np.zeros(3), 2, {"train_loss": None})
    assert [frame.epoch for frame in Recording.open(writer.folder).frames] == [0, 1, 2]


def test_a_folder_that_is_no_recording_is_refused_with_the_file_at_fault(tmp_path: Path) -> None:
    with pytest.raises(RunNotFoundError, match="no recording"):
        Recording.open(tmp_path / "none")
    writer = writer_in(tmp_path)
    writer.append(np.zeros(1507, np.float32), np.zeros(3), 0, {})
    folder = writer.folder
    (folder / "theta-00000000.npy").write_bytes(b"\x80\x04cos\nsystem\n")  # this is a pickle
    with pytest.raises(RunDamagedError, match=r"theta-00000000\.npy: not a NumPy array"):
        Recording.open(folder).theta(0)
    np.save(folder / "theta-00000000.npy", np.zeros(3))
    with pytest.raises(RunDamagedError, match=r"holds float64 \[3\]"):
        Recording.open(folder).theta(0)
    about = json.loads((folder / "recording.json").read_text())
    about["parameters"][1]["offset"] = 5
    (folder / "recording.json").write_text(json.dumps(about))
    with pytest.raises(RunDamagedError, match="do not follow one another"):
        Recording.open(folder)


def test_importing_lossatlas_imports_no_torch() -> None:
    code = "import sys, lossatlas, lossatlas.cli.commands, lossatlas.server; print('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"
