"""Find the learning rates of the pairs that the page compares: ``python -m scripts.tune_rates [--seeds 3]``.

A comparison of two optimisers at one rate shows which of them the rate suits. So each optimiser, and each batch size,
gets its own rate for each dataset: of a grid with two rates per decade, the one with the lowest training loss near
the end of the training, as a geometric mean over several seeds of the initial weights. A rate with which any of them
diverges is not considered. The result is ``pages/compare/rates.js``, with which the page trains both networks.

It takes some five minutes of one core.
"""

from __future__ import annotations

import argparse
import math
import re
from pathlib import Path
from typing import Any

import numpy as np

from lossatlas.datasets import DatasetConfig, load_dataset
from lossatlas.networks import ModelConfig, Network
from lossatlas.training import OPTIMIZERS, TrainingConfig, train

RATES = Path(__file__).parent.parent / "src" / "lossatlas" / "web" / "pages" / "compare" / "rates.js"
#: The datasets that the page can generate.
DATASETS = ("moons", "blobs", "corners", "spirals", "circles", "checkerboard", "arms")
#: What the page trains: the same settings as in ``pages/compare/presets.js``.
HIDDEN, EPOCHS, BATCH = (16, 16), 200, 32
BATCHES: tuple[int | str, ...] = (8, "full")
GRID = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0)
#: Higher rates are not tried once the loss is this many times the lowest one.
HOPELESS = 30.0
#: The share of the training over whose end the loss is averaged, since it goes up and down from epoch to epoch.
END = 0.1


def measure_final_loss(dataset: Any, settings: dict[str, Any], rate: float, seeds: int) -> float:
    """Train with one rate from several starts.

    Returns
    -------
    float
        The geometric mean of the training losses near the end; infinite if one training diverges.
    """
    network = Network.of(ModelConfig(hidden=HIDDEN), inputs=dataset.points.shape[1], classes=len(dataset.class_names))
    logarithms = []
    for seed in range(seeds):
        config = TrainingConfig(**settings, learning_rate=rate, epochs=EPOCHS, seed=seed)
        trajectory = train(network, dataset, config)
        if trajectory.outcome.status == "diverged":
            return math.inf
        late = np.asarray(trajectory.epochs) >= (1 - END) * EPOCHS
        logarithms.append(np.log(np.mean(trajectory.metrics["train_loss"][late])))
    return math.exp(float(np.mean(logarithms)))


def find_best_rate(dataset: Any, settings: dict[str, Any], seeds: int) -> tuple[float, dict[float, float]]:
    """Return the rate with the lowest loss, and the losses of all rates."""
    losses: dict[float, float] = {}
    for rate in GRID:
        losses[rate] = measure_final_loss(dataset, settings, rate, seeds)
        if losses[rate] > HOPELESS * min(losses.values()):
            break
    return min(losses, key=lambda rate: losses[rate]), losses


def list_settings() -> dict[str, dict[str, Any]]:
    """Return the settings that need a rate, by the names that the page gives them."""
    optimizers = {name: {"optimizer": name, "batch_size": BATCH} for name in OPTIMIZERS}
    return optimizers | {f"sgd {batch}": {"optimizer": "sgd", "batch_size": batch} for batch in BATCHES}


def write_key(label: str) -> str:
    """Write a label as the key of an object."""
    return label if label.isidentifier() else f"'{label}'"


def read_rates() -> dict[str, dict[str, float]]:
    """Read the rates of the page, by dataset and settings."""
    found = re.findall(r"^  (\w+): \{\n(.*?)^  \},$", RATES.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    pair = re.compile(r"^ +'?([\w ]+?)'?: ([\d.e-]+),$", re.MULTILINE)
    return {name: {label: float(rate) for label, rate in pair.findall(lines)} for name, lines in found}


def format_rates(rates: dict[str, dict[str, float]]) -> str:
    """Write rates by dataset and settings as the module of the page, in the form that its formatter gives it."""
    lines = [HEAD]
    for name, found in rates.items():
        lines += [
            f"  {name}: {{\n",
            *(f"    {write_key(label)}: {rate:g},\n" for label, rate in found.items()),
            "  },\n",
        ]
    return "".join(lines) + "};\n"


def main() -> None:
    """Find all rates, and write them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3)
    seeds = parser.parse_args().seeds
    found = {}
    for name in DATASETS:
        dataset = load_dataset(DatasetConfig(name=name))
        rates = {}
        for label, settings in list_settings().items():
            rates[label], losses = find_best_rate(dataset, settings, seeds)
            print(name, label, rates[label], {rate: float(f"{loss:.3g}") for rate, loss in losses.items()}, flush=True)
        found[name] = rates
    RATES.write_text(format_rates(found), encoding="utf-8")


HEAD = """/**
 * This module holds the learning rates of the pairs: for each dataset, the best one of each optimiser, and of SGD with
 * other batches. scripts/tune_rates.py has found them and written this file.
 */

/** @type {Record<string, Record<string, number>>} */
export const RATES = {
"""


if __name__ == "__main__":
    main()
