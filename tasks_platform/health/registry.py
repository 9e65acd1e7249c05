"""HealthRegistry: checks by name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from tasks_platform.errors import SettingsError
from tasks_platform.health.finding import Finding, Report

Check = Callable[[], Finding]


@dataclass(frozen=True, kw_only=True)
class _Registered:
    check: Check
    required: bool
    #: The checks without which this one cannot tell anything.
    after: tuple[str, ...]


class HealthRegistry:
    """Checks by name, and those of another registry besides."""

    def __init__(self, besides: HealthRegistry | None = None) -> None:
        self._own: dict[str, _Registered] = {}
        self._besides = besides

    def register(self, name: str, *, required: bool = True, after: Iterable[str] = ()) -> Callable[[Check], Check]:
        """Add the decorated function as the check *name*; a check of that name is replaced.

        One that is not *required* is reported and does not make the whole ill. Where one of *after* does not pass,
        this one is not tried.
        """

        def add(check: Check) -> Check:
            self._own[name] = _Registered(check=check, required=required, after=tuple(after))
            return check

        return add

    @property
    def _checks(self) -> Mapping[str, _Registered]:
        """All of them, as they are now: task modules may be imported later."""
        return {**self._own, **self._besides._checks} if self._besides else self._own  # noqa: SLF001 - its own kind

    @property
    def names(self) -> tuple[str, ...]:
        """The checks, in the order in which they are made."""
        return tuple(self._checks)

    def run(self, only: Iterable[str] = ()) -> Iterator[Report]:
        """Make the checks, or *only* some, and yield what each finds; one that raises has found something ill.

        Raises:
            SettingsError: if there is no check of a name in *only*.

        """
        chosen = tuple(only) or self.names
        if unknown := sorted(set(chosen) - set(self.names)):
            raise SettingsError(f"there is no health check {', '.join(unknown)}; there are {', '.join(self.names)}")
        ill: set[str] = set()
        for name in self.names:
            if name in chosen:
                report = self._run(name, self._checks[name], ill)
                if not report.finding.healthy:
                    ill.add(name)
                yield report

    def _run(self, name: str, registered: _Registered, ill: set[str]) -> Report:
        if missing := sorted(ill.intersection(registered.after)):
            finding = Finding(healthy=False, message=f"not known: {', '.join(missing)} has to be well first")
        else:
            try:
                finding = registered.check()
            except Exception as error:  # noqa: BLE001 - whatever a check raises is what it found
                finding = Finding(healthy=False, message=f"{type(error).__name__}: {error}")
        return Report(name=name, required=registered.required, finding=finding)


#: The checks that the modules of this process declare, for every application.
declared = HealthRegistry()
health_check = declared.register
