"""Connects to a cluster of other machines through Dask distributed. It needs the extra ``lossatlas[cluster]``."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from importlib.metadata import version
from typing import Any

from lossatlas.errors import ClusterError

#: How many seconds to wait for an answer of the scheduler, and for a worker.
PATIENCE = 5.0
_ADDRESS = re.compile(r"((tcp|tls|ws|wss|ucx|ucxx)://)?[^/\s]+:\d+")


@contextmanager
def connect_cluster(address: str, patience: float = PATIENCE) -> Iterator[Executor]:
    """Connect to a cluster, and cancel all unfinished tasks at the end of the block.

    Dask repeats the task of a worker that dies a few times. Workers need no access to the files of this process, but
    they need the same version of lossatlas.

    Parameters
    ----------
    address
        The address of the scheduler: ``tcp://10.0.0.1:8786`` or ``host:port``.
    patience
        How many seconds to wait for the scheduler and for its first worker.

    Yields
    ------
    Executor
        An executor that runs functions on the cluster.

    Raises
    ------
    ClusterError
        If Dask distributed is not installed, no scheduler answers in time, or it has no workers with the same version.
    """
    try:
        from distributed import Client
    except ImportError:
        raise ClusterError('a cluster needs Dask distributed: pip install "lossatlas[cluster]"') from None
    if not _ADDRESS.fullmatch(address):
        raise ClusterError(f"{address!r} is no address of a Dask scheduler: give HOST:PORT or tcp://HOST:PORT")
    try:
        with _hide_log("distributed.comm"):
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
    ours = _find_version()
    for worker, found in client.run(version, "lossatlas", on_error="return").items():
        if found != ours:
            theirs = f"no lossatlas ({found})" if isinstance(found, Exception) else f"lossatlas {found}"
            raise ClusterError(f"the worker {worker} has {theirs}, and this is {ours}: install that there too")


def _find_version() -> str:
    return version("lossatlas")


@contextmanager
def _hide_log(name: str) -> Iterator[None]:
    """Hide the log messages of a library, because an error reports the failure."""
    log = logging.getLogger(name)
    before = log.level
    log.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        log.setLevel(before)
