"""Configures the log of the server: its level, its form, and the access log."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from typing import Any, Literal

from lossatlas.server.observing import Exchange

LogFormat = Literal["text", "json"]
_ACCESS = "lossatlas.access"
_access = logging.getLogger(_ACCESS)


def make_logging(log_format: LogFormat = "text", access: bool = False) -> dict[str, Any]:
    """Make a configuration for :func:`logging.config.dictConfig`. Everything is written to stderr.

    Parameters
    ----------
    log_format
        ``text`` for lines for people, ``json`` for a JSON object on each line.
    access
        Whether each request is logged. Otherwise there are only warnings and errors.

    Returns
    -------
    dict
        The configuration.
    """
    formatters: dict[str, Any] = {
        "text": {"format": "%(levelname)s: %(message)s"},
        "json": {"()": f"{__name__}.JsonFormatter"},
    }
    levels = {"uvicorn": "WARNING", "lossatlas": "WARNING", _ACCESS: "INFO" if access else "WARNING"}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": formatters[log_format]},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
        "loggers": {
            name: {"handlers": ["stderr"], "level": level, "propagate": False} for name, level in levels.items()
        },
    }


def log_exchange(exchange: Exchange) -> None:
    """Write one request into the access log."""
    text = "%(method)s %(path)s %(status)d, %(size)d bytes in %(seconds).3f s for %(client)s"
    _access.info(text, vars(exchange), extra={"fields": vars(exchange)})


class JsonFormatter(logging.Formatter):
    """Writes a record as a JSON object on one line."""

    def format(self, record: logging.LogRecord) -> str:
        """Write a record. The access log adds the parts of a request as separate fields."""
        written = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            written["exception"] = self.formatException(record.exc_info)
        return json.dumps(written, default=str)
