"""What was stored and is worth a second look: told with the report, refused by nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from engine.errors import Text
from engine.facts import Kind
from engine.ingest.headings import Mapped
from engine.ingest.storing import Prepared
from engine.model import ALL_STORES, Stores
from engine.snapshots import Batch, Snapshots

LOOK_BACK = timedelta(days=7)


def unhashed(mapped: Mapped) -> Iterator[Text]:
    """Personal columns that are left out because there is no key to hash them with."""
    lost = [name for name, column in mapped.kind.columns.items() if column.personal == "hash" and name in mapped.columns]
    if lost:
        listed = ", ".join(lost)
        yield Text(
            f"{listed}: personal data, not stored; set STOREWATCH_PERSONAL_KEY to keep it as keyed hashes",
            f"{listed}：个人信息，未保存；设置 STOREWATCH_PERSONAL_KEY 后以带密钥的哈希保存",
        )


def mostly_repeated(kind: Kind, repeated: int, read: int) -> Iterator[Text]:
    """Rows that say the same again and again are a sign of the wrong kind, unless the kind expects them."""
    if repeated * 2 > read and kind.duplicates == "reject":
        yield Text(
            f"{kind.name}: {repeated} of {read} rows only repeat the key of another row; is this export of another kind?",
            f"{kind.name}：{read} 行中有 {repeated} 行只是重复前面的主键；种类是不是选错了？",
        )


def in_the_future(batches: Sequence[Prepared], now: datetime) -> Iterator[Text]:
    if any(batch.as_of > now for batch in batches):
        yield Text("dated in the future: rules will not see it before then", "日期在将来：到那时规则才会读到")


def corrections(batches: Sequence[Prepared], snapshots: Snapshots) -> Iterator[Text]:
    """New batches that take the place of another of the same instant."""
    for batch in batches:
        others = snapshots.batches(batch.kind, batch.as_of, batch.as_of)
        if not batch.already and any(other.scope & _scope(batch) for other in others):
            instant = batch.as_of.isoformat()
            yield Text(
                f"{batch.kind}: an earlier batch of {instant} speaks for the same store; from now on this one counts",
                f"{batch.kind}：{instant} 已有同一店铺的另一批数据；从现在起以这一批为准",
            )


def columns_gone(kind: Kind, batches: Sequence[Prepared], columns: Sequence[str], snapshots: Snapshots) -> Iterator[Text]:
    """Columns that the last export of the same stores had: rules that read them know nothing from now on."""
    newest = batches[-1]
    if newest.already:
        return
    last = snapshots.current(kind.name, newest.as_of, max(kind.fresh_for, LOOK_BACK))
    before = [piece.batch for piece in last.pieces if piece.stores & _scope(newest)]
    gone = [name for name in kind.columns if name not in columns and any(name in batch.columns for batch in before)]
    if gone:
        yield _gone(kind.name, gone, before)


def _gone(kind: str, gone: Sequence[str], before: Sequence[Batch]) -> Text:
    listed, source = ", ".join(gone), max(before, key=lambda batch: batch.as_of).source
    columns = "column" if len(gone) == 1 else "columns"
    are = "was" if len(gone) == 1 else "were"
    not_here = "is" if len(gone) == 1 else "are"
    return Text(
        f"{kind}: {columns} {listed} {are} in the last export ({source}) and {not_here} not in this one",
        f"{kind}：上一份导出（{source}）里有 {listed}，这一份没有",
    )


def _scope(batch: Prepared) -> Stores:
    return ALL_STORES if batch.scope == "*" else Stores(frozenset(batch.scope))
