"""Adds a policy to the documents of an export, in place of headers, and a hint for people who open one as a file."""

from __future__ import annotations

from lossatlas.site.policies import PAGE_DIRECTIVES, format_policy

#: The first element in the head of each document, after which others are added.
_CHARSET = '<meta charset="utf-8">'
#: A script that says how to look at the page if it was opened as a file.
_HINT = '<script defer src="lib/opened_as_file.js"></script>'


def add_policy(document: str, directives: dict[str, str], *lines: str) -> str:
    """Return a document with a Content-Security-Policy, and with other lines in its head."""
    policy = f'<meta http-equiv="Content-Security-Policy" content="{format_policy(directives)}">'
    return document.replace(_CHARSET, "\n  ".join([_CHARSET, policy, *lines]), 1)


def prepare_for_hosts(document: str) -> str:
    """Return a document of the page for an export. It has its own policy, as its host may send no headers."""
    return add_policy(document, PAGE_DIRECTIVES, _HINT)
