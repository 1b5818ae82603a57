"""Tests the learning rates of the pairs that the page compares: a short form of ``scripts/tune_rates.py``."""

from __future__ import annotations

import pytest
from scripts.tune_rates import DATASETS, GRID, RATES, format_rates, list_settings, measure_final_loss, read_rates

from lossatlas.datasets import SOURCES, DatasetConfig, load_dataset


def test_each_dataset_that_can_be_generated_has_a_rate_for_each_setting() -> None:
    assert set(DATASETS) == set(SOURCES) - {"iris", "cancer"}
    rates = read_rates()
    assert list(rates) == list(DATASETS)
    for found in rates.values():
        assert list(found) == list(list_settings())
        assert set(found.values()) <= set(GRID)


def test_the_script_writes_the_rates_as_the_page_has_them() -> None:
    assert format_rates(read_rates()) == RATES.read_text(encoding="utf-8")


@pytest.mark.parametrize("label", ["sgd", "adam"])
def test_a_rate_is_better_than_its_neighbours(label: str) -> None:
    dataset = load_dataset(DatasetConfig(name="moons"))
    best = GRID.index(read_rates()["moons"][label])
    below, chosen, above = (
        measure_final_loss(dataset, list_settings()[label], GRID[at], seeds=1) for at in (best - 1, best, best + 1)
    )
    assert chosen < below
    assert chosen < above
