"""Tests links: every state that is written into an address is read back unchanged."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from playwright.sync_api import Browser, Page

from lossatlas.networks import ACTIVATIONS, ModelConfig
from tests.support.modules import open_modules
from tests.web.conftest import Site

pytestmark = pytest.mark.browser

names = st.text("abcdefghijklmnopqrstuvwxyz-0123456789&=#%+ é", min_size=1, max_size=12)
numbers = st.floats(1e-6, 1e4, allow_nan=False)
whole = st.integers(0, 999_999)


def perhaps(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | strategy


settings_of_training = st.fixed_dictionaries(
    {
        "optimizer": st.sampled_from(["sgd", "momentum", "nesterov", "rmsprop", "adam", "adamw"]),
        "rate": numbers,
        "batch": st.just("full") | st.integers(1, 20_000),
        "decay": st.floats(0, 10),
        "seed": whole,
    }
)
states = st.fixed_dictionaries(
    {
        "dataset": names,
        "hidden": st.lists(st.integers(1, 400), max_size=5),
        "activation": names,
        "residual": st.booleans(),
        "run": perhaps(names),
        "train": perhaps(settings_of_training),
        "sample": perhaps(
            st.fixed_dictionaries({"points": st.integers(20, 2000), "noise": st.floats(0, 2), "seed": whole})
        ),
        "own": perhaps(st.from_regex(r"\A[A-Za-z0-9_-]{8,40}\Z")),
        "epoch": perhaps(st.integers(0, 10**6)),
        "zoom": perhaps(numbers),
        "scale": st.sampled_from(["linear", "log"]),
        "range": st.sampled_from(["training", "frame"]),
        "camera": st.fixed_dictionaries({axis: st.integers(-200, 200).map(lambda n: n / 100) for axis in "xy"}).map(
            lambda eye: {**eye, "z": 1.25}
        ),
        "plane": perhaps(names),
        "seed": perhaps(whole),
        "view": st.sampled_from(["surface", "contours", "section"]),
        "set": st.sampled_from(["train", "test", "gap"]),
        "follow": st.booleans(),
        "path": st.booleans(),
        "present": st.sampled_from([None, True]),
        "play": perhaps(st.tuples(st.integers(0, 99), st.integers(100, 10**6)).map(list)),
        "speed": perhaps(st.sampled_from([0.25, 0.5, 1, 2, 4])),
        "story": perhaps(st.from_regex(r"\A[a-z0-9-]{1,40}\Z")),
        "tour": perhaps(st.from_regex(r"\A[a-z0-9-]{1,40}\Z")),
        "stops": perhaps(st.from_regex(r"\A[A-Za-z0-9_-]{4,40}\Z")),
        "pick": perhaps(st.tuples(st.floats(-3, 3), st.floats(-3, 3)).map(list)),
        "ball": st.booleans(),
        "timeline": st.sampled_from(["loss", "curvature"]),
    }
)

ROUND_TRIP = """async (state) => {
    const {fromQuery, toQuery, defaults, PROPERTIES} = await import('/model/state.js');
    const catalog = await (await fetch('/catalog.json')).json();
    const base = defaults(catalog);
    const query = toQuery(state, base);
    const found = fromQuery(query, base);
    return {found, query, known: PROPERTIES.map(({name}) => name), base};
}"""


@pytest.fixture(scope="module")
def page(served: Site, browser: Browser) -> Iterator[Page]:
    yield from open_modules(browser, served.url)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(state=states)
def test_every_state_comes_back_from_its_link(page: Page, state: dict[str, Any]) -> None:
    answer = page.evaluate(ROUND_TRIP, state)
    # A link leaves out what an address without a query means, and never contains null.
    expected = {name: answer["base"][name] if value is None else value for name, value in state.items()}
    assert answer["found"] == expected
    assert set(state) == set(answer["known"])


@given(text=st.text(max_size=60))
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_text_in_the_address_breaks_the_page(page: Page, text: str) -> None:
    found = page.evaluate(
        """async (text) => {
            const {fromQuery, defaults, PROPERTIES} = await import('/model/state.js');
            const base = defaults(await (await fetch('/catalog.json')).json());
            return PROPERTIES.map(({name}) => [name, fromQuery(`?${name}=${text}`, base)[name] !== undefined]);
        }""",
        text,
    )
    assert all(known for _, known in found)


def test_a_model_is_titled_as_python_titles_it(page: Page) -> None:
    models = [
        ModelConfig(hidden=hidden, activation=activation, residual=residual and skips)
        for hidden, skips in (((), False), ((8,), False), ((7, 5), False), ((16, 16), True), ((8, 8, 4), True))
        for activation in ACTIVATIONS
        for residual in (False, True)
    ]
    assert len({model.title for model in models}) > 20
    titles = page.evaluate(
        """async (models) => {
            const {modelTitle} = await import('/model/choice.js');
            const catalog = await (await fetch('/catalog.json')).json();
            return models.map((model) => modelTitle(catalog, model));
        }""",
        [model.model_dump() for model in models],
    )
    assert titles == [model.title for model in models]
