"""Lets the app work below a path that a proxy gives it, whether the proxy removes that path or passes it on."""

from __future__ import annotations

from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Receive, Scope, Send


def find_own_path(scope: Scope) -> str:
    """Return the path of a request below the root path of the app."""
    path: str = scope["path"]
    root: str = scope.get("root_path", "")
    return path.removeprefix(root) if path.startswith(f"{root}/") else path


class RootPath:
    """ASGI middleware for a proxy that passes the root path on.

    Uvicorn puts the root path before the path of each request, because most proxies remove it. If a proxy did not,
    the path contains it twice, and one of the two is removed here. The root path without a slash is redirected to the
    one with a slash, because the page's addresses are relative to its folder.

    Parameters
    ----------
    app
        The app, to whose scopes the server has added a ``root_path``.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        root = scope.get("root_path", "")
        if scope["type"] == "http" and root:
            if scope["path"] == root * 2:
                query = scope["query_string"].decode("latin-1")
                await RedirectResponse(f"{root}/?{query}" if query else f"{root}/")(scope, receive, send)
                return
            if scope["path"].startswith(f"{root}{root}/"):
                scope = {**scope, "path": scope["path"].removeprefix(root)}
        await self.app(scope, receive, send)
