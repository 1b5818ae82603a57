"""Tests tooltips: every control has one, and none covers what a person may want to use."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.support.first_use import HERE, LATER, VIEWS
from tests.support.pages import Watched, until
from tests.web.conftest import EITHER, Site, with_access

pytestmark = pytest.mark.browser


# Tooltips

EXPLAINED = """() => {
    const wanted = `button, input, select, summary, output, [data-readout], .readouts th, .legend li, .maths,
        #colourbar, #run-title, #curves`;
    return [...document.querySelectorAll(wanted)].filter((e) => e.checkVisibility()).map((e) => {
        const about = e.closest('[title], [data-hint]');
        return {
            what: e.outerHTML.slice(0, 120),
            control: e.matches('button, input, select, summary'),
            hint: about?.getAttribute('title') || about?.getAttribute('data-hint') || '',
            description: e.getAttribute('aria-description') ?? '',
            name: e.getAttribute('aria-label') ?? e.innerText,
            empty: e.matches('[data-readout]') && e.innerText === '',
        };
    }).filter(({empty}) => !empty);
}"""


@EITHER
@pytest.mark.parametrize("query", ["?hidden=7-5", *VIEWS.values()])
def test_every_control_and_readout_says_in_a_sentence_what_it_is(site: Site, desktop: Watched, query: str) -> None:
    page = desktop.show(site.url + query)
    with_access(page)
    assert_explained(page)


def assert_explained(page: Page) -> None:
    found = page.evaluate(EXPLAINED)
    assert len(found) > 60
    mute = [each["what"] for each in found if not re.fullmatch(r"[A-Z0-9].{12,}[.]", each["hint"], re.DOTALL)]
    assert mute == []
    wrong = [each["what"] for each in found if each["control"] and each["description"] != each["hint"]]
    assert wrong == []
    assert [each["what"] for each in found if each["hint"].rstrip(".") == each["name"]] == []


@pytest.mark.parametrize("what", LATER)
def test_parts_that_load_at_their_first_use_have_tooltips_as_well(exported: Site, desktop: Watched, what: str) -> None:
    query, opening = LATER[what]
    page = desktop.show(exported.url + query)
    with_access(page)
    opening(page)
    until(page, "() => document.querySelector('dialog[open], #workshop:not([hidden]), #tour:not([hidden])') !== null")
    assert_explained(page)


#: JavaScript that lists the controls that the tooltip covers.
COVERED = """() => {
    const tip = document.querySelector('#hint').getBoundingClientRect();
    return [...document.querySelectorAll('button, input, select, summary, a')].filter((e) => e.checkVisibility())
        .filter((e) => {
            const box = (e.matches('input') ? e.closest('label') ?? e : e).getBoundingClientRect();
            return Math.min(box.right, tip.right) - Math.max(box.left, tip.left) > 1
                && Math.min(box.bottom, tip.bottom) - Math.max(box.top, tip.top) > 1;
        }).map((e) => e.getAttribute('aria-label') ?? e.textContent);
}"""
#: JavaScript that returns the distance between the tooltip and its control.
GAP = """(selector) => {
    const [tip, box] = ['#hint', selector].map((each) => document.querySelector(each).getBoundingClientRect());
    return Math.hypot(Math.max(tip.left - box.right, box.left - tip.right, 0),
        Math.max(tip.top - box.bottom, box.top - tip.bottom, 0));
}"""


def test_a_tooltip_lies_on_no_control_of_the_panels(exported: Site, desktop: Watched) -> None:
    page = desktop.show(exported.url + "?epoch=60")
    with_access(page)
    cards = page.locator("#dataset label")
    chips = page.locator("#model .chip")
    for control in (cards.nth(0), cards.nth(3), chips.nth(1), chips.nth(6), page.locator("#activation")):
        sentence = control.get_attribute("title")
        assert sentence
        control.hover()
        expect(page.locator("#hint")).to_contain_text(sentence)
        assert page.evaluate(COVERED) == []


def test_a_tooltip_of_bar_and_playback_lies_on_no_control(exported: Site, desktop: Watched) -> None:
    page = desktop.show(exported.url + "?epoch=60")
    with_access(page)
    for width, height in ((1440, 900), (1280, 720), (1100, 620)):
        page.set_viewport_size({"width": width, "height": height})
        until(page, "(width) => innerWidth === width", width)
        for control, sentence in (
            ("#speed", "How fast the training is played"),
            ("#train-here", "Train a network in this"),
        ):
            page.locator(control).hover()
            expect(page.locator("#hint")).to_contain_text(sentence)
            assert page.evaluate(COVERED) == [], (control, width, height)
        assert page.evaluate(GAP, "#train-here") < 100, (width, height)  # there is room near it


#: JavaScript that moves the pointer onto a button and returns the tooltip after a second. Timers end in their order,
#: and this one is set later than the tooltip's and is longer.
PRESSED = """selector => {
    const button = document.querySelector(selector);
    button.firstElementChild.dispatchEvent(new PointerEvent('pointerover', {bubbles: true, pointerType: 'mouse'}));
    return new Promise((done) => setTimeout(() => done(document.querySelector('#hint')?.textContent ?? ''), 1000));
}"""


def test_a_button_that_was_pressed_does_not_explain_itself_at_once(exported: Site, desktop: Watched) -> None:
    page = desktop.show(exported.url + "?epoch=0&view=contours")
    with_access(page)
    assert "Play" in page.evaluate(PRESSED, "#play")  # it is not pressed yet
    page.locator("#play").click()
    assert page.evaluate(PRESSED, "#play") == ""
    page.locator("#speed").hover()
    expect(page.locator("#hint")).to_contain_text("How fast")
    page.locator("#play").hover()
    expect(page.locator("#hint")).to_contain_text("Play")


def test_a_tooltip_appears_on_hover_and_on_focus_and_escape_hides_it(exported: Site, desktop: Watched) -> None:
    page = desktop.show(exported.url + "?epoch=60")
    with_access(page)
    tip = page.locator("#hint")
    follow = page.locator("label", has=page.get_by_role("switch", name="Follow the parameters"))
    sentence = follow.get_attribute("title")
    assert sentence
    follow.hover()
    expect(tip).to_have_text(sentence)
    assert follow.get_attribute("title") is None, "the browser's own would come as well"
    tip.hover()  # the pointer may move onto the tooltip
    expect(tip).to_be_visible()
    page.keyboard.press("Escape")
    expect(tip).to_have_count(0)
    assert follow.get_attribute("title") == sentence

    page.mouse.move(5, 5)
    page.get_by_role("button", name="Reset").focus()
    page.keyboard.press("Shift+Tab")  # the keyboard is used, because people without a mouse need the tooltip
    speed = page.get_by_role("combobox", name="Speed")
    expect(speed).to_be_focused()
    expect(tip).to_contain_text("How fast the training is played")
    expect(speed).to_have_accessible_description(re.compile("^How fast the training is played"))
    assert not {"Speed", "Play", "Previous frame"} & set(page.evaluate(COVERED))
    page.keyboard.press("Shift+Tab")
    expect(tip).to_contain_text("after this one")
    page.keyboard.press("Escape")
    expect(tip).to_have_count(0)


def test_a_tooltip_disappears_at_a_press_or_a_key(exported: Site, desktop: Watched) -> None:
    page = desktop.show(exported.url + "?epoch=60&view=contours")
    with_access(page)
    tip = page.locator("#hint")
    follow = page.locator("label", has=page.get_by_role("switch", name="Follow the parameters"))
    follow.hover()
    expect(tip).to_be_visible()
    tip.click()
    expect(tip).to_have_count(0)
    page.mouse.move(5, 5)
    page.get_by_role("button", name="Play", exact=True).focus()
    field = page.get_by_role("spinbutton", name="Point a")
    field.focus()
    expect(tip).to_be_visible()
    page.keyboard.type("0")
    expect(tip).to_have_count(0)


def test_datasets_that_can_be_trained_here_are_not_called_missing(exported: Site, desktop: Watched) -> None:
    page = desktop.show(exported.url + "?epoch=60")
    controls = [page.get_by_role("radio", name=name) for name in ("2 hidden layers of 100", "Two blobs")]
    for control in controls:
        expect(control).to_have_attribute("data-recorded", "false")
    desktop.show(exported.url + HERE + "&epoch=1")
    until(page, "() => window.lossatlas.shown()?.epoch === 1")
    # This dataset is measured: a file of the page contains its points.
    controls.append(page.get_by_role("radio", name="Breast cancer"))
    for control in controls:
        expect(control).to_have_attribute("data-recorded", "true")


def test_a_tooltip_says_why_a_control_cannot_be_used(exported: Site, desktop: Watched) -> None:
    page = desktop.show(exported.url + "?hidden=7-5")
    with_access(page)
    label = page.locator("label", has=page.get_by_role("switch", name="Residual skips"))
    label.hover()
    expect(page.locator("#hint")).to_have_text("A skip connection needs two successive hidden layers of equal width.")
    expect(page.get_by_role("switch", name="Residual skips")).to_have_accessible_description(
        "A skip connection needs two successive hidden layers of equal width."
    )


def test_a_tooltip_does_not_outlive_its_control(exported: Site, desktop: Watched) -> None:
    page = desktop.open(exported.url + "?epoch=60&view=contours")
    with_access(page)
    again = "() => { document.querySelectorAll('.toolbar > label').forEach((each) => { each.style.display = ''; }); }"
    for leaves in ("style.display = 'none'", "remove()"):
        label = page.locator("label", has=page.get_by_role("switch", name="Follow the parameters"))
        label.hover()
        expect(page.locator("#hint")).to_be_visible()
        label.evaluate(f"(control) => {{ control.{leaves}; }}")
        expect(page.locator("#hint")).to_have_count(0)
        page.evaluate(again)
        page.mouse.move(5, 5)
