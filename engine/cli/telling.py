"""What ``storewatch run`` says: the changes on standard output, sentences about everything else on standard error."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, tzinfo
from typing import Any

from engine.cli.common import Settings, emit, emit_json
from engine.cli.delivering import failures, summary
from engine.cli.words import in_words, local_time
from engine.errors import Text
from engine.model import RuleInfo, RuleResult, Transition
from engine.outbox import DeliveryReport, Waiting
from engine.pipeline import Missing, Round
from engine.project import Project
from engine.routing import Held

MOST_NAMES = 3
CHANGES = {
    "change": Text("change", "变化"),
    "severity": Text("severity", "级别"),
    "store_id": Text("store", "店铺"),
    "rule": Text("rule", "规则"),
    "title": Text("title", "标题"),
    "key": Text("key", "对象"),
    "reason": Text("reason", "原因"),
}
JUDGED = {
    "rule": Text("rule", "规则"),
    "judged": Text("rows judged", "检查行数"),
    "matched": Text("match", "命中"),
    "unknown": Text("unknown", "未知"),
    "error": Text("error", "错误"),
}


@dataclass(frozen=True, slots=True)
class Sent:
    """What became of messages: of those that were sent (``report`` None: nothing was tried), of those ``left`` in the outbox, and of
    changes that may not be told yet (``held``); and the data that never came (``missing``)."""

    report: DeliveryReport | None
    left: Waiting
    held: tuple[Held, ...]
    missing: tuple[Missing, ...] = ()

    @property
    def until(self) -> datetime | None:
        """When the first of those that are held may be told."""
        return min((held.until for held in self.held if held.until), default=None)


def tell(options: Settings, project: Project, done: Round, sent: Sent, *, verbose: bool) -> None:
    """Everything about one round: a table (with ``verbose`` two) and sentences, or one JSON object."""
    report, zone = sent.report, project.facts.zone
    told = (*(failures(report) if report else ()), *_held(sent, zone), summary(report, sent.left, zone))
    sentences = (*_found(done, sent.missing), *_faults(done), *told)
    try:
        _print(options, project, done, sent, verbose=verbose)
    finally:  # they go to standard error, and matter even where standard output is full or closed
        for sentence in sentences:
            options.say(sentence)


def _held(sent: Sent, zone: tzinfo) -> Iterator[Text]:
    if not sent.held:
        return
    count, from_en, from_zh = len(sent.held), "", ""
    if sent.until:
        at = local_time(sent.until, zone)
        from_en, from_zh = f", the first until {at}", f"，最早到 {at}"
    yield Text(
        f"{_count(count, 'change')} waiting to be told{from_en} (storewatch why ALERT tells why)",
        f"{count} 处变化等待通知{from_zh}（原因见 storewatch why 告警）",
    )


def _print(options: Settings, project: Project, done: Round, sent: Sent, *, verbose: bool) -> None:
    moves = done.transitions if done.claimed else ()
    changes = [_change(moved, project.all_infos, options.language) for moved in moves]
    judged = [_judged(result, options.language) for result in _own(done)]
    if options.format == "json":
        emit_json(_as_json(done, sent, judged, changes, options.language))
    else:
        if verbose:
            emit(options, judged, JUDGED, Text("no rule was evaluated", "没有评估任何规则"))
        emit(options, changes, CHANGES, Text("nothing changed", "没有变化"), in_words(options.language))


def _own(done: Round) -> list[RuleResult]:
    """Results of the alert rules; of none when the round stored nothing."""
    return [done.results[name] for name in done.rules] if done.claimed else []


def _change(moved: Transition, infos: Mapping[str, RuleInfo], language: str) -> dict[str, object]:
    alert = moved.alert
    info = infos.get(alert.identity.rule)
    return {
        "at": moved.at,
        "id": alert.identity.fingerprint,
        "rule": alert.identity.rule,
        "title": info.title.in_(language) if info else "",
        "store_id": alert.store_id,
        "key": "/".join(alert.identity.key),
        "change": moved.after.value,
        "reason": moved.reason.value,
        "severity": alert.severity.value,
    }


def _judged(result: RuleResult, language: str) -> dict[str, object]:
    return {
        "rule": result.rule,
        "judged": result.judged,
        "matched": len(result.candidates),
        "unknown": result.unknown_count,
        "error": result.error.in_(language) if result.error else None,
    }


def _as_json(
    done: Round,
    sent: Sent,
    judged: Sequence[Mapping[str, object]],
    changes: Sequence[Mapping[str, object]],
    language: str,
) -> dict[str, Any]:
    report = sent.report
    return {
        "at": done.at,
        "claimed": done.claimed,
        "rules": judged,
        "changes": changes,
        "missing": [asdict(each) for each in sent.missing] if done.claimed else [],
        "held": {"changes": len(sent.held), "until": sent.until},
        "sent": report.delivered if report else None,
        "dead": report.dead if report else 0,
        "waiting": asdict(sent.left),
        "failures": [sentence.in_(language) for sentence in failures(report)] if report else [],
        "template_faults": dict(done.faults) if done.claimed else {},
    }


def _found(done: Round, missing: Sequence[Missing]) -> Iterator[Text]:
    if not done.claimed:
        yield Text("this instant was evaluated before: nothing was evaluated", "这一时刻已评估过，本次没有再评估")
        return
    yield from _never_came(missing)
    for result in done.failed:
        if result.error:
            yield Text(f"rule {result.rule} failed: {result.error.en}", f"规则 {result.rule} 评估失败：{result.error.zh}")
    own = _own(done)
    rows, matched = sum(result.judged for result in own), sum(len(result.candidates) for result in own)
    yield Text(
        f"{_count(len(own), 'rule')} judged {_count(rows, 'row')}: {matched} match, {len(done.transitions)} changes",
        f"{len(own)} 条规则检查了 {rows} 行：命中 {matched}，变化 {len(done.transitions)} 处",
    )
    yield from _unknown([result for result in own if result.unknown_count])


def _unknown(results: Sequence[RuleResult]) -> Iterator[Text]:
    """Which rules could not judge some of their rows."""
    if results:
        worst = sorted(results, key=lambda result: -result.unknown_count)
        total = sum(result.unknown_count for result in results)
        names = [f"{result.rule} {result.unknown_count}" for result in worst]
        named = _few(names)
        yield Text(
            f"{total} unknown (a value they need is missing): {named.en}; to see why: storewatch explain {worst[0].rule} --key KEY",
            f"未知 {total} 行（缺少所需的值）：{named.zh}；查看原因：storewatch explain {worst[0].rule} --key 编号",
        )


def _never_came(missing: Sequence[Missing]) -> Iterator[Text]:
    """Kinds that nobody ingested, and kinds that some stores never reported."""
    never = [each for each in missing if each.stores is None]
    yield from map(_needed, never) if len(never) <= MOST_NAMES else [_all_needed(never)]
    partly: defaultdict[tuple[str, ...], list[Missing]] = defaultdict(list)
    for each in missing:
        if each.stores is not None:
            partly[each.stores].append(each)
    for stores, several in partly.items():
        named, kinds = _few(stores), _few([each.kind for each in several])
        count = len({rule for each in several for rule in each.rules})
        yield Text(
            f"{named.en} never reported {kinds.en}, which other stores do: {_count(count, 'rule')} unknown there",
            f"{named.zh} 从未报送 {kinds.zh}（其他店铺有）：{count} 条规则对其未知",
        )


def _needed(missing: Missing) -> Text:
    rules = _few(missing.rules)
    subject = f"rule {rules.en} needs" if len(missing.rules) == 1 else f"rules {rules.en} need"
    return Text(f"{subject} {missing.kind}: never ingested", f"规则 {rules.zh} 需要 {missing.kind}：从未导入")


def _all_needed(missing: Sequence[Missing]) -> Text:
    """One sentence, however many kinds nobody exports."""
    rules = len({rule for each in missing for rule in each.rules})
    en = ", ".join(f"{each.kind} ({each.rules[0] if len(each.rules) == 1 else _count(len(each.rules), 'rule')})" for each in missing)
    zh = "、".join(f"{each.kind}（{each.rules[0] if len(each.rules) == 1 else f'{len(each.rules)} 条规则'}）" for each in missing)
    return Text(f"{_count(rules, 'rule')} need what was never ingested: {en}", f"{rules} 条规则需要从未导入的数据：{zh}")


def _faults(done: Round) -> Iterator[Text]:
    for fault, count in done.faults.items() if done.claimed else ():
        yield Text(f"{_count(count, 'message')} used the plain built-in text: {fault}", f"{count} 封消息改用内置的简单文字：{fault}")


def _few(names: Sequence[str]) -> Text:
    """The first three names, and how many more there are."""
    shown, more = names[:MOST_NAMES], len(names) - MOST_NAMES
    return Text(
        ", ".join(shown) + (f" and {more} more" if more > 0 else ""),
        "、".join(shown) + (f" 等 {len(names)} 个" if more > 0 else ""),
    )


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
