"""Check that every task keeps the rules that no type checker knows: check_tasks.py FOLDER_OR_FILE...

* T001 its base class is one of ``tasks_platform.bases``, or made of one: retries and dead letters come with it
* T002 it names its queue: one kind of work does not wait behind another
* T003 it has a docstring: whoever is on call reads it
* T004 no argument carries bytes: a message holds a reference to a file, not the file
* T005 its module imports no Celery: the business is testable without it
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

#: Where base classes come from; the package itself re-exports them.
BASES = {"tasks_platform", "tasks_platform.bases"}
#: What a task may be made of and still not be retried.
BARE = {"PlatformTask"}
CELERY = {"billiard", "celery", "kombu"}
BLOBS = {"bytes", "bytearray", "memoryview"}

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One broken rule."""

    line: int
    rule: str
    message: str


def findings(source: str) -> Iterator[Finding]:
    """Yield what is wrong with the module *source*."""
    module = ast.parse(source)
    yield from _celery_imports(module)
    bases = _known_bases(module)
    for function, decorator in tasks(module):
        yield from _broken_by(function, decorator, bases)


def tasks(module: ast.Module) -> Iterator[tuple[Function, ast.expr]]:
    """Yield every function that is declared as a task, with its ``@task(...)``."""
    for node in ast.walk(module):
        if isinstance(node, Function):
            for decorator in node.decorator_list:
                if _name(decorator).rpartition(".")[2] in {"task", "shared_task"}:
                    yield node, decorator


def _broken_by(function: Function, decorator: ast.expr, bases: set[str]) -> Iterator[Finding]:
    options = {k.arg: k.value for k in decorator.keywords} if isinstance(decorator, ast.Call) else {}

    def finding(rule: str, message: str) -> Finding:
        return Finding(line=function.lineno, rule=rule, message=f"{function.name} {message}")

    if "base" not in options or not _is_one_of(bases, options["base"]):
        yield finding("T001", "has no base class of tasks_platform.bases: say base=ReliableTask, or what fits")
    if "queue" not in options:
        yield finding("T002", "names no queue")
    if not ast.get_docstring(function):
        yield finding("T003", "has no docstring")
    arguments = function.args
    for argument in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs):
        if argument.annotation and BLOBS & _names_in(argument.annotation):
            yield finding("T004", f"takes bytes in {argument.arg}: store them and take a reference")


def _celery_imports(module: ast.Module) -> Iterator[Finding]:
    for node in ast.walk(module):
        match node:
            case ast.Import(names=aliases):
                names = [alias.name for alias in aliases]
            case ast.ImportFrom(module=str(name), level=0):
                names = [name]
            case _:
                continue
        for name in names:
            if name.partition(".")[0] in CELERY:
                yield Finding(line=node.lineno, rule="T005", message=f"imports {name}")


def _known_bases(module: ast.Module) -> set[str]:
    """Name what *module* may use as a base: what it imports from the platform, and its own classes made of that."""
    known: set[str] = set()
    for node in ast.walk(module):
        if isinstance(node, ast.ImportFrom) and node.module in BASES:
            known |= {alias.asname or alias.name for alias in node.names if alias.name not in BARE}
        elif isinstance(node, ast.ClassDef) and any(_is_one_of(known, base) for base in node.bases):
            known.add(node.name)
    return known


def _is_one_of(bases: set[str], node: ast.expr) -> bool:
    return _name(node).partition(".")[0] in bases


def _name(node: ast.expr) -> str:
    """Return the dotted name of *node*, of what it calls, or nothing."""
    match node:
        case ast.Name(id=name):
            return name
        case ast.Attribute(value=owner, attr=name):
            return f"{_name(owner)}.{name}"
        case ast.Call(func=function):
            return _name(function)
    return ""


def _names_in(annotation: ast.expr) -> set[str]:
    return set(re.findall(r"\w+", ast.unparse(annotation)))


def main(places: list[str]) -> int:
    """Print what is wrong in *places*; return 1 if anything is."""
    files = [file for place in map(Path, places) for file in (sorted(place.rglob("*.py")) or [place])]
    sources = {file: file.read_text(encoding="utf-8") for file in files}
    broken = [(file, finding) for file, source in sources.items() for finding in findings(source)]
    for file, finding in broken:
        print(f"{file}:{finding.line}: {finding.rule} {finding.message}")
    count = sum(len(list(tasks(ast.parse(source)))) for source in sources.values())
    print(f"Rules for tasks: {count} tasks in {len(files)} files, {len(broken) or 'none'} broken.")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
