"""Stores directions of planes in the recording, if they are slow to compute or cannot be computed again.

    <data>/recordings/<id>/vectors/<key>.npy     [2, P] float32: d_a and d_b
    <data>/recordings/<id>/vectors/<key>.json    their eigenvalues, or null; written last

Then the plane along them can be cut again, on another grid or with other spans.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np

from lossatlas.arrays import AnyArray, Float64, Floats
from lossatlas.errors import RunDamagedError
from lossatlas.store import explain_write_errors, map_array, replace_file, write_array


class KeptVectors:
    """The directions that are stored in a recording."""

    def __init__(self, recording: Path, parameters: int) -> None:
        self._folder, self._shape = recording / "vectors", (2, parameters)

    def get(self, key: str) -> tuple[Float64, Float64] | None:
        """Return the eigenvalues ``[2]`` and the directions ``[2, P]`` under a key; None if there are none."""
        try:
            values = json.loads((self._folder / f"{key}.json").read_text("utf-8"))["eigenvalues"]
            vectors = map_array(self._folder, f"{key}.npy")
            found = np.array(values, np.float64)
        except (OSError, ValueError, LookupError, TypeError, RecursionError, RunDamagedError):
            return None
        if found.shape != (2,) or vectors.shape != self._shape or vectors.dtype != np.float32:
            return None
        return found, np.asarray(vectors, np.float64)

    def put(self, key: str, vectors: Floats, eigenvalues: Floats | None = None) -> None:
        """Store directions ``[2, P]`` under a key."""
        with explain_write_errors(self._folder.parents[2]):
            self._folder.mkdir(exist_ok=True)
            with replace_file(self._folder / f"{key}.npy") as file:
                write_array(file, np.asarray(vectors, np.float32))
            values = None if eigenvalues is None else np.asarray(eigenvalues).tolist()
            with replace_file(self._folder / f"{key}.json") as file:
                file.write(json.dumps({"eigenvalues": values}).encode())

    @staticmethod
    def key_of(theta: AnyArray, *words: str) -> str:
        """Return the key of directions that depend on one theta ``[P]`` and on some texts."""
        digest = hashlib.sha256(np.ascontiguousarray(theta, np.float32).tobytes())
        digest.update("\n".join(words).encode())
        return digest.hexdigest()[:24]
