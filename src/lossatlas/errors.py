"""Every error that lossatlas raises on purpose, in one tree of exceptions.

LossAtlasError
├── ConfigError            a configuration that is not valid
├── DataError              points, labels, parameters or a table that cannot be used
│   └── OtherModelError    a model, or samples, other than those that were recorded
├── PlaneError             a plane cannot be made from this training
├── DataFolderError        the data folder cannot be used
│   └── FolderBusyError    another process is using it, and only one can
├── RunError               something about one stored run
│   ├── RunNotFoundError   there is no such run
│   ├── RunDamagedError    its files are not what they claim to be
│   └── RunVersionError    it was written by a newer lossatlas
├── ExportError            the site folder cannot be written
├── MissingExtraError      an optional library is not installed
├── RunTooLargeError       a run would take more work, memory or space than is allowed
├── ReadOnlyError          the server computes nothing
├── QueueFullError         the server can take no more runs or followers for now
├── QuotaError             one client asks a server for too much at a time
├── WorkerDiedError        one task killed several worker processes
├── ClusterError           there is no cluster to compute on
└── CancelledError         somebody stopped a computation

Each message says what was wrong, gives the value, and says what to do.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path


class LossAtlasError(Exception):
    """The base class of all errors here: catch it to catch everything that lossatlas raises on purpose."""


class ConfigError(LossAtlasError, ValueError):
    """A configuration that is not valid.

    Attributes
    ----------
    faults
        One pair ``(field, message)`` for each fault. ``field`` is a dotted path such as ``training.epochs``.
    """

    def __init__(self, faults: Sequence[tuple[str, str]]) -> None:
        self.faults = tuple(faults)
        super().__init__("; ".join(f"{field}: {message}" if field else message for field, message in faults))


class DataError(LossAtlasError, ValueError):
    """Points, labels, parameters or a table that cannot be used, for example because of their shape or of NaN."""


class OtherModelError(DataError):
    """A model does not have the losses that were recorded: it is another one, or its samples are other ones."""


class PlaneError(LossAtlasError):
    """A plane cannot be made from this training: it gives too few directions, or directions that are too similar."""


class DataWarning(UserWarning):
    """Own data may contain a mistake: rows are left out, labels look alike, or values lie far from all others."""


class DataFolderError(LossAtlasError):
    """The data folder cannot be used: it is a file, it is not writable, or a parent is missing."""


class FolderBusyError(DataFolderError):
    """Another process is using the data folder for something that only one process at a time can do."""


class RunError(LossAtlasError):
    """A stored run cannot be used."""


class RunNotFoundError(RunError):
    """There is no run with this id in the gallery."""


class RunDamagedError(RunError):
    """A file of a run is missing, or it is not what the manifest says.

    Attributes
    ----------
    path
        The file at fault.
    fault
        What is wrong with the file.
    """

    def __init__(self, path: Path, fault: str) -> None:
        self.path, self.fault = path, fault
        super().__init__(f"{path}: {fault}")


class RunVersionError(RunError):
    """A run has a newer format than this version of lossatlas can read."""


class ExportError(LossAtlasError):
    """The site folder cannot be written."""


class MissingExtraError(LossAtlasError, ImportError):
    """A function needs an optional library that is not installed."""


class RunTooLargeError(LossAtlasError):
    """A run would take more work, memory or space than the server allows.

    Attributes
    ----------
    exceeded
        ``(what, estimate, limit)`` for each limit, where ``what`` is ``"work"``, ``"memory"`` or ``"space"``.
    """

    def __init__(self, exceeded: Sequence[tuple[str, float, float]]) -> None:
        self.exceeded = tuple(exceeded)
        how = {"work": "{:.1e} steps of work", "memory": "{:.1e} bytes of memory", "space": "{:.1e} bytes of space"}
        parts = [
            f"about {how[what].format(estimate)}, and {limit:.1e} are allowed" for what, estimate, limit in exceeded
        ]
        super().__init__(
            f"this run would take {'; '.join(parts)}: give fewer epochs, larger batches, smaller layers, smaller grids "
            "or fewer planes; `lossatlas train` and `lossatlas build` have no such limit"
        )


class ReadOnlyError(LossAtlasError):
    """A server that only shows stored runs was asked to compute one."""


class QueueFullError(LossAtlasError):
    """The server can take no more for now: its queue, its streams or its space are full, or it is stopping."""


class QuotaError(LossAtlasError):
    """One client asks a server for too much at a time; ask again later."""


class WorkerDiedError(LossAtlasError):
    """One task killed several worker processes, usually because the machine ran out of memory.

    Attributes
    ----------
    attempts
        How many processes died.
    code
        The exit code of the last process. It is minus the signal if a signal killed the process, and None if it is
        not known.
    """

    def __init__(self, attempts: int, code: int | None, advice: str = "try fewer workers") -> None:
        self.attempts, self.code = attempts, code
        how = "" if code is None else f" ({f'signal {-code}' if code < 0 else f'exit code {code}'})"
        super().__init__(
            f"a worker process was killed{how}, {attempts} times in a row over the same work, "
            f"perhaps because memory ran out: {advice}"
        )


class ClusterError(LossAtlasError):
    """There is no cluster to compute on: it does not answer, it has no workers, or the extra is not installed."""


class CancelledError(LossAtlasError):
    """Somebody stopped a computation before it was done."""
