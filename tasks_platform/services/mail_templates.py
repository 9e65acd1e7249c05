"""The words of mails: a subject, a text and the same in HTML, from templates of one name."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import css_inline
import jinja2


@dataclass(frozen=True, kw_only=True)
class Words:
    """What a mail says."""

    subject: str
    text: str
    html: str


def write(template: str, **values: object) -> Words:
    """Fill in ``<template>.subject``, ``.txt`` and ``.html``; what a template asks for has to be there.

    HTML is escaped, and its styles are written into the elements, where mail programs look for them.
    """
    environment = _environment()
    html = environment.get_template(f"{template}.html").render(values)
    return Words(
        subject=environment.get_template(f"{template}.subject").render(values).strip(),
        text=environment.get_template(f"{template}.txt").render(values),
        html=_inliner().inline(html),
    )


@cache
def _environment() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.PackageLoader("tasks_platform.services", "templates/mail"),
        autoescape=jinja2.select_autoescape(["html"], default=False),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        keep_trailing_newline=True,
    )


@cache
def _inliner() -> css_inline.CSSInliner:
    styles = files("tasks_platform.services").joinpath("templates", "mail", "layout.css").read_text(encoding="utf-8")
    return css_inline.CSSInliner(extra_css=styles, load_remote_stylesheets=False)
