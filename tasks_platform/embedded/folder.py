"""The folder of an embedded server: what lies in it, and that it is this user's alone."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tasks_platform.errors import NoServerError

#: What a person can do when the state folder cannot be used.
REMEDY = (
    "Set TASKS_STATE_DIR to a folder of your own on a local disk that can be written, "
    "or TASKS_REDIS_URL to a server of your choice."
)


@dataclass(frozen=True, kw_only=True)
class Folder:
    """The paths of one embedded server."""

    #: ``embedded`` in the state folder; absolute.
    root: Path

    @classmethod
    def of(cls, state_dir: Path) -> Folder:
        """Name the folder of the server that belongs to *state_dir*; nothing is created."""
        with explained(state_dir):
            return cls(root=state_dir.expanduser().absolute() / "embedded")

    @property
    def users_lock(self) -> Path:
        """Shared by everyone who uses the server; taken alone by the supervisor that ends it."""
        return self.root / "users.lock"

    @property
    def supervisor_lock(self) -> Path:
        """Held by the supervisor for its whole life."""
        return self.root / "supervisor.lock"

    @property
    def server_lock(self) -> Path:
        """Held by the server process itself, also when its supervisor is gone."""
        return self.root / "server.lock"

    @property
    def access(self) -> Path:
        """Port and password; kept from start to start."""
        return self.root / "access.json"

    @property
    def report(self) -> Path:
        """What the supervisor does right now, or why it ended."""
        return self.root / "report.json"

    @property
    def config(self) -> Path:
        """The server's configuration, written anew at every start."""
        return self.root / "server.conf"

    @property
    def log(self) -> Path:
        """What supervisor and server say."""
        return self.root / "server.log"

    @property
    def data(self) -> Path:
        """The working folder of the server, with its append-only file."""
        return self.root / "data"

    def exists(self) -> bool:
        """Tell whether a server was ever started here, and that the folder is this user's."""
        with explained(self.root):
            try:
                self._owned(self.root)
            except FileNotFoundError:
                return False
            return self.data.is_dir()

    def create(self) -> None:
        """Make what is missing, for this user alone."""
        with explained(self.root):
            self.root.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            for path in (self.root, self.data):
                path.mkdir(mode=0o700, exist_ok=True)
                if self._owned(path).st_mode & 0o077:
                    path.chmod(0o700)

    def _owned(self, path: Path) -> os.stat_result:
        state = path.stat()
        if state.st_uid != os.geteuid():
            raise NoServerError(f"{path} belongs to another user (uid {state.st_uid}). {REMEDY}")
        return state


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn what the operating system says about *path* into an error that names a remedy."""
    try:
        yield
    except (OSError, ValueError, RuntimeError) as error:
        raise NoServerError(f"The embedded server cannot keep its state in {path}: {error}. {REMEDY}") from error
