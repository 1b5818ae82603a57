"""Holds requests of a page back, as a slow line does."""

from __future__ import annotations

from playwright.sync_api import Page, Route


class HeldRequests:
    """The requests for addresses of a pattern: they are answered only when they are released, and later ones at once.

    A request may come after the release, even if the page made it before.
    """

    def __init__(self, page: Page, pattern: str) -> None:
        self._routes: list[Route] = []
        self._is_released = False
        page.route(pattern, self._take)

    def _take(self, route: Route) -> None:
        if self._is_released:
            route.continue_()
        else:
            self._routes.append(route)

    def release(self) -> None:
        """Let all requests be answered from now on."""
        self._is_released = True
        for route in self._routes:
            route.continue_()
