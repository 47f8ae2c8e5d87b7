"""``storewatch explain`` for incident rules: which alerts and rows each pattern found, and what is missing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime

from engine.cli.common import Settings, existing_state
from engine.cli.explaining import section, told
from engine.cli.stories import Narrator, outlook, read_story
from engine.cli.story_json import outlook_json, story_json
from engine.correlation import Lack, Why
from engine.errors import Text
from engine.incidents import IncidentRule
from engine.incidents.rule import ALERT
from engine.matching.evaluate import Matcher
from engine.matching.rows import Lookup
from engine.model import Identity
from engine.project import Project
from engine.reasoning.correlate import Correlation
from engine.reasoning.explain import Explanation, Part, Verdict, explain
from engine.snapshots import Snapshots
from engine.state import firing_at
from engine.wording import clean

MOST_ROWS = 8
VERDICTS: Mapping[Verdict, Text] = {
    Verdict.TRUE: Text("✓ TRUE: it is there", "✓ 成立：事件存在"),
    Verdict.FALSE: Text("✗ FALSE: it is not there", "✗ 不成立：没有这个事件"),
    Verdict.UNKNOWN: Text(
        "? UNKNOWN: data is missing or stale, so it neither fires nor resolves", "? 未知：数据缺失或已过期，既不触发也不解除"
    ),
    Verdict.FAILED: Text("! FAILED: the rule could not be evaluated", "! 失败：该规则无法评估"),
}
ROLES = {
    "all": Text("must be there", "必须有"),
    "any": Text("one of these", "至少有其一"),
    "none": Text("must not be there", "不能有"),
    "also": Text("told with it where it is there", "有则一并说明"),
}
MARKS = {True: "✓", False: "✗", None: "?"}


def explain_incident(
    options: Settings, project: Project, rule: IncidentRule, key: tuple[str, ...], at: datetime
) -> tuple[list[str], object]:
    """The explanation as lines, and as values for JSON."""
    lookup = Lookup(Matcher(project.facts.schemas, project.facts.time_zone), Snapshots(project.snapshots), at)
    infos = project.all_infos
    with existing_state(options.project) or nullcontext() as state:
        then = firing_at(state, at) if state else {}
        story = read_story(state, Identity(rule.name, key), rule.info)
    store = story.alert.store_id if story.alert else ""
    found = explain(rule, key, Correlation(project.reasoning, then, infos, lookup, every=True), store)
    narrator = Narrator(options.language, project.facts.time_zone)
    lines = list(_Drawing(narrator).lines(found, at))
    next_ = outlook(project, story, found.result, found.candidate.store_id if found.candidate else "", at)
    past = story.until(at)
    lines += section(narrator.say("lifecycle", "告警状态"), [*narrator.lifecycle(story, at), *narrator.outlook(next_)])
    if found.candidate or story.alert:
        lines += section(narrator.say("routing", "路由"), narrator.routing(next_))
    lines += told(narrator, past)
    return lines, _json(found, at) | {"lifecycle": story_json(past), "next": outlook_json(next_)}


@dataclass(frozen=True)
class _Drawing:
    narrator: Narrator

    def lines(self, found: Explanation, at: datetime) -> Iterator[str]:
        say, rule = self.narrator.say, found.rule
        yield f"{rule.name} · {self.narrator.text(rule.info.title)}  ({rule.defined_at})"
        yield " / ".join(f"{name} {clean(value)}" for name, value in zip(rule.scope, found.identity.key, strict=True))
        time = self.narrator.time(at)
        yield say(f"at {time} ({self.narrator.time_zone})", f"时刻 {time}（{self.narrator.time_zone}）")
        yield ""
        yield self.narrator.text(VERDICTS[found.verdict])
        if found.result.error:
            yield f"  {self.narrator.text(found.result.error)}"
        stale = (say(f"? {kind}: this store has no fresh data", f"? {kind}：这家店没有有效的数据") for kind in found.stale)
        yield from section(say("data", "数据"), stale)
        for number, way in enumerate(found.ways, 1):
            title = say(f"when (way {number} of {len(found.ways)})", f"when（第 {number} 种，共 {len(found.ways)} 种）")
            yield from section(title if len(found.ways) > 1 else "when", self.way(way))

    def way(self, parts: tuple[Part, ...]) -> Iterator[str]:
        role = ""
        for part in parts:
            if part.role != role:
                role = part.role
                yield f"{role} ({self.narrator.text(ROLES[role])})"
            yield f"  {MARKS[part.met]} {part.pattern.binding}: {clean(part.pattern.text, 400)}{self.count(part)}"
            if why := self.why(part):
                yield f"      {why}"
            yield from (f"      · {clean(row)}" for row in part.rows[:MOST_ROWS])
            if len(part.rows) > MOST_ROWS:
                more = len(part.rows) - MOST_ROWS
                yield f"      {self.narrator.say(f'and {more} more', f'另有 {more} 个')}"

    def count(self, part: Part) -> str:
        wanted = part.pattern.count
        return self.narrator.say(f"  (at least {wanted})", f"（至少 {wanted} 个）") if wanted > 1 else ""

    def why(self, part: Part) -> str:
        """What stands in the way, in words."""
        say, count = self.narrator.say, len(part.rows)
        if part.role == "none":
            if part.met is None:
                return say("a value is missing, so nobody can tell", "有值缺失，无法断定")
            return "" if part.met else say("it is there, so this is no such incident", "它存在，因此不算这个事件")
        if part.met:
            return ""
        if part.lack is None or part.lack.why is Why.NO_FACT or not count:
            what = say("alert fires", "告警") if part.pattern.source == ALERT else say("row is there", "数据")
            return say(f"no such {what}", f"没有这样的{what}")
        if part.lack.why is Why.TOO_FEW:
            wanted = part.pattern.count
            return say(f"{count} of {wanted}: too few", f"只有 {count} 个，需要 {wanted} 个")
        return say("there, but not linked to the others as the rule asks", "存在，但与其他部分的关联不符合规则")


def _json(found: Explanation, at: datetime) -> dict[str, object]:
    return {
        "rule": found.rule.name,
        "title": found.rule.info.title,
        "defined_at": found.rule.defined_at,
        "scope": list(found.rule.scope),
        "key": list(found.identity.key),
        "id": found.identity.fingerprint,
        "at": at,
        "verdict": found.verdict,
        "severity": found.candidate.severity if found.candidate else None,
        "error": found.result.error,
        "stale": list(found.stale),
        "ways": [[_part_json(part) for part in way] for way in found.ways],
        "members": [member.identity.fingerprint for member in found.candidate.members] if found.candidate else [],
    }


def _part_json(part: Part) -> dict[str, object]:
    return {
        "name": part.pattern.binding,
        "group": part.role,
        "text": part.pattern.text,
        "met": part.met,
        "rows": list(part.rows),
        "lacks": _lack_json(part.lack),
    }


def _lack_json(lack: Lack | None) -> str | None:
    return None if lack is None else lack.why.value
