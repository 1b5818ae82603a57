"""The page of one run, opened from Python: in a notebook, or in the browser."""

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
from lossatlas.runs import Run
from lossatlas.server.serving import BackgroundServer
from lossatlas.store import Gallery, open_run, save_run

#: The origins of notebooks on this machine, as CSP writes them: Jupyter's at any port, and those of VS Code.
_NOTEBOOKS = (
    "http://localhost:*",
    "http://127.0.0.1:*",
    "https://localhost:*",
    "https://127.0.0.1:*",
    "vscode-webview:",
    "vscode-file:",
)


def show(run: Run | Path | str, *, plane: str | None = None, frame: int | None = None, height: int = 720) -> Viewer:
    """Open the page for a run: in the notebook where this is one, else in the browser.

    A server on a free port of this machine serves the page and the run's gallery, until the viewer is closed or the
    process ends. All viewers of one gallery have one server. A run that is only in memory is stored in a temporary
    folder, which is deleted when the process ends. At the end of a script, ``show(run).wait()`` keeps it open.

    Parameters
    ----------
    run
        A run, or the folder of a stored one.
    plane
        The name of the plane to show; left out, the one that is shown first.
    frame
        The frame to show, from the end where it is negative; left out, the page plays the training.
    height
        Of the page in a notebook, in CSS pixels.

    Raises
    ------
    DataError
        If the run has no such plane or frame.
    RunError
        If the folder holds no run that can be read.
    DataFolderError
        If the index of the run's gallery lacks it and cannot be written.
    """
    opened = run if isinstance(run, Run) else open_run(run)
    query = {"run": opened.id}
    if plane is not None:
        query["plane"] = opened.plane(plane).plane.name
    if frame is not None:
        query["epoch"] = str(_epoch_at(opened, frame))
    viewer = Viewer(_gallery_with(opened), urlencode(query), height)
    if not _is_notebook():
        webbrowser.open(viewer.url)
    return viewer


class Viewer:
    """A page that is open: see :func:`show`, which makes it. A notebook shows it in the output of its cell.

    Attributes
    ----------
    url
        Where the page is, for the browsers of this machine.
    """

    def __init__(self, gallery: Gallery, query: str, height: int) -> None:
        self._gallery, self._height = gallery, height
        self._closed = threading.Event()
        self.url = f"{_SERVERS.enter(gallery)}?{query}"

    def close(self) -> None:
        """Close the page; with the last viewer of its gallery, the server stops. Closing twice does nothing more."""
        if not self._closed.is_set():
            self._closed.set()
            _SERVERS.leave(self._gallery)

    def wait(self) -> None:
        """Wait until Ctrl-C, and close: for scripts, at whose end the server would stop."""
        with suppress(KeyboardInterrupt):
            while not self._closed.wait(1.0):  # some systems let no Ctrl-C through to an endless wait
                pass
        self.close()

    def __repr__(self) -> str:
        """The address, for those who read text only."""
        return f"<Viewer {self.url}{' (closed)' if self._closed.is_set() else ''}>"

    def _repr_html_(self) -> str:
        """Show the page in a notebook, and a link to it where a frame is too narrow."""
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
        """Count one more viewer of a gallery; return where its server is."""
        with self._lock:
            if gallery.data not in self._servers:
                self._servers[gallery.data] = BackgroundServer(gallery, framed_by=_NOTEBOOKS)
            self._viewers[gallery.data] = self._viewers.get(gallery.data, 0) + 1
            return self._servers[gallery.data].url

    def leave(self, gallery: Gallery) -> None:
        """Count one viewer less; with the last, stop the server."""
        with self._lock:
            self._viewers[gallery.data] -= 1
            server = None if self._viewers[gallery.data] else self._servers.pop(gallery.data)
        if server:
            server.stop()

    def cancel_jobs(self) -> None:
        """Let no server compute any more."""
        for server in self._servers.values():
            server.cancel_jobs()


_SERVERS = _Servers()


def _gallery_with(run: Run) -> Gallery:
    """A gallery in whose index the run is: its own, or where it is not in one a temporary one."""
    folder = run.folder
    if folder is None or folder.parent.name != "runs" or not (folder / "run.json").is_file():
        gallery = Gallery(_temporary_folder())
        save_run(run, gallery.data)
        return gallery
    gallery = Gallery(folder.parent.parent)
    if not _is_listed(gallery, run.id):
        gallery.write_index()
    return gallery


def _is_listed(gallery: Gallery, run_id: str) -> bool:
    """Whether the page will find a run: in the file of the index, or where there is none in what the server makes."""
    index = gallery.data / "index.json"
    try:
        return any(entry["id"] == run_id for entry in json.loads(index.read_text("utf-8"))["runs"])
    except FileNotFoundError:
        return True
    except (ValueError, LookupError, TypeError):
        return False


@cache
def _temporary_folder() -> Path:
    """Make the folder for the runs of this process that are nowhere else; it is deleted when the process ends."""
    folder = Path(tempfile.mkdtemp(prefix="lossatlas-")).resolve()

    def leave() -> None:
        _SERVERS.cancel_jobs()  # lest a run be stored there afterwards
        shutil.rmtree(folder, ignore_errors=True)

    atexit.register(leave)
    return folder


def _epoch_at(run: Run, frame: int) -> int:
    epochs = run.trajectory.epochs
    if not -len(epochs) <= frame < len(epochs):
        raise DataError(f"there is no frame {frame}; the run has frames 0 to {len(epochs) - 1}")
    return epochs[frame]


def _is_notebook() -> bool:
    """Whether a Jupyter kernel runs this code. It has imported IPython: there is no need to do so here."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    return shell is not None and "IPKernelApp" in shell.config
