"""Computing many runs at once: on all cores or on a cluster, large runs in parts, resumed where a build was killed."""

from lossatlas.building.checkpoint import find_unfinished
from lossatlas.building.dask_cluster import cluster
from lossatlas.building.scheduler import build_gallery

__all__ = ["build_gallery", "cluster", "find_unfinished"]
