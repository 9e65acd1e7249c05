"""What lies in deploy/ is valid, agrees with the platform, and is complete."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from command_line import call
from redis_server import running_redis
from tasks_platform.cli import main
from tasks_platform.settings import Settings

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
UNITS = sorted(path for path in (DEPLOY / "systemd").iterdir() if path.suffix in {".service", ".target"})
SCRIPTS = Path(sys.executable).parent


def compose() -> dict[str, Any]:
    loaded: dict[str, Any] = YAML(typ="safe").load(DEPLOY / "compose.yaml")
    return loaded


def seconds(duration: str) -> float:
    """Read ``45s`` or ``45``."""
    return float(duration.removesuffix("s"))


def test_the_dockerfile_has_nothing_that_hadolint_objects_to() -> None:
    subprocess.run([SCRIPTS / "hadolint", DEPLOY / "Dockerfile"], check=True)


def test_everything_that_the_dockerfile_copies_is_in_its_context() -> None:
    context = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    for line in re.findall(r"^COPY (?!--from)(.*)", (DEPLOY / "Dockerfile").read_text(), re.MULTILINE):
        for source in line.split()[:-1]:
            assert source in context
            assert (ROOT / source).exists()


def test_the_compose_file_is_what_compose_expects() -> None:
    command = [SCRIPTS / "check-jsonschema", "--builtin-schema", "vendor.compose-spec", DEPLOY / "compose.yaml"]
    subprocess.run(command, check=True)


@pytest.mark.needs("systemd-analyze")
@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_the_units_are_what_systemd_expects(unit: Path, tmp_path: Path) -> None:
    here = tmp_path / "bin"
    here.mkdir()
    for name in ("celery", "tasks-platform"):
        (here / name).touch(mode=0o755)
    text = unit.read_text().replace("/opt/tasks-platform/.venv/bin", str(here))
    (tmp_path / unit.name).write_text(text)

    analysis = subprocess.run(
        ["systemd-analyze", "verify", tmp_path / unit.name], capture_output=True, text=True, check=False
    )
    said = [line for line in analysis.stderr.splitlines() if unit.stem.partition("@")[0] in line]
    assert (analysis.returncode, said) == (0, [])


def test_whatever_stops_a_worker_gives_it_more_than_its_grace_period() -> None:
    grace = Settings().grace_period.total_seconds()
    services = compose()["services"]
    stops = [seconds(s["stop_grace_period"]) for name, s in services.items() if name.startswith("worker")]
    stops += [
        seconds(found)
        for unit in UNITS
        if "worker" in unit.name
        for found in re.findall(r"^TimeoutStopSec=(.*)", unit.read_text(), re.MULTILINE)
    ]
    assert len(stops) == len([name for name in services if name.startswith("worker")]) + 1
    assert all(stop >= grace + 10 for stop in stops)


def commands() -> list[list[str]]:
    """Return every command line that an installation is started with."""
    lines = [service["command"] for service in compose()["services"].values() if "command" in service]
    for unit in UNITS:
        lines += re.findall(r"^ExecStart=/opt/tasks-platform/.venv/bin/(.*)", unit.read_text(), re.MULTILINE)
    return [shlex.split(line) for line in lines]


def test_every_command_of_the_platform_exists() -> None:
    used = {command[1] for command in commands() if command[0] == "tasks-platform"}
    assert used
    assert used <= set(main.list_commands(None))  # type: ignore[arg-type]
    others = [command[:4] for command in commands() if command[0] not in {"tasks-platform", "redis-server"}]
    assert {tuple(other) for other in others} == {
        ("celery", "-A", "tasks_platform", "beat"),
        ("celery", "-A", "tasks_platform", "flower"),
    }


def test_every_class_that_is_started_exists_and_answers_to_the_name_it_is_asked_by() -> None:
    classes = set(Settings().workers)
    workers = {name: service for name, service in compose()["services"].items() if name.startswith("worker")}
    for service in workers.values():
        *_, word = shlex.split(service["command"])
        assert word in classes
        assert f"--destination {word}@$$HOSTNAME" in service["healthcheck"]["test"][1]
    assert len(workers) == len(classes)
    told = (DEPLOY / "README.md").read_text() + "".join(unit.read_text() for unit in UNITS)
    assert set(re.findall(r"tasks-platform-worker@(\w+)", told)) == classes


def test_every_file_that_a_command_names_is_there() -> None:
    named = {word.partition("=")[2] for command in commands() for word in command if word.startswith("--conf=")}
    assert {Path(name).name for name in named} == {"flower_config.py"}
    assert all((ROOT / Path(name).relative_to("/opt/tasks-platform")).exists() for name in named)


def test_the_example_of_settings_has_only_settings_that_exist(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = re.findall(r"^#?(TASKS_\w+)=(.*)$", (DEPLOY / "tasks.env.example").read_text(), re.MULTILINE)
    environment = dict(lines)
    assert len(environment) > 5

    result = call("check", "--json", **{**environment, "TASKS_MODULES": "", "TASKS_REDIS_URL": "redis://127.0.0.1:1"})

    assert "is not a setting" not in result.stdout
    assert '"what": "settings",\n    "ok": true' in result.stdout


def test_the_redis_of_the_compose_file_keeps_what_it_is_given(tmp_path: Path) -> None:
    _, *options = shlex.split(compose()["services"]["redis"]["command"])
    with running_redis(tmp_path, *options) as server:
        result = call("health", "--only", "redis", TASKS_REDIS_URL=server.url, TASKS_BUSINESS="false")
    assert result.exit_code == 0, result.output


def test_a_wheel_holds_every_file_of_the_package(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(tmp_path)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)

    (wheel,) = tmp_path.glob("*.whl")
    held = {name for name in zipfile.ZipFile(wheel).namelist() if name.startswith("tasks_platform/")}
    package = ROOT / "tasks_platform"
    hooks = {  # which are modules by themselves
        "leased_redis_hook.py": package / "broker" / "leased" / "hook.py",
        "tasks_platform_commands.py": package / "cli" / "celery_hook.py",
    }
    files = {path for path in package.rglob("*") if path.is_file() and "__pycache__" not in path.parts}
    assert {str(path.relative_to(ROOT)) for path in files} - held == {
        str(hook.relative_to(ROOT)) for hook in hooks.values()
    }
    for name, hook in hooks.items():
        assert zipfile.ZipFile(wheel).read(name) == hook.read_bytes()
