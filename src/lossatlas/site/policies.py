"""Lists what the page may load and do: one policy for the headers of the server and for exported documents."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence


def hash_source(text: str) -> str:
    """Return the source of a policy that allows one inline script or style with this text."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


#: The styles that are allowed in attributes and elements: those that Plotly writes for <i>, <b>, <sub> and <sup> in the
#: words of a figure, and the empty element to which it adds its rules by script. So no other text becomes a style.
_STYLES = ("", "font-style:italic", "font-weight:bold", "font-size:70%")
#: The directives of the page. Its WebAssembly kernel is compiled in the page, which needs 'wasm-unsafe-eval'.
PAGE_DIRECTIVES = {
    "default-src": "'self'",
    "img-src": "'self' data: blob:",
    "style-src": " ".join(["'self'", "'unsafe-hashes'", *map(hash_source, _STYLES)]),
    "script-src": "'self' 'wasm-unsafe-eval'",
    "worker-src": "'self'",
    "manifest-src": "'self'",
    "connect-src": "'self'",
    "object-src": "'none'",
    "base-uri": "'none'",
    "form-action": "'none'",
}
#: The directives that matter in a worker. Scripts have these, because each may be run as a worker.
WORKER_DIRECTIVES = {name: PAGE_DIRECTIVES[name] for name in ("default-src", "script-src")}
#: The other headers of a document. A host of an export may send them as well.
DOCUMENT_HEADERS = {
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
}


def format_policy(directives: dict[str, str], framed_by: Sequence[str] | None = None) -> str:
    """Write directives in the form of a header, or of an element ``meta``.

    Parameters
    ----------
    directives
        The directives, such as :data:`PAGE_DIRECTIVES`.
    framed_by
        The origins whose pages may show the document in a frame, besides its own. By default nothing is said about
        frames, because browsers ignore that directive in an element ``meta``.

    Returns
    -------
    str
        The policy.
    """
    if framed_by is not None:
        directives = {**directives, "frame-ancestors": " ".join(["'self'", *framed_by])}
    return "; ".join(f"{name} {value}" for name, value in directives.items())
