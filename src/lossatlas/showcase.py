"""The configurations of the default gallery: every dataset with two models, and runs that each show one thing."""

from __future__ import annotations

from collections.abc import Sequence

from lossatlas.datasets import SOURCES, DatasetConfig
from lossatlas.networks import ModelConfig
from lossatlas.planes import GaussianPlane, PcaPlane, ThroughPlane
from lossatlas.runs import DEFAULT_PLANES, RunConfig
from lossatlas.training import TrainingConfig

#: Hidden layers of the default gallery, for every dataset.
DEFAULT_MODELS: tuple[tuple[int, ...], ...] = ((4,), (16, 16))
#: What the page opens on: of the default gallery's runs, the one whose landscape has most relief, a canyon at the end.
OPENING = RunConfig(dataset=DatasetConfig(name="spirals"))
#: A deep narrow network without skips. Its residual twin differs in ``residual`` alone and shares its first weights.
#: The span is a quarter of each unit's weights: at 1, both twins are far from convex (docs/reading-a-landscape.md).
_PLAIN_TWIN = RunConfig(
    dataset=DatasetConfig(name="arms"),
    model=ModelConfig(hidden=(8,) * 20),
    training=TrainingConfig(optimizer="momentum", learning_rate=0.01, weight_decay=0.005, epochs=100),
    planes=(GaussianPlane(normalization="filter", moving=False, spans=(0.25, 1.0, 0.05), nonconvexity=15), PcaPlane()),
)
#: Gradient descent proper: its sharpness climbs to 2/η = 8 and stays there for some 800 epochs (Cohen et al. 2021).
_AT_THE_EDGE = RunConfig(
    dataset=DatasetConfig(name="checkerboard"),
    training=TrainingConfig(optimizer="sgd", learning_rate=0.25, batch_size="full", epochs=2400),
)
#: The same with η = 0.1: in as much training time η · epochs, its sharpness passes 8 and has not reached 2/η = 20.
_BELOW_THE_EDGE = _AT_THE_EDGE.with_values(
    training=_AT_THE_EDGE.training.with_values(learning_rate=0.1, epochs=6000),
)
#: A learning rate beyond what the sharpness at the start allows: the loss swings, and overflows after some ten steps.
_DIVERGING = RunConfig(
    model=ModelConfig(hidden=(16, 16, 16), activation="gelu"),
    training=TrainingConfig(optimizer="sgd", learning_rate=3.0, batch_size="full", epochs=100),
)
#: The default run from another seed; a plane goes through both ends: between them lies a barrier (Garipov et al. 2018).
_OTHER_SEED = RunConfig(
    training=TrainingConfig(seed=1),
    planes=(*DEFAULT_PLANES, ThroughPlane(points=("end", f"run:{RunConfig().id}", "start"))),
)


def gallery_configs(
    datasets: Sequence[str] | None = None,
    models: Sequence[Sequence[int]] | None = None,
    base: RunConfig | None = None,
) -> list[RunConfig]:
    """Every model on every dataset; where nothing at all is named, the default gallery, with :func:`showcase_configs`.

    ``base`` gives everything else; its noise and number of points go with its own dataset alone.
    """
    base = base or RunConfig()
    own = base.dataset
    usual = not datasets and not models and base == RunConfig()
    grid = [
        base.with_values(
            dataset=own
            if name == own.name
            else DatasetConfig(name=name, seed=own.seed, test_fraction=own.test_fraction),
            model=base.model.with_values(hidden=tuple(hidden)),
        )
        for name in (datasets or ((own.name,) if own.own else tuple(SOURCES)))
        for hidden in (models or DEFAULT_MODELS)
    ]
    return [*grid, *showcase_configs()] if usual else grid


def twin_configs() -> tuple[RunConfig, RunConfig]:
    """A deep narrow plain network and its residual twin, alike in all else: Li et al. 2018, figures 1 and 7, small."""
    return _PLAIN_TWIN, _PLAIN_TWIN.with_values(model=_PLAIN_TWIN.model.with_values(residual=True))


def showcase_configs() -> list[RunConfig]:
    """Runs that show one thing each: the twins, the edge of stability and below, a divergence, two seeds joined."""
    return [*twin_configs(), _AT_THE_EDGE, _BELOW_THE_EDGE, _DIVERGING, _OTHER_SEED]
