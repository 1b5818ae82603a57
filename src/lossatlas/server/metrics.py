"""Counts what the server does, for Prometheus. It needs the extra ``lossatlas[metrics]``.

The numbers are served at a separate address, so that a proxy does not show them to everybody.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from lossatlas.errors import LossAtlasError, MissingExtraError
from lossatlas.server.jobs import JobCounts
from lossatlas.server.observing import Exchange
from lossatlas.store import Gallery

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

#: The names and descriptions of the numbers that are read when somebody asks for them.
_GAUGES = {
    "lossatlas_jobs_waiting": "Runs that wait to be computed",
    "lossatlas_jobs_running": "Runs that are being computed",
    "lossatlas_event_streams": "Streams that follow runs which are computed",
    "lossatlas_runs": "Runs in the gallery",
    "lossatlas_data_free_bytes": "Free space where the runs are stored",
}


class Metrics:
    """The numbers of one server.

    Parameters
    ----------
    gallery
        The gallery that is shown.
    count_jobs
        A function that counts the runs that wait and are computed, and the streams that follow them.

    Raises
    ------
    MissingExtraError
        If prometheus-client is not installed.
    """

    def __init__(self, gallery: Gallery, count_jobs: Callable[[], JobCounts]) -> None:
        try:
            from prometheus_client import CollectorRegistry, Counter, Histogram, PlatformCollector, ProcessCollector
        except ImportError:
            raise MissingExtraError('metrics need prometheus-client: pip install "lossatlas[metrics]"') from None
        self._gallery, self._count_jobs = gallery, count_jobs
        self.registry: CollectorRegistry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        self.registry.register(self)
        own: dict[str, Any] = {"registry": self.registry}
        self._requests = Counter(
            "lossatlas_http_requests", "Requests that were answered", ["kind", "method", "status"], **own
        )
        self._bytes = Counter("lossatlas_http_response_bytes", "Bytes of the bodies of answers", ["kind"], **own)
        self._seconds = Histogram("lossatlas_http_request_duration_seconds", "Time to answer", ["kind"], **own)

    def observe(self, exchange: Exchange) -> None:
        """Count one request."""
        self._requests.labels(exchange.kind, exchange.method, str(exchange.status)).inc()
        self._bytes.labels(exchange.kind).inc(exchange.size)
        self._seconds.labels(exchange.kind).observe(exchange.seconds)

    def describe(self) -> Iterable[Any]:
        """Return nothing, so that Prometheus does not read the numbers before somebody asks."""
        return ()

    def collect(self) -> Iterable[Any]:
        """Read the numbers that are not counted, as a collector of Prometheus."""
        from prometheus_client.core import GaugeMetricFamily

        free = shutil.disk_usage(self._gallery.data).free if self._gallery.data.is_dir() else 0
        jobs = self._count_jobs()
        values = (jobs.waiting, jobs.running, jobs.streams, len(self._gallery.ids()), free)
        for (name, what), value in zip(_GAUGES.items(), values, strict=True):
            yield GaugeMetricFamily(name, what, value=value)

    @contextmanager
    def serve(self, host: str, port: int) -> Iterator[int]:
        """Serve the numbers at ``/metrics`` of a separate address.

        Parameters
        ----------
        host, port
            The address. Port 0 stands for any port that is free.

        Yields
        ------
        int
            The port that is listened on.

        Raises
        ------
        LossAtlasError
            If the address cannot be listened on.
        """
        from prometheus_client import start_http_server

        try:
            server, thread = start_http_server(port, host, self.registry)
        except OSError as error:
            fault = f"cannot listen on {host}, port {port}, for metrics ({error.strerror}); give another address"
            raise LossAtlasError(fault) from error
        try:
            yield server.server_port
        finally:
            server.shutdown()
            server.server_close()
            thread.join()
