"""Tests a person's own data, from the panel to a trained network, and in links."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from tests.support.pages import Watched, until
from tests.web.conftest import Site

pytestmark = pytest.mark.browser

DATA = Path(__file__).parent.parent / "data" / "tables"


def spreadsheet(count: int) -> str:
    rng = np.random.default_rng(3)
    file = io.StringIO()
    writer = csv.writer(file)
    writer.writerow(["height", "weight", "kind"])
    for i in range(count):
        side = i % 2
        x, y = rng.normal(loc=4 * side - 2, size=2)
        writer.writerow([f"{x:.3f}", f"{y:.3f}", ("cat", "dog")[side]])
    return file.getvalue()


def use(page: Page, text: str) -> None:
    page.get_by_role("button", name="Your own data…").click()
    dialog = page.get_by_role("dialog", name="Your own data")
    dialog.get_by_text("From a spreadsheet").click()
    dialog.get_by_role("textbox", name="Rows").fill(text)
    dialog.get_by_role("button", name="Read these rows").click()
    dialog.get_by_role("button", name="Use this data").click()
    expect(dialog).to_be_hidden()


def count_points(page: Page) -> int:
    found: int = page.evaluate(
        "() => document.querySelector('#boundary-plot').data.reduce((n, {x}) => n + x.length, 0)"
    )
    return found


def test_a_link_contains_the_table_on_which_the_page_trains(exported: Site, desktop: Watched, browser: object) -> None:
    page = desktop.show(exported.url + "?epoch=0")
    use(page, spreadsheet(60))
    until(page, "() => window.lossatlas.shown().run.startsWith('here-')")
    until(page, "() => document.querySelector('#boundary-plot').data.reduce((n, {x}) => n + x.length, 0) === 60")
    page.get_by_role("region", name="Training here").get_by_role("button", name="Start", exact=True).click()
    until(page, "() => window.lossatlas.shown().epoch > 30")
    accuracy = page.locator("#readouts [data-readout=train_accuracy]").get_attribute("data-value")
    assert float(accuracy or "nan") > 0.95
    expect(page.locator("#legend")).to_contain_text("cat")
    page.get_by_role("button", name="Pause").click()
    until(page, "() => location.hash.includes('own=') && location.search.includes('epoch=')")
    assert "own=" not in page.evaluate("() => location.search")  # a host would see the query
    link = page.evaluate("() => location.href.replace(/epoch=\\d+/, 'epoch=20')")
    page.goto("about:blank")
    desktop.open(link)
    until(page, "() => window.lossatlas.shown()?.epoch === 20")
    assert count_points(page) == 60


def wait_for_points(page: Page, count: int) -> None:
    shown = "document.querySelector('#boundary-plot')?.data?.reduce((n, {x}) => n + x.length, 0)"
    until(page, f"() => {shown} === {count}")


def test_more_points_than_a_link_holds_survive_a_reload_and_the_back_button(exported: Site, desktop: Watched) -> None:
    page = desktop.show(exported.url + "?epoch=0")
    use(page, spreadsheet(400))
    wait_for_points(page, 400)
    until(page, "() => location.hash.includes('own=here-only-')")
    link = page.url
    page.goto("about:blank")
    desktop.open(link)
    wait_for_points(page, 400)
    expect(page.locator("#legend")).to_contain_text("cat")
    page.get_by_role("radio", name="Two blobs").press("Space")
    until(page, "() => document.title.startsWith('Two blobs')")
    page.go_back()
    wait_for_points(page, 400)
    page.goto(re.sub("here-only-.*", "here-only-gone", link))
    page.reload()
    expect(page.locator("#status-line")).to_contain_text("not in this browser")
    expect(page.locator("#status-line")).to_contain_text("a link can carry up to 300")


#: JavaScript that returns the drawn and the saved points, in the units of the file.
VALUES = """async () => {
    const {data} = document.querySelector('#boundary-plot');
    const of = (axis) => data.flatMap((trace) => [...trace[axis]]);
    return {x: of('x'), y: of('y')};
}"""


@pytest.mark.parametrize("name", ["s04_sentinel.csv", "s06_unix_time.csv"])
def test_points_keep_their_values_in_the_picture_and_in_what_is_saved(
    exported: Site, desktop: Watched, name: str
) -> None:
    text = (DATA / name).read_text(encoding="utf-8")
    rows = list(csv.reader(io.StringIO(text)))[1:]
    given = sorted((float(x), float(y)) for x, y, _ in rows)
    page = desktop.show(exported.url + "?epoch=0")
    use(page, text)
    wait_for_points(page, len(rows))
    shown = page.evaluate(VALUES)
    assert len(set(shown["x"])) == len({x for x, _ in given})
    assert len(set(shown["y"])) == len({y for _, y in given})
    page.get_by_role("button", name="Share").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="Save numbers (.npz)").click()
    with np.load(download.value.path()) as arrays:
        assert sorted(map(tuple, arrays["given"].tolist())) == given
        order = np.lexsort(arrays["given"].T)
        learnt = arrays["given"][arrays["split"] == 0]
        expected = (arrays["given"] - learnt.mean(axis=0)) / learnt.std(axis=0)
        np.testing.assert_allclose(arrays["points"][order], expected[order], rtol=1e-9, atol=1e-9)


def test_the_page_says_when_nothing_can_be_stored(exported: Site, desktop: Watched) -> None:
    desktop.page.add_init_script("Object.defineProperty(window, 'indexedDB', {get() { throw new Error('blocked'); }})")
    page = desktop.show(exported.url + "?epoch=0")
    use(page, spreadsheet(400))
    wait_for_points(page, 400)
    expect(page.locator("#status-line")).to_contain_text("These points last as long as this page is open")


def test_another_dataset_takes_their_place(exported: Site, desktop: Watched) -> None:
    page = desktop.show(exported.url + "?epoch=0")
    use(page, spreadsheet(60))
    until(page, "() => document.querySelector('#boundary-plot').data.reduce((n, {x}) => n + x.length, 0) === 60")
    page.get_by_role("radio", name="Two blobs").press("Space")
    until(page, "() => document.title.startsWith('Two blobs')")
    until(page, "() => !location.hash.includes('own=')")
