"""The benchmark counts the jobs that were begun, and not the room that was made for others."""

from __future__ import annotations

import struct
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[2] / "scripts" / "benchmarks"))

from peers.diary import Begun, Diary


def test_what_is_written_is_counted_wherever_it_is(tmp_path: Path) -> None:
    path = tmp_path / "diary"
    path.touch()
    diary = Diary(path)
    assert (diary.count(), diary.records()) == (0, [])

    def write(*moments: int) -> None:
        path.write_bytes(b"".join(struct.pack("=qq", moment, 7 if moment else 0) for moment in moments))

    write(5, 0)
    assert diary.count() == 1
    write(5, 0, 3, 0, 0)
    assert diary.count() == 2
    write(5, 9, 3, 0, 4)
    assert diary.count() == 4
    assert diary.records() == [Begun(moment, 7) for moment in (3, 4, 5, 9)]
    with path.open("ab") as file:
        file.write(b"half")
    assert diary.count() == 4
