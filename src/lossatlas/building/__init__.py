"""Computes many runs at once, on all cores or on a cluster. Large runs are computed in parts and can be resumed."""

from lossatlas.building.checkpoint import find_unfinished
from lossatlas.building.dask_cluster import connect_cluster
from lossatlas.building.interrupts import Interrupts, defer_interrupts
from lossatlas.building.processes import Processes
from lossatlas.building.scheduler import build_gallery

__all__ = [
    "Interrupts",
    "Processes",
    "build_gallery",
    "connect_cluster",
    "defer_interrupts",
    "find_unfinished",
]
