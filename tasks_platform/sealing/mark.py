"""``Sealed[T]``: mark what is secret in a task's signature."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Annotated, Any, Final, TypeVar

from pydantic import GetCoreSchemaHandler, TypeAdapter
from pydantic_core import CoreSchema, core_schema, to_jsonable_python

from tasks_platform.sealing.envelope import Scope, is_envelope

T = TypeVar("T")
_MARK: Final = "tasks_platform.sealed"


@dataclass(frozen=True)
class _Seal:
    """Seals where a task's payload is written, and opens where it is read; everywhere else it does nothing."""

    def __repr__(self) -> str:
        return "sealed"

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        inner = handler(source)
        return core_schema.with_info_wrap_validator_function(
            _read,
            inner,
            serialization=core_schema.wrap_serializer_function_ser_schema(_write, info_arg=True, schema=inner),
            metadata={_MARK: True},
        )


#: ``token: Sealed[str]``: the function takes and gets a plain ``str``, and so does a type checker see it. In
#: messages and results it is encrypted; in logs and errors of the run that opened it, it is replaced.
Sealed = Annotated[T, _Seal()]


@dataclass(frozen=True)
class Inside:
    """Tells what is sealed inside a parameter which one it is."""

    parameter: str

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        def read(value: Any, read_inside: Any, info: core_schema.ValidationInfo) -> Any:
            self._tell(info.context)
            return read_inside(value)

        def write(value: Any, write_inside: Any, info: core_schema.SerializationInfo) -> Any:
            self._tell(info.context)
            return write_inside(value)

        inner = handler(source)
        return core_schema.with_info_wrap_validator_function(
            read,
            inner,
            serialization=core_schema.wrap_serializer_function_ser_schema(write, info_arg=True, schema=inner),
        )

    def _tell(self, context: Any) -> None:
        if isinstance(context, Scope):
            context.parameter = self.parameter


def seals(adapter: TypeAdapter[Any]) -> bool:
    """Tell whether something in what *adapter* reads is marked as sealed, at whatever depth."""
    return _is_marked(adapter.core_schema)


def _is_marked(schema: Any) -> bool:
    if isinstance(schema, dict):
        marked = (schema.get("metadata") or {}).get(_MARK) is True
        return marked or any(map(_is_marked, schema.values()))
    return isinstance(schema, (list, tuple)) and any(map(_is_marked, schema))


def _read(value: Any, read_inside: core_schema.ValidatorFunctionWrapHandler, info: core_schema.ValidationInfo) -> Any:
    if not isinstance(scope := info.context, Scope):
        return read_inside(value)
    if is_envelope(value):
        return read_inside(scope.open(value))
    read = read_inside(value)  # a caller's argument, or a message from before the parameter was marked
    scope.notice(to_jsonable_python(read, fallback=str))
    return read


def _write(
    value: Any, write_inside: core_schema.SerializerFunctionWrapHandler, info: core_schema.SerializationInfo
) -> Any:
    written = write_inside(value)
    if not isinstance(scope := info.context, Scope):
        return written
    if isinstance(value, (set, frozenset)):  # what is equal has to have the same digest
        written = sorted(written, key=json.dumps)
    return scope.seal(written)
