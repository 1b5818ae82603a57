"""The HTTP interface under ``api/``. Clients request a run, follow it while it is computed, or cancel it."""

from __future__ import annotations

import asyncio
import json
from importlib.metadata import version
from typing import Annotated, Any

from fastapi import APIRouter, Depends, FastAPI, Header, Query, Request, Response
from fastapi.sse import EventSourceResponse
from pydantic.json_schema import models_json_schema
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from lossatlas.errors import ConfigError
from lossatlas.runs import RunConfig
from lossatlas.server.problems import MEDIA_TYPE, explain_errors
from lossatlas.server.service import RunAnswer, RunService

#: The largest size of a configuration in bytes.
BODY_LIMIT = 64 * 1024
#: How many seconds a body may take to arrive.
BODY_PATIENCE = 10.0
#: The message and the headers of the answer to a larger configuration.
_TOO_LARGE = f"a configuration takes at most {BODY_LIMIT // 1024} KiB", {"Connection": "close"}

#: More planes than this are refused anyway.
_MOST_PLANES = 16

_PROBLEM_SCHEMA = {
    "title": "Problem",
    "description": "RFC 9457",
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "exceeded": {
            "description": "Of a run that would be too large: what is estimated, and what is allowed",
            "type": "array",
            "items": {
                "type": "object",
                "required": ["what", "estimate", "limit"],
                "properties": {
                    "what": {"enum": ["work", "memory"]},
                    "estimate": {"type": "number"},
                    "limit": {"type": "number"},
                },
            },
        },
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["field", "message"],
                "properties": {"field": {"type": "string"}, "message": {"type": "string"}},
            },
        },
    },
}
_PROBLEM: dict[str, Any] = {
    "description": "What went wrong",
    "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
}
_CONFIG_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/RunConfig"}}},
    }
}

_EVENTS: dict[int | str, dict[str, Any]] = {
    200: {"description": "Server-sent events", "content": {"text/event-stream": {"schema": {"type": "string"}}}},
    204: {"description": "Nothing more to come"},
}

router = APIRouter(responses={"default": _PROBLEM})


def create_api(service: RunService) -> FastAPI:
    """Make the app that answers under ``api/``."""
    # The pages of FastAPI that show the schema are off, because they load scripts from another host.
    api = _Api(title="Loss Atlas", version=version("lossatlas"), docs_url=None, redoc_url=None, redirect_slashes=False)
    api.state.service = service
    api.include_router(router)
    explain_errors(api)
    return api


def _get_service(request: Request) -> RunService:
    service: RunService = request.app.state.service
    return service


Service = Annotated[RunService, Depends(_get_service)]
#: A name of the client's own choice, which nobody else can guess: only who knows it ends that client's interest.
Client = Annotated[str | None, Query(max_length=64)]


@router.post(
    "/runs", response_model_exclude_none=True, responses={202: {"model": RunAnswer}}, openapi_extra=_CONFIG_BODY
)
async def request_run(request: Request, response: Response, service: Service) -> RunAnswer:
    """Get a run from the gallery (200), or start computing it (202). Missing settings take their defaults."""
    values = await read_json(request)
    # In a thread, since a wrong configuration may take longer than a right one.
    config = await run_in_threadpool(lambda: make_config(service.add_own_points(values)))
    answer = await run_in_threadpool(service.request, config)
    response.status_code = 202 if answer.events else 200
    return answer


@router.get("/runs/{run_id}", response_model_exclude_none=True)
def get_run(run_id: str, service: Service) -> RunAnswer:
    """Return the state of a run."""
    return service.find(run_id)


@router.delete("/runs/{run_id}", response_model_exclude_none=True)
def cancel_run(run_id: str, service: Service, client: Client = None) -> RunAnswer:
    """Say that this client no longer wants a run. It is cancelled if nobody else follows it. A stored run is kept."""
    return service.cancel(run_id, client)


@router.get("/runs/{run_id}/events", response_class=Response, responses=_EVENTS)
async def follow_run(
    run_id: str,
    service: Service,
    last_event_id: Annotated[str | None, Header()] = None,
    client: Client = None,
) -> Response:
    """Send the events of a run as server-sent events, from the first one or after ``Last-Event-ID``."""
    events = await run_in_threadpool(service.follow, run_id, last_event_id, client)
    if events is None:
        return Response(status_code=204)  # tells an EventSource not to connect again
    # FastAPI's generator endpoints do not fit, because a log encodes its events itself, and a 404 must come before the
    # first event. The headers tell proxies not to buffer the events.
    headers = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
    return EventSourceResponse(events, headers=headers)


async def read_json(request: Request) -> Any:
    """Read a JSON body of limited size.

    Parameters
    ----------
    request
        The request.

    Returns
    -------
    Any
        The parsed JSON.

    Raises
    ------
    HTTPException
        415 if the media type is not JSON, 413 if the body is too large, 408 if it does not arrive, 400 if it is not
        valid JSON.
    """
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/json":
        raise HTTPException(415, f"send application/json, not {media_type or 'a body of no type'}")
    if int(request.headers.get("content-length", 0)) > BODY_LIMIT:
        raise HTTPException(413, *_TOO_LARGE)
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_PATIENCE):
            async for chunk in request.stream():
                body += chunk
                if len(body) > BODY_LIMIT:
                    raise HTTPException(413, *_TOO_LARGE)
    except TimeoutError:
        fault = f"the body did not arrive within {BODY_PATIENCE:g} seconds"
        raise HTTPException(408, fault, {"Connection": "close"}) from None
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise HTTPException(400, f"the body is not JSON: {error}") from None


def make_config(values: Any) -> RunConfig:
    """Make a configuration from parsed JSON.

    Parameters
    ----------
    values
        The parsed JSON.

    Returns
    -------
    RunConfig
        The configuration.

    Raises
    ------
    ConfigError
        If it is not valid.
    """
    if not isinstance(values, dict):
        raise ConfigError([("", f"a configuration is an object, not {json.dumps(values)[:60]}")])
    _refuse_files(values.get("planes"))
    return RunConfig.from_mapping(values)


def _refuse_files(planes: Any) -> None:
    """Refuse planes from files, because a client must not be able to read or find the files of this machine."""
    refused = [
        (
            f"planes.{number}.kind",
            "'file' is not allowed: it names a file on the server's machine; train such a run there",
        )
        for number, plane in enumerate(planes if isinstance(planes, list) else [])
        if isinstance(plane, dict) and plane.get("kind") == "file"
    ]
    if refused:
        raise ConfigError(refused[:_MOST_PLANES])


class _Api(FastAPI):
    """An app whose schema contains the models of its bodies, which it reads itself and FastAPI does not know."""

    def openapi(self) -> dict[str, Any]:
        schema = super().openapi()
        _, models = models_json_schema([(RunConfig, "validation")], ref_template="#/components/schemas/{model}")
        schema["components"]["schemas"] |= models["$defs"] | {"Problem": _PROBLEM_SCHEMA}
        return schema
