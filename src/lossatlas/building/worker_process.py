"""A worker process that sends messages while it works, can be cancelled, and can be killed.

A server uses it. The process is started as a program of its own and not by multiprocessing, which would run the script
that imported this package a second time. It ends together with this process, because its input then ends.
"""

from __future__ import annotations

import atexit
import pickle
import struct
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from io import BufferedReader, FileIO
from typing import Any, BinaryIO, cast

from lossatlas.errors import CancelledError, WorkerDiedError

_LENGTH = struct.Struct("<Q")
#: Workers have a lower priority than the server, so that it answers requests first.
_NICENESS = 5
#: Linux has a priority for each thread, so it is set before NumPy starts the threads of BLAS.
_PROGRAM = """
import os, sys
if hasattr(os, "nice"):
    os.nice({niceness})
sys.path[:] = {path!r}
from lossatlas.building.worker_program import answer_calls
answer_calls("lossatlas.building.worker_functions")
"""
#: How many seconds a call has to end after it was cancelled. Then its process is killed.
PATIENCE = 1.0
#: The largest number of processes without work that are kept.
_MOST_IDLE = 4


class WorkerProcess:
    """A process that answers one call at a time. A process that died answers no more calls."""

    def __init__(self) -> None:
        # A process in a separate group gets no Ctrl-C, which would end its call before the server stops.
        group: dict[str, int] = {"process_group": 0}
        if sys.platform == "win32":
            group = {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
        program = [sys.executable, "-c", _PROGRAM.format(path=sys.path, niceness=_NICENESS)]
        self._process = subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0, **group)  # type: ignore[call-overload]
        self._input = cast(FileIO, self._process.stdin)
        self._output = BufferedReader(cast(FileIO, self._process.stdout))
        self._sending = threading.Lock()
        self._calls = 0
        self._is_busy = False

    @property
    def id(self) -> int:
        """The id of the process."""
        return int(self._process.pid)

    @property
    def is_alive(self) -> bool:
        """Whether the process can answer another call."""
        return self._process.poll() is None

    def call(
        self,
        function: Callable[..., Any],
        *args: Any,
        on_item: Callable[[Any], None] = lambda _: None,
        is_wanted: Callable[[], bool] = lambda: True,
    ) -> Any:
        """Call a function in the process, and wait for its result.

        Parameters
        ----------
        function, *args
            The function, which is pickled by its name, and its arguments.
        on_item
            A function that is called with everything that the function passes to
            :func:`lossatlas.building.worker_program.report`.
        is_wanted
            A function that is called just before the call is sent. If it returns False, the call is not sent.

        Returns
        -------
        Any
            The result. The exception of the function is raised here.

        Raises
        ------
        WorkerDiedError
            If the process died or was killed.
        CancelledError
            If the call was cancelled.
        """
        message = pickle.dumps((function, args), protocol=pickle.HIGHEST_PROTOCOL)
        try:
            with self._sending:  # from here on, `cancel` reaches this call
                if not is_wanted():
                    raise CancelledError("the computation was cancelled")
                self._calls += 1
                self._is_busy = True
                send(self._input, message)
            while True:
                kind, value = pickle.loads(receive(self._output))
                if kind == "result":
                    return value
                if kind == "error":
                    raise value
                on_item(value)
        except (EOFError, OSError):
            self.close()
            raise WorkerDiedError(1, self._process.returncode) from None
        finally:
            self._is_busy = False

    def cancel(self, patience: float = PATIENCE) -> None:
        """Ask the current call to end, and kill the process if it does not. Any thread may call this. It does not wait.

        Parameters
        ----------
        patience
            How many seconds the call has to end.
        """
        call = self._calls

        def end() -> None:
            if self._is_busy and self._calls == call:
                self.kill()

        with suppress(OSError, ValueError), self._sending:  # the process may be gone, and its pipe closed
            send(self._input, b"")
        timer = threading.Timer(patience, end)
        timer.daemon = True
        timer.start()

    def kill(self) -> None:
        """End the process at once. Any thread may call it, also during a call."""
        self._process.kill()
        self._process.wait()

    def close(self) -> None:
        """End the process at once, and free its resources. Only the thread that uses :meth:`call` may do this."""
        self.kill()
        with self._sending:
            self._input.close()
        self._output.close()


class _IdleWorkers:
    """The worker processes of this process that have nothing to do. All servers of this process share them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._workers: list[WorkerProcess] = []

    def take(self) -> WorkerProcess:
        """Return an idle worker, or a new one if there is none."""
        with self._lock:
            while self._workers:
                worker = self._workers.pop()
                if worker.is_alive:
                    return worker
                worker.close()
        return WorkerProcess()

    def give_back(self, worker: WorkerProcess) -> None:
        """Keep a worker for the next call, or end it if there are enough."""
        with self._lock:
            keep = worker.is_alive and len(self._workers) < _MOST_IDLE
            if keep:
                self._workers.append(worker)
        if not keep:
            worker.close()

    def prepare(self) -> None:
        """Make sure that there is a worker, so that the next call does not wait for the start of one."""
        with self._lock:
            for worker in [worker for worker in self._workers if not worker.is_alive]:
                worker.close()
                self._workers.remove(worker)
            if not self._workers:
                self._workers.append(WorkerProcess())

    def close(self) -> None:
        """End all of them."""
        with self._lock:
            while self._workers:
                self._workers.pop().close()


#: The idle workers of this process.
IDLE_WORKERS = _IdleWorkers()
atexit.register(IDLE_WORKERS.close)


def send(file: BinaryIO | FileIO, message: bytes) -> None:
    """Write one message."""
    left = memoryview(_LENGTH.pack(len(message)) + message)
    while left:
        left = left[file.write(left) :]
    file.flush()


def receive(file: BinaryIO) -> bytes:
    """Read one message. It raises EOFError if the other process is gone."""
    head = file.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        raise EOFError
    (length,) = _LENGTH.unpack(head)
    message = file.read(length)
    if len(message) < length:
        raise EOFError
    return message
