"""Tests with examples how the page writes and rounds numbers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from tests.support.modules import open_modules
from tests.web.conftest import Site

pytestmark = pytest.mark.browser

#: Function, arguments, result.
EXAMPLES: list[tuple[str, list[Any], str | float]] = [
    ("tickLabel", [0], "0"),
    ("tickLabel", [-0.25], "−0.25"),
    ("tickLabel", [99_999], "99999"),
    ("tickLabel", [1e5], "1e5"),
    ("tickLabel", [0.00005], "5e−5"),
    ("tickLabel", [0.1 + 0.2], "0.3"),
    ("valueText", [1_234_567.125], "1234567.125"),
    ("valueText", [-12.3456, 0.01], "−12.35"),
    ("valueText", [0.004, 10], "0.004"),
    ("shortText", [1234.5], "1230"),
    ("shortText", [-0.12345], "−0.123"),
    ("shortText", [1 / 3], "0.333"),
    ("coordinateText", [-0.001, [-1, 1]], "0.00"),
    ("coordinateText", [-1.2345, [-1, 1]], "−1.23"),
    ("coordinateText", [123.4, [0, 500]], "123"),
    ("generalText", [0.1], "0.1"),
    ("generalText", [1e-5], "1e-05"),
    ("generalText", [1234567], "1.23457e+06"),
    ("lossText", [0.69314718], "0.6931"),
    ("lossText", [0.00123], "1.23e−3"),
    ("lossText", [12.3456], "12.35"),
    ("lossText", [123.456], "123.5"),
    ("lossText", [12345], "1.23e4"),
    ("lossText", [0], "0.0000"),
    ("lossText", [-0.5], "−0.5000"),
    ("lossText", [-0.005], "−5.00e−3"),
    ("lossText", [-2000], "−2.00e3"),
    ("lossText", [None], "–"),
    ("roughLossText", [0.6931], "0.69"),
    ("curvatureText", [None], "–"),
    ("curvatureText", [0], "0.00"),
    ("curvatureText", [-0.0123], "−0.0123"),
    ("curvatureText", [999.4], "999"),
    ("curvatureText", [999.7], "1000"),
    ("curvatureText", [12345.6], "12346"),
    ("curvatureText", [-234567], "−2.35e5"),
    ("curvatureText", [1.5e-4], "1.50e−4"),
    ("curvatureText", [0.27, 1], "0.3"),
    ("curvatureText", [9.7, 1], "10"),
    ("percentText", [0.975], "97.5 %"),
    ("percentText", [1], "100.0 %"),
    ("percentText", [None], "–"),
    ("shortPercentText", [1], "100 %"),
    ("shortPercentText", [0.9754], "97.5 %"),
    ("wholePercentText", [0.666], "67 %"),
    ("probabilityPercentText", [0.5], "50 %"),
    ("probabilityPercentText", [0.998], "99.8 %"),
    ("probabilityPercentText", [0.004], "0.4 %"),
    ("varianceText", [0.0004], "under 0.1\u00a0%"),
    ("varianceText", [0], "0\u00a0%"),
    ("varianceText", [0.0345], "3.5\u00a0%"),
    ("varianceText", [0.785], "79\u00a0%"),
    ("varianceText", [0.9957], "99.6\u00a0%"),
    ("roughPercentText", [0.0234], "2 %"),
    ("roughPercentText", [0.00234], "0.2 %"),
    ("roughPercentText", [0.456], "46 %"),
    ("countText", [1234567], "1,234,567"),
    ("byteText", [12], "1 kB"),
    ("byteText", [12_345], "12 kB"),
    ("byteText", [1_250_000], "1.3 MB"),
    ("secondsText", [12.34], "12.3\u00a0s"),
    ("fixedText", [2, 2], "2.00"),
    ("fixedText", [-0.1234, 2], "-0.12"),
    ("pixelText", [3], "3.0"),
    ("roundToDigits", [0.0123456, 3], 0.0123),
    ("roundToDigits", [-98765, 2], -99_000),
    ("roundToDecimals", [1.006, 2], 1.01),
    ("roundToDecimals", [12, 2], 12),
]


@pytest.fixture(scope="module")
def page(exported: Site, browser: Browser) -> Iterator[Page]:
    yield from open_modules(browser, exported.url)


def test_numbers_are_written_as_people_read_them(page: Page) -> None:
    written = page.evaluate(
        """async (cases) => {
            const numbers = await import('./lib/numbers.js');
            return cases.map(([name, given]) => numbers[name](...given));
        }""",
        [[name, given] for name, given, _ in EXAMPLES],
    )
    assert dict(zip(map(str, EXAMPLES), written, strict=True)) == {str(case): case[2] for case in EXAMPLES}
    endless = """async () => {
        const {lossText, shortText, curvatureText} = await import('./lib/numbers.js');
        return [shortText, lossText, curvatureText].map((write) => [Infinity, -Infinity].map((each) => write(each)));
    }"""
    assert page.evaluate(endless) == [["∞", "−∞"], ["∞", "−∞"], ["–", "–"]]
    unknown = "async () => (await import('./lib/numbers.js')).lossText(NaN)"
    assert page.evaluate(unknown) == "–"


def test_every_way_to_write_a_number_has_an_example(page: Page) -> None:
    names = page.evaluate("async () => Object.keys(await import('./lib/numbers.js'))")
    assert set(names) == {name for name, *_ in EXAMPLES}
