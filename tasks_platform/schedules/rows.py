"""RedBeat's table as the beat that leads reads and writes it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from importlib.resources import files
from typing import Any, Final, cast

from redbeat.decoder import RedBeatJSONEncoder  # type: ignore[import-untyped]
from redis import Redis
from redis.commands.core import Script

from tasks_platform.schedules.entry import Entry
from tasks_platform.schedules.leadership import NotLeadingError
from tasks_platform.schedules.row import Row

#: Seconds for which it is remembered of an entry that another version declares what was dealt with: two versions may
#: lead in turn while one is deployed.
REMEMBERED: Final = 86400


@dataclass(frozen=True)
class Rows:
    """RedBeat's table, of which only the beat writes that leads.

    What is to be sent is never read from here: whoever can write to the server is not thereby one who may sign.
    """

    app: Any

    def last(self, name: str) -> datetime | None:
        """Return the last moment of an entry that was dealt with, None if the row is lost or cannot be read."""
        meta = cast("str | None", self._client.hget(Row.generate_key(self.app, name), "meta"))
        try:
            last = Row.decode_meta(meta)["last_run_at"]
        except Exception:  # noqa: BLE001 - whatever somebody wrote there
            return None
        return last if isinstance(last, datetime) and last.tzinfo is not None else None

    def write(self, entry: Entry, last: datetime, lock: str) -> None:
        """Write the row of an entry: what is declared, up to when it was dealt with, and when it comes due.

        Raises:
            NotLeadingError: if *lock* does not lead.

        """
        row = Row.of(entry, self.app, last)
        meta = json.dumps(row.meta, cls=RedBeatJSONEncoder)
        self._run("write_row", row.name, [lock, row.name, json.dumps(row.definition), meta, row.score])

    def drop(self, name: str, lock: str, *, remembered: int) -> None:
        """Take a row out of the table; for *remembered* seconds it is known what was dealt with.

        Raises:
            NotLeadingError: if *lock* does not lead.

        """
        self._run("drop_row", name, [lock, name, remembered])

    def declared(self) -> set[str]:
        """Return the names of the entries that beats have put here, also where a row was lost since."""
        return cast("set[str]", self._client.smembers(self.app.redbeat_conf.statics_key))

    def scores(self, names: list[str]) -> dict[str, float | None]:
        """Return when entries come due, as timestamps; None for those that are not in the table."""
        if not names:
            return {}
        keys = [Row.generate_key(self.app, name) for name in names]
        found = self._client.zmscore(self.app.redbeat_conf.schedule_key, keys)
        return dict(zip(names, found, strict=True))

    @property
    def _client(self) -> Redis:
        return cast("Redis", self.app.redbeat_redis)

    @cached_property
    def _scripts(self) -> dict[str, Script]:
        folder = files("tasks_platform.schedules")
        return {
            name: self._client.register_script((folder / f"{name}.lua").read_text())
            for name in ("write_row", "drop_row")
        }

    def _run(self, script: str, name: str, arguments: list[Any]) -> None:
        conf = self.app.redbeat_conf
        keys = [self.app.store.leader, Row.generate_key(self.app, name), conf.schedule_key, conf.statics_key]
        if not self._scripts[script](keys=keys, args=arguments):
            raise NotLeadingError
