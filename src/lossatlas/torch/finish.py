"""Makes a run of a recording after its training: computes planes, path, curvature and boundary, and stores them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from lossatlas.arrays import AnyArray
from lossatlas.errors import ConfigError, DataError, PlaneError
from lossatlas.planes import Plane, PlaneConfig, name_planes
from lossatlas.runs import RecordedRun
from lossatlas.store import (
    BoundaryPart,
    RecordedParts,
    RecordedPlane,
    Recording,
    SampleLossPart,
    describe_adopted,
    describe_recorded,
    save_recorded,
)
from lossatlas.torch.adopt import compute_adopted, network_of
from lossatlas.torch.boundary import predict_over
from lossatlas.torch.curvature_of_blocks import measure_blocks
from lossatlas.torch.curvature_of_frames import measure_curvature
from lossatlas.torch.input_plane import lay_plane_of_inputs
from lossatlas.torch.model import TorchModel
from lossatlas.torch.plane_choices import PlaneChoice, read_planes, with_grid
from lossatlas.torch.plane_cutter import PlaneCutter, refuse_another_model
from lossatlas.torch.refinement import nested_grids
from lossatlas.torch.sample_losses import measure_sample_losses

#: The number of classes that a byte can count. With more there is no boundary.
_MOST_CLASSES = 256
#: The time for the losses of single samples, as a share of the budget of the surfaces, to which it is added.
_SHARE_OF_SAMPLES = 0.1


@dataclass(frozen=True)
class FinishOptions:
    """The settings of what is computed from a recording.

    Attributes
    ----------
    planes
        The planes to cut, by name or as configurations. The first one is shown first.
    batchnorm
        ``batch``: training losses use the statistics of each batch, as training does, and test losses use those of
        the training samples. ``running``: both use the statistics in the buffers, as in Li et al. (2018).
    boundary
        ``auto``: the plane that suits the samples: of two inputs, of the principal components of up to twenty, or
        through three samples. Without classes it is the loss of each sample. ``none``: no boundary.
    curvature
        The number of frames at which the Hessian is measured.
    curvature_by
        ``layer`` and ``block`` also measure the part of the Hessian that belongs to each layer, or to each direct child
        of the model.
    budget
        About how many seconds the surfaces may take. If the time ends first, grids stay coarser.
    compile
        Whether to compute them with ``torch.compile``, if this saves time and keeps the losses the same.
    """

    planes: Sequence[PlaneChoice] = ("gaussian-filter", "pca", "hessian")
    batchnorm: Literal["batch", "running"] = "batch"
    boundary: Literal["auto", "none"] = "auto"
    curvature: int = 5
    curvature_by: Literal["model", "layer", "block"] = "model"
    budget: float = 300.0
    compile: bool = False

    def __post_init__(self) -> None:
        """Refuse wrong settings before the training, because they would fail only after it."""
        if self.batchnorm not in ("batch", "running"):
            raise DataError(f"batchnorm is {self.batchnorm!r}; give 'batch' or 'running'")
        if self.boundary not in ("auto", "none"):
            raise DataError(f"boundary is {self.boundary!r}; give 'auto' or 'none'")
        if self.curvature_by not in ("model", "layer", "block"):
            raise DataError(f"curvature_by is {self.curvature_by!r}; give 'model', 'layer' or 'block'")
        if self.curvature < 0 or not self.budget > 0:
            raise DataError(f"curvature is {self.curvature}, budget {self.budget}; give 0 frames or more, and seconds")
        if not self.configs():
            raise DataError("planes are none; give one at least, as planes=('pca',)")

    def configs(self) -> list[PlaneConfig]:
        """Return the configurations of the planes, and refuse unknown names.

        Returns
        -------
        One configuration per plane, in their order.

        Raises
        ------
        ConfigError
            If there is no such plane.
        """
        return read_planes(self.planes)


def finish_recording(recording: Recording, model: TorchModel, data: Path, options: FinishOptions) -> Path:
    """Compute planes, path, curvature and boundary of a recording, and put the run into the gallery.

    Parameters
    ----------
    recording
        The recording, which has at least two frames.
    model
        The recorded model and its samples.
    data
        The folder of the gallery.
    options
        The settings of what is computed.

    Returns
    -------
    The folder of the run.

    Raises
    ------
    DataError
        If the recording has fewer than two frames, or the model's losses are not the recorded ones.
    PlaneError
        If none of the planes can be constructed.
    """
    recording = recording.finite()
    if len(recording.frames) < 2:
        raise DataError(
            f"{recording.id} has {len(recording.frames)} frames with finite parameters; a run needs two: "
            "take a snapshot an epoch"
        )
    refuse_another_model(recording, model)
    if (network := network_of(model, recording)) is not None and options.boundary == "auto":
        adopted = compute_adopted(network, model, recording, options.configs(), options.curvature)
        finishing = _Finishing(recording, model, replace(options, compile=False))
        return finishing.save(describe_adopted(adopted, recording), data)
    try:
        finishing = _Finishing(recording, model, options)
        return finishing.save(describe_recorded(finishing.parts()), data)
    finally:
        model.compiled = None  # a training that continues is recorded with the plain model


class _Finishing:
    """Computes the run of one recording with its model."""

    def __init__(self, recording: Recording, model: TorchModel, options: FinishOptions) -> None:
        self._recording, self._model, self._options = recording, model, options
        self._cutter = PlaneCutter(recording, model, options.batchnorm, compile=options.compile)

    def parts(self) -> RecordedParts:
        """Compute all parts of the run."""
        planes, left_out = self._cut_planes()
        if not planes:
            raise PlaneError("; ".join(left_out.values()))
        boundary = self._map_boundary()
        return RecordedParts(
            recording=self._recording,
            planes=planes,
            left_out=left_out,
            gram=self._cutter.gram,
            curvature=measure_curvature(
                self._model,
                self._recording,
                self._cutter.statistics["train"],
                self._options.curvature,
                self._cutter.parts,
            ),
            boundary=boundary,
            sample_losses=self._measure_sample_losses() if boundary is None else None,
            classes=self._classes() if boundary else [],
        )

    def save(self, run: RecordedRun, data: Path) -> Path:
        """Add the curvature of layers, store the run, and delete the stored parts of the computation."""
        if self._options.curvature_by != "model" and (curvature := run.manifest.get("curvature")):
            curvature["blocks"] = measure_blocks(
                self._model,
                self._recording,
                self._cutter.statistics["train"],
                curvature["frames"],
                self._options.curvature_by,
                self._cutter.parts,
            )
        folder = save_recorded(run, data)
        self._cutter.parts.delete()
        return folder

    def _cut_planes(self) -> tuple[list[RecordedPlane], dict[str, str]]:
        """Cut all planes that can be constructed."""
        given = self._options.configs()
        stays = self._must_stay(given)
        laid: list[tuple[Plane, PlaneConfig, bool]] = []
        left_out: dict[str, str] = {}
        for name, plane in zip(name_planes(given), given, strict=True):
            config = with_grid(plane.with_values(moving=False) if stays else plane)
            try:
                laid.append((self._cutter.lay(config, name), config, "grid" not in plane.model_fields_set))
            except (PlaneError, ConfigError) as error:
                left_out[name] = str(error)
        return (self._cutter.cut(laid, self._options.budget) if laid else []), left_out

    def _must_stay(self, planes: Sequence[PlaneConfig]) -> bool:
        """Return whether even the coarsest surfaces around every frame would take longer than the budget."""
        points = 0
        for plane in planes:
            config = with_grid(plane)
            grid = config.grid if "grid" in plane.model_fields_set else nested_grids(config.grid)[0]
            surfaces = (len(self._cutter.weights) if config.moving else 1) + bool(self._model.test)
            points += len(config.spans or range(3)) * grid**2 * surfaces
        return points * self._cutter.seconds_per_loss() > self._options.budget

    def _map_boundary(self) -> BoundaryPart | None:
        if self._options.boundary == "none":
            return None
        try:
            plane = lay_plane_of_inputs(self._model)
        except PlaneError:
            return None
        if len(self._classes()) > _MOST_CLASSES:
            return None
        return predict_over(plane, self._model, self._recording)

    def _measure_sample_losses(self) -> SampleLossPart | None:
        if self._options.boundary == "none":
            return None
        return measure_sample_losses(self._model, self._recording, _SHARE_OF_SAMPLES * self._options.budget)

    def _classes(self) -> list[str]:
        targets: list[AnyArray] = [batch.data[1].cpu().numpy() for batch in (*self._model.train, *self._model.test)]
        outputs = self._model.outputs()
        count = max(int(max(target.max() for target in targets)) + 1, outputs)
        return [str(number) for number in range(count)]
