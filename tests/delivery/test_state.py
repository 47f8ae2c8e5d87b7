"""The state database, on SQLite and (where there is one) PostgreSQL."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import threading
from dataclasses import replace
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path

import pytest
from alembic.script import ScriptDirectory
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import inspect, select, text

from engine.errors import StateError, Text
from engine.lifecycle import step
from engine.migrations import HEAD, running
from engine.model import Identity, Reason, RuleResult, Severity, Shown, Type
from engine.model import State as AlertState
from engine.routing import Suppressed, Suppression, Thread
from engine.state import Evaluation, State, acknowledge
from engine.state_tables import METADATA, NOTIFICATIONS, value_from_json, value_to_json
from tests.delivery.values import HOUR, RULE, RULES, START, evaluate, found, letter, store

SHOWN = (
    Shown(Text("Rating", "描述相符"), Decimal("4.70"), Type.NUMBER, "points"),
    Shown(Text("Paid", "付款时间"), datetime(2026, 11, 1, 2, 3, 4, 5, tzinfo=timezone(timedelta(hours=8))), Type.TIMESTAMP),
    Shown(Text("Day", "日期"), date(2026, 11, 1), Type.DATE),
    Shown(Text("Open for", "已开"), timedelta(days=2, microseconds=1), Type.DURATION),
    Shown(Text("Note\x00<script>", "备注\ud800"), "尺码\n偏小\x00 'x' {{ 7*7 }}", Type.STRING),
    Shown(Text("Big", "大"), 10**30, Type.INTEGER),
    Shown(Text("Nothing", "无"), None, Type.MONEY),
    Shown(Text("Yes", "是"), True, Type.BOOLEAN),
)


def everything(state: State) -> dict[str, list[tuple[object, ...]]]:
    """All rows of all tables."""
    with state.reading() as connection:
        return {table.name: sorted(map(tuple, connection.execute(select(table))), key=repr) for table in METADATA.sorted_tables}


def test_alerts_come_back_as_they_were(state: State) -> None:
    result = found("S1", "S2", severity=Severity.CRITICAL, shown=SHOWN)
    result = replace(result, candidates=tuple(replace(c, evidence=(SHOWN, SHOWN[:1])) for c in result.candidates))
    after, _ = evaluate(state, result, START)
    assert state.alerts() == after
    assert [type(item.value) for item in state.alerts()[store("S1")].shown] == [type(item.value) for item in SHOWN]
    assert state.alerts(rules=["other"]) == {}
    assert state.alerts(rules=[RULE.name]) == after


@given(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text()
    | st.floats(allow_nan=False)
    | st.decimals(allow_nan=False)
    | st.dates()
    | st.datetimes()
    | st.timedeltas()
)
def test_values_keep_type_and_value(value: object) -> None:
    again = value_from_json(value_to_json(value))  # type: ignore[arg-type]
    assert again == value and type(again) is type(value)


def test_resolved_alerts_are_asked_for(state: State) -> None:
    evaluate(state, found("S1", "S2"), START)
    after, _ = evaluate(state, found("S1"), START + HOUR)
    assert set(state.alerts()) == {store("S1")}
    assert state.alerts(resolved=True) == after
    assert state.resolved([store("S1"), store("S2"), store("S3")]) == {store("S2"): after[store("S2")]}
    assert len(state.resolved([store(f"S{n}") for n in range(2000)])) == 1


def test_a_relapse_counts_its_episodes_across_runs(state: State) -> None:
    for hour, result in enumerate([found("S1"), found(), found("S1"), found(), found("S1")]):
        evaluate(state, result, START + hour * HOUR)
    assert state.alerts()[store("S1")].episode == 3
    events = state.history(store("S1"))
    assert [(event.episode, event.after.value, event.reason) for event in events] == [
        (1, "firing", Reason.FIRST),
        (1, "resolved", Reason.ROW_GONE),
        (2, "firing", Reason.FIRST),
        (2, "resolved", Reason.ROW_GONE),
        (3, "firing", Reason.FIRST),
    ]


def test_a_pending_alert_that_comes_to_nothing_is_forgotten_but_stays_in_history(state: State) -> None:
    held = {RULE.name: replace(RULE, hold=2 * HOUR)}
    for hour, result in enumerate([found("S1"), found()]):
        after, transitions = step(state.alerts(), [result], held, START + hour * HOUR)
        suppressed = [Suppressed(store("S1"), Suppression.STILL_PENDING)] if hour == 0 else []
        at = START + hour * HOUR
        assert state.commit(Evaluation("daily", at, at, at, [result], after, transitions, suppressed=suppressed))
    assert state.alerts(resolved=True) == {}
    assert [event.after for event in state.history(store("S1"))] == [AlertState.PENDING, AlertState.RESOLVED]
    assert state.suppressed(store("S1")) == ((START, Suppression.STILL_PENDING, ""),)


def test_an_instant_is_claimed_once(state: State) -> None:
    evaluate(state, found("S1"), START, notifications=[letter(about=[store("S1")])])
    assert state.claimed("daily", START) and not state.claimed("hourly", START) and not state.claimed("daily", START + HOUR)
    before = everything(state)
    again = Evaluation("daily", START, START, START, [found("S9")], notifications=[letter(2)])
    assert state.commit(again) is False
    assert everything(state) == before
    assert state.commit(replace(again, schedule="hourly")) is True
    assert state.last_instant("daily") == START and state.last_instant("never") is None


def test_only_one_of_many_processes_claims_an_instant(url: str) -> None:
    State.open(url).close()
    won: list[bool] = []

    def claim() -> None:
        with State.open(url) as mine:
            won.append(mine.commit(Evaluation("daily", START, START, START, notifications=[letter()])))

    threads = [threading.Thread(target=claim) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(won) == [False] * 7 + [True]


def test_many_may_open_a_new_database_at_once(url: str) -> None:
    failures: list[Exception] = []

    def open_() -> None:
        try:
            State.open(url).close()
        except StateError as error:
            failures.append(error)

    threads = [threading.Thread(target=open_) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def test_a_failed_commit_stores_nothing(state: State) -> None:
    evaluate(state, found("S1"), START)
    before = everything(state)
    after, transitions = step(state.alerts(), [found("S1", "S2")], RULES, START + HOUR)
    naive = replace(letter(), created_at=datetime(2026, 1, 1))
    with pytest.raises(StateError):
        state.commit(Evaluation("daily", START + HOUR, START, START, [found("S1")], after, transitions, [letter(5), naive]))
    assert everything(state) == before


def test_two_evaluations_from_the_same_reading_do_not_both_fire_an_alert(state: State) -> None:
    read = state.alerts()
    results = [found("S1")]
    after, transitions = step(read, results, RULES, START)
    assert state.commit(Evaluation("a", START, START, START, results, after, transitions))
    before = everything(state)
    with pytest.raises(StateError, match="another storewatch process"):
        state.commit(Evaluation("b", START, START, START, results, after, transitions))
    assert everything(state) == before


def test_of_two_evaluations_at_once_one_is_refused(url: str) -> None:
    State.open(url).close()
    results = [found("S1")]
    after, transitions = step({}, results, RULES, START)
    ready, outcomes = threading.Barrier(2), []

    def commit(schedule: str) -> None:
        with State.open(url) as mine:
            ready.wait()
            try:
                outcomes.append(mine.commit(Evaluation(schedule, START, START, START, results, after, transitions)))
            except StateError:
                outcomes.append(None)

    threads = [threading.Thread(target=commit, args=(schedule,)) for schedule in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes, key=str) == [None, True]


def test_an_acknowledgement_made_meanwhile_survives_an_evaluation(state: State) -> None:
    evaluate(state, found("S1"), START)
    read = state.alerts()
    assert acknowledge(state, store("S1"), "李\x00", START) is True
    after, transitions = step(read, [found("S1")], RULES, START + HOUR)
    state.commit(Evaluation("daily", START + HOUR, START, START, [found("S1")], after, transitions))
    assert state.alerts()[store("S1")].acknowledged_by == "李\ufffd"
    evaluate(state, found(), START + 2 * HOUR)
    assert acknowledge(state, store("S1"), "li", START) is False
    assert state.alerts(resolved=True)[store("S1")].acknowledged_by == ""


def test_health_of_rules(state: State) -> None:
    failed = RuleResult(RULE.name, error=Text("boom", "坏了"))
    for hour, result in enumerate([failed, replace(found("S1"), unknown_count=3), failed, failed]):
        evaluate(state, result, START + hour * HOUR)
    (health,) = state.health()
    assert (health.rule, health.last_ok, health.failures) == (RULE.name, START + HOUR, 2)
    assert (health.last_error, health.unknown) == (Text("boom", "坏了"), 3)
    evaluate(state, found("S1"), START + 5 * HOUR)
    (health,) = state.health()
    assert (health.failures, health.last_error, health.unknown) == (0, None, 0)


def test_what_was_told_is_known_by_thread_and_episode(state: State) -> None:
    evaluate(state, found("S1"), START, notifications=[letter(1, thread="g1.x.1", about=[store("S1")])])
    fingerprint = store("S1").fingerprint
    assert state.told() == {fingerprint: [Thread("g1.x.1", None, queued=True, begun=START)]}
    assert state.thread_started("g1.x.1", "a@shop.example") == "id1"
    assert state.thread_started("g1.x.1", "b@shop.example") is None
    evaluate(state, found(), START + HOUR)
    assert state.told() == {}
    evaluate(state, found("S1"), START + 2 * HOUR)
    assert state.told() == {}, "a new episode has not been told of"


def test_the_same_notification_is_queued_once(state: State) -> None:
    evaluate(state, found("S1"), START, notifications=[letter(), letter(), letter(to="b@shop.example"), letter(channel="chat")])
    with state.reading() as connection:
        assert len(connection.execute(select(NOTIFICATIONS)).all()) == 3


def test_hostile_text_is_stored_as_text(state: State) -> None:
    name = "'); DROP TABLE alerts; --\x00\ud800<script>"
    hostile = replace(letter(), subject=name, recipient="a\nb@shop.example")
    evaluate(state, found("S1"), START, notifications=[hostile])
    with state.reading() as connection:
        row = connection.execute(select(NOTIFICATIONS)).one()
    assert row.subject == name.replace("\x00", "\ufffd").replace("\ud800", "\ufffd")
    assert row.payload == hostile.payload


def test_migrations_make_exactly_the_tables_of_the_code(state: State) -> None:
    looked = inspect(state.engine)
    for table in METADATA.sorted_tables:
        stored = {column["name"]: column["nullable"] for column in looked.get_columns(table.name)}
        assert stored == {column.name: column.nullable for column in table.columns}
        assert {index["name"] for index in looked.get_indexes(table.name) if not index.get("duplicates_constraint")} == {
            index.name for index in table.indexes
        }
        assert {key["name"] for key in looked.get_unique_constraints(table.name)} == {
            item.name for item in table.constraints if item.__visit_name__ == "unique_constraint"
        }
    assert set(looked.get_table_names()) == {*METADATA.tables, "alembic_version"}


def test_head_is_the_newest_migration() -> None:
    assert ScriptDirectory.from_config(running.configuration()).get_current_head() == HEAD


def test_downgrade_and_upgrade_again(state: State) -> None:
    with state.writing() as connection:
        running.downgrade(connection, "base")
    assert inspect(state.engine).get_table_names() == ["alembic_version"]
    with State.open(state.engine.url.render_as_string(hide_password=False)) as again:
        evaluate(again, found("S1"), START)


def test_a_database_of_a_newer_version_is_refused_and_left_alone(url: str) -> None:
    with State.open(url) as opened, opened.writing() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(StateError, match="newer"):
        State.open(url)


def test_sqlite_is_durable(tmp_path: Path) -> None:
    with State.open(f"sqlite:///{tmp_path / 's.db'}") as opened, opened.reading() as connection:
        pragmas = {name: connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in ("journal_mode", "synchronous", "foreign_keys")}
    assert pragmas == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}


# what goes wrong is told in both languages, and nothing leaks


def refused(url: str) -> StateError:
    with pytest.raises(StateError) as caught:
        State.open(url)
    assert caught.value.text.zh and caught.value.text.en
    assert "SELECT" not in caught.value.text.en and "s3cret" not in str(caught.value.text)
    return caught.value


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    path.write_text("storewatch " * 1000)
    assert "not a SQLite database" in refused(f"sqlite:///{path}").text.en
    assert path.read_text() == "storewatch " * 1000


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    assert "cannot be opened" in refused(f"sqlite:///{tmp_path / 'none' / 'state.db'}").text.en


def test_an_empty_file_becomes_a_database(tmp_path: Path) -> None:
    (tmp_path / "state.db").touch()
    State.open(f"sqlite:///{tmp_path / 'state.db'}").close()


@pytest.mark.parametrize("url", ["state.db", "mysql://u:s3cret@h/d", "", "oracle://s3cret@x", "sqlite:////"])
def test_addresses_that_mean_no_database(url: str) -> None:
    refused(url)


def test_a_postgres_that_does_not_answer_does_not_leak_the_password() -> None:
    refused("postgresql+psycopg://u:s3cret@127.0.0.1:1/none")


def test_a_database_that_cannot_be_written(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    State.open(f"sqlite:///{path}").close()
    with State.open(f"sqlite:///file:{path}?mode=ro&uri=true") as opened:
        assert opened.alerts() == {}
        with pytest.raises(StateError, match="cannot be written"):
            acknowledge(opened, store("S1"), "li", START)


def test_a_locked_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.state.database.LOCK_WAIT", 0)
    path = tmp_path / "state.db"
    with State.open(f"sqlite:///{path}") as opened:
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        assert opened.alerts() == {}, "readers do not wait"
        with pytest.raises(StateError, match="locked"):
            acknowledge(opened, store("S1"), "li", START)
        other.close()


def test_a_full_disk_loses_nothing_that_was_stored(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'state.db'}"
    with State.open(url) as opened:
        evaluate(opened, found("S1"), START)
        before = everything(opened)
        with opened.reading() as connection:
            pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
            connection.exec_driver_sql(f"PRAGMA max_page_count={pages + 2}")
            huge = replace(letter(), payload=b"x" * 1_000_000)
        with pytest.raises(StateError, match="disk is full"):
            opened.commit(Evaluation("daily", START + HOUR, START, START, notifications=[huge]))
        assert everything(opened) == before
    with State.open(url) as opened:
        assert everything(opened) == before


def test_a_damaged_database(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    with State.open(f"sqlite:///{path}") as opened:
        evaluate(opened, found(*(f"S{n}" for n in range(500))), START)
    whole = path.read_bytes()
    path.write_bytes(whole[:4096] + os.urandom(len(whole) - 4096))
    with pytest.raises(StateError), State.open(f"sqlite:///{path}") as opened:
        opened.alerts()


CRASH = """
import os, signal, sys
from sqlalchemy.engine.base import RootTransaction
from engine.lifecycle import step
from engine.state import Evaluation, State, acknowledge
from tests.delivery.values import HOUR, RULES, START, found, letter

url, moment = sys.argv[1:]
state = State.open(url)
after, transitions = step(state.alerts(), [found("S2")], RULES, START + HOUR)
commit = RootTransaction.commit

def killing(self):
    if moment == "after":
        commit(self)
    os.kill(os.getpid(), signal.SIGKILL)

RootTransaction.commit = killing
state.commit(Evaluation("daily", START + HOUR, START, START, [found("S2")], after, transitions, [letter()]))
"""


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_killed_process_leaves_all_or_nothing(state: State, moment: str) -> None:
    evaluate(state, found("S1"), START)
    url = state.engine.url.render_as_string(hide_password=False)
    done = subprocess.run([sys.executable, "-c", CRASH, url, moment], cwd=Path(__file__).parents[2], check=False, timeout=60)
    assert done.returncode == -9
    assert set(state.alerts()) == ({store("S1")} if moment == "before" else {store("S2")})
    with state.reading() as connection:
        assert len(connection.execute(select(NOTIFICATIONS)).all()) == (0 if moment == "before" else 1)


def test_identities_with_odd_keys(state: State) -> None:
    odd = [Identity(RULE.name, key) for key in (("a/b",), ("a", "b"), ("",), ("店铺 'x'",))]
    result = RuleResult(RULE.name, tuple(replace(found("S1").candidates[0], identity=identity) for identity in odd))
    after, _ = evaluate(state, result, START)
    assert state.alerts() == after
