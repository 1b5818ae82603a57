"""Answers whether the server lives, and whether it is ready, for whatever supervises it."""

from __future__ import annotations

import os
from collections.abc import Callable

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from lossatlas.server.problems import RETRY_AFTER, Problem
from lossatlas.store import Gallery


def add_health_checks(app: Starlette, gallery: Gallery, is_stopping: Callable[[], bool]) -> None:
    """Add ``/healthz`` and ``/readyz`` to an app.

    The first one answers as long as the process answers at all. The second one answers 503 if the server is being
    stopped, or if its data folder cannot be read, so that a balancer asks another server meanwhile.

    Parameters
    ----------
    app
        The app.
    gallery
        The gallery that the app shows.
    is_stopping
        A function that returns whether the server is being stopped.
    """

    async def answer_health(_: Request) -> Response:
        return _say("ok")

    async def answer_readiness(_: Request) -> Response:
        if is_stopping():
            return _refuse("the server is stopping")
        if not await run_in_threadpool(os.access, gallery.data, os.R_OK | os.X_OK):
            return _refuse("the folder of runs cannot be read")
        return _say("ready")

    app.add_route("/healthz", answer_health, ["GET"])
    app.add_route("/readyz", answer_readiness, ["GET"])


def _say(status: str) -> Response:
    return JSONResponse({"status": status}, headers={"Cache-Control": "no-store"})


def _refuse(why: str) -> Response:
    return Problem(503, why, headers={"Retry-After": str(RETRY_AFTER)}).response
