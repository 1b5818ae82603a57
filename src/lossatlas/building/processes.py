"""Worker processes of our own: one that is killed costs its task another try, and nothing else.

The standard ProcessPoolExecutor gives up every task once a single worker dies, for its workers share their pipes. Here
each worker has a pipe of its own and a thread that tends it: it hands over one task at a time, and where the worker
dies of it (killed by somebody, or for want of memory) starts another one and hands it the same task again.
"""

from __future__ import annotations

import os
import pickle
import signal
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from queue import Empty, SimpleQueue
from threading import Lock, Thread
from types import TracebackType
from typing import Any, ParamSpec, TypeVar

from lossatlas.errors import LossAtlasError, WorkerDiedError

_Args = ParamSpec("_Args")
_Result = TypeVar("_Result")

#: How often a task is tried whose worker dies of it.
ATTEMPTS = 3


@dataclass(frozen=True)
class _Task:
    """What to call, and who waits for what it returns."""

    future: Future[Any]
    call: tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any]]


@dataclass(frozen=True, eq=False)
class _Worker:
    """A process, and our end of the pipe to it."""

    process: BaseProcess
    pipe: Connection

    def ask(self, call: bytes) -> bytes | None:
        """Have one pickled call worked on, and return the pickled reply; None where the worker died of it."""
        try:
            self.pipe.send_bytes(call)
            return self.pipe.recv_bytes()
        except (EOFError, OSError):
            return None

    def end(self) -> int | None:
        """End it, whatever it does, and return its exit code: minus the signal where one has killed it."""
        self.pipe.close()  # it ends by itself when it notices; one that cannot even notice is killed
        self.process.join(1.0)
        if self.process.exitcode is None:
            self.process.kill()
            self.process.join()
        return self.process.exitcode


class Processes(Executor):
    """Worker processes that end when this process does, however it does.

    Left by an exception, a ``with`` block ends them at once; left otherwise, when all tasks are done. Ctrl-C reaches
    only this process. Functions, arguments and results are pickled; so are exceptions, and one that does not survive
    it comes back as a LossAtlasError with its text.

    Parameters
    ----------
    workers
        How many, at most: each is started when there is something to do for it.
    """

    def __init__(self, workers: int) -> None:
        self._most = workers
        self._tasks: SimpleQueue[_Task | None] = SimpleQueue()
        self._lock = Lock()  # of everything below
        self._threads: list[Thread] = []
        self._workers: set[_Worker] = set()
        self._closed = self._killed = False

    def submit(self, fn: Callable[_Args, _Result], /, *args: _Args.args, **kwargs: _Args.kwargs) -> Future[_Result]:
        """Have a worker call a function.

        Raises
        ------
        RuntimeError
            After :meth:`shutdown`.

        The future raises what the function raises, or WorkerDiedError if :data:`ATTEMPTS` workers died of it.
        """
        future: Future[_Result] = Future()
        with self._lock:
            if self._closed:
                raise RuntimeError("these processes are shut down: they take no more tasks")
            self._tasks.put(_Task(future, (fn, args, kwargs)))
            if len(self._threads) < self._most:
                # a daemon: without it an interpreter that exits would wait for a block that nobody leaves
                thread = Thread(target=self._tend, name="lossatlas-worker", daemon=True)
                self._threads.append(thread)
                thread.start()
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Take no more tasks, and end each worker when no task is left; with ``cancel_futures``, none but the current.

        May be called again.
        """
        with self._lock:
            if cancel_futures:
                self._drop_waiting()
            if not self._closed:
                self._closed = True
            for _ in self._threads:
                self._tasks.put(None)
        if wait:
            for thread in self._threads:
                thread.join()

    def kill_workers(self) -> None:
        """End every worker at once; what waits is cancelled, and what is being worked on fails."""
        with self._lock:
            self._killed = True
            for worker in self._workers:
                worker.process.kill()
        self.shutdown(cancel_futures=True)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Wait for all tasks; after an exception, for none."""
        if kind is None:
            self.shutdown()
        else:
            self.kill_workers()

    def _drop_waiting(self) -> None:
        with suppress(Empty):
            while True:
                if task := self._tasks.get_nowait():
                    task.future.cancel()
                    task.future.set_running_or_notify_cancel()

    def _tend(self) -> None:
        """Work through tasks with one worker at a time."""
        worker: _Worker | None = None
        try:
            while task := self._tasks.get():
                if task.future.set_running_or_notify_cancel():
                    worker = self._work(task, worker)
                del task  # and with it the result, which may be large
        finally:
            if worker:
                self._end(worker)

    def _work(self, task: _Task, worker: _Worker | None) -> _Worker | None:
        """Settle a task with a worker, or with those that take its place; return the last one, if it lives."""
        code: int | None = None
        try:
            call = pickle.dumps(task.call, protocol=pickle.HIGHEST_PROTOCOL)
            for _ in range(ATTEMPTS):
                worker = worker or self._start()
                if reply := worker.ask(call):
                    _settle(task.future, reply)
                    return worker
                code = self._end(worker)
                worker = None
            raise WorkerDiedError(ATTEMPTS, code)
        except BaseException as error:
            if worker:
                self._end(worker)  # it may still be about to reply, and the next task must not get that
            task.future.set_exception(error)
        return None

    def _start(self) -> _Worker:
        context = get_context("spawn")
        ours, theirs = context.Pipe()
        process = context.Process(target=_serve, args=(theirs,), daemon=True)
        with self._lock:  # one at a time, and none after the last has been killed
            if self._killed:
                raise LossAtlasError("stopped before it was done")
            with hold_interrupts():
                process.start()
            theirs.close()  # the worker has it: now its death is the end of the pipe
            worker = _Worker(process, ours)
            self._workers.add(worker)
        return worker

    def _end(self, worker: _Worker) -> int | None:
        with self._lock:
            self._workers.discard(worker)
        return worker.end()


def _settle(future: Future[Any], reply: bytes) -> None:
    result, error = pickle.loads(reply)
    if error is None:
        future.set_result(result)
    else:
        future.set_exception(error)


def _serve(pipe: Connection) -> None:
    """Answer calls until the other end of the pipe is closed, which ends this process whatever it is doing."""
    calls: SimpleQueue[bytes] = SimpleQueue()

    def listen() -> None:
        with suppress(EOFError, OSError):
            while True:
                calls.put(pipe.recv_bytes())
        os._exit(0)

    Thread(target=listen, daemon=True).start()
    while True:
        reply = _answer_call(calls.get())
        with suppress(OSError):  # nobody is there any more: the listener sees that too
            pipe.send_bytes(reply)
        del reply


def _answer_call(call: bytes) -> bytes:
    """Call, and pickle ``(result, None)`` or ``(None, exception)``."""
    try:
        function, args, kwargs = pickle.loads(call)
        return pickle.dumps((function(*args, **kwargs), None), protocol=pickle.HIGHEST_PROTOCOL)
    except BaseException as error:
        return pickle.dumps((None, _make_portable(error)))


def _make_portable(error: BaseException) -> BaseException:
    """Make an exception ready to travel, with its traceback as a note: itself if it can be pickled, else its text."""
    note = "".join(traceback.format_exception(error)).rstrip()
    try:
        travelled = pickle.loads(pickle.dumps(error))
    except Exception:
        travelled = LossAtlasError(describe_error(error))
    if not isinstance(travelled, type(error)) or str(travelled) != str(error):
        travelled = LossAtlasError(describe_error(error))
    assert isinstance(travelled, BaseException)
    travelled.add_note(f"in a worker process:\n{note}")
    return travelled


def describe_error(error: BaseException) -> str:
    """An exception in one line; those meant for people need no name."""
    return str(error) if isinstance(error, LossAtlasError) else f"{type(error).__name__}: {error}"


@contextmanager
def hold_interrupts() -> Iterator[None]:
    """Let Ctrl-C wait while a worker is started. It inherits that: Ctrl-C reaches only this process, which ends it."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    from multiprocessing import resource_tracker

    resource_tracker.ensure_running()  # the first start would do so, and let Ctrl-C through afterwards
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
