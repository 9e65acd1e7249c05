"""Where Celery sets up logging, in workers and beat."""

from __future__ import annotations

import sys
from typing import Any, Literal

import click
import structlog
from celery.app.log import Logging
from celery.platforms import isatty
from celery.utils.log import mlevel
from click.core import ParameterSource
from structlog.stdlib import ProcessorFormatter

from tasks_platform.observe.logs.lives import tell_lives
from tasks_platform.observe.logs.quiet import quieten
from tasks_platform.observe.logs.rendering import LineFormatter
from tasks_platform.settings import Logs


class PlatformLogging(Logging):
    """Celery's set-up of logging with lines that say which job they are about.

    ``--loglevel``, ``--logfile``, ``--no-color``, the redirection of what tasks print, and an own set-up through
    the signal ``setup_logging`` work as they do with Celery.
    """

    # Celery's own, which its type stubs leave out
    app: Any
    _is_configured: Any
    _detect_handler: Any

    def setup(self, loglevel: Any = None, *args: Any, **kwargs: Any) -> Any:
        """Set up logging in this process, once."""
        level = self._chosen(loglevel)
        if not self.already_setup:
            quieten()
            tell_lives(level, execution=self._logs.execution)
            if not structlog.is_configured():
                _configure_structlog()
        return super().setup(level, *args, **kwargs)

    def setup_handlers(  # noqa: PLR0913, PLR0917 - Celery's own signature
        self,
        logger: Any,
        logfile: Any,
        format: Any,  # noqa: A002
        colorize: Any,
        formatter: Any = None,
        datefmt: Any = None,
        **kwargs: Any,
    ) -> Any:
        """Give *logger* a handler with the platform's lines."""
        if not self._is_configured(logger):
            handler = self._detect_handler(logfile)
            handler.setFormatter(LineFormatter(self.style(logfile), colors=bool(colorize)))
            logger.addHandler(handler)
        return logger

    def style(self, logfile: Any = None) -> Literal["console", "json"]:
        """Return how lines look that go to *logfile*, or to standard error."""
        chosen = self._logs.format
        if chosen != "auto":
            return chosen
        return "console" if logfile is None and isatty(sys.__stderr__) else "json"

    def _chosen(self, loglevel: Any) -> int:
        """Return the level of the command line if it gives one, of the settings otherwise."""
        context = click.get_current_context(silent=True)
        by_default = context is not None and context.get_parameter_source("loglevel") is ParameterSource.DEFAULT
        return int(mlevel(self._logs.level.upper() if by_default or not loglevel else loglevel))

    @property
    def _logs(self) -> Logs:
        logs: Logs = self.app.settings.logs
        return logs


def _configure_structlog() -> None:
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.stdlib.PositionalArgumentsFormatter(),
            structlog.processors.StackInfoRenderer(),
            ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
