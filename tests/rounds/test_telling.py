"""What `run`, `alerts` and `outbox` say: what is missing, unknown, waiting, given up; in words, in JSON, and through a broken output."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from engine.cli.main import app
from tests.ports import free_port
from tests.rounds.conftest import Shop

STORES = "店铺Id,店铺名称,描述相符,服务态度,物流服务\n"
ORDERS = "订单编号,店铺Id,订单状态,订单创建时间,订单付款时间,买家实际支付金额\n"
AT = ("--force", "--at", "2026-11-02T09:30")


def rated(shop: Shop, *ratings: str) -> None:
    """Stores s1, s2 ... with these ratings."""
    rows = "".join(f"s{number},{number}号店,{rating},4.80,4.80\n" for number, rating in enumerate(ratings, 1))
    shop.ingest("store", STORES + rows, "2026-11-02T08:30")


def ordered(shop: Shop) -> None:
    shop.ingest("order", f"{ORDERS}1,s1,买家已付款,2026-11-01 09:00,2026-11-01 09:01,1\n", "2026-11-02T09:00")


def change(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def outside(shop: Shop, words: str, **streams: object) -> subprocess.CompletedProcess[bytes]:
    """The command as a process of its own."""
    command = [sys.executable, "-m", "engine.cli.main", "--project", str(shop.folder), "--lang", "en", *words.split()]
    return subprocess.run(command, stderr=subprocess.PIPE, check=False, **streams)  # type: ignore[call-overload, no-any-return]  # noqa: S603


def test_a_kind_that_nobody_ingested_is_told_with_the_rules_that_need_it(shop: Shop) -> None:
    ordered(shop)
    said = shop.do("run", *AT, "--rule", "dsr_drop").stderr
    assert "rule dsr_drop needs store: never ingested" in said
    every = shop.do("run", *AT).stderr
    missing = shop.json("run", "--force", "--at", "2026-11-02T10:00")["missing"]
    assert {"kind": "review", "stores": None, "rules": ["negative_review_unanswered", "question_unanswered"]} in missing
    assert every.count("\n") < 6 and "store (" in every, "many kinds are one sentence"


def test_a_kind_that_came_is_not_called_missing(shop: Shop) -> None:
    rated(shop, "4.8")
    assert "never ingested" not in shop.do("run", *AT, "--rule", "dsr_drop").stderr


def test_a_store_that_never_reported_what_others_do_is_told_but_raises_nothing(shop: Shop) -> None:
    rated(shop, "4.8", "4.8")
    ordered(shop)
    (order,) = [each for each in shop.json("run", *AT)["missing"] if each["kind"] == "order"]
    assert order["stores"] == ["s2"] and order["rules"]
    assert shop.json("alerts", "--rule", "stale_data") == []


def test_an_expected_store_that_never_came_is_an_alert(shop: Shop) -> None:
    change(shop.folder / "facts.yaml", "max_bad: 5%", "max_bad: 5%\nexpected: [s1, s9]")
    rated(shop, "4.8")
    shop.do("run", *AT)
    assert [alert["key"] for alert in shop.json("alerts", "--rule", "stale_data")] == ["store/s9"]


def test_unknown_rows_are_told_by_rule(shop: Shop) -> None:
    rated(shop, "", "4.8")
    result = shop.do("run", *AT, "--rule", "dsr_drop", "--verbose")
    assert "1 unknown (a value they need is missing): dsr_drop 1; to see why: storewatch explain dsr_drop" in result.stderr
    assert "1 rule judged 2 rows: 0 match" in result.stderr, "built-in rules are not counted"
    assert "dsr_drop  2            0      1" in result.stdout
    shop.ingest("store", f"{STORES}s1,一号店,,4.8,4.8\n", "2026-11-03T08:30")
    round_ = shop.json("run", "--force", "--at", "2026-11-03T09:30", "--rule", "dsr_drop")
    assert round_["rules"] == [{"rule": "dsr_drop", "judged": 2, "matched": 0, "unknown": 1, "error": None}]


def test_an_instant_that_has_not_come_is_refused_unless_nothing_is_sent(shop: Shop) -> None:
    assert "future" in shop.do("run", "--at", "2099-01-01", expect=2).output
    assert "future" in shop.do("run", "--at", "2099-01-01T10:00", expect=2).output
    assert shop.json("run", "--at", "2099-01-01T10:00", "--no-send")["at"] == "2099-01-01T02:00:00+00:00"
    assert not (shop.folder / "mails").exists() and not shop.inbox.mails


def test_what_a_second_run_of_an_instant_finds_is_not_told_as_changed(shop: Shop) -> None:
    rated(shop, "4.8")
    shop.do("run", *AT)
    rated(shop, "4.2")
    round_ = shop.json("run", *AT)
    assert (round_["claimed"], round_["changes"], round_["rules"], round_["missing"]) == (False, [], [], [])
    assert shop.json("alerts") == []


def test_a_bare_day_is_its_end(shop: Shop) -> None:
    assert shop.json("run", "--force", "--at", "2020-01-01")["at"] == "2020-01-01T16:00:00+00:00"


@pytest.mark.parametrize("words", ["run --at bad", "run --rule dsr_dro", "run --rules dsr_dro", "alerts --rule dsr_dro"])
def test_a_wrong_word_is_told(shop: Shop, words: str) -> None:
    said = shop.do(*words.split(), expect=2).output
    assert "did you mean dsr_drop" in said or "is not a date or time" in said
    assert not (shop.folder / "state.db").exists()


def test_a_store_or_state_that_nobody_knows_is_told(shop: Shop) -> None:
    rated(shop, "4.8")
    assert shop.do("alerts", "--store", "s1").stdout == "no alerts\n"
    assert "there is no store 's1x'" in shop.do("alerts", "--store", "s1x", expect=2).output
    assert "did you mean dead" in shop.do("outbox", "--state", "ded", expect=2).output
    assert not (shop.folder / "state.db").exists(), "asking makes no state"


@pytest.mark.parametrize("command", ["run", "alerts", "outbox"])
def test_a_folder_that_is_no_project_stays_as_it_is(tmp_path: Path, command: str) -> None:
    result = CliRunner().invoke(app, ["--project", str(tmp_path), "--lang", "en", command])
    assert result.exit_code == 2 and "is not a storewatch project" in result.output
    assert not list(tmp_path.iterdir())


def test_a_message_that_waits_is_told_again_and_again(shop: Shop) -> None:
    rated(shop, "4.2")
    port = free_port()
    change(shop.folder / "channels.yaml", "host: 127.0.0.1", "host: localhost")
    text = (shop.folder / "channels.yaml").read_text(encoding="utf-8")
    lines = [f"    port: {port}" if line.startswith("    port:") else line for line in text.splitlines()]
    (shop.folder / "channels.yaml").write_text("\n".join(lines), encoding="utf-8")
    first = shop.do("run", *AT, expect=3).stderr
    assert "channel mail: 2 not sent, connection refused (localhost:" in first and "2 waiting (next try from 20" in first
    again = shop.do("run", *AT, expect=3).stderr
    assert "evaluated before" in again and "2 waiting (next try from 20" in again
    table = shop.do("outbox").stdout
    assert "connection refused" in table and f"localhost:{port}" in table and "+0000" not in table
    assert {letter["category"] for letter in shop.json("outbox")} == {"connection_refused"}
    shop.do("run", *AT, "--no-send")


def test_a_letter_that_another_process_sends_is_told(shop: Shop) -> None:
    from engine.cli.common import clock, open_state
    from engine.outbox import LEASE
    from engine.outbox.letters import lease_next

    rated(shop, "4.2")
    shop.do("run", *AT, "--no-send")
    with open_state(shop.folder) as state:
        leased = lease_next(state, "mail", clock(), clock(), LEASE, ())
    assert leased
    assert "1 being sent by another process" in shop.do("run", *AT).stderr
    (letter,) = shop.json("outbox", "--state", "sending")
    assert letter["lease_until"]


def test_what_a_limit_holds_back_is_told_and_is_no_failure(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    now = datetime.now(UTC)
    for module in ("run", "delivering"):
        monkeypatch.setattr(f"engine.cli.{module}.clock", lambda: now)  # within the minute, however slow this machine is
    rated(shop, "4.2")
    change(shop.folder / "channels.yaml", "    timeout: 20s", "    timeout: 20s\n    per_minute: 1")
    said = shop.do("run", *AT).stderr
    assert "1 sent" in said and "1 waiting, 1 of them held back by a channel's limit until 20" in said
    assert {(letter["state"], letter["attempts"]) for letter in shop.json("outbox")} == {("delivered", 1), ("queued", 0)}


def test_without_the_password_the_round_is_done_and_the_mail_waits(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SHOP_PASSWORD", raising=False)
    rated(shop, "4.2")
    change(shop.folder / "channels.yaml", "    timeout: 20s", "    timeout: 20s\n    username: u\n    password_env: SHOP_PASSWORD")
    said = shop.do("run", *AT, expect=3).stderr
    assert "channel not set up (the environment variable SHOP_PASSWORD is not set)" in said
    assert [alert["rule"] for alert in shop.json("alerts")] == ["dsr_drop"]
    assert {letter["state"] for letter in shop.json("outbox")} == {"queued"}


def test_a_template_that_is_not_there_is_told(shop: Shop) -> None:
    rated(shop, "4.2")
    for path in (shop.folder / "templates").rglob("*.j2"):
        path.unlink()
    assert "2 messages used the plain built-in text: " in shop.do("run", *AT).stderr
    assert len(shop.inbox.mails) == 2


def with_console(shop: Shop) -> None:
    rated(shop, "4.2")
    change(shop.folder / "channels.yaml", "  mail:\n", "  screen: {type: console}\n  mail:\n")
    change(shop.folder / "channels.yaml", "- {channel: mail, to: [owner, lead@shop.example]}", "- {channel: screen}")


def test_json_is_one_object_whatever_channels_write(shop: Shop) -> None:
    with_console(shop)
    result = shop.do("--format", "json", "run", *AT)
    round_ = json.loads(result.stdout)
    assert "一号店" not in result.stdout and "1号店" in result.stderr
    assert (round_["claimed"], round_["sent"], round_["dead"]) == (True, 1, 0)
    assert round_["waiting"]["queued"] == 0
    assert [(moved["rule"], moved["reason"]) for moved in round_["changes"]] == [("dsr_drop", "first")]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_full_output_puts_off_the_message_and_shows_no_trace(shop: Shop) -> None:
    with_console(shop)
    with Path("/dev/full").open("wb") as full:
        ended = outside(shop, f"run {' '.join(AT)}", stdout=full)
    said = ended.stderr.decode()
    assert ended.returncode == 3 and "Traceback" not in said and "Exception ignored" not in said
    assert "1 waiting" in said and "standard output cannot be written" in said


def test_a_closed_output_puts_off_the_message_and_shows_no_trace(shop: Shop) -> None:
    with_console(shop)
    ended = outside(shop, f"run {' '.join(AT)}", preexec_fn=lambda: os.close(1))
    assert ended.returncode == 3 and b"Traceback" not in ended.stderr and b"1 waiting" in ended.stderr


def test_a_reader_that_leaves_ends_the_output_quietly(shop: Shop) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        ended = outside(shop, "--help", stdout=writing)
    finally:
        os.close(writing)
    assert b"Traceback" not in ended.stderr and b"Exception ignored" not in ended.stderr


def spoken(shop: Shop, language: str, *words: str) -> str:
    return CliRunner().invoke(app, ["--project", str(shop.folder), "--lang", language, *words]).stdout


def test_tables_speak_the_readers_language_and_the_projects_time(shop: Shop) -> None:
    rated(shop, "4.2")
    shop.do("run", *AT)
    zh, en = spoken(shop, "zh", "alerts"), spoken(shop, "en", "alerts")
    assert "报警中" in zh and "严重" in zh and "，" in zh and "2026-11-02 09:30" in zh
    assert "firing" in en and "Critical" in en and "，" not in en and "2026-11-02 09:30" in en
    assert "已送达" in spoken(shop, "zh", "outbox") and "delivered" in spoken(shop, "en", "outbox")


def test_json_does_not_depend_on_the_language(shop: Shop) -> None:
    rated(shop, "4.2")
    shop.do("run", *AT)
    zh, en = (spoken(shop, language, "--format", "json", "alerts") for language in ("zh", "en"))
    assert zh == en
    value = json.loads(en)[0]["values"][0]
    assert value == {"label": {"zh": "描述相符", "en": "Description"}, "value": "4.2", "type": "number", "unit": value["unit"]}


def test_durations_are_written_for_people(shop: Shop) -> None:
    rated(shop, "4.8")
    shop.do("run", "--force", "--at", "2026-11-06T09:30")
    assert "Age 4 days 1 h" in spoken(shop, "en", "alerts") and "距今 4 天 1 小时" in spoken(shop, "zh", "alerts")


def invoke(*words: str) -> Result:
    return CliRunner().invoke(app, list(words))


def test_options_of_the_program_belong_before_the_command(shop: Shop) -> None:
    result = invoke("--lang", "en", "-C", str(shop.folder), "run", "--format", "json")
    assert result.exit_code == 2 and "write: storewatch --format ... run" in result.output
    assert invoke("--version").stdout.startswith("storewatch 0.")


def test_init_lists_what_it_made(tmp_path: Path) -> None:
    made = json.loads(invoke("--format", "json", "init", str(tmp_path / "new")).stdout)
    assert {"facts.yaml", "channels.yaml"} <= set(made["files"]) and made["folder"].endswith("new")
