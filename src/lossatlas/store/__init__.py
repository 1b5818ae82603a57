"""Runs on disk: how one is described, written and read, and a folder of many, the gallery. See docs/run-format.md."""

from lossatlas.store.gallery import Gallery, default_data_folder
from lossatlas.store.manifest import describe_run, describe_start, outcome_entry, start_arrays
from lossatlas.store.read import open_run, read_manifest
from lossatlas.store.recording import (
    RecordedFrame,
    Recording,
    RecordingWriter,
    StackedThetas,
    Tensor,
    lay_out,
    recording_folder,
)
from lossatlas.store.write import publish, remove_unfinished, run_folder, save_run, set_aside, write_text, writing

__all__ = [
    "Gallery",
    "RecordedFrame",
    "Recording",
    "RecordingWriter",
    "StackedThetas",
    "Tensor",
    "default_data_folder",
    "describe_run",
    "describe_start",
    "lay_out",
    "open_run",
    "outcome_entry",
    "publish",
    "read_manifest",
    "recording_folder",
    "remove_unfinished",
    "run_folder",
    "save_run",
    "set_aside",
    "start_arrays",
    "write_text",
    "writing",
]
