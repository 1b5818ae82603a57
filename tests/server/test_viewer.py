"""Tests the page that Python opens: its content, the pages that may frame it, and the end of its server."""

from __future__ import annotations

import json
import subprocess
import sys
import types
import webbrowser
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from lossatlas.errors import DataError, RunNotFoundError
from lossatlas.runs import Run, compute_run
from lossatlas.server import Viewer, show
from lossatlas.store import Gallery, open_run, save_run
from tests.conftest import SMALL, small_config
from tests.server.live import get


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the list of addresses that the browser was asked to open."""
    addresses: list[str] = []
    monkeypatch.setattr(webbrowser, "open", addresses.append)
    return addresses


@pytest.fixture
def run() -> Run:
    """Return a run that is not stored."""
    return compute_run(small_config(), threads=1)


@pytest.fixture
def viewers() -> Iterator[list[Viewer]]:
    """Return a list of viewers, which are closed after the test."""
    open_ones: list[Viewer] = []
    yield open_ones
    for viewer in open_ones:
        viewer.close()


def manifest_of(viewer: Viewer) -> dict[str, object]:
    """Fetch the manifest of the run that the address names, which must be in the index."""
    page = get(viewer.url)
    assert page.status_code == 200
    assert "<title>Loss Atlas" in page.text
    [run_id] = parse_qs(urlsplit(viewer.url).query)["run"]
    base = viewer.url.partition("?")[0]
    assert run_id in [entry["id"] for entry in get(f"{base}data/index.json").json()["runs"]]
    found: dict[str, object] = get(f"{base}data/runs/{run_id}/run.json").json()
    return found


def test_a_run_in_memory_opens_in_the_browser(run: Run, opened: list[str], viewers: list[Viewer]) -> None:
    assert run.folder is None
    viewer = show(run)
    viewers.append(viewer)
    assert opened == [viewer.url]
    assert urlsplit(viewer.url).hostname == "127.0.0.1"
    assert manifest_of(viewer)["metrics"] == {name: values.tolist() for name, values in run.trajectory.metrics.items()}


def test_the_address_names_plane_and_epoch(run: Run, opened: list[str], viewers: list[Viewer]) -> None:
    viewers.append(show(run, plane="fresh", frame=-2))
    query = parse_qs(urlsplit(opened[0]).query)
    assert query == {"run": [run.id], "plane": ["fresh"], "epoch": [str(run.trajectory.epochs[-2])]}
    with pytest.raises(DataError, match="no plane 'pca'; it has fresh"):
        show(run, plane="pca")
    with pytest.raises(DataError, match="there is no frame 6; the run has frames 0 to 5"):
        show(run, frame=6)


@pytest.mark.parametrize("how", ["path", "text", "opened", "saved"])
def test_a_stored_run_is_served_from_its_gallery(
    how: str, run: Run, tmp_path: Path, opened: list[str], viewers: list[Viewer]
) -> None:
    folder = save_run(run, tmp_path / "data")
    given = {"path": folder, "text": str(folder), "opened": open_run(folder), "saved": run}[how]
    viewers.append(show(given))  # type: ignore[arg-type]  # mypy joins the types to object
    assert manifest_of(viewers[0])["id"] == run.id
    assert not (folder.parent.parent / "index.json").exists()  # nothing is written, because nothing is missing


def test_a_run_that_the_index_lacks_is_entered(
    run: Run, tmp_path: Path, opened: list[str], viewers: list[Viewer]
) -> None:
    gallery = Gallery(tmp_path)
    gallery.write_index()
    folder = save_run(run, gallery.data)
    assert json.loads((tmp_path / "index.json").read_text())["runs"] == []
    viewers.append(show(folder))
    assert manifest_of(viewers[0])["id"] == run.id


def test_a_run_that_lies_in_no_gallery_is_shown_from_a_copy(
    run: Run, tmp_path: Path, opened: list[str], viewers: list[Viewer]
) -> None:
    folder = save_run(run, tmp_path / "data").rename(tmp_path / run.id)
    viewers.append(show(folder))
    assert manifest_of(viewers[0])["id"] == run.id
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data", run.id]
    with pytest.raises(RunNotFoundError, match="there is no run missing"):
        show(tmp_path / "missing")


def test_a_changed_copy_is_not_taken_for_the_stored_run(run: Run, tmp_path: Path) -> None:
    save_run(run, tmp_path)
    assert run.folder == (tmp_path / "runs" / run.id).resolve()
    assert replace(run, curvature=None).folder is None


def test_the_server_stops_with_the_last_viewer_of_its_gallery(run: Run, opened: list[str]) -> None:
    first, second = show(run), show(run, frame=0)
    assert urlsplit(first.url).netloc == urlsplit(second.url).netloc
    first.close()
    first.close()  # a second close of the same viewer does not count
    assert get(second.url).status_code == 200
    assert (str(first).endswith("(closed)>"), str(second).endswith("(closed)>")) == (True, False)
    second.close()
    with pytest.raises(httpx.ConnectError):
        get(second.url)
    third = show(run)
    assert manifest_of(third)["id"] == run.id
    third.close()
    third.wait()  # this returns at once, since the viewer is closed


class Frames(HTMLParser):
    """A parser that collects the attributes of the frames and links of a piece of HTML."""

    def __init__(self) -> None:
        super().__init__()
        self.sources: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        {"iframe": self.sources, "a": self.links}[tag].append(str(dict(attrs)["src" if tag == "iframe" else "href"]))


def test_a_notebook_shows_the_page_in_a_frame(
    run: Run, opened: list[str], viewers: list[Viewer], monkeypatch: pytest.MonkeyPatch
) -> None:
    kernel = types.SimpleNamespace(config={"IPKernelApp": {"connection_file": "kernel.json"}})
    ipython = types.ModuleType("IPython")
    ipython.get_ipython = lambda: kernel  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    viewers.append(show(run, plane="fresh"))
    assert opened == []
    shown = Frames()
    shown.feed(viewers[0]._repr_html_())
    assert shown.sources == shown.links == [viewers[0].url]
    # IPython in a terminal cannot show a page.
    kernel.config = {"TerminalIPythonApp": {}}
    viewers.append(show(run))
    assert opened == [viewers[1].url]


def test_only_pages_of_this_machine_may_frame_it(run: Run, opened: list[str], viewers: list[Viewer]) -> None:
    viewers.append(show(run))
    policy = get(viewers[0].url).headers["content-security-policy"]
    [ancestors] = [part.split()[1:] for part in policy.split("; ") if part.startswith("frame-ancestors")]
    assert {"'self'", "http://localhost:*", "http://127.0.0.1:*"} <= set(ancestors)
    assert not {"*", "http:", "https:"} & set(ancestors)


def test_temporary_galleries_are_deleted_with_their_process() -> None:
    code = """if True:
        import json, logging, sys, webbrowser
        import lossatlas as la

        webbrowser.open = lambda url: True
        before = logging.getLogger("lossatlas").handlers[:]
        run = la.compute_run(la.RunConfig.from_mapping(json.loads(sys.argv[1])))
        viewer = la.show(run)
        assert logging.getLogger("lossatlas").handlers == before
        print(run.folder.parent.parent)
    """
    command = [sys.executable, "-W", "error", "-c", code, json.dumps(SMALL)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    assert done.stderr == ""
    folder = Path(done.stdout.strip())
    assert folder.name.startswith("lossatlas-")
    assert not folder.exists()
