"""JSON as kombu writes and reads it, with one encoder and one decoder instead of new ones for each text."""

from __future__ import annotations

import json
from json.encoder import (  # type: ignore[attr-defined]  # type stubs leave out what other Pythons have not
    c_make_encoder,
    encode_basestring_ascii,
)
from typing import Any, Final

from kombu.serialization import registry  # type: ignore[attr-defined]
from kombu.utils.json import JSONEncoder, object_hook

_ENCODER: Final = JSONEncoder()
_DECODER: Final = json.JSONDecoder(object_hook=object_hook)
#: For texts in which nothing is an object of a type that has a name: there the hook would be asked in vain.
_PLAIN: Final = json.JSONDecoder()
_SCAN: Final = _PLAIN.scan_once  # type: ignore[attr-defined]  # its type stubs leave it out

#: What `_ENCODER` makes anew for each text, but for its look at values that hold themselves.
_WRITE: Final = c_make_encoder(None, _ENCODER.default, encode_basestring_ascii, None, ": ", ", ", False, False, True)


def write(value: Any) -> str:
    """Write a value as text; what kombu's own function raises this one raises, too."""
    try:
        return "".join(_WRITE(value, 0))
    except Exception:  # noqa: BLE001 - it may hold itself
        return _ENCODER.encode(value)


def read(text: str | bytes | bytearray | memoryview) -> Any:
    """Read a value.

    Raises:
        ValueError: if the text is no JSON, or no UTF-8.

    """
    if isinstance(text, memoryview):
        text = text.tobytes()
    if not isinstance(text, str):
        text = text.decode()
    if "__type__" in text:
        return _DECODER.decode(text)
    try:
        value, end = _SCAN(text, 0)
    except StopIteration:
        end = -1
    return value if end == len(text) else _PLAIN.decode(text)  # which knows of blanks around it, and says what is wrong


def register() -> None:
    """Let kombu, and with it Celery, write and read JSON with these."""
    registry.register("json", write, read, content_type="application/json", content_encoding="utf-8")
