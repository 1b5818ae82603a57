"""Every error that lossatlas raises on purpose.

LossAtlasError
├── ConfigError            a configuration that is not valid
├── DataError              points, labels, parameters or a table that cannot be used
├── PlaneError             no plane can be laid that way through this training
├── DataFolderError        the data folder cannot be used
├── RunError               something about one stored run
│   ├── RunNotFoundError   there is no such run
│   ├── RunDamagedError    its files are not what they claim to be
│   └── RunVersionError    it was written by a newer lossatlas
├── ExportError            the site folder cannot be written
├── QueueFullError         the server has enough to do
├── WorkerDiedError        process after process died of one task
├── ClusterError           there is no cluster to compute on
└── CancelledError         somebody asked a computation to stop

Each message says what was wrong, with the value, and what to do.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path


class LossAtlasError(Exception):
    """The root of the tree: catch this to catch everything lossatlas raises on purpose."""


class ConfigError(LossAtlasError, ValueError):
    """A configuration that is not valid.

    Attributes
    ----------
    faults
        One ``(field, message)`` for each fault, ``field`` being a dotted path such as ``training.epochs``.
    """

    def __init__(self, faults: Sequence[tuple[str, str]]) -> None:
        self.faults = tuple(faults)
        super().__init__("; ".join(f"{field}: {message}" if field else message for field, message in faults))


class DataError(LossAtlasError, ValueError):
    """Points, labels, parameters or a table that cannot be used: of a wrong shape, not finite, or not as was said."""


class PlaneError(LossAtlasError):
    """No plane can be laid that way through this training: its directions are too few, or too much alike."""


class DataWarning(UserWarning):
    """Own data may not be as they were meant: rows are left out, labels look alike, values lie far from all others."""


class DataFolderError(LossAtlasError):
    """The data folder cannot be used: it is a file, it is not writable, or a parent is missing."""


class RunError(LossAtlasError):
    """Something about one stored run."""


class RunNotFoundError(RunError):
    """There is no run of this id in the gallery."""


class RunDamagedError(RunError):
    """A file of a run is missing, foreign or not what the manifest says.

    Attributes
    ----------
    path
        The file at fault.
    fault
        What is wrong with it.
    """

    def __init__(self, path: Path, fault: str) -> None:
        self.path, self.fault = path, fault
        super().__init__(f"{path}: {fault}")


class RunVersionError(RunError):
    """A run in a format newer than this lossatlas reads."""


class ExportError(LossAtlasError):
    """The site folder cannot be written."""


class MissingExtraError(LossAtlasError, ImportError):
    """Something needs a library that is installed on request only."""


class QueueFullError(LossAtlasError):
    """The server's queue of runs is full; ask again later."""


class WorkerDiedError(LossAtlasError):
    """Process after process died of one task: killed by somebody, or by the system for want of memory.

    Attributes
    ----------
    attempts
        How many died.
    code
        Exit code of the last one: minus the signal where one has killed it; None where it is not known.
    """

    def __init__(self, attempts: int, code: int | None) -> None:
        self.attempts, self.code = attempts, code
        how = "" if code is None else f" ({f'signal {-code}' if code < 0 else f'exit code {code}'})"
        super().__init__(
            f"a worker process was killed{how}, {attempts} times in a row over the same work, "
            "perhaps for want of memory: try fewer with --workers"
        )


class ClusterError(LossAtlasError):
    """There is no cluster to compute on: it does not answer, has no workers, or the extra is missing."""


class CancelledError(LossAtlasError):
    """A computation was asked to stop, and did."""
