"""Tests that the editor of own data reads pasted, dropped and opened tables."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.support.editor_pages import (
    FIRST,
    click,
    count,
    open_editor,
    points_of,
    single_points,
    state,
    use,
)

pytestmark = pytest.mark.browser


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


def test_a_table_that_could_not_be_read_cannot_be_used(page: Page) -> None:
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


def test_one_click_joins_labels_and_drops_outliers(dialog: Locator) -> None:
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


def test_the_encoding_of_a_file_can_be_chosen(dialog: Locator, tmp_path: Path) -> None:
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
