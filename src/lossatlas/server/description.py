"""Describes every answer of the HTTP interface in the form of OpenAPI: statuses, headers, problems and events."""

from __future__ import annotations

from typing import Any

from lossatlas.server.problems import MEDIA_TYPE

#: The pattern of ids. A path with any other text is answered with 404.
RUN_ID = {"pattern": "^[a-z0-9][a-z0-9-]{0,127}$", "examples": ["moons-16x16-tanh-3f2a9c1b"]}

_WHAT: dict[int, str] = {
    400: "The request is not valid HTTP or not valid JSON",
    403: "Another site asks, or the server is read-only",
    404: "There is no such run",
    408: "The body did not arrive in time",
    409: "The run is damaged, or a newer version stored it",
    413: "The body is too large",
    415: "The body is not JSON",
    421: "The server does not have this name",
    422: "A setting or a parameter is not valid, or the run would be too large",
    429: "This client asks for too much at a time",
    500: "The data folder cannot be used, or the server has a fault",
    503: "The queue is full, or the server is stopping",
    507: "The data folder has too little room",
}
#: Any request can get these.
_ALWAYS = (400, 403, 421, 429, 500, 503)
#: A client may ask again after these.
_FOR_NOW = {429, 503}
_RETRY_AFTER = {
    "Retry-After": {
        "description": "After how many seconds to ask again",
        "required": True,
        "schema": {"type": "integer", "minimum": 0},
    }
}


def describe_problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Describe the problems of an operation: those with these statuses, and those of every operation."""
    return {status: _describe_problem(status) for status in sorted({*statuses, *_ALWAYS})}


def _describe_problem(status: int) -> dict[str, Any]:
    return {
        "description": _WHAT[status],
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        **({"headers": _RETRY_AFTER} if status in _FOR_NOW else {}),
    }


def _describe_object(required: str, **properties: Any) -> dict[str, Any]:
    return {"type": "object", "required": required.split(), "properties": properties}


_COUNT = {"type": "integer", "minimum": 0}
_NAMED_ARRAYS = {
    "description": "The values of each array, in C order and little-endian, as base64",
    "type": "object",
    "additionalProperties": {"type": "string", "contentEncoding": "base64"},
}
#: The bodies of the events, by name.
EVENTS: dict[str, dict[str, Any]] = {
    "queued": _describe_object("position", position=_COUNT),
    "manifest": _describe_object("id frames data", frames={"type": "array", "items": _COUNT}, data=_NAMED_ARRAYS),
    "frame": _describe_object(
        "frame epoch done total metrics data",
        **dict.fromkeys(("frame", "epoch", "done", "total"), _COUNT),
        metrics={"type": "object", "additionalProperties": {"type": ["number", "null"]}},
        data=_NAMED_ARRAYS,
    ),
    "stage": _describe_object("what done total", what={"type": "string"}, done=_COUNT, total=_COUNT),
    "recording": _describe_object("id title frames metrics path", frames={"type": "array", "items": _COUNT}),
    "done": _describe_object("run outcome frames", run={"type": "string"}, frames={"type": "array", "items": _COUNT}),
    "failed": {"$ref": "#/components/schemas/Problem"},
    "cancelled": _describe_object("", stopping={"const": True}),
}
EVENTS["cancelled"].pop("required")

#: The successful answers to a request for events. Comments and the first ``retry`` line are no events.
STREAM: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "Server-sent events until the run has ended. The last one is done, failed or cancelled",
        "content": {
            "text/event-stream": {
                "itemSchema": {
                    "oneOf": [
                        {
                            "title": f"Event {name}",
                            "type": "object",
                            "required": ["event", "data", "id"],
                            "properties": {
                                "event": {"const": name},
                                "id": {"type": "string"},
                                "data": {
                                    "type": "string",
                                    "contentMediaType": "application/json",
                                    "contentSchema": body,
                                },
                            },
                        }
                        for name, body in EVENTS.items()
                    ]
                }
            }
        },
    },
    204: {"description": "Nothing comes after Last-Event-ID, so that an EventSource should not connect again"},
}

_FAULT = _describe_object("field message", field={"type": "string"}, message={"type": "string"})
_EXCEEDED = _describe_object(
    "what estimate limit",
    what={"type": "string"},
    estimate={"type": "number"},
    limit={"type": "number"},
)
PROBLEM = {
    "title": "Problem",
    "description": "What went wrong and what to do (RFC 9457)",
    **_describe_object(
        "type title status detail",
        type={"type": "string"},
        title={"type": "string"},
        status={"type": "integer"},
        detail={"type": "string"},
        errors={"description": "Of a configuration: each fault", "type": "array", "items": _FAULT},
        exceeded={"description": "Of a run that would be too large", "type": "array", "items": _EXCEEDED},
    ),
}
