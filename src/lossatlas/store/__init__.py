"""Stores runs on disk: describes, writes and reads a run, and manages a folder of runs, the gallery.

The format is described in docs/run-format.md.
"""

from lossatlas.store.array_files import find_file, map_array
from lossatlas.store.checksums import hash_file, list_entries, seal
from lossatlas.store.durable import (
    append_line,
    make_synced_folder,
    open_synced,
    replace_file,
    sync_folder,
    sync_new_files,
    write_array,
)
from lossatlas.store.folders import claim_folder, remove_abandoned, replace_folder
from lossatlas.store.gallery import MOST_INDEX, Gallery, default_data_folder
from lossatlas.store.manifest import describe_outcome, describe_run, describe_start, start_arrays
from lossatlas.store.on_demand import forget_on_demand, list_on_demand, note_on_demand
from lossatlas.store.read import is_recorded, open_run, open_stored, read_manifest
from lossatlas.store.recorded import (
    LEAST_MARGIN,
    MARGIN_RATIO,
    BoundaryPart,
    RecordedParts,
    SampleLossPart,
    describe_adopted,
    describe_recorded,
    save_recorded,
)
from lossatlas.store.recorded_planes import RecordedPlane, add_planes
from lossatlas.store.recording import (
    RecordedFrame,
    Recording,
    StackedThetas,
    Tensor,
    lay_out,
)
from lossatlas.store.recording_writer import RecordingWriter
from lossatlas.store.regular_files import MOST_JSON, is_regular, open_regular, read_regular
from lossatlas.store.unfinished import describe_unfinished, find_unfinished, finite, iterate_unfinished
from lossatlas.store.write import (
    explain_write_errors,
    publish,
    recording_folder,
    remove_unfinished,
    run_folder,
    save_run,
    save_run_or_keep,
    set_aside,
    write_text,
)

__all__ = [
    "LEAST_MARGIN",
    "MARGIN_RATIO",
    "MOST_INDEX",
    "MOST_JSON",
    "BoundaryPart",
    "Gallery",
    "RecordedFrame",
    "RecordedParts",
    "RecordedPlane",
    "Recording",
    "RecordingWriter",
    "SampleLossPart",
    "StackedThetas",
    "Tensor",
    "add_planes",
    "append_line",
    "claim_folder",
    "default_data_folder",
    "describe_adopted",
    "describe_recorded",
    "describe_run",
    "find_file",
    "hash_file",
    "is_recorded",
    "is_regular",
    "describe_start",
    "describe_unfinished",
    "find_unfinished",
    "finite",
    "iterate_unfinished",
    "lay_out",
    "forget_on_demand",
    "list_entries",
    "list_on_demand",
    "note_on_demand",
    "open_regular",
    "open_run",
    "make_synced_folder",
    "map_array",
    "open_synced",
    "replace_file",
    "sync_folder",
    "sync_new_files",
    "open_stored",
    "describe_outcome",
    "publish",
    "read_manifest",
    "read_regular",
    "remove_abandoned",
    "recording_folder",
    "remove_unfinished",
    "replace_folder",
    "run_folder",
    "save_recorded",
    "save_run",
    "save_run_or_keep",
    "seal",
    "set_aside",
    "start_arrays",
    "write_array",
    "write_text",
    "explain_write_errors",
]
