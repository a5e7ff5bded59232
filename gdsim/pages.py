"""What a page holds itself: pictures as addresses, and the script and style that its policy knows by their hash."""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha256

__all__ = ["address", "digest"]


def address(kind: str, content: bytes) -> str:
    """Return a `data:` address that holds a file, `kind` being such as "image/png"."""
    return f"data:{kind};base64,{b64encode(content).decode('ascii')}"


def digest(text: str) -> str:
    """Return by what name a page's policy knows the text of an element, which stands there on lines of its own."""
    hashed = sha256(f"\n{text}\n".encode()).digest()  # the breaks around it are hashed with it
    return f"'sha256-{b64encode(hashed).decode('ascii')}'"
