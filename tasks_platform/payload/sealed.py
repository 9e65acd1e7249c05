"""What of a function's calls is sealed: in messages, in signatures, in what unique keys are made of."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tasks_platform.errors import SealingError
from tasks_platform.payload.parameter import Parameter
from tasks_platform.sealing import KeyRing, Scope, is_envelope, masked, no_key


class Sealing:
    """Which arguments of a function are marked as sealed, and the keys to seal them with."""

    def __init__(
        self, task: str, signature: inspect.Signature, parameters: Mapping[str, Parameter], *, result: bool
    ) -> None:
        self._task = task
        #: Whether what the function returns is sealed.
        self.of_result = result
        self._parameters = {name: parameter for name, parameter in parameters.items() if parameter.seals}
        self._kinds = {name: signature.parameters[name].kind for name in parameters}
        self._rest = any(self._kinds[name] is inspect.Parameter.VAR_POSITIONAL for name in self._parameters)
        self._extra = any(self._kinds[name] is inspect.Parameter.VAR_KEYWORD for name in self._parameters)
        self._names = frozenset(parameters)
        sealed = [position for position, name in enumerate(parameters) if name in self._parameters]
        #: How many positional arguments of a signature may end in a sealed parameter: a chain puts others in front.
        self._reach = max(sealed, default=-1) + 1
        #: Asked whenever something is sealed or opened.
        self.ring: Callable[[], KeyRing] = KeyRing

    @property
    def of_arguments(self) -> bool:
        """Whether an argument is sealed."""
        return bool(self._parameters)

    def require_key(self) -> None:
        """Refuse to go on where nothing could be sealed.

        Raises:
            SealingError: saying how to get a key.

        """
        if not self.ring():
            raise SealingError(no_key(self._task))

    def scope(self) -> Scope | None:
        """Return what sealing and opening arguments needs to know."""
        return Scope(self.ring(), self._task) if self._parameters else None

    def result_scope(self) -> Scope | None:
        """Return what sealing and opening a result needs to know."""
        return Scope.of_result(self.ring(), self._task) if self.of_result else None

    def parts(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> tuple[list[Any], dict[str, Any]]:
        """Seal those arguments of a signature, plain JSON, that may end in a sealed parameter."""
        scope = Scope.of_part(self.ring(), self._task)
        reach = len(args) if self._rest else self._reach
        return (
            [_sealed(value, scope) if position < reach else value for position, value in enumerate(args)],
            {name: _sealed(value, scope) if self._may_seal(name) else value for name, value in kwargs.items()},
        )

    def whole(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> tuple[Sequence[Any], Mapping[str, Any]]:
        """Open what `parts` has sealed, now that it is known where it belongs."""
        scope = Scope.of_part(self.ring(), self._task)
        if not any(map(scope.holds, (*args, *kwargs.values()))):
            return args, kwargs
        return (
            [scope.open(value) if scope.holds(value) else value for value in args],
            {name: scope.open(value) if scope.holds(value) else value for name, value in kwargs.items()},
        )

    def seal_step(self, step: str, value: Any) -> Any:
        """Return what the step *step* of a run returned, plain JSON, as it may be remembered."""
        if not (self.of_arguments or self.of_result) or not self.ring():
            return value  # a run without keys got its secrets in the open
        return Scope.of_step(self.ring(), self._task, step).seal(value)

    def open_step(self, step: str, value: Any) -> Any:
        """Return what `seal_step` was given."""
        scope = Scope.of_step(self.ring(), self._task, step)
        return scope.open(value) if scope.holds(value) else value

    def digests(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Return the sealed ones of *arguments*, each secret as what is the same for equal ones."""
        scope = Scope(self.ring(), self._task)
        digests: dict[str, Any] = {}
        for name in self._parameters:
            value = arguments[name]
            if masked(value) == value:  # nothing in it is sealed: a default, or a message of somebody else's
                value = self._written(name, value, scope)
            scope.parameter = name
            digests[name] = _digested(value, scope)
        return digests

    def _written(self, name: str, value: Any, scope: Scope) -> Any:
        write = self._parameters[name].default
        if self._kinds[name] is inspect.Parameter.VAR_POSITIONAL:
            return [write(item, scope) for item in value]
        if self._kinds[name] is inspect.Parameter.VAR_KEYWORD:
            return {key: write(item, scope) for key, item in value.items()}
        return write(value, scope)

    def _may_seal(self, name: str) -> bool:
        return name in self._parameters or (self._extra and name not in self._names)


def _sealed(value: Any, scope: Scope) -> Any:
    return value if is_envelope(value) else scope.seal(value)


def _digested(value: Any, scope: Scope) -> Any:
    if is_envelope(value):
        return scope.digest(value)
    if isinstance(value, Mapping):
        return {key: _digested(item, scope) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_digested(item, scope) for item in value]
    return value
