"""The plane along two eigenvectors of the Hessian, in whose directions the loss curves most and least."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from lossatlas.planes.plane import Plane, PlaneConfig, Trained


class HessianPlane(PlaneConfig):
    """The plane along two eigenvectors of the Hessian of the training loss at one frame."""

    kind: Literal["hessian"] = "hessian"
    eigenvalues: Literal["largest", "both"] = "both"
    """``largest`` means the eigenvectors of the two largest eigenvalues. ``both`` means those of the largest and the
    smallest, which show a saddle as a saddle (Böttcher and Wheeler 2022)."""
    frame: Annotated[int, Field(ge=0)] | None = None
    """The frame of the Hessian and of the centre of the plane; by default, the last frame."""

    @property
    def label(self) -> str:
        """The kind, and the eigenvalues if they are not the default ones."""
        return self.kind if self.eigenvalues == "both" else f"{self.kind}-{self.eigenvalues}"

    @property
    def frames(self) -> tuple[int, ...]:
        """The index of the frame, if it is given."""
        return () if self.frame is None else (self.frame,)

    def lay(self, trained: Trained, name: str | None = None) -> Plane:
        """Make the plane along the eigenvectors at the frame."""
        frame = trained.frame(self.frame)
        weights = trained.trajectory.weights
        values, vectors = trained.eigenpairs(weights[frame], self.eigenvalues)
        which = "the largest and the smallest" if self.eigenvalues == "both" else "the two largest"
        bends = "most and least" if self.eigenvalues == "both" else "most"
        at = "" if self.frame is None else f" at epoch {trained.trajectory.epochs[frame]}"
        return self.plane(
            name,
            vectors,
            (weights,),
            title=f"Hessian: {which}{at}",
            what=f"The directions in which the loss bends {bends}{at}, along a most of all: the eigenvectors of "
            f"{which} eigenvalues of its Hessian.",
            hides="All bends in between; and the directions belong to their own point: elsewhere others would bend "
            "more.",
            centre=weights[frame],
            centre_frame=frame,
            eigenvalues=(float(values[0]), float(values[1])),
        )
