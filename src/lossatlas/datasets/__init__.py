"""Two-dimensional classification problems: named datasets, and points that a person provides.

To add a dataset, write a :class:`Source` and list it in ``SOURCES`` of ``registry.py``. Nothing else has to change.
"""

from lossatlas.datasets.own import PREFIX, OwnPoints
from lossatlas.datasets.registry import SOURCES, DatasetConfig, load_dataset
from lossatlas.datasets.source import Dataset, Source

__all__ = ["Dataset", "DatasetConfig", "OwnPoints", "PREFIX", "SOURCES", "Source", "load_dataset"]
