from __future__ import annotations

import os
import resource
import stat
import threading
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path

import pytest

from tasks_platform.errors import ServiceRefusedError, ServiceUnavailableError
from tasks_platform.services.local_storage import LocalStorage
from tasks_platform.services.memory_storage import MemoryStorage
from tasks_platform.services.storage import Storage, StoredFile

PDF = "application/pdf"


@pytest.fixture(params=["local", "memory"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Storage:
    return LocalStorage(tmp_path / "not there yet" / "files") if request.param == "local" else MemoryStorage()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "files"
    folder.mkdir()
    return folder


def test_what_was_put_comes_back(storage: Storage) -> None:
    data = bytes(range(256)) * 5000

    stored = storage.put("acme/2026-10/Łódź INV-7.pdf", data, content_type=PDF)

    assert stored == StoredFile(
        key="acme/2026-10/Łódź INV-7.pdf", size=1_280_000, content_type=PDF, digest=sha256(data).hexdigest()
    )
    assert storage.get("acme/2026-10/Łódź INV-7.pdf") == data
    assert storage.exists("acme/2026-10/Łódź INV-7.pdf")


def test_nothing_can_be_kept_too(storage: Storage) -> None:
    storage.put("empty", b"", content_type="text/plain")

    assert storage.get("empty") == b""
    assert storage.exists("empty")


def test_what_was_never_put_does_not_exist_and_cannot_be_got(storage: Storage) -> None:
    assert not storage.exists("acme/INV-7.pdf")
    with pytest.raises(ServiceRefusedError, match=r"Nothing is kept under 'acme/INV-7\.pdf'"):
        storage.get("acme/INV-7.pdf")


def test_putting_the_same_again_changes_nothing(storage: Storage) -> None:
    first = storage.put("a/b", b"same", content_type=PDF)

    assert storage.put("a/b", b"same", content_type=PDF) == first
    assert storage.get("a/b") == b"same"


def test_other_data_under_a_taken_key_is_refused_unless_it_may_overwrite(storage: Storage) -> None:
    storage.put("a/b", b"first", content_type=PDF)

    with pytest.raises(ServiceRefusedError, match="Other data is kept under 'a/b'"):
        storage.put("a/b", b"second", content_type=PDF)
    assert storage.get("a/b") == b"first"

    storage.put("a/b", b"third", content_type=PDF, overwrite=True)
    assert storage.get("a/b") == b"third"


def test_a_folder_of_files_is_no_file(storage: Storage) -> None:
    storage.put("a/b", b"data", content_type=PDF)

    assert not storage.exists("a")
    with pytest.raises(ServiceRefusedError):
        storage.get("a")


def test_of_many_writers_of_one_key_one_wins_and_the_others_are_told(storage: Storage) -> None:
    start = threading.Barrier(8)

    def put(number: int) -> bool:
        start.wait()
        try:
            storage.put("contested", b"%d" % number * 100_000, content_type=PDF)
        except ServiceRefusedError:
            return False
        return True

    with ThreadPoolExecutor(8) as writers:
        won = list(writers.map(put, range(8)))

    assert won.count(True) == 1
    assert storage.get("contested") == b"%d" % won.index(True) * 100_000


BAD_KEYS = [
    *("", "/", "/etc/passwd", "a//b", "a/", ".", "..", "../a", "a/../b", "a/./b", "a/..", ".hidden", "a/.part"),
    *("a\\b", "C:\\a", "a\x00b", "a\nb", "a\x7fb", "a\x85b", "a\ud800b"),
    *("n" * 256, "ż" * 128, "/".join(["n" * 200] * 6)),
]


@pytest.mark.parametrize("key", BAD_KEYS)
def test_a_bad_key_is_refused_by_every_operation(storage: Storage, key: str, tmp_path: Path) -> None:
    for operation in (
        lambda: storage.put(key, b"data", content_type=PDF),
        lambda: storage.put(key, b"data", content_type=PDF, overwrite=True),
        lambda: storage.get(key),
        lambda: storage.exists(key),
        lambda: storage.path_or_url(key),
    ):
        with pytest.raises(ServiceRefusedError, match="cannot be a storage key"):
            operation()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("key", ["a..b", "a/b.c..d", "-rf", "~", "a b", "$HOME", "%2e%2e", "n" * 255, "漢字/🚀"])
def test_a_strange_key_is_as_good_as_any(storage: Storage, key: str) -> None:
    storage.put(key, b"data", content_type=PDF)

    assert storage.get(key) == b"data"


def test_a_person_finds_the_file_where_the_storage_says(folder: Path) -> None:
    storage = LocalStorage(folder)
    storage.put("acme/INV-7.pdf", b"data", content_type=PDF)

    assert storage.path_or_url("acme/INV-7.pdf") == str(folder / "acme" / "INV-7.pdf")
    assert Path(storage.path_or_url("acme/INV-7.pdf")).read_bytes() == b"data"


def test_putting_the_same_again_does_not_touch_the_file(folder: Path) -> None:
    storage = LocalStorage(folder)
    storage.put("a", b"same", content_type=PDF)
    before = (folder / "a").stat()

    storage.put("a", b"same", content_type=PDF)

    assert (before.st_ino, before.st_mtime_ns) == ((folder / "a").stat().st_ino, (folder / "a").stat().st_mtime_ns)


def test_nothing_but_the_files_is_left_in_the_folder(folder: Path) -> None:
    storage = LocalStorage(folder)
    storage.put("a/b", b"one", content_type=PDF)
    storage.put("a/b", b"two", content_type=PDF, overwrite=True)
    with pytest.raises(ServiceRefusedError):
        storage.put("a/b", b"three", content_type=PDF)

    assert sorted(str(path.relative_to(folder)) for path in folder.rglob("*")) == ["a", "a/b"]


def test_files_are_as_private_as_the_umask_says(folder: Path) -> None:
    before = os.umask(0o027)
    try:
        LocalStorage(folder).put("a", b"data", content_type=PDF)
    finally:
        os.umask(before)

    assert stat.S_IMODE((folder / "a").stat().st_mode) == 0o640


def test_the_folder_itself_may_be_a_link(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(folder)
    LocalStorage(tmp_path / "link").put("a", b"data", content_type=PDF)

    assert (folder / "a").read_bytes() == b"data"


def test_a_link_to_a_folder_outside_is_not_followed(folder: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret").write_bytes(b"secret")
    (folder / "escape").symlink_to(outside)
    storage = LocalStorage(folder)

    with pytest.raises(ServiceRefusedError, match="a part of it is a link"):
        storage.get("escape/secret")
    with pytest.raises(ServiceRefusedError, match="a part of it is a link"):
        storage.put("escape/new", b"data", content_type=PDF)
    assert not storage.exists("escape/secret")
    assert [path.name for path in outside.iterdir()] == ["secret"]


def test_a_link_to_a_file_outside_is_neither_read_nor_written(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"secret")
    (folder / "escape").symlink_to(tmp_path / "secret")
    storage = LocalStorage(folder)

    with pytest.raises(ServiceRefusedError, match="a part of it is a link"):
        storage.get("escape")
    with pytest.raises(ServiceRefusedError, match="a part of it is a link"):
        storage.put("escape", b"data", content_type=PDF)
    assert not storage.exists("escape")

    storage.put("escape", b"data", content_type=PDF, overwrite=True)
    assert (tmp_path / "secret").read_bytes() == b"secret"
    assert storage.get("escape") == b"data"


def test_a_file_where_the_key_has_a_folder_is_a_refusal(folder: Path) -> None:
    storage = LocalStorage(folder)
    storage.put("a", b"data", content_type=PDF)
    storage.put("f/g", b"data", content_type=PDF)

    for overwrite in (False, True):
        with pytest.raises(ServiceRefusedError, match="'a/b' cannot be used"):
            storage.put("a/b", b"data", content_type=PDF, overwrite=overwrite)
        with pytest.raises(ServiceRefusedError, match="'f' cannot be used"):
            storage.put("f", b"data", content_type=PDF, overwrite=overwrite)
    assert not storage.exists("a/b")


def test_a_place_that_cannot_be_written_may_be_repaired(tmp_path: Path) -> None:
    storage = LocalStorage(Path("/proc/no such place"))

    with pytest.raises(ServiceUnavailableError, match="The storage failed at 'a/b'"):
        storage.put("a/b", b"data", content_type=PDF)


def test_a_disk_without_room_keeps_what_was_there_and_may_be_repaired(folder: Path) -> None:
    storage = LocalStorage(folder)
    storage.put("a", b"old", content_type=PDF)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    try:
        with pytest.raises(ServiceUnavailableError, match=r"The storage failed at 'a': .*File too large"):
            storage.put("a", b"n" * 200_000, content_type=PDF, overwrite=True)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    assert storage.get("a") == b"old"
    assert [path.name for path in folder.iterdir()] == ["a"]
