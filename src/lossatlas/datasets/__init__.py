"""Two-dimensional classification problems: named ones, and a person's own points.

A dataset is added by writing a :class:`Source` and listing it in ``SOURCES`` of ``registry.py``; nothing else changes.
"""

from lossatlas.datasets.own import PREFIX, OwnPoints
from lossatlas.datasets.registry import SOURCES, DatasetConfig, load_dataset
from lossatlas.datasets.source import Dataset, Source

__all__ = ["Dataset", "DatasetConfig", "OwnPoints", "PREFIX", "SOURCES", "Source", "load_dataset"]
