from __future__ import annotations

import json
from pathlib import Path

import pytest

TESTS = Path(__file__).parent.parent

# Without the plugins that take longest to load, and the one that would blame these tests for the rubbish of others.
INI = """
[pytest]
addopts = -p no:hypothesispytest -p no:anyio -p no:unraisableexception
markers =
  needs
  checklist
"""

SKIPPING = """
import pytest

@pytest.mark.needs("no-such-program")
def test_needs_a_program(): ...

def test_changes_its_mind():
    pytest.skip("not today")

@pytest.mark.xfail(reason="known")
def test_is_known_to_fail():
    assert False
"""

PROVING = """
import pytest

@pytest.mark.checklist(33, 36)
@pytest.mark.parametrize("address", ["ada@example.org"])
def test_letters(address): ...

@pytest.mark.checklist(36)
def test_fails():
    assert False

@pytest.mark.checklist(37)
def test_fails_when_it_ends(request):
    request.addfinalizer(lambda: 1 / 0)
"""


NOTING_THE_PROCESS = """
import os
from pathlib import Path
import pytest

@pytest.mark.parametrize("number", range(4))
def test_notes_its_process(number):
    Path(__file__).with_name(f"{os.getpid()}.process").touch()
"""

LEVELS = ("acceptance", "integration", "unit")


@pytest.fixture
def inner(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    monkeypatch.setenv("PYTHONPATH", str(TESTS))
    monkeypatch.delenv("CI", raising=False)
    pytester.makeini(INI)
    return pytester


@pytest.mark.parametrize(
    ("ci", "outcomes"), [("", {"skipped": 2, "xfailed": 1}), ("true", {"errors": 1, "failed": 1, "xfailed": 1})]
)
def test_what_is_skipped_on_a_laptop_fails_in_ci(
    inner: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, ci: str, outcomes: dict[str, int]
) -> None:
    monkeypatch.setenv("CI", ci)
    inner.makepyfile(SKIPPING)

    run = inner.runpytest_inprocess("-p", "needed_programs", "-rs")
    run.assert_outcomes(**outcomes)
    run.stdout.fnmatch_lines(["*not installed: no-such-program*"])


def test_a_whole_module_that_is_skipped_fails_in_ci(inner: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    inner.makepyfile("import pytest; pytest.importorskip('no_such_module')")

    inner.runpytest_inprocess("-p", "needed_programs").assert_outcomes(errors=1)


@pytest.mark.parametrize("processes", [0, 2])
def test_the_report_names_every_test_of_an_item_and_a_failure_in_any_part_of_it(
    inner: pytest.Pytester, processes: int
) -> None:
    module = inner.makepyfile(PROVING)
    report = inner.path / "out" / "report.json"

    inner.runpytest_inprocess("-p", "checklist_report", "-n", str(processes), "--checklist", str(report))
    letters = f"{module.name}::test_letters[ada@example.org]"
    expected = {
        "33": {letters: "passed"},
        "36": {letters: "passed", f"{module.name}::test_fails": "failed"},
        "37": {f"{module.name}::test_fails_when_it_ends": "failed"},
    }
    assert expected == json.loads(report.read_text())


@pytest.mark.parametrize("items", ["91", "'33'", ""])
def test_an_item_that_does_not_exist_is_refused(inner: pytest.Pytester, items: str) -> None:
    inner.makepyfile(f"import pytest\n@pytest.mark.checklist({items})\ndef test_a(): ...")

    run = inner.runpytest_inprocess("-p", "checklist_report")
    assert run.ret == pytest.ExitCode.USAGE_ERROR


@pytest.mark.parametrize("family", ["AF_INET", "AF_UNIX"])
@pytest.mark.parametrize("method", ["connect", "connect_ex"])
def test_a_unit_test_that_connects_fails_even_if_it_catches_everything(
    inner: pytest.Pytester, family: str, method: str
) -> None:
    inner.makeconftest((TESTS / "unit" / "conftest.py").read_text())
    inner.makepyfile(f"""
        import socket

        def test_connects():
            with socket.socket(socket.{family}) as one:
                try:
                    one.{method}({{"AF_INET": ("127.0.0.1", 9), "AF_UNIX": "/nowhere"}}["{family}"])
                except Exception:
                    pass
    """)

    run = inner.runpytest_inprocess()
    run.assert_outcomes(failed=1)
    run.stdout.fnmatch_lines(["*a unit test connects to*"])


def test_a_file_stays_in_one_process_and_so_does_acceptance_as_a_whole(inner: pytest.Pytester) -> None:
    for file in ("acceptance/test_a.py", "acceptance/test_b.py", "integration/test_c.py", "unit/test_d.py"):
        (inner.path / file).parent.mkdir(exist_ok=True)
        (inner.path / file).write_text(NOTING_THE_PROCESS)

    run = inner.runpytest_inprocess("-p", "spread", "-n", "2")
    run.assert_outcomes(passed=16)
    processes = {level: {note.name for note in (inner.path / level).glob("*.process")} for level in LEVELS}
    assert dict.fromkeys(LEVELS, 1) == {level: len(found) for level, found in processes.items()}
    assert len(set().union(*processes.values())) == 2
