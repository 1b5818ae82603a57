"""Adds to the documents of an export what takes the place of headers, and a hint for those who open one as a file."""

from __future__ import annotations

from lossatlas.site.policies import PAGE_DIRECTIVES, format_policy

#: It comes first in each document.
_CHARSET = '<meta charset="utf-8">'
#: Says how to look at the page if it was opened as a file.
_HINT = '<script defer src="lib/opened_as_file.js"></script>'


def add_policy(document: str, directives: dict[str, str], *lines: str) -> str:
    """Return a document with a Content-Security-Policy, and with other lines in its head."""
    policy = f'<meta http-equiv="Content-Security-Policy" content="{format_policy(directives)}">'
    return document.replace(_CHARSET, "\n  ".join([_CHARSET, policy, *lines]), 1)


def prepare_for_hosts(document: str) -> str:
    """Return a document of the page as an export has it, for hosts of which nothing is known."""
    return add_policy(document, PAGE_DIRECTIVES, _HINT)
