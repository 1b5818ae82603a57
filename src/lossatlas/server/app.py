"""The web app. It has the page at ``/``, the gallery at ``data/``, and the HTTP interface at ``api/``."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from lossatlas.runs import RunConfig
from lossatlas.server.api import create_api
from lossatlas.server.capacity import Capacity
from lossatlas.server.events import HEARTBEAT
from lossatlas.server.files import PAGE_PATH, RUN_PATH, Content, Responder, find_within
from lossatlas.server.guard import Guard
from lossatlas.server.health import add_health_checks
from lossatlas.server.jobs import Jobs
from lossatlas.server.observing import Exchange, Observer
from lossatlas.server.problems import explain_errors
from lossatlas.server.read_only import ReadOnlyService
from lossatlas.server.recordings import Recordings
from lossatlas.server.root_path import RootPath
from lossatlas.server.service import RunService
from lossatlas.site import MOST_STORY_BYTES, STORY_NAME, Assets, describe_catalog, make_assets
from lossatlas.store import MOST_INDEX, Gallery, is_regular, read_regular, run_folder

#: After this many seconds, the files of the page are looked at again.
_MADE_LASTS = 0.5
#: The workers have at least this many seconds to end when the server stops.
_PATIENCE = 0.5


def create_app(  # noqa: PLR0913 (each setting has a name and a default)
    gallery: Gallery,
    *,
    default: RunConfig | None = None,
    threads: int | None = None,
    hosts: Collection[str] = (),
    framed_by: Sequence[str] = (),
    heartbeat: float = HEARTBEAT,
    capacity: Capacity | None = None,
    read_only: bool = False,
    observers: Sequence[Callable[[Exchange], None]] = (),
) -> FastAPI:
    """Make the app of one gallery.

    Parameters
    ----------
    gallery
        The gallery with the runs. New runs are stored there.
    default
        The configuration that the page opens with, and whose other settings apply to a chosen dataset and model.
    threads
        The number of threads of each worker process; by default, one per core.
    hosts
        Host names of the server, besides ``localhost`` and IP addresses.
    framed_by
        The origins whose pages may show the app in a frame, besides its own, in the form of CSP.
    heartbeat
        After this many seconds without an event, listeners of a run get a comment.
    capacity
        The limits of runs, queue, streams and space; by default, those of :class:`Capacity`.
    read_only
        Whether nothing is computed and nothing is written. The page then trains in the browser what is not stored.
    observers
        Functions that are called with each request after it was answered.

    Returns
    -------
    FastAPI
        The app.
    """
    capacity = capacity or Capacity()
    jobs = Jobs(gallery, threads, capacity)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        if not read_only:
            jobs.start()
        making = asyncio.create_task(run_in_threadpool(site.find_made))  # before somebody waits for it
        yield
        await making
        jobs.stop()
        left = getattr(app.state, "stop_by", 0.0) - time.monotonic()  # the server says how long it may take to stop
        await run_in_threadpool(jobs.join, max(_PATIENCE, left))

    app = FastAPI(lifespan=lifespan, openapi_url=None, redirect_slashes=False)
    app.state.jobs = jobs
    app.add_middleware(Guard, hosts=hosts, framed_by=framed_by)
    if observers:
        app.add_middleware(Observer, tell=observers)
    app.add_middleware(RootPath)
    explain_errors(app, gallery.data)
    recordings = Recordings(gallery, lambda: jobs.is_stopping, heartbeat)
    service = (ReadOnlyService if read_only else RunService)(gallery, jobs, heartbeat, recordings, capacity)
    app.mount("/api", create_api(service, gallery))
    site = _Site(gallery, default, recordings, read_only, jobs.space.note_use)
    add_health_checks(app, gallery, lambda: jobs.is_stopping)
    app.add_route("/catalog.json", site.answer_catalog, ["GET"])
    app.add_route("/data/{path:path}", site.answer_data, ["GET"])
    app.add_route("/stories/{name}", site.answer_story, ["GET"])
    app.add_route("/{path:path}", site.answer_page, ["GET"])
    return app


class _Site:
    """The answers that are files, or look like files."""

    def __init__(
        self,
        gallery: Gallery,
        default: RunConfig | None,
        recordings: Recordings,
        read_only: bool,
        note_use: Callable[[str], None],
    ) -> None:
        self._gallery, self._default, self._recordings, self._note_use = gallery, default, recordings, note_use
        self._read_only = read_only
        self._responder = Responder()
        self._web = Path(str(files("lossatlas") / "web"))
        self._lock = threading.Lock()
        self._assets: Assets | None = None
        self._made: Mapping[str, Content] = {}
        self._made_until = 0.0

    async def answer_page(self, request: Request) -> Response:
        """Answer with a file of the page."""
        path = request.path_params["path"] or "index.html"
        return await self._responder.answer(request, await run_in_threadpool(self._page_file, path))

    async def answer_catalog(self, request: Request) -> Response:
        """Answer with the list of choices."""
        return await self._responder.answer(request, await run_in_threadpool(lambda: self._catalog))

    async def answer_data(self, request: Request) -> Response:
        """Answer with the index of the gallery, or with a file of a run."""
        path = request.path_params["path"]
        find = self._index if path == "index.json" else lambda: self._run_file(path)
        return await self._responder.answer(request, await run_in_threadpool(find))

    async def answer_story(self, request: Request) -> Response:
        """Answer with a story of the data folder."""
        name = request.path_params["name"]
        return await self._responder.answer(request, await run_in_threadpool(self._find_story, name))

    @cached_property
    def _catalog(self) -> Content:
        catalog = describe_catalog(compute=not self._read_only, default=self._default)
        if self._read_only:
            catalog["read_only"] = True
        text = json.dumps(catalog, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
        return Content.of_text("catalog.json", text)

    def _page_file(self, path: str) -> Content:
        if not PAGE_PATH.fullmatch(path):
            raise HTTPException(404)
        return self.find_made().get(path) or Content.of_file(find_within(self._web, path), shipped=True)

    def find_made(self) -> Mapping[str, Content]:
        """Return the files that are made from the page's. Those may have changed, if somebody develops them."""
        with self._lock:
            now = time.monotonic()
            if now >= self._made_until:
                self._made_until = now + _MADE_LASTS
                assets = make_assets()
                if assets is not self._assets:
                    self._assets = assets
                    self._made = {
                        name: Content.of_text(name, text, lasting=name in assets.lasting)
                        for name, text in assets.texts.items()
                    }
            return self._made

    def _index(self) -> Content:
        recorded = self._recordings.entries()
        if not recorded and is_regular(self._gallery.data, "index.json"):
            return Content.of_stored(self._gallery.data, "index.json")
        index = self._read_index()
        index["runs"] = [*index["runs"], *recorded]
        text = json.dumps(index, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
        return Content.of_text("index.json", text)

    def _read_index(self) -> dict[str, Any]:
        try:
            index: dict[str, Any] = json.loads(read_regular(self._gallery.data, "index.json", MOST_INDEX))
            return {**index, "runs": list(index["runs"])}
        except (OSError, ValueError, LookupError, TypeError, RecursionError):
            return self._gallery.index()

    def _find_story(self, name: str) -> Content:
        content = Content.of_stored(self._gallery.data, f"stories/{name}") if STORY_NAME.fullmatch(name) else None
        if content is None or content.size > MOST_STORY_BYTES:
            raise HTTPException(404)
        return content

    def _run_file(self, path: str) -> Content:
        parts = RUN_PATH.fullmatch(path)
        if not parts:
            raise HTTPException(404)
        content = Content.of_stored(run_folder(self._gallery.data, parts["id"]), parts["file"])
        self._note_use(parts["id"])
        return content
