"""Opens the page for a run from Python, in a notebook or in the browser."""

from __future__ import annotations

import atexit
import json
import shutil
import sys
import tempfile
import threading
import webbrowser
from contextlib import suppress
from functools import cache
from html import escape
from pathlib import Path
from urllib.parse import urlencode

from lossatlas.errors import DataError
from lossatlas.runs import RecordedRun, Run
from lossatlas.server.serving import BackgroundServer
from lossatlas.store import Gallery, open_stored, save_recorded, save_run

#: The origins of notebooks on this machine in the form of CSP: Jupyter at any port, and VS Code.
_NOTEBOOKS = (
    "http://localhost:*",
    "http://127.0.0.1:*",
    "https://localhost:*",
    "https://127.0.0.1:*",
    "vscode-webview:",
    "vscode-file:",
)


def show(
    run: Run | RecordedRun | Path | str, *, plane: str | None = None, frame: int | None = None, height: int = 720
) -> Viewer:
    """Open the page for a run, in the notebook if the code runs in one, else in the browser.

    A server on a free port of this machine serves the page and the gallery of the run until the viewer is closed or the
    process ends. All viewers of a gallery share one server. A run that is only in memory is stored in a temporary
    folder, which is deleted when the process ends. At the end of a script, ``show(run).wait()`` keeps the page open.

    Parameters
    ----------
    run
        A run, or the folder of a stored run.
    plane
        The name of the plane to show; by default, the first one.
    frame
        The index of the frame to show; a negative index counts from the end. By default, the page plays the training.
    height
        The height of the page in a notebook, in CSS pixels.

    Returns
    -------
    Viewer
        The open page.

    Raises
    ------
    DataError
        If the run has no such plane or frame.
    RunError
        If the folder contains no run that can be read.
    DataFolderError
        If the index of the gallery does not contain the run, and cannot be written.
    """
    opened = open_stored(run) if isinstance(run, Path | str) else run
    query = {"run": opened.id}
    if plane is not None:
        opened.plane(plane)  # this refuses an unknown name
        query["plane"] = plane
    if frame is not None:
        query["epoch"] = str(_find_epoch(opened, frame))
    viewer = Viewer(_find_gallery(opened), urlencode(query), height)
    if not _is_notebook():
        webbrowser.open(viewer.url)
    return viewer


class Viewer:
    """An open page, made by :func:`show`. A notebook shows it in the output of its cell.

    Attributes
    ----------
    url
        The address of the page, for browsers on this machine.
    """

    def __init__(self, gallery: Gallery, query: str, height: int) -> None:
        self._gallery, self._height = gallery, height
        self._closed = threading.Event()
        self.url = f"{_SERVERS.enter(gallery)}?{query}"

    def close(self) -> None:
        """Close the page. The server stops with the last viewer of its gallery. It may be called again."""
        if not self._closed.is_set():
            self._closed.set()
            _SERVERS.leave(self._gallery)

    def wait(self) -> None:
        """Wait for Ctrl-C, and close the page. Scripts need it, because the server stops at their end."""
        with suppress(KeyboardInterrupt):
            while not self._closed.wait(1.0):  # on some systems, Ctrl-C does not interrupt a wait without a limit
                pass
        self.close()

    def __repr__(self) -> str:
        """Return a text with the address."""
        return f"<Viewer {self.url}{' (closed)' if self._closed.is_set() else ''}>"

    def _repr_html_(self) -> str:
        """Return HTML that shows the page in a notebook, with a link for wider windows."""
        url = escape(self.url)
        return (
            f'<iframe src="{url}" title="Loss Atlas" width="100%" height="{self._height}" '
            f'style="border: 0; display: block" allow="fullscreen; clipboard-write"></iframe>'
            f'<a href="{url}" target="_blank" rel="noopener">Open in a tab</a>'
        )


class _Servers:
    """The servers of this process, one for each gallery that has a viewer."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._servers: dict[Path, BackgroundServer] = {}
        self._viewers: dict[Path, int] = {}

    def enter(self, gallery: Gallery) -> str:
        """Add a viewer to a gallery, and return the address of its server."""
        with self._lock:
            if gallery.data not in self._servers:
                self._servers[gallery.data] = BackgroundServer(gallery, framed_by=_NOTEBOOKS)
            self._viewers[gallery.data] = self._viewers.get(gallery.data, 0) + 1
            return self._servers[gallery.data].url

    def leave(self, gallery: Gallery) -> None:
        """Remove a viewer from a gallery, and stop the server after the last one."""
        with self._lock:
            self._viewers[gallery.data] -= 1
            server = None if self._viewers[gallery.data] else self._servers.pop(gallery.data)
        if server:
            server.stop()

    def cancel_jobs(self) -> None:
        """Cancel the jobs of all servers."""
        for server in self._servers.values():
            server.cancel_jobs()


_SERVERS = _Servers()


def _find_gallery(run: Run | RecordedRun) -> Gallery:
    """Return a gallery whose index contains the run: the gallery of the run, or else a temporary one."""
    folder = run.folder
    if folder is None or folder.parent.name != "runs" or not (folder / "run.json").is_file():
        gallery = Gallery(_make_temporary_folder())
        if isinstance(run, RecordedRun):
            save_recorded(run, gallery.data)
        else:
            save_run(run, gallery.data)
        return gallery
    gallery = Gallery(folder.parent.parent)
    if not _is_listed(gallery, run.id):
        gallery.write_index()
    return gallery


def _is_listed(gallery: Gallery, run_id: str) -> bool:
    """Return whether the index contains a run. If there is no index, the server makes one that does."""
    index = gallery.data / "index.json"
    try:
        return any(entry["id"] == run_id for entry in json.loads(index.read_text("utf-8"))["runs"])
    except FileNotFoundError:
        return True
    except (ValueError, LookupError, TypeError):
        return False


@cache
def _make_temporary_folder() -> Path:
    """Make the folder for runs that are only in memory. It is deleted when the process ends."""
    folder = Path(tempfile.mkdtemp(prefix="lossatlas-")).resolve()

    def leave() -> None:
        _SERVERS.cancel_jobs()  # so that no run is stored there afterwards
        shutil.rmtree(folder, ignore_errors=True)

    atexit.register(leave)
    return folder


def _find_epoch(run: Run | RecordedRun, frame: int) -> int:
    epochs = run.epochs if isinstance(run, RecordedRun) else run.trajectory.epochs
    if not -len(epochs) <= frame < len(epochs):
        raise DataError(f"there is no frame {frame}; the run has frames 0 to {len(epochs) - 1}")
    return epochs[frame]


def _is_notebook() -> bool:
    """Return whether a Jupyter kernel runs this code. Such a kernel has already imported IPython."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    return shell is not None and "IPKernelApp" in shell.config
