"""Describes to whom a server is open: where it listens, by which names it answers, and what a client may do there."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from pathlib import Path

from lossatlas.errors import LossAtlasError

#: Only this machine can reach this address.
LOOPBACK = "127.0.0.1"
#: Proxies on this machine may say for whom they ask. Programs of this machine are trusted anyway.
LOCAL_PROXIES = ("127.0.0.1", "::1")

_NAME = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?")
_ROOT_PATH = re.compile(r"(/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)*")
#: The sources that CSP allows in ``frame-ancestors`` and that are origins.
_ORIGIN = re.compile(r"https?://(\*\.)?[A-Za-z0-9_.-]+(:([0-9]{1,5}|\*))?|https?://\[[0-9A-Fa-f:.]+\](:[0-9]{1,5})?|\*")


@dataclass(frozen=True)
class Exposure:
    """To whom a server is open.

    Attributes
    ----------
    host, port
        The address to listen on. Port 0 stands for any port that is free.
    allowed_hosts
        The names by which clients may call the server, besides ``localhost``, its own ``host``, and IP addresses.
    root_path
        The path under which a proxy shows the server, such as ``/atlas``; empty without one.
    framed_by
        The origins whose pages may show the app in a frame, besides its own; ``"*"`` stands for all pages.
    proxies
        The IP addresses and networks of proxies that may say for whom they ask (``X-Forwarded-For``).
    read_only
        Whether nothing is computed and nothing is written.

    Raises
    ------
    LossAtlasError
        If a name, a path, an origin or an address is not valid.
    """

    host: str = LOOPBACK
    port: int = 8642
    allowed_hosts: Sequence[str] = ()
    root_path: str = ""
    framed_by: Sequence[str] = ()
    proxies: Sequence[str] = LOCAL_PROXIES
    read_only: bool = False

    def __post_init__(self) -> None:
        for name in self.allowed_hosts:
            if name != "*" and not _NAME.fullmatch(name):
                raise LossAtlasError(f"{name!r} is no host name; give the name alone, such as atlas.example.org")
        object.__setattr__(self, "root_path", self.root_path.rstrip("/"))
        if not _ROOT_PATH.fullmatch(self.root_path):
            raise LossAtlasError(f"{self.root_path!r} is no path; give one such as /atlas")
        object.__setattr__(self, "framed_by", tuple(origin.removesuffix("/") for origin in self.framed_by))
        for origin in self.framed_by:
            if not _ORIGIN.fullmatch(origin):
                raise LossAtlasError(f"{origin!r} is no origin; give one such as https://course.example.org")
        for proxy in self.proxies:
            _check_network(proxy)

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach the address."""
        return self.host == "localhost" or (_is_address(self.host) and ip_address(self.host).is_loopback)

    def find_url(self, port: int) -> str:
        """Return the address of the page for a browser on this machine, given the port that is listened on."""
        name = ("::1" if ":" in self.host else LOOPBACK) if _is_everywhere(self.host) else self.host
        return f"http://{f'[{name}]' if ':' in name else name}:{port}{self.root_path}/"

    def describe(self, port: int, data: Path) -> list[str]:
        """Say in sentences who can reach the server, what they can do, and where runs are written.

        Parameters
        ----------
        port
            The port that is listened on.
        data
            The data folder.

        Returns
        -------
        list of str
            The sentences; none if only this machine can reach the server, and nothing else was asked for.
        """
        behind_proxy = bool(self.root_path or self.allowed_hosts)
        sentences = []
        if not self.is_loopback:
            place = "this one" if _is_everywhere(self.host) else self.host
            sentences.append(f"Every machine that can reach port {port} of {place} can use it: it has no passwords.")
        elif behind_proxy:
            sentences.append("Programs on this machine can use it, and everybody for whom a proxy here asks.")
        if self.read_only:
            sentences.append(f"Clients see all runs in {data}. Nothing is computed, and nothing is written.")
        elif sentences:
            sentences.append(f"Clients see all runs in {data}, and have this machine compute others, stored there too.")
        if sentences:
            sentences.append(f"It answers to {', '.join(self._list_names())}.")
        if self.framed_by:
            who = "All pages" if "*" in self.framed_by else f"Pages of {', '.join(self.framed_by)}"
            sentences.append(f"{who} may show it in a frame.")
        return sentences

    def _list_names(self) -> list[str]:
        if "*" in self.allowed_hosts:
            return ["any name: pages of other sites can reach it in the browsers of its users (DNS rebinding)"]
        own = [] if _is_address(self.host) or self.host == "localhost" else [self.host]
        return [*own, *self.allowed_hosts, "localhost", "and any IP address"]


def _check_network(text: str) -> None:
    try:
        ip_network(text)
    except ValueError as error:
        raise LossAtlasError(f"{error}; give the IP address of a proxy, or a network such as 10.1.0.0/16") from None


def _is_everywhere(host: str) -> bool:
    return _is_address(host) and ip_address(host).is_unspecified


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True
