"""Turns every error into an answer of the same form: problem details (RFC 9457)."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Any

from fastapi.exceptions import RequestValidationError
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match

from lossatlas.errors import (
    ConfigError,
    FolderBusyError,
    LossAtlasError,
    QueueFullError,
    QuotaError,
    ReadOnlyError,
    RunDamagedError,
    RunNotFoundError,
    RunTooLargeError,
    RunVersionError,
)

logger = logging.getLogger("lossatlas.server")

MEDIA_TYPE = "application/problem+json"
#: How many seconds a client should wait if the queue is full.
RETRY_AFTER = 5
#: The statuses of refusals that hold only for now.
_TEMPORARY = {429, 503}
#: The HTTP status of each error of the package. The status of all other errors is 500.
_STATUSES: dict[type[LossAtlasError], int] = {
    ConfigError: 422,
    QueueFullError: 503,
    ReadOnlyError: 403,
    QuotaError: 429,
    FolderBusyError: 503,
    RunNotFoundError: 404,
    RunDamagedError: 409,
    RunVersionError: 409,
}


@dataclass(frozen=True)
class Problem:
    """The description of an error, for people and for programs.

    Attributes
    ----------
    status
        The HTTP status.
    detail
        A message that says what was wrong and what to do.
    errors
        A pair ``(field, message)`` for each fault of a configuration.
    exceeded
        ``(what, estimate, limit)`` for each limit that a run would exceed.
    headers
        Additional headers of the answer.
    """

    status: int
    detail: str
    errors: tuple[tuple[str, str], ...] = ()
    exceeded: tuple[tuple[str, float, float], ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def body(self) -> dict[str, Any]:
        """The problem object. Its type is ``about:blank``, because the status says which kind it is."""
        body: dict[str, Any] = {
            "type": "about:blank",
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": self.detail,
        }
        if self.errors:
            body["errors"] = [{"field": field, "message": message} for field, message in self.errors]
        if self.exceeded:
            body["exceeded"] = [
                {"what": what, "estimate": estimate, "limit": limit} for what, estimate, limit in self.exceeded
            ]
        return body

    @property
    def response(self) -> Response:
        """The HTTP answer."""
        # JSON escapes to ASCII here, because a message may quote text that cannot be encoded, such as a lone surrogate.
        content = json.dumps(self.body).encode("ascii")
        headers = {"Cache-Control": "no-store", **self.headers}
        return Response(content, self.status, headers=headers, media_type=MEDIA_TYPE)


def describe_problem(error: BaseException, data: Path | None = None) -> Problem:
    """Describe an exception for a client. Details of unexpected errors stay in the log.

    Parameters
    ----------
    error
        The exception.
    data
        The data folder, whose path is left out of the messages.

    Returns
    -------
    Problem
        The problem.
    """
    if isinstance(error, HTTPException):
        return Problem(error.status_code, error.detail, headers=error.headers or {})
    if isinstance(error, RequestValidationError):
        faults = tuple((".".join(map(str, each["loc"][1:])), each["msg"]) for each in error.errors())
        return Problem(422, "The request is not valid.", errors=faults)
    if isinstance(error, ConfigError):
        faults = tuple((field, _leave_out(data, message)) for field, message in error.faults)
        return Problem(422, "The configuration is not valid.", errors=faults)
    if isinstance(error, RunTooLargeError):
        return Problem(422, str(error), exceeded=error.exceeded)
    if isinstance(error, LossAtlasError):
        status = next((status for kind, status in _STATUSES.items() if isinstance(error, kind)), 500)
        headers = {"Retry-After": str(RETRY_AFTER)} if status in _TEMPORARY else {}
        return Problem(status, _leave_out(data, str(error)), headers=headers)
    if isinstance(error, MemoryError):
        return Problem(500, "This run needs more memory than there is: give smaller layers, grids or fewer frames.")
    return Problem(500, "Something went wrong in the server; its log says what.")


def explain_errors(app: Starlette, data: Path) -> None:
    """Make an app answer every error with problem details, without telling where its data folder lies."""

    async def answer(request: Request, error: Exception) -> Response:
        problem = describe_problem(_explain(request, error), data)
        if problem.status >= 500 and isinstance(error, LossAtlasError):
            logger.warning("%s %s: %s", request.method, request.url.path, error)
        return problem.response

    for kind in (HTTPException, LossAtlasError, RequestValidationError, Exception):
        app.add_exception_handler(kind, answer)


def _leave_out(data: Path | None, text: str) -> str:
    """Replace the path of the data folder in a text, unless it is a relative path, which tells nothing."""
    for folder in (data, data.resolve()) if data and data.is_absolute() else ():
        text = text.replace(f"{folder}{os.sep}", "").replace(str(folder), "the data folder")
    return text


def _explain(request: Request, error: Exception) -> Exception:
    """Add messages to the errors of the router, which have none."""
    if not isinstance(error, HTTPException) or error.detail != HTTPStatus(error.status_code).phrase:
        return error
    if error.status_code == 404:
        return HTTPException(404, f"there is nothing at {request.url.path}")
    if error.status_code == 405:
        allowed = _list_methods(request)
        verb = "is" if len(allowed) == 1 else "are"
        detail = f"{request.method} is not allowed here; {' and '.join(allowed)} {verb}"
        return HTTPException(405, detail, {"Allow": ", ".join(allowed)})
    return error


def _list_methods(request: Request) -> list[str]:
    """List the methods of a path. The error of the router names those of a single route."""
    return [
        method
        for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
        if any(route.matches({**request.scope, "method": method})[0] is Match.FULL for route in request.app.routes)
    ]
