"""What docs/reading-a-landscape.md shows and quotes: computed with lossatlas alone, drawn by scripts/make_figures.py.

Each function returns the numbers that the page quotes, as text in the digits it quotes them in, and the arrays to draw.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from lossatlas.arrays import Float64, Floats
from lossatlas.curvature import CurvatureConfig, adaptive_sharpness, curvature_of
from lossatlas.datasets import Dataset, load_dataset
from lossatlas.derivatives.hessian import hessian_products
from lossatlas.engine import Evaluator
from lossatlas.landscape import NONCONVEX, Cut, nonconvexity_over, unit_coordinates
from lossatlas.networks import Network
from lossatlas.planes import Plane, Trained, normalize, principal_directions, project, random_walk_variance
from lossatlas.rng import Draws, Stream
from lossatlas.runs import Run, RunConfig, compute_run
from lossatlas.showcase import showcase_configs, twin_configs
from lossatlas.training import train

#: Seeds of the twins that had no part in choosing their configuration, which was done with the seeds 0, 1 and 2.
HELD_OUT = range(3, 8)
#: Of the twins of other seeds, where the gallery's pair has 15.
_SAMPLES = 9
WALK_STEPS, WALK_DIMENSIONS = 500, 2_000
RANDOM_DIRECTIONS = 2_000
#: A negative eigenvalue at least this share of the largest leaves nothing of convexity.
HALF = 0.5
#: An eigenvalue beyond this share of the largest is more than a unit that hardly does anything.
CLEAR = 1e-4
#: How much the first layer is multiplied by, and the second divided by.
RESCALING = 10.0


@dataclass(frozen=True)
class Shown:
    """What one figure shows: numbers as the page quotes them, by name, and arrays (or runs) to draw."""

    numbers: dict[str, str]
    data: dict[str, Any] = field(default_factory=dict)


def percent(share: float, digits: int = 0) -> str:
    """A share as the page writes it."""
    return f"{100 * share:.{digits}f} %"


def places(value: float, digits: int = 2) -> str:
    """So many significant digits, without an exponent."""
    text = f"{value:#.{digits}g}".rstrip(".")
    return text if "e" not in text else np.format_float_positional(float(text), trim="-")


def cut_of(run: Run, name: str) -> Cut:
    """The plane of this name."""
    return next(cut for cut in run.cuts if cut.plane.name == name)


def slices(run: Run) -> Shown:
    """One training in three planes: how much of the path each holds, and what its surface gets wrong along it."""
    recorded = run.trajectory.metrics["train_loss"]
    numbers = {"start_loss": places(recorded[0]), "end_loss": places(recorded[-1])}
    for name in ("gaussian-filter", "pca", "hessian"):
        cut, key = cut_of(run, name), name.split("-")[0]
        numbers[f"{key}_holds"] = percent(cut.path.explained_variance, 1)
        if key != "hessian":
            numbers[f"{key}_start_loss"] = places(float(cut.path_loss[0]))
    numbers["random_expected"] = percent(2 / run.setup.network.parameter_count, 1)
    numbers["parameters"] = str(run.setup.network.parameter_count)
    numbers["pca_walk"] = percent(random_walk_variance(run.trajectory.epochs), 1)
    numbers["test_end_loss"] = places(run.trajectory.metrics["test_loss"][-1])
    return Shown(numbers, {"run": run})


def random_walk(seed: int = 0) -> Shown:
    """PCA of a random walk, which has no loss to follow: independent normal steps, recorded after each."""
    steps = np.random.default_rng(seed).normal(size=(WALK_STEPS, WALK_DIMENSIONS))
    walk = np.concatenate([np.zeros((1, WALK_DIMENSIONS)), np.cumsum(steps, axis=0)])
    path = project(principal_directions(walk), walk, walk[-1])
    numbers = {
        "walk_steps": str(WALK_STEPS),
        "walk_dimensions": f"{WALK_DIMENSIONS:,}",
        "walk_share": percent(path.explained_variance, 1),
        "walk_theory": percent(6 / np.pi**2 * (1 + 1 / 4), 1),
    }
    return Shown(numbers, {"path": path})


def scale(run: Run) -> Shown:
    """A ReLU network and the same function with rescaled layers, along one raw and one filter-normalised direction."""
    network, (points, labels) = run.setup.network, run.setup.dataset.train
    theta = run.trajectory.weights[-1].astype(np.float64)
    other = rescaled(network, theta, RESCALING)
    evaluator, steps = Evaluator(network, points, labels), unit_coordinates(61)
    raw = Draws(0, Stream.DIRECTION_A).normal(network.parameter_count)[None]
    curves = {}
    for name, centre in (("as trained", theta), ("rescaled", other)):
        for kind in ("none", "filter"):
            direction = normalize(network, raw, centre, "filter" if kind == "filter" else "none", biases=False)[0]
            direction = direction / (10.0 if kind == "none" else 1.0)
            models = centre + steps[:, None] * direction
            curves[name, kind] = evaluator.losses(models.astype(np.float32))
    plain = [curvature_of(network, model, points, labels).largest for model in (theta, other)]
    adaptive = [adaptive_sharpness(network, model, points, labels) for model in (theta, other)]
    middle = len(steps) // 2
    numbers = {
        "rescaling": f"{RESCALING:g}",
        "sharpness": places(plain[0]),
        "sharpness_rescaled": places(plain[1]),
        "adaptive": places(adaptive[0], 3),
        "adaptive_rescaled": places(adaptive[1], 3),
        "raw_rise": places(float(curves["as trained", "none"][-1] - curves["as trained", "none"][middle])),
        "raw_rise_rescaled": places(float(curves["rescaled", "none"][-1] - curves["rescaled", "none"][middle])),
    }
    return Shown(numbers, {"steps": steps, "curves": curves})


def rescaled(network: Network, theta: Float64, factor: float) -> Float64:
    """Theta ``[P]`` with the first layer multiplied and the second layer's weights divided: one function, if ReLU."""
    result = theta.copy()
    for parameter in network.parameters[:2]:
        result[parameter.offset : parameter.offset + parameter.size] *= factor
    second = network.parameters[2]
    result[second.offset : second.offset + second.size] /= factor
    return result


def spectrum(run: Run) -> Shown:
    """All eigenvalues of the Hessian of the trained network, and the curvature that random directions see."""
    network, (points, labels) = run.setup.network, run.setup.dataset.train
    theta = run.trajectory.weights[-1].astype(np.float64)
    curvature = curvature_of(network, theta, points, labels, spectrum=True)
    directions = np.random.default_rng(0).normal(size=(RANDOM_DIRECTIONS, network.parameter_count))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    products = hessian_products(network, network.pack(theta)[None], network.pack(directions), points, labels)
    seen = (network.pack(directions) * products).sum(axis=1)
    assert curvature.spectrum is not None
    numbers = {
        "negative": str(curvature.negative_count),
        "negative_clear": str(int((curvature.spectrum < -CLEAR * curvature.largest).sum())),
        "directions": f"{RANDOM_DIRECTIONS:,}",
        "directions_negative": str(int((seen < 0).sum())),
        "largest": places(curvature.largest),
        "smallest": places(curvature.smallest).replace("-", "−"),
        "trace_share": places(curvature.mean),
        "seen_mean": places(float(seen.mean())),
        "seen_most": places(float(seen.max())),
    }
    return Shown(numbers, {"spectrum": curvature.spectrum, "seen": seen})


def joined(one: Run, other: Run) -> Shown:
    """Straight lines from the start of a training to its end, and from its end to that of another seed."""
    evaluators = [Evaluator(one.setup.network, *part) for part in (one.setup.dataset.train, one.setup.dataset.test)]
    start, end, there = one.trajectory.weights[0], one.trajectory.weights[-1], other.trajectory.weights[-1]
    along = np.linspace(0.0, 1.0, 101)
    curves = {
        name: [evaluator.losses(line(first, second, along)) for evaluator in evaluators]
        for name, first, second in (("to the end", start, end), ("to another end", end, there))
    }
    to_end, to_other = curves["to the end"][0], curves["to another end"][0]
    numbers = {
        "line_rises": str(int((np.diff(to_end) > 0).sum())),
        "barrier": places(float(to_other.max())),
        "other_end_loss": places(float(to_other[-1])),
        "ends_apart": places(float(np.linalg.norm(there - end))),
        "start_end_apart": places(float(np.linalg.norm(end - start))),
    }
    return Shown(numbers, {"along": along, "curves": curves})


def line(first: Floats, second: Floats, along: Float64) -> Floats:
    """Models ``[n, P]`` float32 at shares of the way between two."""
    return (first + along[:, None] * (second.astype(np.float64) - first)).astype(np.float32)


def edge(runs: Sequence[Run]) -> Shown:
    """Sharpness of gradient descent with two learning rates, over training time η · epochs."""
    numbers = {}
    for name, run in zip(("edge", "below"), runs, strict=True):
        assert run.curvature
        assert run.curvature.stability
        largest, limit = run.curvature.largest, run.curvature.stability
        numbers[f"{name}_rate"] = f"{run.setup.config.training.learning_rate:g}"
        numbers[f"{name}_limit"] = f"{limit:g}"
        numbers[f"{name}_highest"] = places(float(largest.max()))
    on = runs[0].curvature
    assert on
    assert on.stability
    reached = int(np.argmax(on.largest > on.stability))
    numbers["edge_reached"] = f"{runs[0].trajectory.epochs[on.frames[reached]]:,}"
    numbers["edge_median"] = places(float(np.median(on.largest[reached:])))
    numbers["edge_last"] = places(float(on.largest[-1]))
    return Shown(numbers, {"runs": list(runs)})


def twins(runs: Sequence[Run]) -> Shown:
    """The plain network and its residual twin: one filter-normalised plane, and how much of it is not convex."""
    numbers = {}
    for name, run in zip(("plain", "residual"), runs, strict=True):
        cut = cut_of(run, "gaussian-filter")
        share = cut.nonconvex_share
        assert cut.nonconvexity is not None
        assert share is not None
        assert run.curvature
        numbers[f"{name}_share"] = percent(share)
        numbers[f"{name}_half"] = percent(float((cut.nonconvexity < -HALF).mean()))
        numbers[f"{name}_loss"] = places(run.trajectory.metrics["train_loss"][-1])
        numbers[f"{name}_accuracy"] = percent(run.trajectory.metrics["test_accuracy"][-1])
        numbers[f"{name}_sharpness"] = places(float(run.curvature.largest[-1]))
        numbers[f"{name}_share_wide"] = percent(
            _nonconvex(run.setup.network, run.setup.dataset, cut.plane, cut.plane.spans[1])
        )
    return Shown(numbers, {"runs": list(runs)})


def _nonconvex(network: Network, dataset: Dataset, plane: Plane, span: float) -> float:
    ratios = nonconvexity_over(network, replace(plane, spans=(span,)), *dataset.train, _SAMPLES)
    return float((ratios < -NONCONVEX).mean())


def held_out_twins() -> Shown:
    """The same pair from seeds that had no part in choosing it: share of the grid that is not convex, and loss."""
    plain, residual = ([_of_seed(config, seed) for seed in HELD_OUT] for config in twin_configs())
    numbers = {"held_out": str(len(HELD_OUT))}
    for name, found in (("plain", plain), ("residual", residual)):
        near, _, losses = zip(*found, strict=True)
        numbers[f"{name}_others"] = f"{percent(min(near))[:-2]}–{percent(max(near))}"
        numbers[f"{name}_others_loss"] = f"{places(min(losses))}–{places(max(losses))}"
    pairs = list(zip(plain, residual, strict=True))
    numbers["held_out_lower"] = str(sum(skips[0] < without[0] for without, skips in pairs))
    numbers["held_out_lower_wide"] = str(sum(skips[1] < without[1] for without, skips in pairs))
    return Shown(numbers)


def chaotic() -> dict[str, str]:
    """The numbers that hang on the last bit, as they come out here; scripts/processors.py has them elsewhere too."""
    plain, residual = (compute_run(config) for config in twin_configs())
    return {**twins([plain, residual]).numbers, **held_out_twins().numbers}


def _of_seed(config: RunConfig, seed: int) -> tuple[float, float, float]:
    """Share of the grid that is not convex over the first and the second span of the pair's plane; training loss."""
    dataset = load_dataset(config.dataset)
    network = Network.of(config.model, dataset.points.shape[1], dataset.class_count)
    trajectory = train(network, dataset, config.training.with_values(seed=seed, frames=2))
    trained = Trained(network, *dataset.train, trajectory, _no_runs)
    plane = replace(config.planes[0].lay("any", network, trained), centre=trajectory.weights[-1], centre_frame=1)
    near, wide = (_nonconvex(network, dataset, plane, span) for span in plane.spans[:2])
    return near, wide, float(trajectory.metrics["train_loss"][-1])


def _no_runs(run: str) -> Floats:
    raise LookupError(run)


def divergence(run: Run) -> Shown:
    """When the run with too large a step ends, and where its sharpness stood against 2/η at the start."""
    assert run.curvature
    numbers = {
        "diverging_epoch": str(run.trajectory.outcome.epoch),
        "diverging_rate": f"{run.setup.config.training.learning_rate:g}",
        "diverging_limit": places(run.curvature.stability or 0.0),
        "diverging_sharpness": places(float(run.curvature.largest[0])),
    }
    return Shown(numbers)


def everything() -> dict[str, Shown]:
    """All figures, by name, as this processor computes them; about two minutes on two cores."""
    usual = compute_run(RunConfig())
    relu = compute_run(RunConfig(model={"activation": "relu"}, curvature=CurvatureConfig(frames=0)))
    references = {usual.id: usual.trajectory.weights[-1]}
    plain, residual, on, below, diverging, other = [
        compute_run(config, references=references) for config in showcase_configs()
    ]
    return {
        "slices": slices(usual),
        "walk": random_walk(),
        "scale": scale(relu),
        "spectrum": spectrum(usual),
        "joined": joined(usual, other),
        "edge": edge([on, below]),
        "twins": twins([plain, residual]),
        "held_out": held_out_twins(),
        "divergence": divergence(diverging),
    }
