"""Compares the line between classes that is found from stored probabilities alone with known lines."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from contourpy import contour_generator

from tests.support.modules import with_constants
from tests.support.pages import Watched
from tests.web.conftest import Site

pytestmark = pytest.mark.browser
SIZE = 100
Y, X = np.mgrid[:SIZE, :SIZE].astype(float)
#: The distance of a place from a line, in cells. Its sign says on which side the place is.
LINES = {
    "flat": (Y - 20.3 - 0.07 * X) / np.hypot(1, 0.07),
    "slanted": (Y + 10.2 - 0.83 * X) / np.hypot(1, 0.83),
    "steep": (X - 41.7 - 0.21 * Y) / np.hypot(1, 0.21),
    "circle": np.hypot(X - 48.4, Y - 51.2) - 27.3,
}
#: The change of the logits in one cell: from a jump between two places of the grid to a slope over many cells.
SLOPES = {"leap": 400.0, "sharp": 6.0, "soft": 0.5}
BORDER = with_constants("""async ({classes, confidence}) => {
    const {findBorder} = await import(new URL('figures/border.js', document.baseURI).href);
    const run = {numbers: () => new Float32Array(100)};
    const seen = {predicted_class: classes, confidence};
    return findBorder(run, seen);
}""")


def distance(name: str, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    if name == "circle":
        return np.hypot(x - 48.4, y - 51.2) - 27.3
    a, b, c = {"flat": (-0.07, 1, -20.3), "slanted": (-0.83, 1, 10.2), "steep": (1, -0.21, -41.7)}[name]
    return np.asarray((a * x + b * y + c) / np.hypot(a, b))


def turns(segments: np.ndarray) -> float:
    """Compute the mean angle in radians between successive pieces of a line."""
    ends: dict[tuple[float, float], list[np.ndarray]] = {}
    for x1, y1, x2, y2 in segments:
        for here, there in (((x1, y1), (x2, y2)), ((x2, y2), (x1, y1))):
            ends.setdefault((round(here[0], 6), round(here[1], 6)), []).append(np.subtract(there, here))
    pairs = [(u, v) for u, v, *more in (each for each in ends.values() if len(each) == 2) if not more]
    angles = [np.pi - abs(np.arctan2(u[0] * v[1] - u[1] * v[0], u @ v)) for u, v in pairs if (u @ u) * (v @ v) > 1e-9]
    return float(np.mean(angles))


def halfway(classes: np.ndarray) -> np.ndarray:
    """Compute the line halfway between places of different classes, which has the steps of the grid."""
    lines: Any = contour_generator(z=classes.astype(float)).lines(0.5)
    return np.concatenate([np.hstack([line[:-1], line[1:]]) for line in lines])


def test_without_the_network_a_line_has_no_stairs(exported: Site, desktop: Watched) -> None:
    page = desktop.show(exported.url + "?epoch=0")
    for name, far in LINES.items():
        for slope_name, slope in SLOPES.items():
            classes = (far > 0).astype(int)
            confidence = np.round(255 / (1 + np.exp(-slope * np.abs(far)))).astype(int)
            found = page.evaluate(
                BORDER, {"classes": classes.ravel().tolist(), "confidence": confidence.ravel().tolist()}
            )
            segments = np.array(found).reshape(-1, 4)
            places = segments.reshape(-1, 2)
            off = np.abs(distance(name, places[:, 0], places[:, 1]))
            case = f"{name}, {slope_name}"
            assert len(segments) > 60, case
            # Every end lies on an edge of the grid between two classes: the line separates the two colours.
            low = np.floor(places + 1e-9).astype(int)
            high = np.ceil(places - 1e-9).astype(int)
            assert (classes[low[:, 1], low[:, 0]] != classes[high[:, 1], high[:, 0]]).all(), case
            assert np.sqrt(np.mean(off**2)) < 0.1, case  # the line halfway between the places has errors of 0.2 to 0.29
            # At the edge of the grid the error may be as large as that of the line halfway.
            assert off.max() < 0.6, case
            assert turns(segments) < turns(halfway(classes)) / 2, case
