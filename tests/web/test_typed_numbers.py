"""Tests numbers that people type, with a point or a comma, in any language. Ambiguous texts are refused."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support.first_use import HERE
from tests.support.pages import Watched, until, watched
from tests.web.conftest import Site

pytestmark = pytest.mark.browser

READ = """async ([typed, limits]) => {
    const {readTyped} = await import('./lib/number_text.js');
    return typed.map((text) => readTyped(text, limits));
}"""
NUMBERS = {
    "0.02": 0.02,
    "0,02": 0.02,
    ",5": 0.5,
    ".5": 0.5,
    "5,": 5,
    " 12 ": 12,
    "-0,3": -0.3,
    "−0.3": -0.3,
    "+4": 4,
    "1e-3": 1e-3,
    "1,5E-3": 1.5e-3,
    "1.234,5": 1234.5,
    "1,234.5": 1234.5,
    "1.234.567": 1234567,
    "1,234,567": 1234567,
    "1 234,5": 1234.5,
    "1\u202f234,5": 1234.5,
    "1’234.5": 1234.5,
    "0,125": 0.125,
    "1.234": 1.234,
    "1234,567": 1234.567,
    "٠٫٠٢": 0.02,
    "۱۲": 12,
    "０．５": 0.5,
}
NO_NUMBERS = [
    *("", " ", "abc", "1,2,3", "1.2.3", "1,23,456", "1.234,567,8"),
    *("0x10", "1e", "--1", "1 2", "Infinity", "1e999"),
]
TWO_NUMBERS = {"1,000": ("1000", "1"), "-1,234": ("−1.234", "−1234"), "12,000": ("12000", "12")}


@pytest.fixture
def german(browser: Browser) -> Iterator[Watched]:
    """Yield the page in a language that writes numbers with a comma."""
    viewport = {"width": 1100, "height": 620}
    yield from watched(browser, viewport=viewport, reduced_motion="reduce", locale="de-DE")


def read(page: Page, typed: list[str], **limits: Any) -> list[Any]:
    found: list[Any] = page.evaluate(READ, [typed, limits])
    return found


def test_numbers_are_read_with_a_point_or_a_comma_and_never_guessed(exported: Site, desktop: Watched) -> None:
    page = desktop.show(exported.url + "?epoch=60")
    assert dict(zip(NUMBERS, read(page, list(NUMBERS)), strict=True)) == {
        text: {"value": value, "fault": ""} for text, value in NUMBERS.items()
    }
    for text, found in zip(NO_NUMBERS, read(page, NO_NUMBERS), strict=True):
        assert found["value"] is None, text
        assert "Type a number" in found["fault"], text
    for (text, both), found in zip(TWO_NUMBERS.items(), read(page, list(TWO_NUMBERS)), strict=True):
        assert found["value"] is None, text
        assert all(each in found["fault"] for each in (text, *both)), found
    limits = {"least": 20, "most": 5000, "whole": True}
    whole = read(page, ["20", "5000", "19", "5001", "20,5", "1.000", "1,000", "1 000"], **limits)
    assert [found["value"] for found in whole] == [20, 5000, None, None, None, None, None, 1000]
    assert whole[2]["fault"] == "Type a whole number from 20 to 5000."
    assert "1000 or 1" in whole[5]["fault"]


def test_fields_take_a_comma_and_say_what_they_cannot_read(exported: Site, german: Watched) -> None:
    page = german.show(f"{exported.url}{HERE}&epoch=2&view=contours")
    until(page, "() => window.lossatlas.shown()?.epoch === 2")
    rate = page.get_by_role("spinbutton", name="Learning rate")
    again = page.get_by_role("button", name="Same start, new settings")
    rate.select_text()
    page.keyboard.type("1,000")
    again.click()
    assert rate.evaluate(
        "input => [input.validationMessage.includes('1000 or 1'), input.matches(':user-invalid')]"
    ) == [
        True,
        True,
    ]
    assert "train=adam,0.01" in page.url
    rate.select_text()
    page.keyboard.type("0,02")
    again.click()
    page.wait_for_url("**train=adam,0.02,32,0,0*")
    expect(rate).to_have_value("0.02")
    page.get_by_role("button", name="Pause").click()
    a, b = (page.get_by_role("spinbutton", name=f"Point {name}") for name in "ab")
    for field, text in ((a, "0,3"), (b, "-,25")):
        field.focus()
        page.keyboard.type(text)
        page.keyboard.press("Enter")
    page.wait_for_url("**pick=0.3,-0.25*")
    b.select_text()
    page.keyboard.type("0.2.5")
    page.keyboard.press("Enter")
    until(page, "() => document.querySelector('#pick-b').matches(':user-invalid')")
    assert "pick=0.3,-0.25" in page.url


def test_a_typed_coordinate_stays_when_another_epoch_is_drawn(exported: Site, desktop: Watched) -> None:
    page = desktop.show(exported.url + "?epoch=20")
    a, b = (page.get_by_role("spinbutton", name=f"Point {name}") for name in "ab")
    a.fill("0,3")
    a.press("Enter")
    expect(a).to_have_value("0.3")
    b.fill("0.2.5")
    b.press("Enter")
    until(page, "() => document.querySelector('#pick-b').matches(':user-invalid')")
    b.blur()
    show_next(page)
    assert [a.input_value(), b.input_value()] == ["0.3", "0.2.5"]
    b.fill("-,25")
    b.press("Enter")
    page.wait_for_url("**pick=0.3,-0.25*")
    b.fill("9 9")
    b.press("Enter")
    b.blur()
    show_next(page)
    assert b.input_value() == "9 9", "what cannot be read stays where it can be corrected"
    page.get_by_role("button", name="Back to the network").click()
    until(page, "() => window.lossatlas.slice().pick === null")
    assert [a.input_value(), b.input_value()] == ["", ""]


def show_next(page: Page) -> None:
    """Show the next frame, and wait until it is drawn."""
    epoch = page.evaluate("() => window.lossatlas.shown().epoch")
    page.get_by_role("button", name="Next frame").click()
    until(page, "(epoch) => window.lossatlas.isCurrent() && window.lossatlas.shown().epoch > epoch", epoch)


def test_typed_settings_stay_when_other_points_are_drawn(exported: Site, german: Watched) -> None:
    page = german.show(f"{exported.url}{HERE}&epoch=0")
    fields = [page.get_by_role("spinbutton", name=name) for name in ("Learning rate", "Points", "Noise")]
    rate, points, noise = fields
    optimizer = page.get_by_role("combobox", name="Optimizer")
    until(page, "() => window.lossatlas.shown()?.epoch === 0")
    run = page.evaluate("() => window.lossatlas.shown().run")
    rate.fill("0.07")
    optimizer.select_option("sgd")
    points.fill("1")
    noise.fill("0.3")
    noise.press("Enter")
    until(page, "() => document.querySelector(':user-invalid') === document.activeElement")
    expect(points).to_be_focused()
    points.fill("140")
    points.press("Enter")
    until(page, "(run) => window.lossatlas.shown().run !== run", run)
    page.wait_for_url("**sample=140,0.3,1*")
    assert [field.input_value() for field in fields] == ["0.07", "140", "0.3"]
    assert optimizer.input_value() == "sgd"
    page = german.show(f"{exported.url}{HERE.replace('0.01', '0.05')}&epoch=0")
    expect(rate).to_have_value("0.05")
    assert [points.input_value(), noise.input_value(), optimizer.input_value()] == ["120", "0.2", "adam"]


def test_arrow_keys_step_within_the_limits(exported: Site, german: Watched) -> None:
    page = german.show(exported.url + HERE.replace("adam,0.01", "adam,0.1") + "&epoch=0")
    fields = {name: page.get_by_role("spinbutton", name=name) for name in ("Learning rate", "Weight decay", "Noise")}
    for name, keys, expected in (
        ("Learning rate", ["ArrowDown"], "0.09"),
        ("Learning rate", ["ArrowUp", "ArrowUp"], "0.2"),
        ("Weight decay", ["ArrowDown"], "0"),
        ("Weight decay", ["ArrowUp"], "0.0001"),
        ("Noise", ["PageDown"], "0.1"),
        ("Noise", ["PageDown", "PageDown"], "0"),
    ):
        for key in keys:
            fields[name].press(key)
        expect(fields[name]).to_have_value(expected)
        expect(fields[name]).to_have_attribute("aria-valuenow", expected)
    assert [fields["Noise"].get_attribute(f"aria-value{end}") for end in ("min", "max")] == ["0", "2"]
