"""Payload: what a function's messages carry, and what it is called with."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any, get_type_hints

from pydantic import PydanticUserError, TypeAdapter, ValidationError
from pydantic_core import ArgsKwargs, to_jsonable_python

from tasks_platform.errors import PayloadError, TaskDefinitionError
from tasks_platform.payload.parameter import PLAIN, Parameter, call_adapter
from tasks_platform.payload.sealed import Sealing
from tasks_platform.payload.wording import problem_in_words, without_values
from tasks_platform.sealing import KeyRing, seals


class Payload:
    """The codec of one function: what its messages carry and what it is called with.

    A message carries plain JSON, so that a service in another language can write it. Reading it validates
    against the annotations, so that models, lists of models, dates, ``Decimal``, ``UUID``, enums, sets and
    dataclasses arrive as what they were. A value that would arrive as something else is refused when it is sent.
    What is marked as ``Sealed`` is encrypted on its way.
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
            self._parameters = {p.name: Parameter(p.name, hints.get(p.name, Any)) for p in parameters}
            read_by = {name: parameter.hint for name, parameter in self._parameters.items() if name in hints}
            self._arguments = call_adapter(self.signature, read_by)
            self._result = TypeAdapter(hints["return"]) if hints.get("return", type(None)) is not type(None) else None
        except PydanticUserError as error:
            raise TaskDefinitionError(
                f"{name}: an annotation is of no type that JSON can carry: {error.message.splitlines()[0]}"
            ) from None
        except TaskDefinitionError as error:
            raise TaskDefinitionError(f"{name}: {error}") from None
        self._positions = [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
        self._writers = [self._parameters[name].write for name in self._positions]
        self.sealing = Sealing(
            name, self.signature, self._parameters, result=self._result is not None and seals(self._result)
        )
        self._rest = next((p.name for p in parameters if p.kind is p.VAR_POSITIONAL), None)
        self._extra = next((p.name for p in parameters if p.kind is p.VAR_KEYWORD), None)

    @property
    def has_result(self) -> bool:
        """Whether the function says that it returns something."""
        return self._result is not None

    def sealed_with(self, ring: Callable[[], KeyRing]) -> Payload:
        """Return this codec with the keys of *ring*, which is asked when something is sealed or opened."""
        other = copy.copy(self)
        other.sealing = copy.copy(self.sealing)
        other.sealing.ring = ring
        return other

    def read(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Return *args* and *kwargs* as the function expects them.

        Raises:
            PayloadError: if they do not fit; the message names each parameter and what is wrong.
            SealingError: if something sealed cannot be opened.

        """
        if (scope := self.sealing.scope()) is not None:
            args, kwargs = self.sealing.whole(args, kwargs)
        try:
            given: tuple[tuple[Any, ...], dict[str, Any]] = self._arguments.validate_python(
                ArgsKwargs(tuple(args), dict(kwargs)), by_alias=True, by_name=True, context=scope
            )
        except ValidationError as error:
            raise PayloadError(self._in_words(error)) from None
        return given

    def write(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> tuple[list[Any], dict[str, Any]]:
        """Validate a complete call and return it as plain JSON values; defaults are left out.

        Raises:
            PayloadError: if the call does not fit the signature, or a value would not arrive as what it is.
            SealingError: if there is no key for what is to be sealed.

        """
        scope = self.sealing.scope()
        valid_args, valid_kwargs = self.read(args, kwargs)
        given = valid_args[: len(args)]
        try:
            written = [write(value, scope) for write, value in zip(self._writers, given, strict=False)]
            written += [self._parameters[self._rest or ""].write(value, scope) for value in given[len(self._writers) :]]
            named = {key: self._parameters[key if key in self._parameters else self._extra or ""] for key in kwargs}
            return written, {key: parameter.write(valid_kwargs[key], scope) for key, parameter in named.items()}
        except ValueError as error:
            raise PayloadError(f"{self.name}: {error}") from None

    def partial(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> tuple[list[Any], dict[str, Any]]:
        """Return the partial arguments of a signature as plain JSON values.

        Raises:
            PayloadError: if no call could ever have these arguments.
            SealingError: if there is no key for what may have to be sealed.

        """
        try:
            self.signature.bind_partial(*args, **kwargs)
        except TypeError as error:
            raise PayloadError(f"{self.name}{self.signature}: {error}") from None
        try:
            return self.covered(_plain(list(args)), _plain(dict(kwargs)))
        except ValueError as error:
            raise PayloadError(f"{self.name}: an argument cannot be written as JSON: {without_values(error)}") from None

    def covered(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> tuple[list[Any], dict[str, Any]]:
        """Seal what may be secret in plain JSON arguments that are not, or not yet, those of a call.

        Raises:
            SealingError: if there is no key for it.

        """
        return self.sealing.parts(args, kwargs) if self.sealing.of_arguments else (list(args), dict(kwargs))

    def write_result(self, value: Any) -> Any:
        """Return what the function returned as a plain JSON value.

        Raises:
            PayloadError: if JSON cannot carry it.
            SealingError: if there is no key for what is to be sealed.

        """
        scope = self.sealing.result_scope()
        if scope is None and (value is None or type(value) in PLAIN):
            return value
        try:
            if self._result is None:
                return to_jsonable_python(value)
            return self._result.dump_python(value, mode="json", round_trip=True, warnings="error", context=scope)
        except ValueError as error:
            if scope is not None and scope.trouble is not None:
                raise scope.trouble from None
            raise PayloadError(f"{self.name}: {without_values(error)}") from None

    def read_result(self, value: Any) -> Any:
        """Return a stored result as what the function returned.

        Raises:
            SealingError: if something sealed cannot be opened.

        """
        if self._result is None:
            return value
        scope = self.sealing.result_scope()
        return self._result.validate_python(value, by_alias=True, by_name=True, context=scope)

    def bound(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> dict[str, Any]:
        """Return the arguments of a message by parameter name, defaults included, as plain JSON values.

        In place of a sealed value there is a keyed digest of it, the same for the same value.

        Raises:
            PayloadError: if no call could have these arguments.
            SealingError: if something sealed cannot be opened.

        """
        if self.sealing.of_arguments:
            args, kwargs = self.sealing.whole(args, kwargs)
        try:
            given = self.signature.bind(*args, **kwargs).arguments
        except TypeError as error:
            raise PayloadError(f"{self.name}{self.signature}: {error}") from None
        arguments = {name: given.get(name, default) for name, default in self._defaults.items()}
        return arguments | self.sealing.digests(arguments) if self.sealing.of_arguments else arguments

    @cached_property
    def _defaults(self) -> dict[str, Any]:
        """What each parameter is in a call that leaves it out."""
        return {name: self._default(parameter) for name, parameter in self.signature.parameters.items()}

    def _default(self, parameter: inspect.Parameter) -> Any:
        if parameter.kind is parameter.VAR_POSITIONAL:
            return ()
        if parameter.kind is parameter.VAR_KEYWORD:
            return {}
        return self._parameters[parameter.name].default(parameter.default)

    def _in_words(self, error: ValidationError) -> str:
        problems = error.errors(include_url=False, include_input=False)
        return f"{self.name}{self.signature}: " + "; ".join(
            problem_in_words(problem, self._place(problem["loc"])) for problem in problems
        )

    def _place(self, path: tuple[int | str, ...]) -> str:
        """Return where in the arguments something is wrong, beginning with the parameter."""
        first, *inner = path or ("arguments",)
        if isinstance(first, int):
            if first < len(self._positions):
                first = self._positions[first]
            else:
                first = f"{self._rest}[{first - len(self._positions)}]" if self._rest else f"argument {first + 1}"
        return ".".join(str(part) for part in (first, *inner))


def _plain(value: Any) -> Any:
    return to_jsonable_python(value, by_alias=False, round_trip=True)
