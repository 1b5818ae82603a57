"""The program of a worker process: it answers the calls of :class:`lossatlas.building.worker_process.WorkerProcess`."""

from __future__ import annotations

import os
import pickle
import threading
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from queue import SimpleQueue
from typing import Any, BinaryIO

from lossatlas.building.processes import make_portable
from lossatlas.building.worker_process import receive, send

#: If memory runs out, the system ends a worker and not the server. The range is from -1000 to 1000.
_OOM_SCORE = "800"

_cancelled = threading.Event()
#: The pipe to the process that calls; none in other programs.
_outputs: list[BinaryIO] = []


def is_cancelled() -> bool:
    """Return whether the current call was cancelled. Long functions ask this repeatedly."""
    return _cancelled.is_set()


def report(item: Any) -> None:
    """Send something to the process that called, before the result."""
    _reply("item", item)


def answer_calls(preload: str) -> None:
    """Answer calls until the input ends, which ends this process immediately.

    Parameters
    ----------
    preload
        A module to import before the first call, which would otherwise wait for it.
    """
    source = _take_over(0, "rb")
    _outputs.append(_take_over(1, "wb"))
    os.dup2(2, 1)  # what a library prints must not become a message
    _offer_to_oom_killer()
    calls: SimpleQueue[bytes] = SimpleQueue()

    def listen() -> None:
        with suppress(EOFError, OSError):
            while True:
                message = receive(source)
                if message:
                    _cancelled.clear()
                    calls.put(message)
                else:
                    _cancelled.set()
        os._exit(0)

    threading.Thread(target=listen, daemon=True).start()
    import_module(preload)
    while True:
        _answer(calls.get())


def _answer(call: bytes) -> None:
    try:
        function, args = pickle.loads(call)
        _reply("result", function(*args))
    except BaseException as error:
        _reply("error", make_portable(error))


def _reply(kind: str, value: Any) -> None:
    for output in _outputs:
        with suppress(BrokenPipeError):  # the server is gone, which the listener notices, too
            send(output, pickle.dumps((kind, value), protocol=pickle.HIGHEST_PROTOCOL))


def _take_over(descriptor: int, mode: str) -> Any:
    file = os.fdopen(os.dup(descriptor), mode)
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, descriptor)
    os.close(nothing)
    return file


def _offer_to_oom_killer() -> None:
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(_OOM_SCORE)
