"""Writes texts as addresses carry them."""

from __future__ import annotations

import base64
import zlib


def deflate(text: str) -> str:
    """Compress a text without a header, and write it as URL-safe base64."""
    packer = zlib.compressobj(wbits=-15)
    packed = packer.compress(text.encode()) + packer.flush()
    return base64.urlsafe_b64encode(packed).decode().rstrip("=")
