"""What waits to be told, in the state database: kept, exchanged in one transaction, told by one process only."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engine.errors import StateError
from engine.model import Reason
from engine.model import State as AlertState
from engine.routing import Held, Hold, Suppressed, Suppression
from engine.state import Evaluation, State
from tests.delivery.values import HOUR, START, evaluate, found, letter, store

HELD = Held(store("S1"), 1, "group", "{}", None, AlertState.FIRING, Reason.FIRST, START, Hold.MUTED, START, START + HOUR, False)
ENDLESS = replace(HELD, identity=store("S2"), before=AlertState.FIRING, hold=Hold.GROUP_WAIT, until=None, owed=True)


def commit(state: State, schedule: str, *, resumed: tuple[Held, ...] = (), held: tuple[Held, ...] = (), **more: object) -> bool:
    return state.commit(Evaluation(schedule, START, START, START, resumed=resumed, held=held, **more))  # type: ignore[arg-type]


def test_what_is_held_comes_back_as_it_was(state: State) -> None:
    assert commit(state, "a", held=(HELD, ENDLESS))
    assert state.held() == (HELD, ENDLESS)
    assert state.held(store("S2")) == (ENDLESS,)


def test_what_is_still_held_keeps_its_row(state: State) -> None:
    commit(state, "a", held=(HELD, ENDLESS))
    before = state.held()
    longer = replace(HELD, until=START + 2 * HOUR)
    assert commit(state, "b", resumed=before, held=(longer, ENDLESS), suppressed=(Suppressed(store("S1"), Suppression.JOINED, "{}"),))
    assert set(state.held()) == {longer, ENDLESS}
    assert {one.number for one in state.held(store("S2"))} == {before[1].number}
    assert state.suppressed(store("S1")) == ((START, Suppression.JOINED, "{}"),)


def test_of_two_processes_that_tell_it_one_is_refused(state: State) -> None:
    commit(state, "a", held=(HELD,))
    read = state.held()
    assert commit(state, "one", resumed=read)
    with pytest.raises(StateError, match="another storewatch process"):
        commit(state, "two", resumed=read, notifications=(letter(),))
    assert state.held() == () and state.newest() == 0 and not state.claimed("two", START)


def test_a_dispatch_that_does_not_know_the_newest_message_stores_nothing(state: State) -> None:
    known = state.newest()
    commit(state, "other", notifications=(letter(),))
    assert not commit(state, "dispatch", known=known, notifications=(letter(2),))
    assert commit(state, "dispatch", known=state.newest(), notifications=(letter(2),))
    assert state.newest() > known


def test_the_threads_of_an_alert_that_ended_are_known_while_its_end_waits(state: State) -> None:
    evaluate(state, found("S1"), START, notifications=[letter(about=[store("S1")])])
    evaluate(state, found(), START + HOUR)
    assert state.told() == {}
    commit(state, "mute", held=(replace(HELD, before=AlertState.FIRING, after=AlertState.RESOLVED),))
    assert [thread.id for thread in state.told()[store("S1").fingerprint]] == ["thread1"]
