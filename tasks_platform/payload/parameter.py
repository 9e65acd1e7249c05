"""One parameter's way into JSON, and the adapter that reads a whole call."""

from __future__ import annotations

import inspect
import json
import math
from collections.abc import Mapping
from typing import Annotated, Any, cast

from pydantic import TypeAdapter, ValidationError
from pydantic_core import to_jsonable_python

from tasks_platform.payload.arrival import arrives, refuse_secrets, same
from tasks_platform.payload.wording import without_values
from tasks_platform.sealing import Inside, Scope, seals

#: What JSON carries as it is.
PLAIN = (str, int, float, bool, type(None))
_EXACT = frozenset({str, int, bool, type(None)})


class Parameter:
    """One parameter: its values, which are valid already, as plain JSON."""

    def __init__(self, name: str, hint: Any) -> None:
        refuse_secrets(name, hint)
        self.name = name
        adapter: TypeAdapter[Any] | None = None if hint is Any else TypeAdapter(hint)
        #: Whether something in it is marked as sealed.
        self.seals = adapter is not None and seals(adapter)
        #: The annotation by which it is read.
        self.hint: Any = hint
        if self.seals:
            self.hint = Annotated[hint, Inside(name)]
            adapter = TypeAdapter(cast("Any", self.hint))
        self._adapter = adapter
        #: Whether every value arrives as what it is, by its annotation alone.
        self._arrives = arrives(hint)

    def write(self, value: Any, scope: Scope | None = None) -> Any:
        """Return *value* as plain JSON, sealed for *scope*.

        Raises:
            ValueError: if it would arrive as something else; the message names the parameter, not the value.
            SealingError: if it cannot be sealed.

        """
        if type(value) in _EXACT and not self.seals:
            return value
        if self._adapter is None:
            self._check_plain(value)
            written = value
        else:
            written = self._dump(self._adapter, value, scope)
        if type(written) is str:
            return written
        if not _is_finite(written):
            raise ValueError(f"parameter {self.name!r} is not finite, which JSON cannot carry")
        # the order of a set differs from process to process: what is equal has to look equal
        is_set = isinstance(value, (set, frozenset)) and isinstance(written, list)
        return sorted(written, key=_as_text) if is_set else written

    def default(self, value: Any, scope: Scope | None = None) -> Any:
        """Return a default as plain JSON; one that is not of its annotation (an ``int = None``) as it is."""
        try:
            return self.write(value if self._adapter is None else self._adapter.validate_python(value), scope)
        except ValueError:
            return value

    def _dump(self, adapter: TypeAdapter[Any], value: Any, scope: Scope | None) -> Any:
        try:
            if self._arrives:
                return adapter.dump_python(value, mode="json")
            written = adapter.dump_python(value, mode="json", round_trip=True, warnings="error", context=scope)
        except ValueError as error:
            if scope is not None and scope.trouble is not None:
                raise scope.trouble from None
            raise ValueError(f"parameter {self.name!r} cannot be written as JSON: {without_values(error)}") from None
        self._check_arrival(adapter, value, written, scope)
        return written

    def _check_plain(self, value: Any) -> None:
        """Let pass what JSON carries unchanged."""
        try:
            plain = to_jsonable_python(value)
        except ValueError as error:
            raise ValueError(f"parameter {self.name!r} cannot be written as JSON: {without_values(error)}") from None
        if not same(plain, value):
            raise ValueError(
                f"parameter {self.name!r} has no annotation that says how to read a {type(value).__name__}, "
                "which would arrive as plain JSON; annotate it"
            )

    def _check_arrival(self, adapter: TypeAdapter[Any], value: Any, written: Any, scope: Scope | None) -> None:
        """Read back what was written: unions, subclasses and models may lose something on the way."""
        try:
            if same(adapter.validate_python(written, by_alias=True, by_name=True, context=scope), value):
                return
        except ValidationError:
            pass
        raise ValueError(
            f"parameter {self.name!r}: this {type(value).__name__} would not arrive as what it is: written and "
            "read by its annotation, it becomes something else; annotate it more narrowly, or send plain values"
        )


def call_adapter(signature: inspect.Signature, hints: Mapping[str, Any]) -> TypeAdapter[Any]:
    """Return an adapter that validates a call and hands back its arguments instead of making it."""

    def capture(*args: Any, **kwargs: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
        return args, kwargs

    annotations = {name: hint for name, hint in hints.items() if name in signature.parameters}
    capture.__signature__ = signature.replace(  # type: ignore[attr-defined]
        parameters=[
            p.replace(annotation=annotations.get(p.name, inspect.Parameter.empty))
            for p in signature.parameters.values()
        ],
        return_annotation=inspect.Signature.empty,
    )
    capture.__annotations__ = annotations
    return TypeAdapter(cast("Any", capture))


def _is_finite(written: Any) -> bool:
    if isinstance(written, float):
        return math.isfinite(written)
    if isinstance(written, dict):
        return all(_is_finite(value) for value in written.values())
    return not isinstance(written, list) or all(_is_finite(value) for value in written)


def _as_text(written: Any) -> str:
    return json.dumps(written, sort_keys=True)
