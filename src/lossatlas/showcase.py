"""The configurations of the default gallery: every dataset with two models, and some runs that each show one effect."""

from __future__ import annotations

from collections.abc import Sequence

from lossatlas.datasets import SOURCES, DatasetConfig
from lossatlas.networks import ModelConfig
from lossatlas.planes import GaussianPlane, PcaPlane, ThroughPlane
from lossatlas.runs import DEFAULT_PLANES, RunConfig
from lossatlas.training import TrainingConfig

#: The hidden layers of the models of the default gallery, for every dataset.
DEFAULT_MODELS: tuple[tuple[int, ...], ...] = ((4,), (16, 16))
#: The run that the page opens with. Its landscape varies most of all runs of the default gallery.
OPENING = RunConfig(dataset=DatasetConfig(name="spirals"))
#: A deep narrow network without skips. Its residual twin differs only in ``residual`` and has the same initial weights.
#: The span is a quarter of each unit's weights. At 1, both twins are far from convex (docs/reading-a-landscape.md).
_PLAIN_TWIN = RunConfig(
    dataset=DatasetConfig(name="arms"),
    model=ModelConfig(hidden=(8,) * 20),
    training=TrainingConfig(optimizer="momentum", learning_rate=0.01, weight_decay=0.005, epochs=100),
    planes=(GaussianPlane(normalization="filter", moving=False, spans=(0.25, 1.0, 0.05), nonconvexity=15), PcaPlane()),
)
#: Gradient descent without batches. Its sharpness rises to 2/η = 8 and stays there for some 800 epochs (Cohen et al.
#: 2021).
_AT_THE_EDGE = RunConfig(
    dataset=DatasetConfig(name="checkerboard"),
    training=TrainingConfig(optimizer="sgd", learning_rate=0.25, batch_size="full", epochs=2400),
)
#: The same with η = 0.1. For an equal training time η · epochs, its sharpness passes 8 but does not reach 2/η = 20.
_BELOW_THE_EDGE = _AT_THE_EDGE.with_values(
    training=_AT_THE_EDGE.training.with_values(learning_rate=0.1, epochs=6000),
)
#: The learning rate is too high for the sharpness at the start. The loss oscillates, and overflows after about ten
#: steps.
_DIVERGING = RunConfig(
    model=ModelConfig(hidden=(16, 16, 16), activation="gelu"),
    training=TrainingConfig(optimizer="sgd", learning_rate=3.0, batch_size="full", epochs=100),
)
#: The default run with another seed. One plane goes through the ends of both runs, and there is a barrier between them
#: (Garipov et al. 2018).
_OTHER_SEED = RunConfig(
    training=TrainingConfig(seed=1),
    planes=(*DEFAULT_PLANES, ThroughPlane(points=("end", f"run:{RunConfig().id}", "start"))),
)


def gallery_configs(
    datasets: Sequence[str] | None = None,
    models: Sequence[Sequence[int]] | None = None,
    base: RunConfig | None = None,
) -> list[RunConfig]:
    """Make the configurations of a gallery: every model on every dataset.

    Parameters
    ----------
    datasets, models
        The names of the datasets, and the hidden layers of the models; by default, those of the default gallery.
    base
        The configuration that has all other settings. Its noise and number of points apply only to its own dataset.

    Returns
    -------
    list
        The configurations. If no argument is given, they include :func:`showcase_configs`.
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
    """Return a deep narrow network and its residual twin, as in figures 1 and 7 of Li et al. (2018), but smaller."""
    return _PLAIN_TWIN, _PLAIN_TWIN.with_values(model=_PLAIN_TWIN.model.with_values(residual=True))


def showcase_configs() -> list[RunConfig]:
    """Return the runs that each show one effect, such as the edge of stability or a divergence."""
    return [*twin_configs(), _AT_THE_EDGE, _BELOW_THE_EDGE, _DIVERGING, _OTHER_SEED]
