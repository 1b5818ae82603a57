"""One shape for every error: problem details (RFC 9457)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from lossatlas.errors import (
    ConfigError,
    LossAtlasError,
    QueueFullError,
    RunDamagedError,
    RunNotFoundError,
    RunVersionError,
)

MEDIA_TYPE = "application/problem+json"
#: Seconds after which a full queue is worth another try.
RETRY_AFTER = 5
#: Which answer an error of the package is; any other is the server's own fault, 500.
_STATUSES: dict[type[LossAtlasError], int] = {
    ConfigError: 422,
    QueueFullError: 503,
    RunNotFoundError: 404,
    RunDamagedError: 409,
    RunVersionError: 409,
}


@dataclass(frozen=True)
class Problem:
    """What went wrong, for people and for programs.

    Attributes
    ----------
    status
        The HTTP status.
    detail
        What was wrong, with the value, and what to do.
    errors
        ``(field, message)`` for each fault of a configuration.
    headers
        That the answer carries besides.
    """

    status: int
    detail: str
    errors: tuple[tuple[str, str], ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def body(self) -> dict[str, Any]:
        """The problem object; its type is ``about:blank``, for the status says which kind it is."""
        body: dict[str, Any] = {
            "type": "about:blank",
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": self.detail,
        }
        if self.errors:
            body["errors"] = [{"field": field, "message": message} for field, message in self.errors]
        return body

    @property
    def response(self) -> Response:
        """The answer."""
        # Escaped to ASCII, since a message may quote what no encoding can carry, such as half a surrogate pair.
        content = json.dumps(self.body).encode("ascii")
        headers = {"Cache-Control": "no-store", **self.headers}
        return Response(content, self.status, headers=headers, media_type=MEDIA_TYPE)


def problem_of(error: Exception) -> Problem:
    """Say what an exception means to who asked; what is not ours to explain stays in the log."""
    if isinstance(error, HTTPException):
        return Problem(error.status_code, error.detail, headers=error.headers or {})
    if isinstance(error, ConfigError):
        return Problem(422, "The configuration is not valid.", errors=error.faults)
    if isinstance(error, LossAtlasError):
        status = next((status for kind, status in _STATUSES.items() if isinstance(error, kind)), 500)
        headers = {"Retry-After": str(RETRY_AFTER)} if status == 503 else {}
        return Problem(status, str(error), headers=headers)
    return Problem(500, "Something went wrong in the server; its log says what.")


def explain_errors(app: Starlette) -> None:
    """Make an app answer every error with a problem."""
    for kind in (HTTPException, LossAtlasError, Exception):
        app.add_exception_handler(kind, _answer)


async def _answer(request: Request, error: Exception) -> Response:
    return problem_of(_explain(request, error)).response


def _explain(request: Request, error: Exception) -> Exception:
    """Put words to the router's own errors, which have none."""
    if not isinstance(error, HTTPException) or error.detail != HTTPStatus(error.status_code).phrase:
        return error
    if error.status_code == 404:
        return HTTPException(404, f"there is nothing at {request.url.path}")
    if error.status_code == 405:
        allowed = (error.headers or {}).get("Allow", "")
        return HTTPException(405, f"{request.method} is not allowed here; {allowed} is", error.headers)
    return error
