"""Tests the page without a network: the worker caches the page and the seen runs, and updates the page."""

from __future__ import annotations

import json
import re
import shutil
import struct
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from lossatlas.site import export_site, make_assets
from lossatlas.store import Gallery
from tests.support.first_use import LATER
from tests.support.pages import Watched, until, watched
from tests.web.conftest import ARMS, MOONS, Silent, Site, static_server, with_access
from tests.web.test_compare import PICTURED, SURFACES, link
from tests.web.test_controls import assert_readouts, assert_surface, read_shown, wait_for_frame

pytestmark = pytest.mark.browser

WEB = Path(__file__).parents[2] / "src" / "lossatlas" / "web"
#: The page registers its worker only if it is served over https, so the tests register it as the page would.
OFFLINE = "new URL('features/accessibility/offline.js', document.baseURI)"
KEEP = f"() => import({OFFLINE}).then(({{keepOffline}}) => keepOffline())"
KEPT = "async path => Boolean(await caches.match(new URL(path, document.baseURI).href, {ignoreVary: true}))"


def keep_offline(page: Page, *runs: str) -> None:
    """Register the worker, and wait until it has cached the page and these runs."""
    page.wait_for_load_state("networkidle")
    page.evaluate(KEEP)
    for run in runs:
        manifest = page.evaluate("(run) => fetch(`data/runs/${run}/run.json`).then((answer) => answer.json())", run)
        arrays = [manifest["arrays"][name] for name in ("points", "confidence")]
        arrays.append(manifest["planes"][0]["arrays"]["loss_surface"])
        for file in ("run.json", *(array["file"] for array in arrays)):
            until(page, KEPT, f"data/runs/{run}/{file}")


def read_shell() -> Any:
    return json.loads(make_assets().texts["shell.json"])


def files_of(page: Page) -> list[str]:
    found: list[str] = page.evaluate("async () => (await caches.keys())")
    return found


def test_a_page_that_was_open_once_works_without_a_network_under_any_path(
    gallery: Gallery, tmp_path: Path, browser: Browser
) -> None:
    export_site(gallery, tmp_path / "some" / "sub path")
    for seen in watched(browser, viewport={"width": 1100, "height": 620}, reduced_motion="reduce"):
        with static_server(tmp_path) as origin:
            url = f"{origin}/some/sub%20path/"
            page = seen.open(url + "?pick=0.1,0.1")
            until(page, "() => !document.querySelector('#boundary-whose').hidden")
            keep_offline(page, MOONS.id)
            page.get_by_role("radio", name="Three arms").press("Space")
            until(page, "run => window.lossatlas.shown().run === run", arg=ARMS.id)
            keep_offline(page, ARMS.id)
        seen.page.context.set_offline(True)  # the server is stopped
        seen.open(url + "?epoch=60")
        assert read_shown(page)["run"] == MOONS.id
        assert_readouts(page, gallery.open(MOONS.id), 11)
        assert_surface(page, gallery.open(MOONS.id), 11, 0)
        page.locator("body").press("Home")
        wait_for_frame(page, 0)
        assert_surface(page, gallery.open(MOONS.id), 0, 0)
        page.get_by_role("radio", name="Three arms").press("Space")
        until(page, "run => window.lossatlas.shown().run === run", arg=ARMS.id)
        assert_readouts(page, gallery.open(ARMS.id), read_shown(page)["frame"])
        # Parts that are loaded at their first use work as well.
        page.get_by_role("button", name="Table of the training").click()
        until(page, "() => document.querySelector('dialog table') !== null")
        page.keyboard.press("Escape")
        page.goto(f"{url}compare.html?a=run%3D{MOONS.id}&b=dataset%3Darms%26run%3D{ARMS.id}")
        until(page, "() => document.body.dataset.pictured === 'true'")
        assert page.locator("iframe").count() == 2
        page.goto(url + "?epoch=60&pick=0.5,0.5")
        until(page, "() => document.querySelector('#boundary-whose')?.hidden === false")
        # A run that was never seen is not available, and the page says so.
        page.get_by_role("switch", name="Residual skips").press("Space")
        until(page, "() => document.querySelector('#status').dataset.kind === 'away'")
        seen.complaints = [text for text in seen.complaints if "net::ERR_" not in text]


def test_a_new_version_replaces_the_old_one(gallery: Gallery, tmp_path: Path, desktop: Watched) -> None:
    site = export_site(gallery, tmp_path / "site").site
    with static_server(site) as origin, desktop:
        page = desktop.open(f"{origin}/")
        keep_offline(page, MOONS.id)
        before = files_of(page)
        shell = read_shell()
        assert any(shell["version"] in name for name in before)
        (site / "shell.json").write_text(json.dumps({**shell, "version": "newer"}))
        (site / "styles/print.css").write_text((site / "styles/print.css").read_text() + "/* newer */\n")
        desktop.open(f"{origin}/")
        page.evaluate(KEEP)
        until(page, "async () => (await caches.keys()).some((name) => name.endsWith('page newer'))")
        until(page, "async () => (await caches.keys()).filter((name) => name.includes(' page ')).length === 1")
        text = page.evaluate("async () => (await caches.match(new URL('styles/print.css', location.href).href)).text()")
        assert text.endswith("/* newer */\n")


def test_a_run_that_was_computed_again_is_not_shown_from_the_cache(
    gallery: Gallery, tmp_path: Path, desktop: Watched
) -> None:
    site = export_site(gallery, tmp_path / "site").site
    asked: list[str] = []

    class Counting(Silent):
        def do_GET(self) -> None:
            asked.append(self.path)
            super().do_GET()

    with static_server(site, Counting) as origin, desktop:
        page = desktop.open(f"{origin}/")
        keep_offline(page, MOONS.id)
        [file] = (site / "data" / "runs" / MOONS.id / "planes" / "fresh").glob("loss_surface_*.npy")
        surface = f"/{file.relative_to(site).as_posix()}"
        asked.clear()
        desktop.open(f"{origin}/?epoch=0&view=contours")
        page.wait_for_load_state("networkidle")
        assert f"/data/runs/{MOONS.id}/run.json" in asked
        assert surface not in asked
        manifest = site / "data" / "runs" / MOONS.id / "run.json"
        manifest.write_text(json.dumps({**json.loads(manifest.read_text()), "title": "Anew"}))
        desktop.open(f"{origin}/?epoch=0&view=contours")
        page.wait_for_load_state("networkidle")
        assert surface in asked
        assert page.locator("#run-title").inner_text() == "Anew"


def test_everything_the_page_asks_for_is_in_its_list(gallery: Gallery, tmp_path: Path, desktop: Watched) -> None:
    """These are the bundles, and all other files that the documents and the sources name."""
    site = export_site(gallery, tmp_path / "site").site
    listed = json.loads((site / "shell.json").read_text())["files"]
    assert listed == read_shell()["files"]
    named = {path.relative_to(site).as_posix() for path in (site / "bundles").rglob("*.*") if path.suffix != ".map"}
    assert len(named) > 30
    for document in ("index.html", "compare.html"):
        links = re.findall(r'(?:href|src)="([^"]+)"', (site / document).read_text(encoding="utf-8"))
        named |= {link for link in links if not re.match(r"data:|#|data/|catalog|\./$", link)}
    for path in WEB.rglob("*.js"):
        if "vendor" not in path.parts:
            named |= set(re.findall(r"""['"](\w+/[\w/]+\.(?:css|json))['"]""", path.read_text(encoding="utf-8")))
    assert named - set(listed) - {"data/index.json"} == set()
    assert not [
        name for name in listed if name.endswith(".js") and not name.startswith(("bundles/", "vendor/", "lib/"))
    ]
    assert all((site / name).is_file() for name in listed)
    with static_server(site) as origin, desktop:
        page_ = desktop.open(f"{origin}/?pick=0.5,0.5")
        until(page_, "() => !document.querySelector('#boundary-whose').hidden")
        for query, opening in LATER.values():
            opening(desktop.open(f"{origin}/{query}"))
            with_access(page_)
        for view in ("contours", "section"):
            desktop.open(f"{origin}/?view={view}")
        page_.get_by_role("button", name="Table of the training").click()
        until(page_, "() => document.querySelector('dialog table') !== null")
        page_.goto(link(Site(f"{origin}/", gallery, computes=False), more=SURFACES))
        until(page_, PICTURED)
        asked = {url.removeprefix(f"{origin}/").split("?")[0] for url in desktop.requests if url.startswith(origin)}
    own = {path for path in asked if not path.startswith("data/")} - {"", "index.html", "catalog.json"}
    assert own - set(listed) == set()
    for folder in ("bundles/features", "bundles/pages", "compute", "features", "styles", "vendor"):
        assert any(path.startswith(f"{folder}/") for path in own), folder
    shipped = {path.relative_to(WEB).as_posix() for path in WEB.rglob("*") if path.suffix in {".css", ".wasm"}}
    assert {path for path in shipped if path not in listed} == {
        "pages/compare/compare.css",
        "styles/tokens.css",
        "styles/layout.css",
        "styles/controls.css",
        "styles/plots.css",
    }, "these are joined"


def test_the_version_follows_the_content(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    first = read_shell()["version"]
    package = tmp_path / "lossatlas"
    shutil.copytree(WEB, package / "web")
    monkeypatch.setattr("lossatlas.site.assets.files", lambda _: package)
    versions = []
    for text in ("b", "c", "b"):
        (package / "web" / "styles" / "print.css").write_text(text)
        versions.append(read_shell()["version"])
    assert versions[0] == versions[2]
    assert len({first, *versions}) == 3


def test_no_worker_is_registered_where_the_page_is_not_served_over_https(
    gallery: Gallery, tmp_path: Path, desktop: Watched
) -> None:
    site = export_site(gallery, tmp_path / "site").site
    with static_server(site) as origin, desktop:
        page = desktop.open(f"{origin}/")
        until(page, "() => document.querySelector('#announcement') !== null")
        assert page.evaluate("async () => (await navigator.serviceWorker.getRegistrations()).length") == 0


def test_the_manifest_makes_the_page_installable(gallery: Gallery, tmp_path: Path, desktop: Watched) -> None:
    site = export_site(gallery, tmp_path / "site").site
    manifest: dict[str, Any] = json.loads((site / "manifest.webmanifest").read_text(encoding="utf-8"))
    assert manifest["name"]
    assert manifest["display"] == "standalone"
    assert manifest["start_url"] == manifest["scope"] == "./"
    sizes = set()
    for icon in manifest["icons"]:
        data = (site / icon["src"]).read_bytes()
        if icon["type"] == "image/png":
            assert "{}x{}".format(*struct.unpack(">II", data[16:24])) == icon["sizes"]
            sizes.add((icon["sizes"], icon["purpose"]))
    assert {("192x192", "any"), ("512x512", "any"), ("512x512", "maskable")} == sizes
    with static_server(site) as origin, desktop:
        page = desktop.open(f"{origin}/")
        session = page.context.new_cdp_session(page)
        parsed = session.send("Page.getAppManifest")
        assert parsed["errors"] == []
        assert parsed["url"].endswith("manifest.webmanifest")
        found = {error["errorId"] for error in session.send("Page.getInstallabilityErrors")["installabilityErrors"]}
        assert found <= {"in-incognito"}  # Chromium reports this, because every context of a test is incognito
