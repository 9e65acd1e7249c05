"""JSON as kombu writes and reads it, with one encoder and one decoder instead of new ones for each text."""

from __future__ import annotations

import json
from typing import Any, Final

from kombu.serialization import registry  # type: ignore[attr-defined]
from kombu.utils.json import JSONEncoder, object_hook

_ENCODER: Final = JSONEncoder()
_DECODER: Final = json.JSONDecoder(object_hook=object_hook)
#: For texts in which nothing is an object of a type that has a name: there the hook would be asked in vain.
_PLAIN: Final = json.JSONDecoder()

#: Write a value as text; what kombu's own function raises it raises, too.
write = _ENCODER.encode


def read(text: str | bytes | bytearray | memoryview) -> Any:
    """Read a value.

    Raises:
        ValueError: if the text is no JSON, or no UTF-8.

    """
    if isinstance(text, memoryview):
        text = text.tobytes()
    if not isinstance(text, str):
        text = text.decode()
    return (_DECODER if "__type__" in text else _PLAIN).decode(text)


def register() -> None:
    """Let kombu, and with it Celery, write and read JSON with these."""
    registry.register("json", write, read, content_type="application/json", content_encoding="utf-8")
