"""Laptop: all parts of the platform together, until somebody ends them or one of them dies."""

from __future__ import annotations

import secrets
import time

from tasks_platform import embedded
from tasks_platform.celery import PlatformApp
from tasks_platform.errors import PlatformError
from tasks_platform.up.alone import the_only_one
from tasks_platform.up.child import Child
from tasks_platform.up.children import LOOK, Children
from tasks_platform.up.environment import environment_of
from tasks_platform.up.log_file import LogFile
from tasks_platform.up.mail import start_mailbox
from tasks_platform.up.plan import Plan, check_port, flower_url
from tasks_platform.up.screen import LastingScreen, Screen
from tasks_platform.up.stopping import Stopping

#: Seconds that the parts have on top of the workers' grace period, after which workers hand back what still runs.
_MARGIN = 5.0


class Laptop:
    """Everything on this machine, with one log.

    1. The embedded server is joined or started, unless ``TASKS_REDIS_URL`` names one; the parts are started.
    2. Their logs, which are files in the state folder, are shown line by line as they come.
    3. On Ctrl-C, TERM, a terminal that is gone, or when one dies, all are ended: first what sends jobs, then what runs
       them, then what these need. A worker has its grace period for jobs that run. A second Ctrl-C kills what is left.
    """

    def __init__(self, app: PlatformApp, plan: Plan, screen: Screen) -> None:
        self._app = app
        self._settings = app.settings
        self._plan = plan
        self._screen = LastingScreen(screen)
        self._children = Children(revive=False)
        self._logs: dict[str, LogFile] = {}
        #: What the parts that are not ready yet will say when they are.
        self._starting: dict[str, str] = {}
        chosen = self._settings.flower.password
        self._password = chosen.get_secret_value() if chosen else secrets.token_urlsafe(16)

    def run(self) -> int:
        """Run until the end; return the exit code: 0, or 130 if a second Ctrl-C killed, or 1 if the time ran out.

        Raises:
            PlatformError: if a part died, or another ``up`` runs; all others have ended then.

        """
        with Stopping() as stopping, the_only_one(self._settings.state_dir):
            try:
                self._start()
                self._follow(stopping)
            finally:
                killed = self._end(stopping)
        return 130 if stopping.insisted else int(bool(killed))

    def _start(self) -> None:
        if self._plan.has_flower:
            check_port(self._settings, self._plan.port)
        environment = environment_of(self._app) | {"PYTHONUNBUFFERED": "1", **self._screen.environment}
        logs = self._settings.state_dir / "logs"
        if self._plan.has_mailbox(self._settings):
            environment |= start_mailbox(self._settings, environment, logs, add=self._add, check=self._look)
        for part in self._plan.parts(self._settings, self._password):
            self._starting[part.name] = part.ready
            self._add(part.child(environment, logs))

    def _add(self, child: Child) -> None:
        self._logs[child.name] = LogFile(child.log)
        self._children.add(child)

    def _follow(self, stopping: Stopping) -> None:
        """Show what happens until it is time to end."""
        while not (stopping.asked or self._screen.gone):
            self._show()
            self._look()
            time.sleep(LOOK)

    def _look(self) -> None:
        """See that all parts run."""
        self._children.look()
        for name, reason in self._children.given_up.items():
            self._show(at_the_end=True)
            self._screen.say("died", reason, name=name)
            raise PlatformError(
                "\n".join((f"{reason}; it ended with", *(f"  {line}" for line in self._logs[name].last)))
            )

    def _show(self, *, at_the_end: bool = False) -> None:
        for name, log in self._logs.items():
            for line in log.new_lines(at_the_end=at_the_end):
                self._screen.line(name, line)
                if name in self._starting and self._starting[name] in line:
                    del self._starting[name]
                    if not self._starting:
                        self._announce()

    def _announce(self) -> None:
        places = {"state": str(self._settings.state_dir)}
        if self._settings.redis_url is None:
            server = embedded.status(self._settings.state_dir)
            places["redis"] = f"{server.version}, port {server.port}"
        if "mailbox" in self._logs:
            places["mailbox"] = str(self._settings.mailbox)
        login = ""
        if self._plan.has_flower:
            places["flower"] = flower_url(self._settings, self._plan.port)
            login = f"user {self._settings.flower.user}, password {self._password}"
        self._screen.ready(places, login)

    def _end(self, stopping: Stopping) -> list[str]:
        """End all parts, showing what they say meanwhile; return whom it had to kill."""
        if self._logs:
            self._screen.say("ending", "all parts are ended; Ctrl-C again kills them")

        def meanwhile() -> bool:
            self._show()
            return stopping.insisted

        grace = self._settings.grace_period.total_seconds() + _MARGIN
        killed = self._children.end(grace, meanwhile=meanwhile)
        self._show(at_the_end=True)
        for log in self._logs.values():
            log.close()
        if self._logs:
            words = f"killed: {', '.join(killed)}; what they ran is run again" if killed else "all parts have ended"
            self._screen.say("ended", words)
        return killed
