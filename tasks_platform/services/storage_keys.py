"""Which keys files may be kept under."""

from __future__ import annotations

from unicodedata import category

from tasks_platform.errors import ServiceRefusedError

#: Bytes of UTF-8: S3's limit of a key, and every common file system's limit of a name.
LONGEST_KEY = 1024
LONGEST_NAME = 255


def check_key(key: str) -> tuple[str, ...]:
    """Return the names that *key* consists of: folders, then the file.

    Raises:
        ServiceRefusedError: *key* is not a relative POSIX path that means the same in a folder and in an object store.

    """
    problem = next((words for words, found in _problems_of(key).items() if found), None)
    if problem:
        raise ServiceRefusedError(
            f"{key!r} cannot be a storage key: {problem}. Use a relative path such as 'acme/2026-10/INV-7.pdf'."
        )
    return tuple(key.split("/"))


def _problems_of(key: str) -> dict[str, bool]:
    names = key.split("/")
    lengths = [len(name.encode(errors="replace")) for name in names]
    return {
        "it is empty": not key,
        "it is absolute": key.startswith("/"),
        "it has an empty name between slashes": "" in names,
        "it has a backslash": "\\" in key,
        "it has a control character, or half of a pair": any(category(each) in {"Cc", "Cs"} for each in key),
        "names that start with a dot are reserved": any(name.startswith(".") for name in names),
        f"one of its names is longer than {LONGEST_NAME} bytes": max(lengths) > LONGEST_NAME,
        f"it is longer than {LONGEST_KEY} bytes": sum(lengths) + len(lengths) - 1 > LONGEST_KEY,
    }
