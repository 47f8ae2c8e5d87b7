"""Which batches count at an instant, for which stores."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from engine.errors import SnapshotError
from engine.model import ALL_STORES, Stores
from engine.snapshots import Batch, Piece, Selection, Snapshots
from tests.matching.folders import kind, write_batch

SHOP = kind("store", "store_id")
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def put(folder: Path, as_of: datetime, scope: str = "*") -> Path:
    """A batch for the stores named in ``scope``, one letter each."""
    stores = "abc" if scope == "*" else scope
    return write_batch(folder, SHOP, as_of, [{"store_id": store} for store in stores], "*" if scope == "*" else list(scope))


def told(selection: Selection) -> dict[str, str]:
    """``{"20T12": "ab"}``: for each batch the stores it speaks for, with ``~`` for all but those."""
    return {f"{p.batch.as_of:%dT%H}": "~" * p.stores.inverted + "".join(sorted(p.stores.names)) for p in selection.pieces}


def test_newest_batch_of_each_store_counts(tmp_path: Path) -> None:
    put(tmp_path, NOON - 3 * HOUR)
    put(tmp_path, NOON - 2 * HOUR, "ab")
    put(tmp_path, NOON - HOUR, "b")
    put(tmp_path, NOON + HOUR, "a")
    current = Snapshots(tmp_path).current("store", NOON, DAY)
    assert told(current) == {"20T11": "b", "20T10": "a", "20T09": "~ab"}
    assert current.stores == ALL_STORES
    assert [piece.whole for piece in current.pieces] == [True, False, False]


def test_a_batch_is_fresh_up_to_and_with_its_last_moment(tmp_path: Path) -> None:
    put(tmp_path, NOON, "a")
    snapshots = Snapshots(tmp_path)
    assert "a" in snapshots.current("store", NOON + 2 * HOUR, 2 * HOUR).stores
    assert "a" not in snapshots.current("store", NOON + 2 * HOUR + timedelta(microseconds=1), 2 * HOUR).stores
    assert not snapshots.current("store", NOON - timedelta(seconds=1), DAY).stores


def test_a_newer_batch_for_all_hides_older_ones(tmp_path: Path) -> None:
    put(tmp_path, NOON - HOUR, "a")
    put(tmp_path, NOON)
    assert told(Snapshots(tmp_path).current("store", NOON, DAY)) == {"20T12": "~"}


def test_previous_is_the_batch_before_each_stores_own(tmp_path: Path) -> None:
    put(tmp_path, NOON - 300 * DAY, "c")
    put(tmp_path, NOON - 3 * DAY)
    put(tmp_path, NOON - 2 * HOUR, "ab")
    put(tmp_path, NOON - HOUR, "b")
    put(tmp_path, NOON, "c")
    snapshots = Snapshots(tmp_path)
    assert told(snapshots.previous(snapshots.current("store", NOON, DAY))) == {"20T10": "b", "17T12": "ac"}


def test_previous_looks_back_to_the_beginning(tmp_path: Path) -> None:
    put(tmp_path, NOON - 900 * DAY, "a")
    put(tmp_path, NOON, "ab")
    snapshots = Snapshots(tmp_path)
    previous = snapshots.previous(snapshots.current("store", NOON, DAY))
    assert [piece.stores.names for piece in previous.pieces] == [{"a"}]


def test_an_offset_counts_from_each_stores_own_batch(tmp_path: Path) -> None:
    for hours in range(0, 12, 3):
        put(tmp_path, NOON - hours * HOUR, "a")
        put(tmp_path, NOON - (hours + 1) * HOUR, "b")
    snapshots = Snapshots(tmp_path)
    current = snapshots.current("store", NOON, DAY)
    assert told(snapshots.at_offset(current, 4 * HOUR, 3 * HOUR)) == {"20T06": "a", "20T05": "b"}
    assert told(snapshots.at_offset(current, 5 * HOUR, HOUR)) == {"20T06": "a", "20T05": "b"}
    assert told(snapshots.at_offset(current, 5 * HOUR, HOUR / 2)) == {}


def test_history_reads_no_further_than_its_window(tmp_path: Path) -> None:
    for day in range(10):
        put(tmp_path, NOON - day * DAY)
    snapshots = Snapshots(tmp_path)
    current = snapshots.current("store", NOON, DAY)
    assert sorted(told(snapshots.history(current, 3 * DAY))) == ["17T12", "18T12", "19T12"]
    assert len(snapshots.history(current, None).pieces) == 9
    assert snapshots.history(Selection("store"), None).pieces == ()


def test_two_batches_of_one_instant_speak_once_for_a_store(tmp_path: Path) -> None:
    names = sorted([put(tmp_path, NOON, "ab").name, put(tmp_path, NOON, "bc").name])
    pieces = Snapshots(tmp_path).current("store", NOON, DAY).pieces
    assert [piece.batch.path.name for piece in pieces] == names[::-1]
    assert pieces[0].stores & pieces[1].stores == Stores()
    assert (pieces[0].stores | pieces[1].stores).names == {"a", "b", "c"}


def test_ages_list_every_store_and_those_not_named(tmp_path: Path) -> None:
    put(tmp_path, NOON - 3 * DAY)
    put(tmp_path, NOON, "a")
    ages = Snapshots(tmp_path).ages("store", NOON + HOUR, DAY)
    assert [(age.store_id, age.age, age.stale) for age in ages] == [("*", 3 * DAY + HOUR, True), ("a", HOUR, False)]


def test_known_stores_of_a_batch_for_all_are_those_with_rows(tmp_path: Path) -> None:
    put(tmp_path, NOON)
    put(tmp_path, NOON - DAY, "xa")
    assert Snapshots(tmp_path).known_stores("store") == {"a", "b", "c", "x"}


def test_temporary_files_and_other_folders_are_passed_over(tmp_path: Path) -> None:
    path = put(tmp_path, NOON)
    (path.parent / ".20261120T120000Z-0123456789ab.parquet.tmp").write_bytes(b"half")
    (tmp_path / "_quarantine" / "store").mkdir(parents=True)
    (tmp_path / "store" / "notes").mkdir()
    snapshots = Snapshots(tmp_path)
    assert len(snapshots.batches("store")) == 1
    assert snapshots.kinds() == ("store",)
    assert Snapshots(tmp_path / "absent").batches("store") == ()


@pytest.mark.parametrize("content", [b"", b"PAR1", b"id,name\n1,2\n"])
def test_a_damaged_file_is_named(tmp_path: Path, content: bytes) -> None:
    path = put(tmp_path, NOON)
    path.write_bytes(content)
    with pytest.raises(SnapshotError) as caught:
        Snapshots(tmp_path).current("store", NOON, DAY)
    assert str(path) in caught.value.text.en and str(path) in caught.value.text.zh
    assert caught.value.hint


def test_a_file_of_another_kind_or_name_is_refused(tmp_path: Path) -> None:
    path = put(tmp_path, NOON)
    other = tmp_path / "order" / path.parent.name / path.name
    other.parent.mkdir(parents=True)
    path.rename(other)
    with pytest.raises(SnapshotError, match="kind store"):
        Snapshots(tmp_path).batches("order")
    other.rename(other.with_name("export.parquet"))
    with pytest.raises(SnapshotError, match=r"export\.parquet"):
        Snapshots(tmp_path).batches("order")


def test_footers_are_read_once(tmp_path: Path) -> None:
    path = put(tmp_path, NOON)
    snapshots = Snapshots(tmp_path)
    (batch,) = snapshots.batches("store")
    assert (batch.rows, batch.scope, batch.path, batch.source) == (3, ALL_STORES, path, "test.csv")
    assert snapshots.batches("store")[0] is batch


@pytest.mark.parametrize("seed", range(20))
def test_the_walk_and_the_lookup_agree_with_a_plain_search(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    for hour in chance.sample(range(200), 25):
        put(tmp_path, NOON - hour * HOUR, chance.choice(["*", "a", "b", "c", "ab", "bc", "abc", "d"]))
    snapshots = Snapshots(tmp_path)
    batches = snapshots.batches("store")
    current = snapshots.current("store", NOON, 40 * HOUR)
    previous, ago = snapshots.previous(current), snapshots.at_offset(current, 20 * HOUR, 30 * HOUR)
    for store in "abcdz":
        own = newest(batches, store, NOON - 40 * HOUR, NOON)
        assert batch_of(current, store) == own
        if own:
            assert batch_of(previous, store) == newest(batches, store, NOON - 999 * DAY, own.as_of - timedelta(seconds=1))
            assert batch_of(ago, store) == newest(batches, store, own.as_of - 50 * HOUR, own.as_of - 20 * HOUR)


def newest(batches: tuple[Batch, ...], store: str, since: datetime, until: datetime) -> Batch | None:
    return next((batch for batch in reversed(batches) if since <= batch.as_of <= until and store in batch.scope), None)


def batch_of(selection: Selection, store: str) -> Batch | None:
    found: list[Piece] = [piece for piece in selection.pieces if store in piece.stores]
    assert len(found) <= 1
    return found[0].batch if found else None


def test_twenty_thousand_stores_in_one_batch_each_day(tmp_path: Path) -> None:
    """Sets of many stores are handled as sets: sixty days take well under a second once footers are known."""
    stores = [f"store{number}" for number in range(20_000)]
    for day in range(60):
        write_batch(tmp_path, SHOP, NOON - day * DAY, [], stores)
    snapshots = Snapshots(tmp_path)
    current = snapshots.current("store", NOON, DAY)
    assert len(snapshots.history(current, None).pieces) == 59
    assert told(snapshots.previous(current)).keys() == {"19T12"}


STORE_SETS = [Stores(), Stores(frozenset("ab")), Stores(frozenset("bc")), ~Stores(frozenset("a")), ~Stores(frozenset("bc")), ALL_STORES]


@pytest.mark.parametrize("one", STORE_SETS)
@pytest.mark.parametrize("two", STORE_SETS)
def test_sets_of_stores_behave_like_sets(one: Stores, two: Stores) -> None:
    for store in "abcz":
        assert (store in (one & two)) == (store in one and store in two)
        assert (store in (one | two)) == (store in one or store in two)
        assert (store in (one - two)) == (store in one and store not in two)
        assert (store in ~one) == (store not in one)
