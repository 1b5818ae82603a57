"""The plane along two directions that a person provides in a NumPy file."""

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
from lossatlas.planes.plane import Plane, PlaneConfig, Trained, refuse_line


class FilePlane(PlaneConfig):
    """The plane along the two rows of a ``.npy`` file, which are not scaled."""

    kind: Literal["file"] = "file"
    file: str = Field(min_length=1)
    """The path of an array ``[2, P]`` of real numbers, in theta's order (see ``parameters`` in the manifest)."""
    sha256: str = Field(default="", pattern=r"([0-9a-f]{64})?")
    """The hash of the bytes of the file. It is filled in, so that the id of the run depends on the vectors."""

    @model_validator(mode="after")
    def _identify(self) -> FilePlane:
        if not self.sha256:
            object.__setattr__(self, "sha256", hashlib.sha256(_read_bytes(self.file)).hexdigest())
        return self

    def check(self, network: ParameterSpace) -> None:
        """Refuse a file without two directions of this network.

        Raises
        ------
        ConfigError
            If the file does not contain two directions that span a plane.
        """
        try:
            refuse_line(self.file, self._read_directions(network).astype(np.float32))
        except PlaneError as error:
            raise ConfigError([("file", str(error))]) from None

    def _read_directions(self, network: ParameterSpace) -> Float64:
        data = _read_bytes(self.file)
        if hashlib.sha256(data).hexdigest() != self.sha256:
            raise ConfigError([("file", f"{self.file} has changed since this configuration was written")])
        return _parse_directions(data, self.file, network.parameter_count)

    def lay(self, trained: Trained, name: str | None = None) -> Plane:
        """Make the plane along the directions in the file, through the end of the training."""
        directions = self._read_directions(trained.network)
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


def _read_bytes(file: str) -> bytes:
    try:
        return read_file(file)
    except DataError as error:
        raise ConfigError([("file", str(error))]) from None


def _parse_directions(data: bytes, file: str, parameters: int) -> Float64:
    try:
        found = np.load(io.BytesIO(data), allow_pickle=False)
    except (ValueError, EOFError, OSError) as error:
        raise ConfigError([("file", f"{file} is not a NumPy array: {error}")]) from None
    if not isinstance(found, np.ndarray) or found.dtype.kind not in "fiu" or found.shape != (2, parameters):
        content = f"{found.dtype} {list(found.shape)}" if isinstance(found, np.ndarray) else "an archive"
        raise ConfigError([("file", f"{file} holds {content}; two directions are real numbers [2, {parameters}]")])
    if not (np.abs(found) <= np.finfo(np.float32).max).all():
        raise ConfigError([("file", f"{file} holds numbers that are not finite, or that float32 cannot hold")])
    return found.astype(np.float64)
