"""Computes the numbers and figures of docs/reading-a-landscape.md; scripts/make_figures.py draws the figures.

Each function returns the numbers that the page quotes, as text with the digits of the page, and the arrays to draw.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import numpy as np

from lossatlas.arrays import Float64, Floats
from lossatlas.curvature import CurvatureConfig, adaptive_sharpness, curvature_of
from lossatlas.datasets import Dataset, load_dataset
from lossatlas.derivatives.hessian import hessian_products
from lossatlas.engine import Evaluator
from lossatlas.landscape import NONCONVEX, Cut, nonconvexity_over, unit_coordinates
from lossatlas.networks import Network
from lossatlas.planes import Plane, Trained, compute_random_walk_variance, normalize, principal_directions, project
from lossatlas.rng import Draws, Stream
from lossatlas.runs import Run, RunConfig, compute_run
from lossatlas.showcase import showcase_configs, twin_configs
from lossatlas.training import train

#: Seeds of the twins that were not used to choose their configuration. It was chosen with the seeds 0, 1 and 2.
HELD_OUT = range(3, 8)
#: Samples along each axis for the twins of other seeds. The pair of the gallery has 15.
_SAMPLES = 9
WALK_STEPS, WALK_DIMENSIONS = 500, 2_000
RANDOM_DIRECTIONS = 2_000
#: If a negative eigenvalue has at least this share of the largest one, the loss is clearly not convex.
HALF = 0.5
#: An eigenvalue beyond this share of the largest is not merely caused by a unit with almost no effect.
CLEAR = 1e-4
#: The factor by which the first layer is multiplied and the second layer is divided.
RESCALING = 10.0


Value = TypeVar("Value")


@dataclass(frozen=True)
class Shown:
    """The content of one figure: numbers as the page quotes them, by name, and arrays or runs to draw."""

    numbers: dict[str, str]
    data: dict[str, Any] = field(default_factory=dict)


def require(value: Value | None) -> Value:
    """Return a value that must not be None."""
    if value is None:
        raise ValueError("a run lacks a number that a figure needs: compute the run with its curvature")
    return value


def format_percent(share: float, digits: int = 0) -> str:
    """Write a share as a percentage."""
    return f"{100 * share:.{digits}f} %"


def format_number(value: float, digits: int = 2) -> str:
    """Write a number with ``digits`` significant digits and without an exponent."""
    text = f"{value:#.{digits}g}".rstrip(".")
    return text if "e" not in text else np.format_float_positional(float(text), trim="-")


def find_cut(run: Run, name: str) -> Cut:
    """Return the plane with this name."""
    return run.plane(name)


def slices(run: Run) -> Shown:
    """Compare one training in three planes: how much of the path each contains, and the errors of its surface."""
    recorded = run.trajectory.metrics["train_loss"]
    numbers = {"start_loss": format_number(recorded[0]), "end_loss": format_number(recorded[-1])}
    for name in ("gaussian-filter", "pca", "hessian"):
        cut, key = find_cut(run, name), name.split("-")[0]
        numbers[f"{key}_holds"] = format_percent(cut.path.explained_variance, 1)
        if key != "hessian":
            numbers[f"{key}_start_loss"] = format_number(float(cut.path_loss[0]))
    numbers["random_expected"] = format_percent(2 / run.setup.network.parameter_count, 1)
    numbers["parameters"] = str(run.setup.network.parameter_count)
    numbers["pca_walk"] = format_percent(compute_random_walk_variance(run.trajectory.epochs), 1)
    numbers["test_end_loss"] = format_number(run.trajectory.metrics["test_loss"][-1])
    return Shown(numbers, {"run": run})


def random_walk(seed: int = 0) -> Shown:
    """Compute the PCA of a random walk with independent normal steps, which does not follow any loss."""
    steps = np.random.default_rng(seed).normal(size=(WALK_STEPS, WALK_DIMENSIONS))
    walk = np.concatenate([np.zeros((1, WALK_DIMENSIONS)), np.cumsum(steps, axis=0)])
    path = project(principal_directions(walk), walk, walk[-1])
    numbers = {
        "walk_steps": str(WALK_STEPS),
        "walk_dimensions": f"{WALK_DIMENSIONS:,}",
        "walk_share": format_percent(path.explained_variance, 1),
        "walk_theory": format_percent(6 / np.pi**2 * (1 + 1 / 4), 1),
    }
    return Shown(numbers, {"path": path})


def scale(run: Run) -> Shown:
    """Compare a ReLU network and its rescaled copy, along a raw direction and along a filter-normalised one."""
    network, (points, labels) = run.setup.network, run.setup.dataset.train
    theta = run.trajectory.weights[-1].astype(np.float64)
    other = rescale(network, theta, RESCALING)
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
        "sharpness": format_number(plain[0]),
        "sharpness_rescaled": format_number(plain[1]),
        "adaptive": format_number(adaptive[0], 3),
        "adaptive_rescaled": format_number(adaptive[1], 3),
        "raw_rise": format_number(float(curves["as trained", "none"][-1] - curves["as trained", "none"][middle])),
        "raw_rise_rescaled": format_number(float(curves["rescaled", "none"][-1] - curves["rescaled", "none"][middle])),
    }
    return Shown(numbers, {"steps": steps, "curves": curves})


def rescale(network: Network, theta: Float64, factor: float) -> Float64:
    """Multiply the first layer of theta ``[P]`` and divide the second one, which leaves a ReLU network unchanged."""
    result = theta.copy()
    for parameter in network.parameters[:2]:
        result[parameter.offset : parameter.offset + parameter.size] *= factor
    second = network.parameters[2]
    result[second.offset : second.offset + second.size] /= factor
    return result


def spectrum(run: Run) -> Shown:
    """Compute all eigenvalues of the Hessian of the trained network, and the curvature along random directions."""
    network, (points, labels) = run.setup.network, run.setup.dataset.train
    theta = run.trajectory.weights[-1].astype(np.float64)
    curvature = curvature_of(network, theta, points, labels, spectrum=True)
    directions = np.random.default_rng(0).normal(size=(RANDOM_DIRECTIONS, network.parameter_count))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    products = hessian_products(network, network.pack(theta)[None], network.pack(directions), points, labels)
    seen = (network.pack(directions) * products).sum(axis=1)
    values = require(curvature.spectrum)
    numbers = {
        "negative": str(curvature.negative_count),
        "negative_clear": str(int((values < -CLEAR * curvature.largest).sum())),
        "directions": f"{RANDOM_DIRECTIONS:,}",
        "directions_negative": str(int((seen < 0).sum())),
        "largest": format_number(curvature.largest),
        "smallest": format_number(curvature.smallest).replace("-", "−"),
        "trace_share": format_number(curvature.mean),
        "seen_mean": format_number(float(seen.mean())),
        "seen_most": format_number(float(seen.max())),
    }
    return Shown(numbers, {"spectrum": values, "seen": seen})


def join(one: Run, other: Run) -> Shown:
    """Compute the loss on lines from the start of a training to its end, and from there to the end of another one."""
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
        "barrier": format_number(float(to_other.max())),
        "other_end_loss": format_number(float(to_other[-1])),
        "ends_apart": format_number(float(np.linalg.norm(there - end))),
        "start_end_apart": format_number(float(np.linalg.norm(end - start))),
    }
    return Shown(numbers, {"along": along, "curves": curves})


def line(first: Floats, second: Floats, along: Float64) -> Floats:
    """Interpolate models ``[n, P]`` float32 between two models ``[P]`` at shares ``[n]`` of the way."""
    return (first + along[:, None] * (second.astype(np.float64) - first)).astype(np.float32)


def edge(runs: Sequence[Run]) -> Shown:
    """Compare the sharpness of gradient descent with two learning rates, over training time η · epochs."""
    numbers = {}
    for name, run in zip(("edge", "below"), runs, strict=True):
        curvature = require(run.curvature)
        largest, limit = curvature.largest, require(curvature.stability)
        numbers[f"{name}_rate"] = f"{run.setup.config.training.learning_rate:g}"
        numbers[f"{name}_limit"] = f"{limit:g}"
        numbers[f"{name}_highest"] = format_number(float(largest.max()))
    on = require(runs[0].curvature)
    reached = int(np.argmax(on.largest > require(on.stability)))
    numbers["edge_reached"] = f"{runs[0].trajectory.epochs[on.frames[reached]]:,}"
    numbers["edge_median"] = format_number(float(np.median(on.largest[reached:])))
    numbers["edge_last"] = format_number(float(on.largest[-1]))
    return Shown(numbers, {"runs": list(runs)})


def twins(runs: Sequence[Run]) -> Shown:
    """Compare the plain network and its residual twin: how much of a filter-normalised plane is not convex."""
    numbers = {}
    for name, run in zip(("plain", "residual"), runs, strict=True):
        cut = find_cut(run, "gaussian-filter")
        numbers[f"{name}_share"] = format_percent(require(cut.nonconvex_share))
        numbers[f"{name}_half"] = format_percent(float((require(cut.nonconvexity) < -HALF).mean()))
        numbers[f"{name}_loss"] = format_number(run.trajectory.metrics["train_loss"][-1])
        numbers[f"{name}_accuracy"] = format_percent(run.trajectory.metrics["test_accuracy"][-1])
        numbers[f"{name}_sharpness"] = format_number(float(require(run.curvature).largest[-1]))
        numbers[f"{name}_share_wide"] = format_percent(
            _measure_nonconvex(run.setup.network, run.setup.dataset, cut.plane, cut.plane.spans[1])
        )
    return Shown(numbers, {"runs": list(runs)})


def _measure_nonconvex(network: Network, dataset: Dataset, plane: Plane, span: float) -> float:
    ratios = nonconvexity_over(network, replace(plane, spans=(span,)), *dataset.train, _SAMPLES)
    return float((ratios < -NONCONVEX).mean())


def compare_held_out_twins() -> Shown:
    """Compare the twins with seeds that were not used to choose them: non-convex share of the grid, and loss."""
    plain, residual = ([_measure_seed(config, seed) for seed in HELD_OUT] for config in twin_configs())
    numbers = {"held_out": str(len(HELD_OUT))}
    for name, found in (("plain", plain), ("residual", residual)):
        near, _, losses = zip(*found, strict=True)
        numbers[f"{name}_others"] = f"{format_percent(min(near))[:-2]}–{format_percent(max(near))}"
        numbers[f"{name}_others_loss"] = f"{format_number(min(losses))}–{format_number(max(losses))}"
    pairs = list(zip(plain, residual, strict=True))
    numbers["held_out_lower"] = str(sum(skips[0] < without[0] for without, skips in pairs))
    numbers["held_out_lower_wide"] = str(sum(skips[1] < without[1] for without, skips in pairs))
    return Shown(numbers)


def compute_chaotic() -> dict[str, str]:
    """Compute the numbers that depend on the last bit on this processor; scripts/processors.py covers others."""
    plain, residual = (compute_run(config) for config in twin_configs())
    return {**twins([plain, residual]).numbers, **compare_held_out_twins().numbers}


def _measure_seed(config: RunConfig, seed: int) -> tuple[float, float, float]:
    """Compute the non-convex shares of the grids over the first two spans of the plane, and the training loss."""
    dataset = load_dataset(config.dataset)
    network = Network.of(config.model, dataset.points.shape[1], dataset.class_count)
    trajectory = train(network, dataset, config.training.with_values(seed=seed, frames=2))
    trained = Trained(network, *dataset.train, trajectory, _refuse_run)
    plane = config.planes[0].lay(trained)
    near, wide = (_measure_nonconvex(network, dataset, plane, span) for span in plane.spans[:2])
    return near, wide, float(trajectory.metrics["train_loss"][-1])


def _refuse_run(run: str) -> Floats:
    raise LookupError(run)


def divergence(run: Run) -> Shown:
    """Report when the run with too large steps ends, and its sharpness at the start compared with 2/η."""
    curvature = require(run.curvature)
    numbers = {
        "diverging_epoch": str(run.trajectory.outcome.epoch),
        "diverging_rate": f"{run.setup.config.training.learning_rate:g}",
        "diverging_limit": format_number(curvature.stability or 0.0),
        "diverging_sharpness": format_number(float(curvature.largest[0])),
    }
    return Shown(numbers)


def compute_everything() -> dict[str, Shown]:
    """Compute the content of all figures by name on this processor, which takes about two minutes on two cores."""
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
        "joined": join(usual, other),
        "edge": edge([on, below]),
        "twins": twins([plain, residual]),
        "held_out": compare_held_out_twins(),
        "divergence": divergence(diverging),
    }
