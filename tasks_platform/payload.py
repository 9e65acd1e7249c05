"""Arguments and results as plain JSON, written and read by the function's own signature."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast, get_type_hints

from pydantic import ConfigDict, PydanticSchemaGenerationError, TypeAdapter, ValidationError
from pydantic_core import ArgsKwargs, PydanticSerializationError, to_jsonable_python

from tasks_platform.errors import PayloadError, TaskDefinitionError

_PLAIN = (str, int, float, bool, type(None))
_CONFIG = ConfigDict(arbitrary_types_allowed=False)

type_adapter = TypeAdapter[Any]


class Payload:
    """The codec of one function: what its messages carry and what it is called with.

    A message carries plain JSON, so that a service in another language can write it. Reading it validates
    against the annotations, so that models, lists of models, dates, ``Decimal``, ``UUID``, enums, sets and
    dataclasses arrive as what they were.
    """

    def __init__(self, function: Callable[..., Any], *, name: str, bound: bool = False) -> None:
        self.name = name
        signature = inspect.signature(function)
        parameters = list(signature.parameters.values())[1 if bound else 0 :]
        #: The signature that callers see.
        self.signature = signature.replace(parameters=parameters)
        try:
            hints = get_type_hints(function, include_extras=True)
        except NameError as error:
            raise TaskDefinitionError(f"{name}: an annotation cannot be resolved: {error}") from None
        try:
            self._arguments = _arguments_adapter(self.signature, hints)
            self._writers = {p.name: _writer(p, hints) for p in parameters}
            self._result = _result_adapter(hints)
        except PydanticSchemaGenerationError as error:
            raise TaskDefinitionError(
                f"{name}: an annotation is of no type that JSON can carry: {error.message.splitlines()[0]}"
            ) from None
        self._positions = [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
        self._rest = next((p.name for p in parameters if p.kind is p.VAR_POSITIONAL), None)
        self._extra = next((p.name for p in parameters if p.kind is p.VAR_KEYWORD), None)

    @property
    def has_result(self) -> bool:
        """Whether the function says that it returns something."""
        return self._result is not None

    def read(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Return *args* and *kwargs* as the function expects them.

        Raises:
            PayloadError: if they do not fit; the message names each parameter and what is wrong.

        """
        try:
            given: tuple[tuple[Any, ...], dict[str, Any]] = self._arguments.validate_python(
                ArgsKwargs(tuple(args), dict(kwargs))
            )
        except ValidationError as error:
            raise PayloadError(self._in_words(error)) from None
        return given

    def write(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> tuple[list[Any], dict[str, Any]]:
        """Validate a complete call and return it as plain JSON values; defaults are left out.

        Raises:
            PayloadError: if the call does not fit the signature, or JSON cannot carry a value.

        """
        valid_args, valid_kwargs = self.read(args, kwargs)
        try:
            return (
                [
                    self._write(self._positions[i] if i < len(self._positions) else self._rest, valid_args[i])
                    for i in range(len(args))
                ],
                {key: self._write(key if key in self._writers else self._extra, valid_kwargs[key]) for key in kwargs},
            )
        except (PydanticSerializationError, ValueError) as error:
            raise PayloadError(f"{self.name}: an argument cannot be written as JSON: {error}") from None

    def partial(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> tuple[list[Any], dict[str, Any]]:
        """Return the partial arguments of a signature as plain JSON values.

        Raises:
            PayloadError: if no call could ever have these arguments.

        """
        try:
            self.signature.bind_partial(*args, **kwargs)
        except TypeError as error:
            raise PayloadError(f"{self.name}{self.signature}: {error}") from None
        try:
            return to_jsonable_python(list(args)), to_jsonable_python(dict(kwargs))
        except PydanticSerializationError as error:
            raise PayloadError(f"{self.name}: an argument cannot be written as JSON: {error}") from None

    def write_result(self, value: Any) -> Any:
        """Return what the function returned as a plain JSON value.

        Raises:
            PydanticSerializationError: if JSON cannot carry it.

        """
        if value is None or type(value) in _PLAIN:
            return value
        if self._result is None:
            return to_jsonable_python(value)
        return self._result.dump_python(value, mode="json", warnings="error")

    def read_result(self, value: Any) -> Any:
        """Return a stored result as what the function returned."""
        return value if self._result is None else self._result.validate_python(value)

    def bound(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> dict[str, Any]:
        """Return the arguments by parameter name, defaults included."""
        arguments = self.signature.bind(*args, **kwargs)
        arguments.apply_defaults()
        return dict(arguments.arguments)

    def _write(self, name: str | None, value: Any) -> Any:
        if type(value) in _PLAIN and not isinstance(value, float):
            return value
        writer = self._writers.get(name or "")
        if writer is None:
            return _only_plain(name, value)
        return writer.dump_python(value, mode="json")

    def _in_words(self, error: ValidationError) -> str:
        problems = "; ".join(
            f"{'.'.join(self._parameter(part) for part in problem['loc']) or 'arguments'}: {problem['msg']}"
            for problem in error.errors(include_url=False, include_input=False)
        )
        return f"{self.name}{self.signature}: {problems}"

    def _parameter(self, part: int | str) -> str:
        if isinstance(part, int) and part < len(self._positions):
            return self._positions[part]
        return str(part)


def _arguments_adapter(signature: inspect.Signature, hints: Mapping[str, Any]) -> type_adapter:
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
    return TypeAdapter(cast("Any", capture), config=_CONFIG)


def _writer(parameter: inspect.Parameter, hints: Mapping[str, Any]) -> type_adapter | None:
    hint = hints.get(parameter.name, Any)
    return None if hint is Any else TypeAdapter(hint, config=None if _owns_config(hint) else _CONFIG)


def _result_adapter(hints: Mapping[str, Any]) -> type_adapter | None:
    hint = hints.get("return", Any)
    if hint is type(None) or "return" not in hints:
        return None
    return TypeAdapter(hint, config=None if _owns_config(hint) else _CONFIG)


def _owns_config(hint: Any) -> bool:
    return (
        hasattr(hint, "__pydantic_config__") or hasattr(hint, "model_config") or hasattr(hint, "__dataclass_fields__")
    )


def _only_plain(name: str | None, value: Any) -> Any:
    """Pass on what JSON carries unchanged; anything else would arrive as another type."""
    if to_jsonable_python(value) != value or isinstance(value, tuple):
        raise ValueError(
            f"parameter {name!r} has no annotation, so a {type(value).__name__} would arrive as plain JSON"
        )
    return value
