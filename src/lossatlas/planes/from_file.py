"""A person's own two directions, from a NumPy file."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import Field, model_validator

from lossatlas.arrays import Float64
from lossatlas.errors import ConfigError, DataError, PlaneError
from lossatlas.input_files import read_file
from lossatlas.networks import ParameterSpace
from lossatlas.planes.plane import Plane, PlaneConfig, Trained, refuse_a_line


class FilePlane(PlaneConfig):
    """Along the two rows of a ``.npy`` file, as they are."""

    kind: Literal["file"] = "file"
    file: str = Field(min_length=1)
    """Path of an array ``[2, P]`` of real numbers, in theta's order (the manifest's ``parameters``)."""
    sha256: str = Field(default="", pattern=r"([0-9a-f]{64})?")
    """Of the file's bytes, filled in: so that the run's id says which vectors these were."""

    @model_validator(mode="after")
    def _identify(self) -> FilePlane:
        if not self.sha256:
            object.__setattr__(self, "sha256", hashlib.sha256(_bytes(self.file)).hexdigest())
        return self

    def check(self, network: ParameterSpace) -> None:
        """Refuse a file that holds no two directions of this network."""
        try:
            refuse_a_line(self.file, self._directions(network).astype(np.float32))
        except PlaneError as error:
            raise ConfigError([("file", str(error))]) from None

    def _directions(self, network: ParameterSpace) -> Float64:
        data = _bytes(self.file)
        if hashlib.sha256(data).hexdigest() != self.sha256:
            raise ConfigError([("file", f"{self.file} has changed since this configuration was written")])
        return _directions(data, self.file, network.parameter_count)

    def lay(self, trained: Trained, name: str | None = None) -> Plane:
        """Read the directions."""
        directions = self._directions(trained.network)
        weights = trained.trajectory.weights
        return self.plane(
            name,
            directions,
            (weights,),
            title=f"Vectors of {Path(self.file).name}",
            what=f"The two directions in {Path(self.file).name}, used as they are.",
            hides="Whatever lies along other directions; what these two mean only their author can say.",
            centre=weights[-1],
            centre_frame=len(weights) - 1,
        )


def _bytes(file: str) -> bytes:
    try:
        return read_file(file)
    except DataError as error:
        raise ConfigError([("file", str(error))]) from None


def _directions(data: bytes, file: str, parameters: int) -> Float64:
    try:
        found = np.load(io.BytesIO(data), allow_pickle=False)
    except (ValueError, EOFError, OSError) as error:
        raise ConfigError([("file", f"{file} is not a NumPy array: {error}")]) from None
    if not isinstance(found, np.ndarray) or found.dtype.kind not in "fiu" or found.shape != (2, parameters):
        told = f"{found.dtype} {list(found.shape)}" if isinstance(found, np.ndarray) else "an archive"
        raise ConfigError([("file", f"{file} holds {told}; two directions are real numbers [2, {parameters}]")])
    if not (np.abs(found) <= np.finfo(np.float32).max).all():
        raise ConfigError([("file", f"{file} holds numbers that are not finite, or that float32 cannot hold")])
    return found.astype(np.float64)
