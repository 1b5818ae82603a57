"""Tests the keys under which the page keeps computed results: different requests have different keys."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from tests.support.modules import open_modules
from tests.web.conftest import Site

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def page(exported: Site, browser: Browser) -> Iterator[Page]:
    yield from open_modules(browser, exported.url)


def test_different_parts_give_different_keys_whatever_characters_they_contain(page: Page) -> None:
    alike = page.evaluate(
        r"""async () => {
            const {joinKey} = await import('./model/keys.js');
            const values = ['', ',', ',,', ' ', '/', '|', '"', '","', '\\', '\\"', '[]', 'a', 'a,b', 'b', '1', 'null',
                'undefined', 'true', 'NaN', '{"value":"NaN"}', '\u2028', 0, 1, 0.1, -1, NaN, Infinity, -Infinity, null,
                undefined, true, false];
            const parts = [...values, ...values.map((one) => [one]), [], ['a', 'b'], [1, 2], joinKey('a', 'b')];
            const lists = [[], ...parts.map((one) => [one]), ...parts.flatMap((a) => parts.map((b) => [a, b]))];
            const kept = new Map();
            const alike = [];
            for (const list of lists) {
                const key = joinKey(...list);
                if (kept.has(key)) alike.push(key);
                if (joinKey(...structuredClone(list)) !== key) alike.push(`${key} is not the same again`);
                kept.set(key, list);
            }
            return [lists.length, alike];
        }"""
    )
    assert alike == [1 + 68 + 68**2, []]


def test_keys_are_equal_only_if_their_contents_are(page: Page) -> None:
    """Each pair of shots differs in one property. Only the keys that depend on this property may differ."""
    same = page.evaluate(
        """async () => {
            const {epochKey, pickKey, pointKey, surfaceKey, surfacesKey} = await import('./model/keys.js');
            const run = {id: 'r', frames: [0, 5, 9]};
            const plane = {name: 'pca', centre_frame: 2};
            const shot = {run, plane, frame: 1, follow: true, span: 1, pick: [0.5, -1]};
            const others = {
                run: {...shot, run: {...run, id: 's'}},
                plane: {...shot, plane: {...plane, name: 'fresh'}},
                frame: {...shot, frame: 2},
                span: {...shot, span: 2},
                pick: {...shot, pick: [0.5, 1]},
                held: {...shot, follow: false},
            };
            const keys = {
                epoch: epochKey, pick: pickKey, point: (one) => pointKey(one, 3),
                surface: (one) => surfaceKey(one, ['train']), surfaces: (one) => surfacesKey(one, ['train']),
            };
            return Object.fromEntries(Object.entries(keys).map(([name, key]) =>
                [name, Object.keys(others).filter((other) => key(others[other]) === key(shot))]));
        }"""
    )
    assert same == {
        "epoch": ["plane", "span", "pick", "held"],
        "pick": ["span"],
        "point": ["pick"],
        "surface": ["pick"],
        "surfaces": ["frame", "pick"],
    }


def test_a_centre_is_an_epoch_or_a_fixed_frame(page: Page) -> None:
    """Epoch 2 of a moving plane and frame 2 of a fixed one are different centres, and so is an unknown one."""
    different = page.evaluate(
        """async () => {
            const {centreKey, surfaceKey} = await import('./model/keys.js');
            const shot = {run: {id: 'r', frames: [0, 2]}, plane: {name: 'pca', centre_frame: 2}, frame: 1, span: 1};
            const unknown = {...shot, plane: {name: 'pca', centre_frame: null}, follow: false};
            const [moving, fixed] = [{...shot, follow: true}, {...shot, follow: false}];
            return [
                new Set([moving, fixed, unknown].map(centreKey)).size,
                centreKey(fixed) === centreKey({...fixed, frame: 0}),
                surfaceKey(fixed, ['train']) === surfaceKey(fixed, ['train', 'test']),
            ];
        }"""
    )
    assert different == [3, True, False]


def test_arrays_of_planes_have_their_names_in_the_manifest(page: Page) -> None:
    answer = page.evaluate(
        """async () => {
            const {isOfPlane, nameInPlane, planeArray} = await import('./model/keys.js');
            const [pca, other] = [{name: 'pca'}, {name: 'pca-2'}];
            const array = planeArray(pca, 'loss_surface');
            return [array, isOfPlane(array, pca), isOfPlane(array, other), isOfPlane(planeArray(other, 'path'), pca),
                nameInPlane(array), nameInPlane('weights')];
        }"""
    )
    assert answer == ["planes/pca/loss_surface", True, False, False, "loss_surface", "weights"]
