from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from check_tasks import findings, main

GOOD = '''
    from tasks_platform import Retry, ReliableTask, task

    @task(Retry(max_attempts=8), base=ReliableTask, queue="email")
    def send_receipt(order_id: UUID) -> Receipt:
        """Send the receipt of a paid order, once."""
'''


def rules_broken_by(source: str) -> list[str]:
    return [finding.rule for finding in findings(dedent(source))]


def test_a_task_that_keeps_the_rules_is_not_mentioned() -> None:
    assert rules_broken_by(GOOD) == []


@pytest.mark.parametrize(
    ("rule", "before", "after"),
    [
        ("T001", "base=ReliableTask, ", ""),
        ("T001", "base=ReliableTask", "base=SomethingElse"),
        ("T001", "ReliableTask", "PlatformTask"),
        ("T002", ', queue="email"', ""),
        ("T003", '"""Send the receipt of a paid order, once."""', "return None"),
        ("T004", "UUID", "bytes"),
        ("T004", "UUID", "list[bytes] | None"),
        ("T004", "UUID", '"Annotated[bytearray, 1]"'),
        ("T005", "from tasks_platform", "import celery.result\n    from tasks_platform"),
        ("T005", "from tasks_platform", "from kombu import Queue\n    from tasks_platform"),
    ],
)
def test_a_broken_rule_is_found(rule: str, before: str, after: str) -> None:
    assert before in GOOD
    assert rules_broken_by(GOOD.replace(before, after)) == [rule]


def test_a_task_without_options_lacks_a_base_and_a_queue() -> None:
    assert rules_broken_by('@task\ndef sweep() -> None:\n    """Sweep."""') == ["T001", "T002"]


@pytest.mark.parametrize(
    ("imported", "base"),
    [
        ("from tasks_platform.bases import ReliableTask as Base", "Base"),
        ("from tasks_platform import bases", "bases.UniqueTask"),
        ("from tasks_platform import ReliableTask\nclass Ours(ReliableTask): ...", "Ours"),
    ],
)
def test_a_base_class_may_be_renamed_reached_through_its_module_or_extended(imported: str, base: str) -> None:
    task = f'{imported}\n@task(base={base}, queue="sweeping")\ndef sweep() -> None:\n    """Sweep."""'

    assert rules_broken_by(task) == []


def test_a_function_that_is_no_task_may_do_as_it_likes() -> None:
    assert rules_broken_by("@lru_cache\ndef picture(content: bytes): ...") == []


def test_the_command_names_file_line_and_rule_and_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    module = tmp_path / "email.py"
    module.write_text(dedent(GOOD).replace(', queue="email"', ""))

    assert main([str(tmp_path)]) == 1
    expected = f"{module}:5: T002 send_receipt names no queue\nRules for tasks: 1 tasks in 1 files, 1 broken.\n"
    assert expected == capsys.readouterr().out
