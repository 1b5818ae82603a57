"""Tests the editor of own data: drawing with a mouse, a finger and keys, and reading tables."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from lossatlas.arrays import Float64
from lossatlas.datasets import SOURCES, Source
from lossatlas.rng import Draws, Stream
from tests.support.pages import Watched, until, watched
from tests.web.conftest import Site

pytestmark = pytest.mark.browser

INVENTED = [source for source in SOURCES.values() if not source.is_real]
OPEN = """async (start) => {
    const {createLazy} = await import('./lib/lazy.js');
    const openEditor = await createLazy({
        load: () => import('./features/datasets/editor.js'),
        create: (module) => module.openEditor,
        styles: ['features/datasets/editor.css'],
    }).request();
    const {createOwn} = await import('./compute/datasets/own.js');
    window.used = [];
    const onUse = (own) => window.used.push({...own, points: [...own.points], labels: [...own.labels]});
    openEditor({start: start && createOwn(start), onUse});
}"""


def open_editor(page: Page, start: dict[str, Any] | None = None) -> Locator:
    page.evaluate(OPEN, start)
    return page.get_by_role("dialog", name="Your own data")


@pytest.fixture(scope="module")
def opened(exported: Site, browser: Browser) -> Iterator[Page]:
    """Yield one page for all tests that need no other page. Every test opens the dialog again."""
    for seen in watched(browser, viewport={"width": 1100, "height": 800}, reduced_motion="reduce"):
        yield seen.open(exported.url)


@pytest.fixture
def page(opened: Page) -> Iterator[Page]:
    yield opened
    if opened.locator("dialog.editor").count():
        clear = opened.get_by_role("button", name="Clear")
        if clear.is_enabled():
            clear.click()  # so that no drawing is kept for the next test
        opened.get_by_role("button", name="Cancel").click()


@pytest.fixture
def dialog(page: Page) -> Locator:
    return open_editor(page)


def use(dialog: Locator) -> dict[str, Any]:
    """Press “Use this data”, and return the dataset that the editor passes on."""
    page = dialog.page
    dialog.get_by_role("button", name="Use this data").click()
    expect(page.locator("dialog.editor")).to_have_count(0)
    [own] = page.evaluate("() => window.used")
    assert isinstance(own, dict)
    return own


def points_of(own: dict[str, Any]) -> Float64:
    return np.reshape(np.asarray(own["points"], np.float64), (-1, 2))


def position(dialog: Locator, u: float, v: float) -> tuple[float, float]:
    """Return the screen position of a place of the canvas: u from the left and v from below, both from 0 to 1."""
    canvas = dialog.locator("canvas")
    canvas.scroll_into_view_if_needed()
    left, top, width, height = canvas.evaluate(
        "(c) => { const b = c.getBoundingClientRect(); return [b.left, b.top, b.width, b.height]; }"
    )
    assert width == pytest.approx(height)
    return left + u * width, top + (1 - v) * height


def click(dialog: Locator, *places: tuple[float, float]) -> None:
    for u, v in places:
        dialog.page.mouse.click(*position(dialog, u, v))


def drag(dialog: Locator, start: tuple[float, float], end: tuple[float, float]) -> None:
    mouse = dialog.page.mouse
    mouse.move(*position(dialog, *start))
    mouse.down()
    mouse.move(*position(dialog, *end), steps=12)
    mouse.up()


def tool(dialog: Locator, name: str) -> Locator:
    return dialog.get_by_role("radio", name=re.compile(f"^{name}"))


def count(dialog: Locator, name: str) -> int:
    label = tool(dialog, name).get_attribute("aria-label")
    found = re.search(r": (\d+) points?$", label or "")
    assert found
    return int(found.group(1))


def state(dialog: Locator) -> Locator:
    return dialog.locator(".state")


def single_points(dialog: Locator) -> None:
    dialog.get_by_role("slider", name="Brush size").fill("0")


FIRST = [(0.1, 0.9), (0.2, 0.8), (0.3, 0.9), (0.2, 0.7)]
SECOND = [(0.7, 0.2), (0.8, 0.1), (0.9, 0.3), (0.6, 0.4)]


def test_points_that_are_clicked_are_the_dataset(dialog: Locator) -> None:
    single_points(dialog)
    taken = dialog.get_by_role("button", name="Use this data")
    expect(taken).to_be_disabled()
    expect(state(dialog)).to_have_text("There are no points yet: two classes with 2 points each are needed.")
    click(dialog, *FIRST)
    expect(state(dialog)).to_have_text("There is only one class: a second one with 2 points is needed.")
    tool(dialog, "class 3").check()
    click(dialog, SECOND[0])
    expect(state(dialog)).to_have_text("Each class needs 2 points: class 3 has 1. Add some, or erase them.")
    expect(taken).to_be_disabled()
    click(dialog, *SECOND[1:])
    assert [count(dialog, f"class {k}") for k in (1, 2, 3)] == [4, 0, 4]
    expect(state(dialog)).to_have_text("8 points.")
    own = use(dialog)
    np.testing.assert_allclose(points_of(own), 2 * np.array([*FIRST, *SECOND]) - 1, atol=0.01)
    assert own["labels"] == [0] * 4 + [1] * 4
    assert own["classes"] == ["class 1", "class 3"]
    assert own["features"] == ["x₁", "x₂"]
    assert own["name"] == "Your own data"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_point_is_drawn_where_it_is_in_its_class_colour(dialog: Locator, scheme: str) -> None:
    dialog.page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    single_points(dialog)
    tool(dialog, "class 2").check()
    click(dialog, (0.31, 0.82))
    until(
        dialog.page,
        """async (dark) => {
            const {pointColour} = await import('./figures/colours.js');
            const canvas = document.querySelector('dialog canvas');
            const pixels = new OffscreenCanvas(1, 1).getContext('2d', {willReadFrequently: true});
            pixels.drawImage(canvas, -Math.round(0.31 * canvas.width), -Math.round(0.18 * canvas.height));
            const pixel = pixels.getImageData(0, 0, 1, 1).data;
            return pointColour(1, dark).every((part, i) => Math.abs(part - pixel[i]) < 4) && pixel[3] === 255;
        }""",
        scheme == "dark",
    )
    dialog.page.emulate_media(color_scheme="light")


def test_a_stroke_sprays_along_its_way_and_is_one_step_back(dialog: Locator) -> None:
    dialog.get_by_role("slider", name="Density").fill("5")
    drag(dialog, (0.2, 0.3), (0.8, 0.3))
    upper = count(dialog, "class 1")
    assert upper >= 50
    tool(dialog, "class 2").check()
    drag(dialog, (0.5, 0.6), (0.5, 0.9))
    lower = count(dialog, "class 2")
    assert lower >= 25
    keyboard = dialog.page.keyboard
    keyboard.press("Control+z")
    assert (count(dialog, "class 1"), count(dialog, "class 2")) == (upper, 0)
    keyboard.press("Control+z")
    assert count(dialog, "class 1") == 0
    expect(dialog.get_by_role("button", name="Undo")).to_be_disabled()
    keyboard.press("Control+Shift+z")
    dialog.get_by_role("button", name="Redo").click()
    assert (count(dialog, "class 1"), count(dialog, "class 2")) == (upper, lower)
    dialog.get_by_role("button", name="Clear").click()
    assert (count(dialog, "class 1"), count(dialog, "class 2")) == (0, 0)
    expect(
        dialog.locator("canvas")
    ).to_be_focused()  # the button is disabled now, and keys must still not reach the page
    keyboard.press("Control+z")
    own = use(dialog)
    points, labels = (points_of(own) + 1) / 2, np.array(own["labels"])
    assert (
        np.abs(points[labels == 0][:, 1] - 0.3) <= 0.061
    ).all()  # the tolerance is the radius of the brush and the rounding of a link
    assert (np.abs(points[labels == 1][:, 0] - 0.5) <= 0.061).all()
    x = np.sort(points[labels == 0][:, 0])
    assert x[0] <= 0.2 + 0.061  # the first dab is at the start, and the last one at most 0.035 from the end
    assert x[-1] >= 0.8 - 0.035 - 0.061
    assert np.diff(x).max() < 0.1  # the stroke has no gaps


def test_the_eraser_takes_what_it_passes(dialog: Locator) -> None:
    single_points(dialog)
    click(dialog, *FIRST, (0.5, 0.5))
    tool(dialog, "class 2").check()
    click(dialog, *SECOND, (0.52, 0.7))
    tool(dialog, "Eraser").check()
    drag(dialog, (0.5, 0.4), (0.52, 0.8))
    click(dialog, (0.05, 0.05))  # there are no points at this place
    assert (count(dialog, "class 1"), count(dialog, "class 2")) == (4, 4)
    dialog.page.keyboard.press("Control+z")
    assert (count(dialog, "class 1"), count(dialog, "class 2")) == (5, 5)
    dialog.page.keyboard.press("Control+y")
    np.testing.assert_allclose(points_of(use(dialog)), 2 * np.array([*FIRST, *SECOND]) - 1, atol=0.01)


@pytest.mark.parametrize("source", INVENTED, ids=lambda source: source.name)
def test_a_synthetic_dataset_is_a_start(dialog: Locator, source: Source) -> None:
    dialog.get_by_label("Start from").select_option(label=source.title)
    own = use(dialog)
    points, labels = source.sample(200, source.default_noise, Draws(0, Stream.POINTS))
    assert own["labels"] == labels.tolist()
    assert own["classes"] == list(source.class_names)
    np.testing.assert_allclose(points_of(own), points, atol=float(np.ptp(points)) * 5e-5)


def test_the_data_that_the_page_shows_are_a_start(page: Page) -> None:
    points = [float(value) for value in np.random.default_rng(3).normal(50, 20, 40)]
    start = {
        "name": "Mine",
        "points": points,
        "labels": [i % 2 for i in range(20)],
        "classes": ["cat", "dog"],
        "features": ["age", "weight"],
    }
    dialog = open_editor(page, start)
    assert (count(dialog, "cat"), count(dialog, "dog"), count(dialog, "class 3")) == (10, 10, 0)
    dialog.get_by_label("Start from").select_option("An empty plane")
    expect(state(dialog)).to_have_text("There are no points yet: two classes with 2 points each are needed.")
    dialog.get_by_label("Start from").select_option("The data shown")
    single_points(dialog)
    click(dialog, (0.5, 0.5))
    own = use(dialog)
    drawn, given = points_of(own), np.reshape(points, (-1, 2))
    assert drawn[:-1].tolist() == given.tolist()
    middle = (given.min(axis=0) + given.max(axis=0)) / 2
    assert (np.abs(drawn[-1] - middle) <= 0.01 * np.ptp(given, axis=0)).all()
    assert own["labels"] == [*start["labels"], 0]
    assert (own["classes"], own["features"]) == (["cat", "dog"], ["age", "weight"])


ROWS = "width;height;kind\n" + "".join(f"{i},5;{i * i};{'ab'[i % 2]}\n" for i in range(10))


def test_pasted_rows_are_read_and_faults_are_named_by_line(dialog: Locator) -> None:
    dialog.get_by_text("From a spreadsheet").click()
    dialog.get_by_role("textbox", name="Rows").fill(ROWS + "abc;1;a\n1;2\n")
    dialog.get_by_role("button", name="Read these rows").click()
    messages = dialog.locator(".messages")
    expect(messages).to_have_attribute("role", "status")
    expect(messages).to_contain_text("10 points in 2 classes.")
    expect(messages).to_contain_text("as x: “width” (column 1); as y: “height” (column 2); as class: “kind” (column 3)")
    expect(messages.get_by_role("listitem")).to_have_text(["line 12, column 1 (“width”): “abc” is not a number"])
    expect(messages).to_contain_text("One row has no label in “kind” (column 3) and is left out: line 13.")
    own = use(dialog)
    assert points_of(own).tolist() == [[i + 0.5, i * i] for i in range(10)]
    assert own["labels"] == [0, 1] * 5
    assert own["features"] == ["width", "height"]


def test_rows_that_are_no_dataset_leave_the_drawing_as_it_is(dialog: Locator) -> None:
    single_points(dialog)
    click(dialog, *FIRST)
    dialog.get_by_text("From a spreadsheet").click()
    dialog.get_by_role("textbox", name="Rows").fill("1,2\n3,4\n")
    dialog.get_by_role("button", name="Read these rows").click()
    expect(dialog.locator(".messages")).to_contain_text("No dataset could be made of it.")
    expect(dialog.locator(".messages").get_by_role("listitem")).to_have_text([re.compile("^Three columns are needed")])
    assert count(dialog, "class 1") == 4


def open_rows(dialog: Locator, rows: str) -> None:
    dialog.get_by_text("From a spreadsheet").click()
    dialog.get_by_role("textbox", name="Rows").fill(rows)
    dialog.get_by_role("button", name="Read these rows").click()


def test_what_could_not_be_read_cannot_be_used(page: Page) -> None:
    start = {"points": [0, 0, 1, 1, 2, 2, 3, 3], "labels": [0, 0, 1, 1], "name": "Half moons"}
    dialog = open_editor(page, start)
    taken = dialog.get_by_role("button", name="Use this data")
    expect(taken).to_be_enabled()
    open_rows(dialog, '[{"x": 1, "y": 2, "kind": "a"}]')
    expect(dialog.locator(".messages").get_by_role("listitem")).to_have_text([re.compile("^This is JSON.*to_csv")])
    expect(taken).to_be_disabled()
    expect(state(dialog)).to_contain_text("The table could not be read: the points shown are not from it.")
    dialog.get_by_role("textbox", name="Rows").fill(
        "x;y;kind\n" + "".join(f"1,{i}00;{i};{'ab'[i % 2]}\n" for i in range(9))
    )
    dialog.get_by_role("button", name="Read these rows").click()
    expect(state(dialog)).to_have_text("Answer the question about the numbers first.")
    expect(taken).to_be_disabled()
    dialog.locator(".messages").get_by_role("button", name="1,000 is 1", exact=True).click()
    expect(taken).to_be_enabled()
    assert points_of(use(dialog))[:, 0].tolist() == [1 + i / 10 for i in range(9)]


def test_columns_are_chosen_with_the_picture_and_the_first_rows_in_view(dialog: Locator) -> None:
    rows = "".join(f"{i},{i % 3},{i}.5,{-i},{'ab'[i % 2]}\n" for i in range(12))
    open_rows(dialog, "id,batch,length,width,kind\n" + rows)
    chosen = dialog.locator(".chosen")
    roles = chosen.locator(".roles select")
    assert roles.nth(0).input_value() == "1"  # “batch” is chosen by the rules
    assert roles.nth(0).locator("option").all_inner_texts() == ["id", "batch", "length", "width"]
    expect(chosen.locator("thead th[data-role]:not([data-role=''])")).to_have_text(["xbatch", "ylength", "classkind"])
    expect(chosen.locator("tbody tr").first).to_have_text("200" + "0.5" + "0" + "a")
    roles.nth(0).select_option("length")  # this is y's column, so y gets the column of x
    assert roles.nth(1).input_value() == "1"
    roles.nth(1).select_option("width")
    expect(chosen.locator("thead th[data-role]:not([data-role=''])")).to_have_text(["xlength", "ywidth", "classkind"])
    chosen.get_by_text("How it is read").click()
    chosen.get_by_label("The first row holds names").uncheck()
    expect(dialog.locator(".messages").get_by_role("listitem")).to_have_text([re.compile("line 1, column 3: “length”")])
    chosen.get_by_label("The first row holds names").check()
    own = use(dialog)
    assert own["features"] == ["length", "width"]
    assert points_of(own).tolist() == [[i + 0.5, -i] for i in range(12)]


def test_labels_that_look_alike_and_outliers_are_one_click(dialog: Locator) -> None:
    rows = [(f"{i}.25", f"{i * i}", ("Cat", "dog", "cat", "dog")[i % 4]) for i in range(40)]
    rows[7] = ("-99999", "3", "dog")
    open_rows(dialog, "x,y,pet\n" + "".join(f"{x},{y},{pet}\n" for x, y, pet in rows))
    messages = dialog.locator(".messages")
    expect(messages).to_contain_text("“Cat”, “cat”")
    expect(messages).to_contain_text("“x” (column 1): far from all others is -99999 (line 9).")
    assert (count(dialog, "Cat"), count(dialog, "cat"), count(dialog, "dog")) == (10, 10, 20)
    messages.get_by_role("button", name="Join them").click()
    assert (count(dialog, "Cat"), count(dialog, "dog")) == (20, 20)
    messages.get_by_role("button", name="Leave them out").click()
    assert (count(dialog, "Cat"), count(dialog, "dog")) == (20, 19)
    dialog.get_by_role("button", name="Undo").click()  # reading the table is one step of the history
    expect(state(dialog)).to_contain_text("There are no points yet")
    dialog.get_by_role("button", name="Redo").click()
    own = use(dialog)
    kept = [(float(x), float(y)) for x, y, _ in rows if x != "-99999"]
    assert [tuple(point) for point in points_of(own).tolist()] == kept
    assert own["classes"] == ["Cat", "dog"]


def test_the_letters_of_a_file_can_be_chosen(dialog: Locator, tmp_path: Path) -> None:
    path = tmp_path / "ptaki.csv"
    path.write_bytes(
        ("x;y;ptak\n" + "".join(f"{i},5;{i};{('żuraw', 'bąk')[i % 2]}\n" for i in range(8))).encode("iso-8859-2")
    )
    dialog.get_by_text("From a spreadsheet").click()
    dialog.get_by_label("Open a file").set_input_files(path)
    expect(dialog.locator(".messages")).to_contain_text("read as Windows-1252")
    dialog.locator(".chosen").get_by_text("How it is read").click()
    dialog.get_by_label("Letters").select_option("iso-8859-2")
    assert use(dialog)["classes"] == ["żuraw", "bąk"]


def test_a_file_is_opened_and_names_the_data(dialog: Locator, tmp_path: Path) -> None:
    path = tmp_path / "my beetles.csv"
    path.write_text(ROWS, encoding="utf-8-sig")
    dialog.get_by_text("From a spreadsheet").click()
    dialog.get_by_label("Open a file").set_input_files(path)
    expect(dialog.locator(".messages")).to_contain_text("10 points in 2 classes.")
    own = use(dialog)
    assert own["name"] == "my beetles"
    assert own["features"] == ["width", "height"]


DROP = """(rows) => {
    const transfer = new DataTransfer();
    transfer.items.add(new File([rows], 'dropped.tsv', {type: 'text/tab-separated-values'}));
    const canvas = document.querySelector('dialog canvas');
    for (const type of ['dragover', 'drop']) {
        const event = new DragEvent(type, {dataTransfer: transfer, bubbles: true, cancelable: true});
        canvas.dispatchEvent(event);
        if (!event.defaultPrevented) throw new Error(`${type} is left to the browser`);
    }
}"""
PASTE = """(rows) => {
    const clipboardData = new DataTransfer();
    clipboardData.setData('text/plain', rows);
    const paste = new ClipboardEvent('paste', {clipboardData, bubbles: true, cancelable: true});
    document.querySelector('dialog canvas').dispatchEvent(paste);
}"""


@pytest.mark.parametrize(("script", "name"), [(DROP, "dropped"), (PASTE, "Your own data")], ids=["dropped", "pasted"])
def test_a_spreadsheet_can_be_dropped_or_pasted_anywhere(dialog: Locator, script: str, name: str) -> None:
    dialog.page.evaluate(script, ROWS.replace(";", "\t"))
    expect(dialog.locator(".messages")).to_contain_text("10 points in 2 classes.")
    assert (count(dialog, "a"), count(dialog, "b")) == (5, 5)
    dialog.get_by_role("button", name="Undo").click()
    expect(state(dialog)).to_have_text("There are no points yet: two classes with 2 points each are needed.")
    dialog.get_by_role("button", name="Redo").click()
    assert use(dialog)["name"] == name


def test_everything_can_be_done_by_keyboard(dialog: Locator) -> None:
    page, place = dialog.page, dialog.locator(".place")
    before = page.evaluate("() => window.lossatlas.state()")
    expect(dialog.get_by_role("application", name="Points")).to_be_focused()

    def press(*keys: str) -> None:
        for key in keys:
            page.keyboard.press(key)

    press("ArrowRight", "ArrowUp", "ArrowUp")
    expect(place).to_have_text("x₁ 0.10, x₂ 0.20")
    press("Shift+ArrowLeft", " ")
    expect(place).to_have_text("x₁ 0.08, x₂ 0.20: a point of class 1")
    press("ArrowDown", "Enter", "ArrowDown", " ", "ArrowDown", " ", "ArrowDown", " ", "Delete")
    expect(place).to_have_text("x₁ 0.08, x₂ −0.20")
    press("2")
    expect(tool(dialog, "class 2")).to_be_checked()
    press(*["ArrowLeft", " "] * 5, "Control+z")
    assert (count(dialog, "class 1"), count(dialog, "class 2")) == (4, 4)
    for _ in range(20):
        if dialog.get_by_role("button", name="Use this data").evaluate("(b) => b === document.activeElement"):
            break
        press("Tab")
    press("Enter")
    expect(page.locator("dialog.editor")).to_have_count(0)
    [own] = page.evaluate("() => window.used")
    first = [(0.08, 0.2), (0.08, 0.1), (0.08, 0.0), (0.08, -0.1)]
    second = [(-0.02, -0.2), (-0.12, -0.2), (-0.22, -0.2), (-0.32, -0.2)]
    np.testing.assert_allclose(points_of(own), first + second, atol=1e-3)
    assert page.evaluate("() => window.lossatlas.state()") == before  # the page's own keys did nothing


def test_the_pages_own_keys_rest_while_the_dialog_is_open(dialog: Locator) -> None:
    page = dialog.page
    before = page.evaluate("() => window.lossatlas.state()")
    single_points(dialog)
    click(dialog, (0.5, 0.5))
    dialog.get_by_role("heading", name="Your own data").click()  # nothing can be focused there
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Home")
    page.keyboard.press("Control+z")
    assert count(dialog, "class 1") == 0
    assert page.evaluate("() => window.lossatlas.state()") == before


def test_a_dismissed_drawing_is_kept(page: Page) -> None:
    dialog = open_editor(page)
    single_points(dialog)
    click(dialog, *FIRST)
    page.keyboard.press("Escape")
    expect(page.locator("dialog.editor")).to_have_count(0)
    assert page.evaluate("() => window.used") == []
    dialog = open_editor(page)
    assert count(dialog, "class 1") == 4
    tool(dialog, "class 2").check()
    single_points(dialog)
    click(dialog, *SECOND)
    use(dialog)
    assert count(open_editor(page), "class 1") == 0  # data that were used are not kept as a drawing


def test_no_more_points_than_can_be_trained_on(page: Page) -> None:
    points = [float(value) for value in np.random.default_rng(0).normal(size=2 * 1995)]
    dialog = open_editor(page, {"points": points, "labels": [i % 2 for i in range(1995)]})
    expect(state(dialog)).to_have_text("1995 points; a link can carry 300.")
    dialog.get_by_role("slider", name="Density").fill("8")
    click(dialog, (0.5, 0.5), (0.4, 0.4))
    expect(state(dialog)).to_have_text("2,000 points: no more can be trained on.")
    assert len(use(dialog)["labels"]) == 2000


def test_the_drawing_is_saved_as_rows_that_read_back(dialog: Locator, tmp_path: Path) -> None:
    dialog.get_by_label("Start from").select_option("moons")
    with dialog.page.expect_download() as download:
        dialog.get_by_role("button", name="Save").click()
    path = tmp_path / download.value.suggested_filename
    assert path.name == "Your own data.csv"
    download.value.save_as(path)
    dialog.get_by_role("button", name="Clear").click()
    dialog.get_by_text("From a spreadsheet").click()
    dialog.get_by_label("Open a file").set_input_files(path)
    expect(dialog.locator(".messages")).to_contain_text("200 points in 2 classes.")
    points, labels = SOURCES["moons"].sample(200, 0.15, Draws(0, Stream.POINTS))
    own = use(dialog)
    assert own["labels"] == labels.tolist()
    np.testing.assert_allclose(points_of(own), points, atol=float(np.ptp(points)) * 5e-5)


def test_a_phone_draws_by_finger_and_has_room(exported: Site, browser: Browser) -> None:
    for seen in watched(browser, viewport={"width": 390, "height": 844}, has_touch=True, reduced_motion="reduce"):
        page = seen.open(exported.url)
        dialog = open_editor(page)
        box = dialog.bounding_box()
        assert box == {"x": 0, "y": 0, "width": 390, "height": 844}
        assert page.evaluate("() => document.querySelector('dialog .body').scrollWidth") <= 390
        single_points(dialog)
        for name, places in (("class 1", FIRST), ("class 2", SECOND)):
            tool(dialog, name).tap()
            for u, v in places:
                page.touchscreen.tap(*position(dialog, u, v))
        assert (count(dialog, "class 1"), count(dialog, "class 2")) == (4, 4)
        assert dialog.locator("canvas").evaluate("(c) => getComputedStyle(c).touchAction") == "none"
        for control in dialog.locator("button, .brush, select, summary, .file").all():
            size = control.evaluate("(e) => { const b = e.getBoundingClientRect(); return b.height || 44; }")
            assert size >= 44, control
        np.testing.assert_allclose(points_of(use(dialog)), 2 * np.array([*FIRST, *SECOND]) - 1, atol=0.02)


def test_the_panels_button_fetches_the_editor_and_hands_on_what_is_made(exported: Site, desktop: Watched) -> None:
    page = desktop.open(exported.url)
    button = page.get_by_role("button", name="Your own data…")
    expect(button).to_be_visible()
    later = ("/datasets/", "papaparse")
    assert not [url for url in desktop.requests if any(name in url for name in later)]
    page.evaluate(
        """async () => {
            const {createDataset} = await import('./views/dataset.js');
            const catalog = await (await fetch('catalog.json')).json();
            document.querySelector('#dataset').replaceChildren();
            window.owned = [];
            createDataset({catalog, choose() {}, onOwn: (own) => window.owned.push(own.labels.length)});
        }"""
    )
    assert not [url for url in desktop.requests if "/datasets/" in url]
    button.click()
    dialog = page.get_by_role("dialog", name="Your own data")
    dialog.get_by_label("Start from").select_option("spirals")
    assert all(any(name in url for url in desktop.requests) for name in later)
    dialog.get_by_role("button", name="Use this data").click()
    until(page, "() => window.owned.length === 1")
    assert page.evaluate("() => window.owned") == [200]
    expect(button).to_be_focused()
