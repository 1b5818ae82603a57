"""Keeps the runs that were accepted and not finished when a server stopped, for the next server.

    .waiting.jsonl      one configuration on each line; the next server deletes the file

The finished parts of large runs are kept as well (:mod:`lossatlas.building.checkpoint`). Other runs take seconds, so
they are computed again. A server that crashes leaves no such file: otherwise a run that ends a server would end the
next one, too.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from lossatlas.errors import DataFolderError, LossAtlasError
from lossatlas.planes import FilePlane
from lossatlas.runs import RunConfig
from lossatlas.store import explain_write_errors, make_synced_folder, read_regular, write_text

logger = logging.getLogger("lossatlas.server")
_WAITING = ".waiting.jsonl"


def keep_waiting(data: Path, configs: Iterable[RunConfig]) -> None:
    """Note runs for the next server. If the folder cannot be written, they are lost, and the log says so."""
    lines = [config.canonical for config in configs]
    if not lines:
        return
    try:
        with explain_write_errors(data):
            make_synced_folder(data)
            write_text(data / _WAITING, "\n".join(lines))
    except DataFolderError as error:
        logger.warning("%d runs are not finished, and cannot be kept for the next server: %s", len(lines), error)


def take_waiting(data: Path) -> list[RunConfig]:
    """Read the runs that the last server has noted, and delete the note.

    Parameters
    ----------
    data
        The data folder.

    Returns
    -------
    list of RunConfig
        The runs. What cannot be read is left out, and so are runs with planes from files, for which no client can ask.
    """
    found = []
    with suppress(OSError):
        for line in read_regular(data, _WAITING).decode(errors="replace").splitlines():
            with suppress(ValueError, RecursionError, LossAtlasError):
                found.append(RunConfig.from_mapping(json.loads(line)))
    with suppress(OSError):
        (data / _WAITING).unlink()
    return [config for config in found if not any(isinstance(plane, FilePlane) for plane in config.planes)]
