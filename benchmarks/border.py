"""Measures the distance between the boundary line from stored probabilities and the line from the logits.

    python -m benchmarks.border

It uses three runs of two classes, at 24 epochs each. The page draws the line from the stored predicted classes and
8-bit confidences, and ``contourpy`` draws it from the difference of the logits on the same grid. The distance of each
end of a segment of the first line to the second line is measured in cells of the grid. The line halfway between grid
points of different classes, which needs no probabilities, is measured for comparison.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from contourpy import contour_generator
from playwright.sync_api import Page, sync_playwright
from sklearn.neighbors import KDTree
from tests.web.conftest import FLAGS, app_server, chromium

from lossatlas.landscape import boundary_evaluator
from lossatlas.runs import Run, RunConfig, compute_run
from lossatlas.showcase import OPENING
from lossatlas.store import Gallery

FRAMES = 24
_LINE = """async ({classes, confidence, width, height}) => {
    const {findBorder} = await import('/figures/border.js');
    const run = {numbers: (name) => new Float32Array(name === 'grid_x' ? width : height)};
    return findBorder(run, {predicted_class: classes, confidence});
}"""
#: How many points of each segment are tried. The nearest of them is nearest to the line to a hundredth of a cell.
_DENSE = 64


def main() -> None:
    """Compute the runs, measure each frame, and print the table."""
    names = ("moons", "corners")
    runs = [compute_run(OPENING), *(compute_run(RunConfig(dataset={"name": name})) for name in names)]
    with (
        tempfile.TemporaryDirectory() as folder,
        sync_playwright() as playwright,
        app_server(Gallery(Path(folder))) as url,
    ):
        browser = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        page = browser.new_page()
        page.goto(url)
        found = [each for run in runs for each in measure_distances(page, run)]
        browser.close()
    print(f"{len(found)} frames of {len(runs)} runs; distances in cells of the grid")
    for name, of in (("from the stored probabilities", 0), ("halfway between the places", 1)):
        rms = [float(np.sqrt(np.mean(each[of] ** 2))) for each in found]
        worst = found[int(np.argmax(rms))][of]
        print(
            f"  {name}: root mean square {np.median(rms):.3f} in the median frame, {max(rms):.2f} in the worst, "
            f"95 % of which within {np.quantile(worst, 0.95):.2f}; greatest {max(each[of].max() for each in found):.2f}"
        )


def measure_distances(page: Page, run: Run) -> list[tuple[np.ndarray, np.ndarray]]:
    """Measure the distances of the page's line and of the halfway line in each frame that has a boundary."""
    last = len(run.trajectory.weights) - 1
    evaluator = boundary_evaluator(run.setup.network, run.setup.grid, threads=1)
    found = []
    for frame in np.unique(np.linspace(0, last, FRAMES).round().astype(int)):
        classes, confidence = run.predicted_class[frame], run.confidence[frame]
        [logits] = evaluator.logits(run.trajectory.weights[frame][None])
        margin = (logits[1].astype(float) - logits[0]).reshape(classes.shape)
        line = find_segments(margin, 0.0)
        if not len(line):
            continue
        shares = np.linspace(0, 1, _DENSE)[:, None, None]
        tree = KDTree((line[:, :2] + shares * (line[:, 2:] - line[:, :2])).reshape(-1, 2))
        height, width = classes.shape
        stored = {"classes": classes.ravel().tolist(), "confidence": confidence.ravel().tolist()}
        own = np.array(page.evaluate(_LINE, {**stored, "width": width, "height": height})).reshape(-1, 2)
        halfway = find_segments(classes.astype(float), 0.5).reshape(-1, 2)
        found.append((tree.query(own)[0][:, 0], tree.query(halfway)[0][:, 0]))
    return found


def find_segments(values: np.ndarray, level: float) -> np.ndarray:
    """Find the segments ``[n, 4]`` (x1, y1, x2, y2) in grid units where ``values`` ``[H, W]`` cross a level."""
    lines: Any = contour_generator(z=values, name="serial").lines(level)
    return np.concatenate([np.empty((0, 4)), *(np.hstack([line[:-1], line[1:]]) for line in lines)])


if __name__ == "__main__":
    main()
