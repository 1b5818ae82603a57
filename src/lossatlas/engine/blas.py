"""Keeping BLAS to one thread: the threads are the engine's own."""

from __future__ import annotations

import threading
from typing import Any

from threadpoolctl import ThreadpoolController


class _OneBlasThread:
    """Holds BLAS to one thread while anybody wants it; the last one to leave gives the threads back.

    The limit belongs to the whole process, so that two evaluators on two threads must not undo each other's.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._holders = 0
        self._controller: ThreadpoolController | None = None
        self._limit: Any = None

    def __enter__(self) -> None:
        with self._lock:
            if self._holders == 0:
                self._controller = self._controller or ThreadpoolController()
                self._limit = self._controller.limit(limits=1, user_api="blas")
            self._holders += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._holders -= 1
            if self._holders == 0:
                self._limit.restore_original_limits()


#: ``with one_blas_thread:``
one_blas_thread = _OneBlasThread()
