"""The HTTP interface under ``api/``. Clients request a run, follow it while it is computed, or cancel it."""

from __future__ import annotations

import asyncio
import json
from importlib.metadata import version
from typing import Annotated, Any

from fastapi import APIRouter, Depends, FastAPI, Header, Path, Query, Request, Response
from fastapi.sse import EventSourceResponse
from pydantic.json_schema import models_json_schema
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from lossatlas.errors import ConfigError
from lossatlas.planes import KINDS, FilePlane
from lossatlas.runs import RunConfig
from lossatlas.server.description import PROBLEM, RUN_ID, STREAM, describe_problems
from lossatlas.server.fair_queue import Owner
from lossatlas.server.problems import explain_errors
from lossatlas.server.service import RunAnswer, RunService
from lossatlas.store import Gallery

#: The largest size of a configuration in bytes.
BODY_LIMIT = 64 * 1024
#: How many seconds a body may take to arrive.
BODY_PATIENCE = 10.0
#: The message and the headers of the answer to a larger configuration.
_TOO_LARGE = f"a configuration takes at most {BODY_LIMIT // 1024} KiB", {"Connection": "close"}

#: More planes than this are refused anyway.
_MOST_PLANES = 16

#: A configuration of a tenth of a second, for people who try the interface.
SMALL = {
    "dataset": {"name": "moons", "points": 40},
    "model": {"hidden": [4]},
    "training": {"epochs": 4, "frames": 3},
    "boundary": {"resolution": 10},
    "curvature": {"frames": 1},
    "planes": [{"kind": "fresh", "grid": 5}],
}
_CONFIG_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {"$ref": "#/components/schemas/RunConfig"},
                "examples": {"small": {"summary": "A run of a tenth of a second", "value": SMALL}},
            }
        },
    }
}

router = APIRouter()


def create_api(service: RunService, gallery: Gallery) -> FastAPI:
    """Make the app that answers under ``api/``."""
    # The pages of FastAPI that show the schema are off, because they load scripts from another host.
    api = _Api(title="Loss Atlas", version=version("lossatlas"), docs_url=None, redoc_url=None, redirect_slashes=False)
    api.state.service = service
    api.include_router(router)
    explain_errors(api, gallery.data)
    return api


def _get_service(request: Request) -> RunService:
    service: RunService = request.app.state.service
    return service


Service = Annotated[RunService, Depends(_get_service)]
#: A name that the client chose, and that nobody else can guess. Only who knows it can end that client's interest.
Client = Annotated[str | None, Query(max_length=64)]
RunId = Annotated[str, Path(json_schema_extra=RUN_ID)]


@router.post(
    "/runs",
    response_model_exclude_none=True,
    responses={
        200: {"description": "It is stored"},
        202: {"model": RunAnswer, "description": "It waits or is being computed"},
        **describe_problems(408, 409, 413, 415, 422),
    },
    openapi_extra=_CONFIG_BODY,
)
async def request_run(request: Request, response: Response, service: Service, client: Client = None) -> RunAnswer:
    """Get a run from the gallery (200), or start computing it (202). Missing settings take their defaults."""
    values = await read_json(request)
    # This runs in a thread, because a wrong configuration may take longer than a right one.
    config = await run_in_threadpool(lambda: make_config(service.add_own_points(values)))
    owner = Owner(_find_address(request), client or "")
    answer = await run_in_threadpool(service.request, config, owner)
    response.status_code = 202 if answer.events else 200
    return answer


@router.get("/runs/{run_id}", response_model_exclude_none=True, responses=describe_problems(404))
def get_run(run_id: RunId, service: Service) -> RunAnswer:
    """Return the state of a run."""
    return service.find(run_id)


@router.delete("/runs/{run_id}", response_model_exclude_none=True, responses=describe_problems(404, 422))
def cancel_run(run_id: RunId, service: Service, client: Client = None) -> RunAnswer:
    """Say that this client no longer wants a run. It is cancelled if nobody else follows it. A stored run is kept."""
    return service.cancel(run_id, client)


@router.get("/runs/{run_id}/events", response_class=Response, responses={**STREAM, **describe_problems(404, 409, 422)})
async def follow_run(
    run_id: RunId,
    request: Request,
    service: Service,
    last_event_id: Annotated[str | None, Header()] = None,
    client: Client = None,
) -> Response:
    """Send the events of a run as server-sent events, from the first one or after ``Last-Event-ID``."""
    events = await run_in_threadpool(service.follow, run_id, last_event_id, client, _find_address(request))
    if events is None:
        return Response(status_code=204)  # tells an EventSource not to connect again
    # FastAPI's generator endpoints do not fit, because a log encodes its events itself, and a 404 must come before the
    # first event. The headers tell proxies not to buffer the events.
    headers = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
    return EventSourceResponse(events, headers=headers)


def _find_address(request: Request) -> str:
    return request.client.host if request.client else ""


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
        definitions = models["$defs"]
        # The interface refuses planes from files. Where no kind is given, it is the first one of the list.
        usual, *others = [kind for kind in KINDS.values() if kind is not FilePlane]
        del definitions[FilePlane.__name__]
        references = [{"$ref": f"#/components/schemas/{kind.__name__}"} for kind in (usual, *others)]
        definitions[RunConfig.__name__]["properties"]["planes"]["items"]["oneOf"] = references
        for kind in others:
            definitions[kind.__name__]["required"] = ["kind"]
        schema["components"]["schemas"] |= definitions | {"Problem": PROBLEM}
        return schema
