"""Limits BLAS to one thread, because the engine has its own threads."""

from __future__ import annotations

import threading
from typing import Any

from threadpoolctl import ThreadpoolController


class _OneBlasThread:
    """A context manager that limits BLAS to one thread until the last of its users has left it.

    The limit applies to the whole process, so two evaluators on two threads must not remove each other's limit.
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


#: Use it as ``with one_blas_thread:``.
one_blas_thread = _OneBlasThread()
