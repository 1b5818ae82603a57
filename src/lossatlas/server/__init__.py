"""The HTTP server: the page, the gallery's files, and runs computed while one watches. See docs/run-format.md."""

from lossatlas.server.app import create_app
from lossatlas.server.serving import serve

__all__ = ["create_app", "serve"]
