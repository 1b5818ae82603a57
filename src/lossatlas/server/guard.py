"""Checks every request, so that the server answers the person at this machine and not the pages of other sites."""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence
from ipaddress import ip_address
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lossatlas.server.problems import MEDIA_TYPE, RETRY_AFTER, Problem, describe_problem
from lossatlas.server.root_path import find_own_path
from lossatlas.site import DOCUMENT_HEADERS, PAGE_DIRECTIVES, WORKER_DIRECTIVES, format_policy

logger = logging.getLogger("lossatlas.server")

#: Every answer has these headers. Documents also have a policy and others, which would add 30 KB to a hundred scripts.
SECURITY_HEADERS = {
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}
#: Everything but scripts has these: a script takes the policy of the page that loads it.
_REFERRER = {"Referrer-Policy": "no-referrer"}
_SCRIPTS = {"text/javascript", "application/javascript"}
#: Media types that are neither documents nor scripts, and need no policy.
_PASSIVE = {"application/octet-stream", "application/json", "application/wasm", "text/css"}
#: Messages for the answers about ranges, which Starlette gives as plain text.
_PLAIN = {400: "the header Range is not valid", 416: "the file does not have this range"}
_SAFE_METHODS = {"GET", "HEAD"}
#: The schemes of pages; extensions of browsers have others, whose names they choose themselves.
_SCHEMES = {"http", "https"}
_OWN_SITES = {"same-origin", "none"}
#: The statuses of refusals that hold only for now.
_TEMPORARY = {429, 503}


class Guard:
    """ASGI middleware that refuses foreign hosts and origins, adds security headers, and answers exceptions.

    Parameters
    ----------
    app
        The app that it protects.
    hosts
        Host names of this server, besides ``localhost`` and IP addresses. ``"*"`` allows all names.
    framed_by
        The origins whose pages may show the app in a frame, besides its own, in the form of CSP.
    """

    def __init__(self, app: ASGIApp, hosts: Collection[str] = (), framed_by: Sequence[str] = ()) -> None:
        self.app = app
        self.hosts = {"localhost", *(host.lower() for host in hosts)}
        self._policy = format_policy(PAGE_DIRECTIVES, framed_by)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        answer = _Answer(send, self._policy)
        problem = self._find_objection(scope["method"], find_own_path(scope), Headers(scope=scope))
        try:
            await (problem.response if problem else self.app)(scope, receive, answer.send)
        except ClientDisconnect:
            pass  # there is nobody left to answer
        except Exception as error:
            logger.exception("%s %s failed", scope["method"], scope["path"])
            if not answer.started:
                await describe_problem(error).response(scope, receive, answer.send)

    def _find_objection(self, method: str, path: str, headers: Headers) -> Problem | None:
        host = headers.get("host", "")
        if not self._is_own_host(host):
            advice = "ask it by its address, or ask whoever started it to allow this name"
            return Problem(421, f"this server is not called {host!r}; {advice}")
        if not path.isprintable():
            return Problem(404, f"there is nothing at {path!r}")
        if "transfer-encoding" in headers and "content-length" in headers:
            # A proxy may see another end of such a request, and take the rest for a request of somebody else.
            fault = "a request has either Content-Length or Transfer-Encoding"
            return Problem(400, fault, headers={"Connection": "close"})
        # A stream of events keeps a run going, and closing it cancels the run. So no method of the interface is safe.
        acts = method not in _SAFE_METHODS or path.startswith("/api/")
        if acts and not _is_same_origin(headers, host):
            return Problem(403, "only this server's own page may ask for that")
        return None

    def _is_own_host(self, host: str) -> bool:
        """Return whether a host is this server. Other sites can make their name point here, but not an IP address."""
        name = _parse_host_name(host)
        return "*" in self.hosts or name in self.hosts or _is_address(name)


class _Answer:
    """An answer to which the security headers are added."""

    def __init__(self, send: Send, policy: str) -> None:
        self._send, self._policy = send, policy
        self.started = False
        self._problem: Problem | None = None

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.started = True
            headers = MutableHeaders(scope=message)
            if message["status"] in _PLAIN and headers.get("content-type", "").startswith("text/plain"):
                self._problem = Problem(message["status"], _PLAIN[message["status"]])
                headers.update({"Content-Type": MEDIA_TYPE, "Content-Length": str(len(self._problem.response.body))})
            if message["status"] in _TEMPORARY:
                headers.setdefault("Retry-After", str(RETRY_AFTER))
            media_type = headers.get("content-type", "").partition(";")[0]
            for name, value in {**SECURITY_HEADERS, **self._choose_headers(media_type)}.items():
                headers.setdefault(name, value)
        elif self._problem and message["type"] == "http.response.body":
            message = {**message, "body": self._problem.response.body}
        await self._send(message)

    def _choose_headers(self, media_type: str) -> dict[str, str]:
        if media_type in _PASSIVE:
            return _REFERRER
        if media_type in _SCRIPTS:
            return {"Content-Security-Policy": format_policy(WORKER_DIRECTIVES)}
        return {"Content-Security-Policy": self._policy, **_REFERRER, **DOCUMENT_HEADERS}


def _is_same_origin(headers: Headers, host: str) -> bool:
    """Return whether the request comes from the page of this server, or from a program that is not a browser."""
    origin = headers.get("origin")
    site = headers.get("sec-fetch-site")
    if site is not None and site not in _OWN_SITES:
        return False
    if origin is None or site == "same-origin":  # no page can send this header; a proxy may have changed Host, though
        return True
    scheme, _, place = origin.lower().partition("://")
    return scheme in _SCHEMES and place == host.lower()


def _parse_host_name(host: str) -> str:
    if "@" in host:  # the header Host never has a name before an address
        return ""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True
