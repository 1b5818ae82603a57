"""Other machines to compute on: Dask distributed's executor. It needs the extra ``lossatlas[cluster]``."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from importlib.metadata import version
from typing import Any

from lossatlas.errors import ClusterError

#: Seconds for a scheduler to answer, and for it to have a worker.
PATIENCE = 5.0
_ADDRESS = re.compile(r"((tcp|tls|ws|wss|ucx|ucxx)://)?[^/\s]+:\d+")


@contextmanager
def cluster(address: str, patience: float = PATIENCE) -> Iterator[Executor]:
    """An executor on the cluster whose scheduler listens at ``address``: ``tcp://10.0.0.1:8786`` or ``host:port``.

    What a dead worker worked on Dask gives to another by itself, a few times. Workers need no files in common with
    this process, but the same release of lossatlas. When the block is left, what is not done is cancelled.

    Raises
    ------
    ClusterError
        If Dask distributed is not installed, nothing answers within ``patience`` seconds, or what answers has no
        workers, or workers of another release.
    """
    try:
        from distributed import Client
    except ImportError:
        raise ClusterError('--cluster needs Dask distributed: pip install "lossatlas[cluster]"') from None
    if not _ADDRESS.fullmatch(address):
        raise ClusterError(f"{address!r} is no address of a Dask scheduler: give HOST:PORT or tcp://HOST:PORT")
    try:
        with _quiet("distributed.comm"):
            client = Client(address, timeout=patience, set_as_default=False)  # type: ignore[no-untyped-call]
    except (OSError, TimeoutError):
        raise ClusterError(
            f"no Dask scheduler answers at {address} within {patience:g} seconds; "
            "`dask scheduler` says its address when it starts"
        ) from None
    with client:
        _check_workers(client, address, patience)
        executor: Executor = client.get_executor(pure=False)  # type: ignore[no-untyped-call]
        try:
            yield executor
        finally:
            executor.shutdown(wait=False)


def _check_workers(client: Any, address: str, patience: float) -> None:
    try:
        client.wait_for_workers(1, timeout=patience)
    except TimeoutError:
        raise ClusterError(
            f"the scheduler at {address} has no workers; start some with: dask worker {address}"
        ) from None
    ours = _release()
    for worker, found in client.run(version, "lossatlas", on_error="return").items():
        if found != ours:
            theirs = f"no lossatlas ({found})" if isinstance(found, Exception) else f"lossatlas {found}"
            raise ClusterError(f"the worker {worker} has {theirs}, and this is {ours}: install that there too")


def _release() -> str:
    return version("lossatlas")


@contextmanager
def _quiet(name: str) -> Iterator[None]:
    """Keep a library's log of a failed attempt from the terminal: the error says it."""
    log = logging.getLogger(name)
    before = log.level
    log.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        log.setLevel(before)
