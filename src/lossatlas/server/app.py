"""The app: the page at ``/``, the gallery at ``data/``, the interface at ``api/``."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from functools import cached_property
from importlib.resources import files
from pathlib import Path

from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from lossatlas.runs import RunConfig
from lossatlas.server.api import create_api
from lossatlas.server.events import HEARTBEAT
from lossatlas.server.files import PAGE_PATH, RUN_PATH, Content, Responder, within
from lossatlas.server.guard import Guard
from lossatlas.server.jobs import Jobs
from lossatlas.server.problems import explain_errors
from lossatlas.server.service import RunService
from lossatlas.site import describe_catalog, list_assets
from lossatlas.store import Gallery, run_folder

#: Seconds that the worker has to end when the server stops.
_PATIENCE = 0.5


def create_app(
    gallery: Gallery,
    *,
    default: RunConfig | None = None,
    threads: int | None = None,
    queue_size: int = 8,
    hosts: Collection[str] = (),
    framed_by: Sequence[str] = (),
    heartbeat: float = HEARTBEAT,
) -> FastAPI:
    """Make the app of one gallery.

    Parameters
    ----------
    gallery
        Where runs are, and where new ones are stored.
    default
        What the page opens on, and what a choice of dataset and model is trained like.
    threads
        For the surfaces of runs that are computed; by default one a core.
    queue_size
        How many runs may wait for the one that is being computed.
    hosts
        Names by which the server may be called, besides ``localhost`` and addresses.
    framed_by
        Origins whose pages may show the app in a frame, as CSP writes them, besides its own.
    heartbeat
        Seconds of silence after which listeners of a run get a comment.
    """
    jobs = Jobs(gallery, threads, queue_size)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        jobs.start()
        yield
        jobs.stop()
        await run_in_threadpool(jobs.join, _PATIENCE)

    app = FastAPI(lifespan=lifespan, openapi_url=None, redirect_slashes=False)
    app.state.jobs = jobs
    app.add_middleware(Guard, hosts=hosts, framed_by=framed_by)
    explain_errors(app)
    app.mount("/api", create_api(RunService(gallery, jobs, heartbeat)))
    site = _Site(gallery, default)
    app.add_route("/catalog.json", site.catalog, ["GET"])
    app.add_route("/shell.json", site.shell, ["GET"])
    app.add_route("/data/{path:path}", site.data, ["GET"])
    app.add_route("/{path:path}", site.page, ["GET"])
    return app


class _Site:
    """What is answered with files, or as if with files."""

    def __init__(self, gallery: Gallery, default: RunConfig | None) -> None:
        self._gallery, self._default = gallery, default
        self._responder = Responder()
        self._web = Path(str(files("lossatlas") / "web"))

    async def page(self, request: Request) -> Response:
        """A file of the page."""
        path = request.path_params["path"] or "index.html"
        return await self._responder.answer(request, await run_in_threadpool(self._page_file, path))

    async def catalog(self, request: Request) -> Response:
        """What the page offers to choose from."""
        return await self._responder.answer(request, await run_in_threadpool(lambda: self._catalog))

    async def shell(self, request: Request) -> Response:
        """What the page is made of."""
        content = await run_in_threadpool(lambda: Content.of_json("shell.json", json.dumps(list_assets())))
        return await self._responder.answer(request, content)

    async def data(self, request: Request) -> Response:
        """The index, or a file of a run."""
        path = request.path_params["path"]
        find = self._index if path == "index.json" else lambda: self._run_file(path)
        return await self._responder.answer(request, await run_in_threadpool(find))

    @cached_property
    def _catalog(self) -> Content:
        text = json.dumps(
            describe_catalog(compute=True, default=self._default),
            ensure_ascii=False,
            separators=(",", ":"),
            allow_nan=False,
        )
        return Content.of_json("catalog.json", text)

    def _page_file(self, path: str) -> Content:
        if not PAGE_PATH.fullmatch(path):
            raise HTTPException(404)
        return Content.of_file(within(self._web, path), shipped=True)

    def _index(self) -> Content:
        path = self._gallery.data / "index.json"
        if path.is_file():
            return Content.of_file(path)
        text = json.dumps(self._gallery.index(), ensure_ascii=False, separators=(",", ":"), allow_nan=False)
        return Content.of_json("index.json", text)

    def _run_file(self, path: str) -> Content:
        parts = RUN_PATH.fullmatch(path)
        if not parts:
            raise HTTPException(404)
        return Content.of_file(within(run_folder(self._gallery.data, parts["id"]), parts["file"]))
