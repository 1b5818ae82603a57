"""Lists the recordings of which no run has been made yet: those that are being recorded, and interrupted ones.

They have no planes. Their entries in a list have the numbers of the last frame in their log.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import Any

from lossatlas.errors import RunError
from lossatlas.store.gallery import Gallery
from lossatlas.store.recording import Recording
from lossatlas.store.recording_lock import is_being_recorded
from lossatlas.store.write import recording_folder
from lossatlas.training import METRICS

_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,127}", re.ASCII)


def find_unfinished(gallery: Gallery, recording_id: str) -> Recording | None:
    """Find a recording without a run; None if there is no such recording, or if it cannot be read."""
    if not _ID.fullmatch(recording_id) or recording_id in gallery:
        return None
    try:
        recording = Recording.open(recording_folder(gallery.data, recording_id))
        describe_unfinished(recording)
    except (RunError, OSError, LookupError, TypeError, ValueError, AttributeError):
        return None
    return recording


def iterate_unfinished(gallery: Gallery) -> Iterator[Recording]:
    """Yield the recordings without a run, in the order of their ids."""
    for path in sorted((gallery.data / "recordings").glob("*/recording.json")):
        if recording := find_unfinished(gallery, path.parent.name):
            yield recording


def describe_unfinished(recording: Recording) -> dict[str, Any]:
    """Make the entry of a recording in a list. It raises LookupError if there is no frame yet.

    Returns
    -------
    The entry, as that of a recorded run. The status of its outcome is ``recording`` or ``interrupted``.
    """
    name, model, last = str(recording.about["name"]), recording.about["model"], recording.frames[-1]
    return {
        "id": recording.id,
        "title": f"{name} · {model['title']}",
        "source": "recorded",
        "dataset": {"name": "recorded", "title": name},
        "model": {"title": str(model["title"]), "parameters": int(model["parameters"])},
        "config": {},
        "loss": {"name": str(recording.about["loss"]["name"])},
        "outcome": _describe_outcome(recording),
        "epochs": last.epoch,
        "frames": len(recording.frames),
        "metrics": {name: finite(last.metrics.get(name)) for name in METRICS},
    }


def _describe_outcome(recording: Recording) -> dict[str, str]:
    if is_being_recorded(recording.folder):
        return {"status": "recording"}
    message = (
        f"The process that recorded it ended at epoch {recording.frames[-1].epoch}, and no run was made of it. "
        f'Continue it with resume="{recording.id}" as an option of the recorder. Its finish() then makes a run.'
    )
    return {"status": "interrupted", "message": message}


def finite(value: float | None) -> float | None:
    """Return a number, or None if it is not finite, which JSON cannot express."""
    return value if value is not None and math.isfinite(value) else None
