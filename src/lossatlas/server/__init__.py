"""The HTTP server: the page, the gallery's files, and runs computed while one watches. See docs/run-format.md."""

from lossatlas.server.app import create_app
from lossatlas.server.serving import serve
from lossatlas.server.viewer import Viewer, show

__all__ = ["Viewer", "create_app", "serve", "show"]
