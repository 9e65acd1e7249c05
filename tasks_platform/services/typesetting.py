"""Templates into PDF with typst, whose ways have to be known."""

from __future__ import annotations

import os
from importlib.resources import files
from threading import Lock
from typing import TYPE_CHECKING

from tasks_platform.errors import PlatformError, ServiceRefusedError, SettingsError

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path
    from types import ModuleType

    import typst

#: The process in which typst's threads were started: forked children inherit the number, but not the threads.
_home: int | None = None


class Typesetter:
    """Compiles the templates of this package.

    1. The first document starts typst's threads; the compiler is kept, which saves a quarter of the time of the next.
    2. Threads of this process take turns: a compiler serves one at a time, and uses every core for it.
    3. A process that is forked after step 1 has none of these threads and would wait for them for ever: it gets an
       error. So documents are rendered in the children of a worker, not in the process that forks them.
    """

    def __init__(self, *, fonts: Path | None) -> None:
        self._fonts = fonts
        self._turn = Lock()
        self._compiler: typst.Compiler | None = None

    def pdf(self, template: str, *, title: str, inputs: dict[str, str], created: datetime) -> bytes:
        """Return the PDF of *template* with *inputs*; the same arguments give the same bytes. Errors name *title*.

        It is PDF/A-2a and PDF/UA-1: made for archives, and tagged for those who listen to it. The tags cost about
        1.5 kB for every row of a table.

        Raises:
            ServiceRefusedError: the template cannot be set with these inputs, or no font has one of their letters.
            SettingsError: typst is not installed.

        """
        typst = _typst()
        _refuse_forked_process()
        source = files("tasks_platform.services").joinpath("templates", template).read_bytes()
        with self._turn:
            if self._compiler is None:
                fonts = [] if self._fonts is None else [self._fonts]
                # The machine's own fonts are left out: the same document would look different elsewhere.
                self._compiler = typst.Compiler(font_paths=fonts, ignore_system_fonts=True)
            try:
                pdf = self._compiler.compile(
                    source, format="pdf", sys_inputs=inputs, timestamp=created, pdf_standards=["a-2a", "ua-1"]
                )
            except typst.TypstError as error:
                raise ServiceRefusedError(f"{title} cannot be printed: {_in_words(error)}") from error
        if not isinstance(pdf, bytes):
            raise TypeError(f"typst answered with {type(pdf).__name__} instead of a PDF")
        return pdf


def _refuse_forked_process() -> None:
    global _home  # noqa: PLW0603 - typst's threads belong to the process, and so does the mark
    if _home not in (None, os.getpid()):
        raise PlatformError(
            f"Documents were rendered in process {_home} before it forked this one ({os.getpid()}), where typst would "
            "wait for ever. Render only in worker children, or start this process afresh instead of forking it."
        )
    _home = os.getpid()


def _typst() -> ModuleType:
    try:
        import typst  # noqa: PLC0415 - an optional extra: this module can be imported without it
    except ImportError as error:
        raise SettingsError(
            "Rendering documents needs typst, which is not installed: pip install 'tasks-platform[reports]'"
        ) from error
    return typst


def _in_words(error: typst.TypstError) -> str:
    if "could not be displayed" in error.message:
        return f"{error.message}. Give the renderer a folder with a font that has it, or change the text."
    return error.diagnostic.strip()
