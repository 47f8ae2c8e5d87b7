"""A serving daemon as those see it who watch it: over HTTP, by ``storewatch status``, by systemd, in its log, by its own alerts."""

from __future__ import annotations

import json
import shutil
import signal
import socket
import subprocess
import urllib.error
import urllib.request
from datetime import UTC, datetime
from pathlib import Path

import pytest

from engine.builtin import Daemon, Disk
from engine.daemon.agenda import OWN
from engine.daemon.systemd import notify, watchdog_pause
from engine.matching.evaluate import Matcher
from engine.model import Notification, RuleResult
from engine.outbox import deliver
from engine.pipeline import Round, run_round
from engine.project import load_project
from engine.routing.matchers import parse_matcher
from engine.routing.silences import Silence
from engine.snapshots import Snapshots
from engine.state import Evaluation, State, add_silence, backlogs, daemons, failing_rules, forget_daemon, note_daemon
from tests.daemon.conftest import START, STORES
from tests.daemon.processes import PATIENCE, serving, storewatch, surroundings, until
from tests.daemon.test_metrics import Answers, letter
from tests.daemon.test_self_alerts import BROKEN, HERE, HOUR, MINUTE
from tests.ports import free_port

PROMTOOL = shutil.which("promtool")


@pytest.fixture
def shop(folder: Path) -> Path:
    """A project with a schedule of a second, and data."""
    (folder / "schedules.yaml").write_text("schedules: {often: {every: 1s}}\n", encoding="utf-8")
    (folder / "stores.csv").write_text(STORES, encoding="utf-8")
    subprocess.run(storewatch(folder, "ingest", str(folder / "stores.csv"), "--kind", "store"), check=True, capture_output=True)
    return folder


def ask(port: int, path: str, method: str = "GET") -> tuple[int, str]:
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", method=method)
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def status_of(folder: Path, url: str) -> tuple[int, dict[str, object]]:
    command = [*storewatch(folder)[:-2], "--lang", "en", "--format", "json", "status"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=surroundings(url))
    return done.returncode, json.loads(done.stdout)


def test_a_daemon_is_watched_from_its_start_to_its_end(shop: Path, url: str) -> None:
    port = free_port()
    with serving(shop, "--listen", f"127.0.0.1:{port}", "--log-format", "json", url=url) as daemon:
        daemon.wait_for("listens")
        until(lambda: ask(port, "/-/ready")[0] == 200, "readiness")
        assert ask(port, "/-/healthy") == (200, '{"ok": true, "reasons": []}\n')
        until(lambda: json.loads(ask(port, "/-/status")[1])["rounds"] >= 2, "rounds")
        code, told = status_of(shop, url)
        assert (code, told["failing"]) == (0, [])
        assert [(each["process"], each["running"]) for each in told["daemons"]] == [(daemon.process.pid, True)]  # type: ignore[index]
        until(lambda: "storewatch_daemons 1.0" in ask(port, "/metrics")[1], "a look at the database that finds the daemon")
        scrape = ask(port, "/metrics")[1]
        assert 'storewatch_evaluations_total{outcome="done",schedule="often"}' in scrape and "process_resident_memory_bytes" in scrape
        if PROMTOOL:
            checked = subprocess.run([PROMTOOL, "check", "metrics"], input=scrape, capture_output=True, text=True, check=False)
            assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")

        (shop / "rules" / "wrong.yaml").write_text("- alert: no condition\n", encoding="utf-8")
        code, text = ask(port, "/-/reload", "POST")
        told = json.loads(text)
        assert code == 409 and not told["reloaded"]
        assert {problem["file"] for problem in told["problems"]} == {"rules/wrong.yaml"}  # type: ignore[index, union-attr]
        assert "storewatch_config_last_reload_successful 0.0" in ask(port, "/metrics")[1]
        assert ask(port, "/-/ready")[0] == 200, "the old files hold"
        (shop / "rules" / "wrong.yaml").unlink()
        assert ask(port, "/-/reload", "POST") == (200, '{"reloaded": true, "problems": []}\n')
        assert ask(port, "/-/reload")[0] == 405

        assert daemon.end(signal.SIGTERM) == 0
        records = [json.loads(line) for line in daemon.log]
        assert len(records) > 3 and all({"instant", "level", "event"} <= set(record) for record in records)
    assert status_of(shop, url)[1]["daemons"] == []


def test_a_daemon_that_was_killed_is_missed(shop: Path, url: str) -> None:
    with serving(shop, url=url), State.open(url) as state:
        until(lambda: daemons(state), "the daemon's note")
    code, told = status_of(shop, url)
    assert code == 3
    assert [reason["en"] for reason in told["failing"]] == [f"the daemon on {socket.gethostname()} ended without a word"]  # type: ignore[index, union-attr]


def test_a_port_that_is_taken_is_told_and_the_options_are_checked(shop: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        for words, said in (
            (("--listen", f"127.0.0.1:{taken.getsockname()[1]}"), "cannot be used: Address already in use"),
            (("--listen", "nowhere"), "write HOST:PORT"),
            (("--log-format", "xml"), "use console, json"),
            (("--log-level", "loud"), "use debug, info, warning, error"),
        ):
            refused = subprocess.run(storewatch(shop, "serve", *words), capture_output=True, text=True, check=False)
            assert refused.returncode == 2 and said in refused.stderr


def test_systemd_hears_of_the_start_of_life_and_of_the_end(shop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(PATIENCE)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        monkeypatch.setenv("WATCHDOG_USEC", "300000")
        with serving(shop) as daemon:
            heard = [manager.recv(100) for _ in range(3)]
            assert heard == [b"READY=1", b"WATCHDOG=1", b"WATCHDOG=1"]
            assert daemon.end(signal.SIGTERM) == 0
            while manager.recv(100) != b"STOPPING=1":
                continue


def test_without_systemd_nothing_is_said() -> None:
    assert not notify({}, "READY=1") and not notify({"NOTIFY_SOCKET": "/no/such/socket"}, "READY=1")
    assert watchdog_pause({}) is None and watchdog_pause({"WATCHDOG_USEC": "60000000"}) == 20


def test_what_a_daemon_notes_is_read_back_and_forgotten(state: State) -> None:
    noted = Daemon("d1", "主机", 7, START, START, (Disk("/srv", 1, 2),), HERE.jumps, None)
    note_daemon(state, noted)
    note_daemon(state, noted)
    assert daemons(state) == (noted,)
    note_daemon(state, Daemon("d2", "other", 8, START, START + HOUR * 24 * 8))
    assert [each.id for each in daemons(state)] == ["d2"], "after a week without a word"
    forget_daemon(state, "d2")
    assert daemons(state) == ()


def test_rules_that_fail_and_channels_in_trouble_are_found(state: State) -> None:
    for n in range(3):
        at = START + n * MINUTE
        state.commit(Evaluation("s", at, at, at, (RuleResult("bad", error=BROKEN), RuleResult("good"))))
    assert {name: (each.times, each.error) for name, each in failing_rules(state).items()} == {"bad": (3, BROKEN)}
    with state.writing() as connection:
        for notification in (letter("1", "delivered"), letter("2", "try_later"), letter("3", "give_up"), letter("4", "try_later")):
            state.enqueue(connection, notification)
    deliver(state, {"screen": Answers()}, lambda: START)
    (found,) = backlogs(state, START + HOUR)
    assert (found.channel, found.waiting, found.since, found.dead) == ("screen", 2, START, 1)
    assert found.answer == "because_try_later"
    (later,) = backlogs(state, START + 25 * HOUR)
    assert (later.waiting, later.dead) == (2, 0), "a letter given up yesterday is history"


def test_a_round_tells_of_a_channel_in_trouble_on_another_one(folder: Path, state: State) -> None:
    (folder / "channels.yaml").write_text(
        """
language: en
channels: {screen: {type: console}, mail: {type: email, host: h.example, from: a@shop.example}}
contacts: {service: {email: [service@shop.example]}, data: {email: [data@shop.example]}}
receivers: {all: [{channel: mail, to: [owner]}, {channel: screen}]}
route: {receiver: all}
""",
        encoding="utf-8",
    )
    with state.writing() as connection:
        state.enqueue(connection, Notification("1", "mail", "data@shop.example", "t", "try_later", b"", START))
    deliver(state, {"mail": Answers()}, lambda: START)
    project = load_project(folder)
    matcher, snapshots = Matcher(project.facts.schemas, project.facts.time_zone), Snapshots(project.snapshots)

    def evaluate(at: datetime, clock: datetime) -> Round:
        return run_round(project, matcher, snapshots, state, at, schedule=OWN, rules=(), clock=lambda: clock)

    assert evaluate(START + 20 * MINUTE, START + 20 * MINUTE).notifications == ()
    assert evaluate(START + 21 * MINUTE, START + HOUR).notifications == (), "an instant that is caught up says nothing of the present"
    (told,) = evaluate(START + HOUR, START + HOUR).notifications
    assert (told.channel, told.subject) == (
        "screen",
        "[Critical] A channel does not deliver: Channel mail: 1 waiting, failing since 20 Nov 2026, 09:00",
    )


def test_status_lists_silences_in_force(folder: Path, url: str) -> None:
    now = datetime.now(UTC)
    matchers = (parse_matcher('alert="dsr_drop"'),)
    with State.open(url) as state:
        add_silence(state, Silence(matchers, "lead", "sale", now - HOUR, now - HOUR, now + HOUR))
        add_silence(state, Silence(matchers, "lead", "over", now - HOUR, now - HOUR, now - MINUTE))
    (told,) = status_of(folder, url)[1]["silences"]  # type: ignore[misc]
    assert (told["matchers"], told["author"]) == ('alert="dsr_drop"', "lead")
