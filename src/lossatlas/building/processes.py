"""Runs functions on worker processes, and repeats a task if its worker process is killed.

The standard ProcessPoolExecutor cancels every task if a single worker dies, because its workers share their pipes. Here
each worker has its own pipe and its own thread in this process. The thread sends one task at a time. If the worker dies
(because somebody killed it, or memory ran out), the thread starts another worker and sends it the same task again.
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

#: How often a task is tried if its workers die.
ATTEMPTS = 3


@dataclass(frozen=True)
class _Task:
    """The function to call, and the future for its result."""

    future: Future[Any]
    call: tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any]]


@dataclass(frozen=True, eq=False)
class _Worker:
    """A process, and this process's end of the pipe to it."""

    process: BaseProcess
    pipe: Connection

    def ask(self, call: bytes) -> bytes | None:
        """Send one pickled call, and return the pickled reply; None if the worker died."""
        try:
            self.pipe.send_bytes(call)
            return self.pipe.recv_bytes()
        except (EOFError, OSError):
            return None

    def end(self) -> int | None:
        """End the process, and return its exit code, which is minus the signal if a signal killed it."""
        self.pipe.close()  # the process ends when it notices this; a process that cannot notice it is killed
        self.process.join(1.0)
        if self.process.exitcode is None:
            self.process.kill()
            self.process.join()
        return self.process.exitcode


class Processes(Executor):
    """An executor with worker processes that always end together with this process.

    A ``with`` block ends them when all tasks are done, or at once if it is left by an exception. Ctrl-C reaches only
    this process. Functions, arguments, results and exceptions are pickled. An exception that cannot be pickled becomes
    a LossAtlasError with its text.

    Parameters
    ----------
    workers
        The largest number of processes. Each is started only when there is a task for it.
    """

    def __init__(self, workers: int) -> None:
        self._most = workers
        self._tasks: SimpleQueue[_Task | None] = SimpleQueue()
        self._lock = Lock()  # it protects all attributes below
        self._threads: list[Thread] = []
        self._workers: set[_Worker] = set()
        self._closed = self._killed = False

    def submit(self, fn: Callable[_Args, _Result], /, *args: _Args.args, **kwargs: _Args.kwargs) -> Future[_Result]:
        """Call a function on a worker.

        Parameters
        ----------
        fn
            The function.
        *args, **kwargs
            Its arguments.

        Returns
        -------
        Future
            The future of the result. It raises the exceptions of the function, or WorkerDiedError if :data:`ATTEMPTS`
            workers died.

        Raises
        ------
        RuntimeError
            If :meth:`shutdown` has been called.
        """
        future: Future[_Result] = Future()
        with self._lock:
            if self._closed:
                raise RuntimeError("these processes are shut down: they take no more tasks")
            self._tasks.put(_Task(future, (fn, args, kwargs)))
            if len(self._threads) < self._most:
                # A daemon thread, because the interpreter would otherwise wait at its exit for a block without end.
                thread = Thread(target=self._run_tasks, name="lossatlas-worker", daemon=True)
                self._threads.append(thread)
                thread.start()
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Accept no more tasks, and end the workers when all tasks are done.

        It may be called again.

        Parameters
        ----------
        wait
            Whether to wait for the end of the workers.
        cancel_futures
            Whether to cancel all tasks that have not started.
        """
        with self._lock:
            if cancel_futures:
                self._cancel_waiting()
            if not self._closed:
                self._closed = True
            for _ in self._threads:
                self._tasks.put(None)
        if wait:
            for thread in self._threads:
                if thread.is_alive():  # Ctrl-C may have come before it was started
                    thread.join()

    def kill_workers(self) -> None:
        """End every worker at once. Waiting tasks are cancelled, and running tasks fail."""
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
        """Wait for all tasks, unless an exception was raised."""
        if kind is None:
            self.shutdown()
        else:
            self.kill_workers()

    def _cancel_waiting(self) -> None:
        with suppress(Empty):
            while True:
                if task := self._tasks.get_nowait():
                    task.future.cancel()
                    task.future.set_running_or_notify_cancel()

    def _run_tasks(self) -> None:
        """Work on one task after another, with one worker at a time."""
        worker: _Worker | None = None
        try:
            while task := self._tasks.get():
                if task.future.set_running_or_notify_cancel():
                    worker = self._work(task, worker)
                del task  # frees the result, which may be large
        finally:
            if worker:
                self._end(worker)

    def _work(self, task: _Task, worker: _Worker | None) -> _Worker | None:
        """Complete a task with a worker, or with new workers if it dies. Return the last worker, if it is alive."""
        code: int | None = None
        try:
            call = pickle.dumps(task.call, protocol=pickle.HIGHEST_PROTOCOL)
            for _ in range(ATTEMPTS):
                worker = worker or self._start()
                if reply := worker.ask(call):
                    _complete(task.future, reply)
                    return worker
                code = self._end(worker)
                worker = None
            raise WorkerDiedError(ATTEMPTS, code)
        except BaseException as error:
            if worker:
                self._end(worker)  # the worker may still send a reply, which the next task must not receive
            task.future.set_exception(error)
        return None

    def _start(self) -> _Worker:
        context = get_context("spawn")
        ours, theirs = context.Pipe()
        process = context.Process(target=_serve, args=(theirs,), daemon=True)
        with self._lock:  # start one worker at a time, and none after `kill_workers`
            if self._killed:
                raise LossAtlasError("the task was stopped before it was done")
            with hold_interrupts():
                process.start()
            theirs.close()  # only the worker has this end now, so the pipe ends if the worker dies
            worker = _Worker(process, ours)
            self._workers.add(worker)
        return worker

    def _end(self, worker: _Worker) -> int | None:
        with self._lock:
            self._workers.discard(worker)
        return worker.end()


def _complete(future: Future[Any], reply: bytes) -> None:
    result, error = pickle.loads(reply)
    if error is None:
        future.set_result(result)
    else:
        future.set_exception(error)


def _serve(pipe: Connection) -> None:
    """Answer calls until the other end of the pipe is closed, which ends this process immediately."""
    calls: SimpleQueue[bytes] = SimpleQueue()

    def listen() -> None:
        with suppress(EOFError, OSError):
            while True:
                calls.put(pipe.recv_bytes())
        os._exit(0)

    Thread(target=listen, daemon=True).start()
    while True:
        reply = _answer_call(calls.get())
        with suppress(OSError):  # the other end is closed, which the listener notices, too
            pipe.send_bytes(reply)
        del reply


def _answer_call(call: bytes) -> bytes:
    """Call a function, and pickle ``(result, None)`` or ``(None, exception)``."""
    try:
        function, args, kwargs = pickle.loads(call)
        return pickle.dumps((function(*args, **kwargs), None), protocol=pickle.HIGHEST_PROTOCOL)
    except BaseException as error:
        return pickle.dumps((None, make_portable(error)))


def make_portable(error: BaseException) -> BaseException:
    """Return an exception that can be pickled, with the traceback as a note: the error itself, or one with its text."""
    note = "".join(traceback.format_exception(error)).rstrip()
    portable: BaseException = LossAtlasError(describe_error(error))
    with suppress(Exception):
        copy = pickle.loads(pickle.dumps(error))
        if isinstance(copy, type(error)) and str(copy) == str(error):
            portable = copy
    portable.add_note(f"in a worker process:\n{note}")
    return portable


def describe_error(error: BaseException) -> str:
    """Describe an exception in one line. Exceptions of lossatlas are described without the name of their class."""
    return str(error) if isinstance(error, LossAtlasError) else f"{type(error).__name__}: {error}"


@contextmanager
def hold_interrupts() -> Iterator[None]:
    """Block Ctrl-C while a worker is started. The worker inherits the block, so Ctrl-C reaches only this process."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    from multiprocessing import resource_tracker

    resource_tracker.ensure_running()  # otherwise the first start would start it and unblock Ctrl-C
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
