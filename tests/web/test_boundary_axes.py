"""Tests the axes of the right plot: labels differ, units are of one kind, and features of one unit share a scale."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Page

from tests.support.modules import with_constants
from tests.support.pages import Watched
from tests.web.conftest import IRIS, Site

pytestmark = pytest.mark.browser

LABELS = with_constants("""async ([features, points]) => {
    const {createFeatureAxis, createPointTraces} = await import(new URL('figures/boundary.js', document.baseURI).href);
    const scaled = points.map((value, i) => (value - features[i % 2].mean) / features[i % 2].scale);
    const [grid_x, grid_y] = [0, 1].map((axis) => {
        const values = scaled.filter((_, i) => i % 2 === axis);
        return [Math.min(...values), Math.max(...values)];
    });
    const arrays = {grid_x, grid_y, points: scaled, labels: points.map(() => 0).slice(0, points.length / 2),
        split: points.map(() => 0).slice(0, points.length / 2)};
    const run = {manifest: {dataset: {features}}, classes: ['a'], numbers: (name) => arrays[name],
        get: (name) => (name === 'given' ? {data: points} : undefined)};
    const theme = {ink: '#000', muted: '#000', font: '', paper: '#fff', dark: false, text: 1};
    const gridOf = (axis) => arrays[['grid_x', 'grid_y'][axis]];
    return {axes: [0, 1].map((axis) => createFeatureAxis(features, axis, gridOf(axis), theme).ticktext),
        hovers: createPointTraces(run, theme)[0].text};
}""")

TABLES = {
    "incomes": [[34, 63481], [45, 264227], [33, 33801], [40, 264228]],
    "tiny": [[-2.558803e-10, 5.114315e-10], [3.773904e-09, -4.315068e-09], [-9.300182e-10, -2.133019e-10]],
    "mixed": [[-2.558803e-10, 5.114315e08], [3.773904e-09, -4.315068e09], [-9.300182e-10, -2.133019e08]],
    "narrow": [[7.3997, 54603], [7.4138, 11164], [7.3991, 48080]],
    "seconds": [[1700000000.001, 1], [1700000000.002, 2], [1700000000.007, 3]],
}


def number(text: str) -> float:
    return float(text.replace("−", "-"))


def test_labels_and_hovers_distinguish_neighbours(exported: Site, desktop: Watched) -> None:
    page = desktop.show(exported.url + "?epoch=0")
    for name, rows in TABLES.items():
        table = np.array(rows, float)
        features = [
            {"name": title, "mean": float(values.mean()), "scale": float(values.std())}
            for title, values in zip("xy", table.T, strict=True)
        ]
        found = page.evaluate(LABELS, [features, table.ravel().tolist()])
        for labels, values in zip(found["axes"], table.T, strict=True):
            assert len(labels) >= 3
            assert len(set(labels)) == len(labels), name
            ticks = np.array([number(label) for label in labels])
            # The labels have the spacing of the ticks.
            np.testing.assert_allclose(np.diff(ticks), np.diff(ticks).mean(), rtol=1e-3)
            # The coordinates are in the units of the table, also if an axis is named x or y.
            assert values.min() - 1e-9 * np.ptp(values) <= ticks.min()
            assert ticks.max() <= values.max() + 1e-9 * np.ptp(values)
        coordinates = [[number(part.split(" ")[1]) for part in text.split("<br>")] for text in found["hovers"]]
        np.testing.assert_allclose(coordinates, table, rtol=1e-11)


def pixels_a_unit(page: Page) -> list[float]:
    """Compute the pixels of one unit for both axes, from the places of the ticks' labels."""
    found: list[Any] = page.evaluate(
        """() => {
            const place = (text) => {
                const {x, y, width, height} = text.getBoundingClientRect();
                return [Number(text.textContent.replace('−', '-')), x + width / 2, y + height / 2];
            };
            const all = (kind) => [...document.querySelectorAll(`#boundary-plot .${kind} text`)];
            return ['xtick', 'ytick'].map((kind) => all(kind).map(place));
        }"""
    )
    (across, up) = (np.array(ticks) for ticks in found)
    return [abs(np.polyfit(across[:, 0], across[:, 1], 1)[0]), abs(np.polyfit(up[:, 0], up[:, 2], 1)[0])]


def test_features_of_one_unit_have_one_scale_in_any_window(exported: Site, desktop: Watched) -> None:
    page = desktop.page
    for width, height in ((1100, 620), (844, 390)):
        page.set_viewport_size({"width": width, "height": height})
        for query in ("?dataset=moons&epoch=0", f"?run={IRIS.id}"):  # both features are in centimetres
            desktop.show(exported.url + query)
            x, y = pixels_a_unit(page)
            assert x == pytest.approx(y, rel=0.06), (width, query)  # browsers place labels on whole pixels
    size = """async ([width, height]) => {
        const {computePlotSize} = await import(new URL('figures/boundary.js', document.baseURI).href);
        const features = ['a (m)', 'b (m)'].map((name) => ({name, mean: 0, scale: 1}));
        const numbers = (name) => (name === 'grid_x' ? [0, width] : [0, height]);
        const run = {manifest: {dataset: {features}}, numbers};
        const plot = computePlotSize(run, 400, 300);
        return [plot.width, plot.height];
    }"""
    size = with_constants(size)
    assert page.evaluate(size, [3, 1]) == pytest.approx([400, 400 / 3])
    assert page.evaluate(size, [1, 2]) == pytest.approx([150, 300])
    assert page.evaluate(size, [9, 1]) == [400, 300], "in a strip nothing could be seen"
