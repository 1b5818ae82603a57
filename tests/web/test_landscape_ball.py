"""Tests that the network's ball is visible in every frame of the run that the page opens with."""

from __future__ import annotations

import numpy as np
import pytest

from lossatlas.planes import FreshPlane
from lossatlas.runs import compute_run
from lossatlas.showcase import OPENING
from tests.support.modules import with_constants
from tests.support.pages import Watched
from tests.web.conftest import Site

pytestmark = pytest.mark.browser

#: The sizes of the panel in windows of 1440 × 900, 1280 × 720 and 390 × 844.
PANELS = [[540, 500], [470, 340], [390, 320]]
HIDDEN = with_constants("""async ({surfaces, losses, size, panels}) => {
    const [{createCamera}, {createRelief}, {placeBall, drawBall}, {findLossRange}, {HOME},
        {readTheme}] = await Promise.all(
        ['figures/camera', 'figures/landscape', 'figures/axes3d', 'figures/range', 'model/state', 'lib/theme'].map(
            (name) => import(new URL(`${name}.js`, document.baseURI).href)));
    const frames = surfaces.map((values) => Float32Array.from(values));
    return panels.flatMap(([width, height]) => ['log', 'linear'].map((scale) => {
        const range = findLossRange(frames, scale);
        const camera = createCamera(HOME, {width, height});
        return frames.filter((values, t) => {
            const relief = createRelief(values, size, range);
            const at = placeBall(relief, camera, range, {place: [0, 0], loss: losses[t], upon: true});
            const mark = drawBall(at, relief, camera, readTheme());
            const {x, y} = camera.project(at);
            return !/class="ball"/.test(mark) || x < 0 || y < 0 || x > width || y > height;
        }).length;
    }));
}""")


def test_the_ball_is_seen_in_every_frame_from_the_default_camera(exported: Site, desktop: Watched) -> None:
    run = compute_run(OPENING.with_values(planes=(FreshPlane(spans=(1.0,)),), curvature={"frames": 0}))
    surfaces = run.loss_surface["fresh"][0]
    assert len(surfaces) > 50
    page = desktop.show(exported.url + "?epoch=60")
    hidden = page.evaluate(
        HIDDEN,
        {
            "surfaces": surfaces.reshape(len(surfaces), -1).tolist(),
            "losses": np.asarray(run.trajectory.metrics["train_loss"]).tolist(),
            "size": surfaces.shape[-1],
            "panels": PANELS,
        },
    )
    assert hidden == [0] * 6
