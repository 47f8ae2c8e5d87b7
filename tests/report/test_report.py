"""The report of a dry-run in a real browser: it says what happened, asks for nothing, and nothing in the data does anything."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from typer.testing import CliRunner

from engine.archive import Archive
from engine.cli.init import copy_starter
from engine.cli.main import app
from engine.errors import Text
from engine.matching.evaluate import Matcher
from engine.model import Identity, Severity, Shown, Type
from engine.project import Project, load_project
from engine.replay import Clerk, Replay, replay
from engine.replay.planning import scheduled
from engine.report import write_report
from engine.report.writing import in_script
from engine.snapshots import Snapshots
from tests.matching.folders import write_batch
from tests.report.browser import CHROMIUM, opened, played

needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine")
HOSTILE = """<img src=x onerror="top.hacked=hacked=1"></script><script>hacked=1</script>"""
START = datetime(2026, 11, 2, tzinfo=UTC)
RULES = """
- alert: low_rating
  title: {zh: 评分低, en: Rating is low}
  facts: store
  when: dsr_desc < 4.7
  severity: {critical: dsr_desc < 4.5, warning: otherwise}
  owner: service
  show: {rating: dsr_desc, name: name}
  evidence: {from: review, where: score <= 2, show: {what: content}}
  trend: dsr_desc
- {alert: quiet, title: Quiet, facts: store, when: uv < 10, severity: info, owner: service}
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    folder = tmp_path_factory.mktemp("report") / "shop"
    copy_starter(folder)
    shutil.rmtree(folder / "rules")
    (folder / "rules").mkdir()
    (folder / "rules" / "few.yaml").write_text(RULES, encoding="utf-8")
    (folder / "schedules.yaml").write_text("schedules: {daily: {cron: '0 9 * * *'}}\n", encoding="utf-8")
    found = load_project(folder)
    for day, ratings in enumerate([("4.9", "4.6"), ("4.6", "4.6"), ("4.4", "4.9"), ("4.9", "4.9")]):
        rows = [{"store_id": f"s{number}", "name": HOSTILE, "dsr_desc": Decimal(each)} for number, each in enumerate(ratings)]
        write_batch(found.snapshots, found.facts.schemas["store"], START + timedelta(days=day), rows, "*")
    review = {"review_id": "r1", "store_id": "s0", "score": 1, "content": HOSTILE, "created_at": START}
    write_batch(found.snapshots, found.facts.schemas["review"], START + timedelta(days=1), [review], "*")
    return found


@pytest.fixture(scope="module")
def done(project: Project) -> Replay:
    archive = Archive.of(Snapshots(project.snapshots))
    until = START + timedelta(days=3, hours=16)  # midnight in Shanghai
    return replay(project, archive, scheduled(project, archive, START, until, project.rules), until=until)


def written(project: Project, done: Replay, path: Path, language: str = "en", most_mails: int = 100) -> Path:
    clerk = Clerk(project, Matcher(project.facts.schemas, project.facts.time_zone), Snapshots(project.snapshots))
    write_report(done, clerk, path, language, most_mails=most_mails)
    return path


CLICK = """
  const alerts = [...page.querySelectorAll('.alert > button')].filter(each => each.textContent.includes('Rating is low'));
  alerts[0].click();
  const detail = await until(() => page.querySelector('.detail:not([hidden])')), full = await until(() => detail.querySelector('h3'));
  detail.querySelector('.letter > button').click();
  const mail = await until(() => page.querySelector('iframe'));
  return {
    alerts: alerts.length, detail: detail.innerText, sandbox: mail.getAttribute('sandbox'), mail: mail.getAttribute('srcdoc'),
    images: page.images.length, subject: page.querySelector('.letter b').textContent, charts: page.querySelectorAll('svg rect').length,
  };
"""


@needs_chromium
def test_it_opens_without_an_error_or_a_request_and_fits_a_phone(project: Project, done: Replay, tmp_path: Path) -> None:
    path = written(project, done, tmp_path / "report.html")
    first = opened(path, tmp_path)
    assert first.console == []
    assert "Notifications per day" in first.dom and "Rating is low" in first.dom
    seen = played(path, tmp_path, CLICK)
    assert "error" not in seen, seen
    assert (seen["fetched"], seen["hacked"], seen["images"], seen["sandbox"]) == ([], False, 0, "")
    assert seen["width"] == 375
    assert (seen["alerts"], seen["charts"] > 10) == (2, True)
    assert "rating\t4.4\n" in seen["detail"] and "Critical" in seen["detail"]
    assert HOSTILE[:20] in seen["detail"]
    assert "<img src=x" not in seen["mail"] and "data:image/png;base64," in seen["mail"]
    assert "评分低" in seen["subject"]


@needs_chromium
def test_chinese(project: Project, done: Replay, tmp_path: Path) -> None:
    page = opened(written(project, done, tmp_path / "report.html", "zh"), tmp_path)
    assert page.console == []
    assert all(words in page.dom for words in ("每天的通知", "各店铺的告警时间线", "评分低", "2026-11-02 至 2026-11-05"))


@needs_chromium
def test_ten_thousand_alerts_are_drawn_as_they_are_looked_at(project: Project, done: Replay, tmp_path: Path) -> None:
    path = written(project, many(done, 10_000), tmp_path / "report.html")
    script = """
      const rows = () => page.querySelectorAll('.alert').length, first = rows(), nodes = page.querySelectorAll('*').length;
      page.querySelector('input[type=search]').value = 'key 7777';
      page.querySelector('input[type=search]').dispatchEvent(new Event('input'));
      const found = rows();
      page.querySelector('.alert > button').click();
      await until(() => page.querySelector('.detail h3'));
      return {first, found, nodes, detail: page.querySelector('.detail').innerText, cards: page.querySelector('.cards').innerText};
    """
    seen = played(path, tmp_path, script)
    assert "error" not in seen, seen
    assert (seen["first"] <= 200, seen["found"], seen["nodes"] < 15_000) == (True, 1, True)
    assert "10000" in seen["cards"] and "value 7777" in seen["detail"]


def many(done: Replay, count: int) -> Replay:
    """As many alerts of 300 stores in 90 days."""
    like = next(episode for episode in done.episodes if episode.rule == "low_rating")
    episodes = []
    for number in range(count):
        at = START + timedelta(minutes=number * 13)
        value = (Shown(Text.same("what"), f"value {number}", Type.STRING),)
        identity = Identity("low_rating", (f"key {number}",))
        severity = list(Severity)[number % 3]
        alert = replace(like.alert, identity=identity, store_id=f"store {number % 300}", shown=value, severity=severity, pending_since=at)
        moves = tuple(
            replace(moved, alert=replace(alert, state=moved.after), at=at + timedelta(hours=turn * (1 + number % 50)))
            for turn, moved in enumerate((like.transitions[0], like.transitions[-1]))
        )
        episodes.append(replace(like, alert=alert, transitions=moves))
    return replace(done, episodes=tuple(episodes), until=START + timedelta(days=90), names={f"store {n}": HOSTILE for n in range(300)})


def test_no_message_is_kept_where_none_is_asked_for(project: Project, done: Replay, tmp_path: Path) -> None:
    bare = written(project, done, tmp_path / "bare.html", most_mails=0).read_text(encoding="utf-8")
    data = json.loads(re.findall(r'<script type="application/json" id="data">(.*?)</script>', bare)[0])
    assert data["sent"] and all(place is None for *_, place, _ in data["sent"])
    assert 'id="mails-0"' not in bare


def test_json_cannot_leave_its_element() -> None:
    assert "<" not in in_script({HOSTILE: HOSTILE})
    assert json.loads(in_script([HOSTILE, "\u2028"])) == [HOSTILE, "\u2028"]


def test_the_command_writes_it(project: Project, tmp_path: Path) -> None:
    target = tmp_path / "new" / "report.html"
    words = ["-C", str(project.folder), "--lang", "en", "dry-run", "--from", "2026-11-02", "--to", "2026-11-05", "--html", str(target)]
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 0, result.output
    assert f"written: {target}" in result.output
    assert "Rating is low" in target.read_text(encoding="utf-8")


@pytest.mark.skipif(shutil.which("node") is None, reason="no node on this machine")
def test_the_script_is_sound() -> None:
    script = Path(__file__).parents[2] / "engine" / "report" / "script.js"
    subprocess.run(["node", "--check", str(script)], check=True, capture_output=True)
