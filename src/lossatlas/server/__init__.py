"""The HTTP server. It serves the page and the files of a gallery, and computes runs while a browser shows them.

The interface is described in docs/run-format.md.
"""

from lossatlas.server.app import create_app
from lossatlas.server.capacity import Capacity
from lossatlas.server.exposure import LOCAL_PROXIES, Exposure
from lossatlas.server.serving import Observation, serve
from lossatlas.server.viewer import Viewer, show

__all__ = ["LOCAL_PROXIES", "Capacity", "Exposure", "Observation", "Viewer", "create_app", "serve", "show"]
