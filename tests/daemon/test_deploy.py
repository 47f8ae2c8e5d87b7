"""What ``deploy/`` holds fits the program: options exist, alert rules ask for metrics there are, and the tools of others find it right."""

from __future__ import annotations

import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest
from typer.testing import CliRunner

from engine.cli.main import app
from engine.daemon.metrics import METRICS
from engine.yamlfile import loads

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
RULES = DEPLOY / "prometheus" / "storewatch.rules.yml"
PROMTOOL = shutil.which("promtool")
ANALYZE = shutil.which("systemd-analyze")


@pytest.mark.skipif(PROMTOOL is None, reason="promtool is not installed (Debian package prometheus)")
@pytest.mark.parametrize(("what", "name"), [("rules", "storewatch.rules.yml"), ("config", "prometheus.yml")])
def test_prometheus_takes_the_examples(what: str, name: str) -> None:
    done = subprocess.run([PROMTOOL or "", "check", what, str(DEPLOY / "prometheus" / name)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_alert_rules_ask_for_metrics_that_there_are() -> None:
    asked = set(re.findall(r"storewatch_\w+", " ".join(re.findall(r"expr: (.*)", RULES.read_text(encoding="utf-8")))))
    assert len(asked) > 8
    assert asked <= {each.name + ("_total" if each.type == "counter" else "") for each in METRICS}


@pytest.mark.skipif(ANALYZE is None, reason="systemd-analyze is not installed")
def test_systemd_takes_the_unit(tmp_path: Path) -> None:
    unit = (DEPLOY / "storewatch.service").read_text(encoding="utf-8").replace("/opt/storewatch/bin/storewatch", "/bin/true")
    (tmp_path / "storewatch.service").write_text(unit, encoding="utf-8")
    done = subprocess.run([ANALYZE or "", "verify", str(tmp_path / "storewatch.service")], capture_output=True, text=True, check=False)
    assert "storewatch.service" not in done.stderr, done.stderr


@pytest.mark.parametrize("name", ["storewatch.service", "Dockerfile"])
def test_the_options_of_serve_exist(name: str) -> None:
    told = CliRunner().invoke(app, ["serve", "--help"], env={"COLUMNS": "200"}).output
    used = set(re.findall(r"--(?:log-format|listen|log-level|inbox|send)\b", (DEPLOY / name).read_text(encoding="utf-8")))
    assert {"--log-format", "--listen"} <= used and all(option in told for option in used)


def test_the_image_is_built_of_files_that_there_are() -> None:
    lines = re.findall(r"(?m)^COPY (?!--from)(.*)$", (DEPLOY / "Dockerfile").read_text(encoding="utf-8"))
    copied = [source for line in lines for source in line.split()[:-1]]
    allowed = set(re.findall(r"(?m)^!(.*)$", (DEPLOY / "Dockerfile.dockerignore").read_text(encoding="utf-8")))
    assert set(copied) == allowed and all((ROOT / source).exists() for source in copied)


def test_the_image_is_installed_with_extras_that_there_are() -> None:
    (extras,) = re.findall(r"(?m)^ARG EXTRAS=(.*)$", (DEPLOY / "Dockerfile").read_text(encoding="utf-8"))
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    assert set(extras.split(",")) == set(declared) - {"demo", "dev"}


def test_the_compose_file_is_yaml_and_its_secrets_are_declared() -> None:
    compose = loads((DEPLOY / "compose.yaml").read_bytes(), "compose.yaml").data
    assert isinstance(compose, dict)
    used = {secret for service in compose["services"].values() for secret in service.get("secrets", [])}
    assert used == set(compose["secrets"])
