"""Tests that the page compares complete arrays with their checksums."""

from __future__ import annotations

import pytest

from tests.support.modules import TAKE_CONSTANTS
from tests.support.pages import Watched
from tests.web.conftest import MOONS, Site

pytestmark = pytest.mark.browser

#: JavaScript that fetches arrays of a run, whose manifest names other checksums for some of them.
FETCHED = """async ([id, sound, damaged, unknown]) => {
    const [{Run}, {fetchArray}, {fetchManifest}] = await Promise.all(
        ['model/run.js', 'loading/arrays.js', 'loading/json.js'].map((path) => import(new URL(path, document.baseURI))),
    );
    const run = new Run(await fetchManifest(id));
    const own = (name) => name.replace('PLANE', run.planes[0].name);
    [sound, damaged, unknown] = [sound, damaged, unknown].map((names) => names.map(own));
    for (const name of damaged) run.entry(name).sha256 = '0'.repeat(64);
    for (const name of unknown) delete run.entry(name).sha256;
    const found = {};
    for (const name of [...sound, ...damaged, ...unknown])
        found[name.replace(run.planes[0].name, 'PLANE')] =
            await fetchArray(run, name).then(() => run.isComplete(name), (error) => error.message);
    return [found, damaged.map((name) => Boolean(run.get(name)))];
}"""


@pytest.mark.parametrize("site", ["served"], indirect=True)
def test_an_array_that_is_not_the_stored_one_is_refused(site: Site, desktop: Watched) -> None:
    page = desktop.open(site.url)
    # the numbers have one, four and eight bytes, and arrive in byte planes or, if there are few, in their own order
    sound = ["planes/PLANE/loss_surface", "confidence", "labels", "planes/PLANE/path", "grid_x"]
    damaged = ["weights", "predicted_class"]
    page.evaluate(TAKE_CONSTANTS)
    found, kept = page.evaluate(FETCHED, [MOONS.id, sound, damaged, ["points"]])
    assert found == {
        **dict.fromkeys([*sound, "points"], True),
        **{name: f"{name}.npy is damaged: its checksum is not the stored one" for name in damaged},
    }
    assert kept == [False, False]
