"""Text as UTF-8 can carry it."""

from __future__ import annotations


def legible(text: str) -> str:
    r"""Return *text* with its lone surrogates written out, as in ``\udce9``.

    JSON may carry them, names of files that are no UTF-8 have them, and no server, terminal or page takes them.
    """
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()
