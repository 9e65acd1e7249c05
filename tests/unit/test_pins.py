from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
GROUPS = PROJECT["dependency-groups"]
EXTRAS = PROJECT["project"]["optional-dependencies"]


def wanted(*parts: list[str | dict[str, str]]) -> list[Requirement]:
    return [Requirement(entry) for part in parts for entry in part if isinstance(entry, str)]


RUNTIME = wanted(PROJECT["project"]["dependencies"], EXTRAS["reports"], EXTRAS["smtpd"], GROUPS["build"])
INSTALLED = wanted(PROJECT["project"]["dependencies"], *EXTRAS.values(), GROUPS["build"])
EVERYTHING = wanted(PROJECT["project"]["dependencies"], *EXTRAS.values(), *GROUPS.values())


def pins(name: str) -> dict[str, str]:
    lines = re.findall(r"^([\w.-]+)==([^\s;]+)", (ROOT / "scripts" / name).read_text(), re.MULTILINE)
    return {canonicalize_name(package): version for package, version in lines}


@pytest.mark.parametrize(
    ("name", "requirements"),
    [
        ("requirements.txt", RUNTIME),
        ("requirements-deploy.txt", INSTALLED),
        ("requirements-dev.txt", EVERYTHING),
    ],
)
def test_everything_the_project_asks_for_is_pinned_at_a_version_it_allows(
    name: str, requirements: list[Requirement]
) -> None:
    pinned = pins(name)
    refused = [str(r) for r in requirements if pinned.get(canonicalize_name(r.name), "0") not in r.specifier]

    assert refused == [], "run scripts/pins"


def test_both_lists_hold_the_same_versions() -> None:
    everything = pins("requirements-dev.txt").items()
    assert pins("requirements.txt").items() <= everything
    assert pins("requirements-deploy.txt").items() <= everything


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-deploy.txt", "requirements-dev.txt"])
def test_pins_have_hashes_and_name_no_place_to_get_them_from(name: str) -> None:
    text = (ROOT / "scripts" / name).read_text()
    entries = re.split(r"^(?=[\w.-]+==)", text, flags=re.MULTILINE)[1:]

    assert [entry for entry in entries if "--hash=sha256:" not in entry] == []
    assert not re.search(r"://|--index|--find-links|^\s*/", text, re.MULTILINE)
