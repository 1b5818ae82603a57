"""The types of arrays that appear in signatures. Docstrings give the shapes, for example ``[frame, parameter]``."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.floating[Any]]
Float32: TypeAlias = NDArray[np.float32]
Float64: TypeAlias = NDArray[np.float64]
Integers: TypeAlias = NDArray[np.integer[Any]]
UInt8: TypeAlias = NDArray[np.uint8]
AnyArray: TypeAlias = NDArray[Any]
