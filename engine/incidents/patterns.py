"""From the text of a pattern to its typed form: which rows, what must hold for each alone, and how they are linked to other rows."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from itertools import product
from typing import Any

from engine.errors import Text, did_you_mean
from engine.incidents.rule import ALERT, INCIDENT, Alternative, CompareOp, Link, Pattern
from engine.incidents.sources import Sources, rules_asked
from engine.language import ExpressionError, Scope, check, inlining, parse, walk
from engine.language.errors import ExpressionProblem, wrong
from engine.language.names import Let
from engine.language.typed import And, Between, ColumnRef, Compare, Const, In, Node, Not, Or, RowMissing, Span
from engine.model import KindSchema, Type

WRITTEN = re.compile(r"\s*(?P<source>\w+)(?:\s+where\b(?P<condition>.*))?\s*", re.DOTALL)
MOST_ALTERNATIVES = 16
MIRRORED: Mapping[str, CompareOp] = {"==": "==", "!=": "!=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}
OPPOSITE: Mapping[str, CompareOp] = {"==": "!=", "!=": "==", "<": ">=", "<=": ">", ">": "<=", ">=": "<"}
TITLES = {"告警": ALERT, "事件": INCIDENT}
Conjunction = tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Bound:
    """The names that a pattern may refer to: rows, each with its columns, and what the project has named."""

    schemas: Mapping[str, KindSchema]
    time_zone: str
    lets: Mapping[str, Let] = field(default_factory=dict)


def read_pattern(binding: str, text: str, sources: Sources, bound: Bound) -> Pattern:
    """The pattern that ``text`` writes (``alert where name == 'traffic_drop' and store_id == ad.store_id``). Raises ExpressionError."""
    match = WRITTEN.fullmatch(text)
    if match is None:
        sentence = Text("expected 'alert where …', or a fact kind instead of alert", "应写成 “alert where …”，alert 也可以换成事实类型")
        raise wrong("not_a_pattern", Span(0, len(text)), sentence)
    source = _source(match["source"], Span(*match.span("source")), sources)
    condition = match["condition"]
    if condition is None:
        return Pattern(binding, source, sources.schema(source, None), None, None, (Alternative(None, ()),), text=text.strip())
    try:
        return _conditioned(binding, source, condition, text, sources, bound)
    except ExpressionError as error:
        raise ExpressionError(tuple(_moved(problem, match.start("condition")) for problem in error.problems)) from None


def names_read(text: str) -> frozenset[str] | None:
    """The last words of all names in a pattern's condition; None when it cannot be read."""
    match = WRITTEN.fullmatch(text)
    try:
        return frozenset(name.parts[-1] for name in inlining.names_in(parse(match["condition"] or "true"))) if match else None
    except ExpressionError:
        return None


def _source(word: str, at: Span, sources: Sources) -> str:
    known = {
        **TITLES,
        **{kind.title.zh: name for name, kind in sources.kinds.items() if kind.title},
        **{name: name for name in sources.names},
    }
    if word in known:
        return known[word]
    sentence = Text(f"there are no rows called '{word}'", f"没有叫 '{word}' 的行")
    hint = did_you_mean(word, known) or Text("write alert, incident, or a fact kind", "可写 alert、incident 或事实类型")
    raise wrong("unknown_kind", at, sentence, hint)


def _moved(problem: ExpressionProblem, offset: int) -> ExpressionProblem:
    return replace(problem, span=Span(problem.span.start + offset, problem.span.end + offset))


def _conditioned(binding: str, source: str, condition: str, text: str, sources: Sources, bound: Bound) -> Pattern:
    parsed = parse(condition)
    rules = rules_asked(parsed) if source in (ALERT, INCIDENT) else None
    schema = sources.schema(source, rules)
    scope = pattern_scope(source, schema, sources, bound)
    node = check(parsed, scope, "condition")
    alone, linked = _split(node, bound)
    if source == INCIDENT and rules is not None:
        alone = [part for part in alone if not _asks_for_names(part)]
    alternatives = tuple(_alternative(parts, bound) for parts in _alternatives(linked, bound))
    pattern = Pattern(binding, source, schema, rules, _all_of(alone), alternatives, text=text.strip())
    if not sources.is_stored(source):
        _refuse_involved(pattern)
    return pattern


def pattern_scope(source: str, schema: KindSchema, sources: Sources, bound: Bound) -> Scope:
    """The scope of an expression over one row of ``source`` and the rows that are bound already, by their names."""
    kinds = {**sources.kinds, **bound.schemas, source: replace(schema, references={**schema.references, **{n: n for n in bound.schemas}})}
    return Scope(source, kinds, bound.time_zone, bound.lets)


def bound_schema(binding: str, schema: KindSchema) -> KindSchema:
    """The columns of ``schema`` as another pattern sees them under the name ``binding``."""
    return replace(schema, name=binding, key=schema.key[:1], title=None)


def names_in(node: Node, bound: Bound) -> set[str]:
    """The bound names that ``node`` refers to."""
    return {each.path[0] for each in walk(node) if isinstance(each, ColumnRef | RowMissing) and each.path and each.path[0] in bound.schemas}


def _split(node: Node, bound: Bound) -> tuple[list[Node], list[Node]]:
    """What ``node`` asks of the row alone, and what it asks of it together with others."""
    parts = list(_conjuncts(node))
    return [part for part in parts if not names_in(part, bound)], [part for part in parts if names_in(part, bound)]


def _conjuncts(node: Node) -> Iterator[Node]:
    match node:
        case And(items=items):
            for item in items:
                yield from _conjuncts(item)
        case Between(item=item, low=low, high=high):
            yield Compare(">=", item, low, type=Type.BOOLEAN, at=node.at)
            yield Compare("<=", item, high, type=Type.BOOLEAN, at=node.at)
        case Not(item=Compare(op=op, left=left, right=right)):
            yield Compare(OPPOSITE[op], left, right, type=Type.BOOLEAN, at=node.at)
        case Not(item=Or(items=items)):
            for item in items:
                yield from _conjuncts(Not(item, type=Type.BOOLEAN, at=item.at))
        case _:
            yield node


def _alternatives(parts: Iterable[Node], bound: Bound) -> list[Conjunction]:
    """The conditions, each as a list of what must hold, one of which is enough."""
    found = [tuple(part for chosen in choice for part in chosen) for choice in product(*(_ways(part, bound) for part in parts))]
    if len(found) > MOST_ALTERNATIVES:
        sentence = Text(
            f"'or' leaves {len(found)} ways to match; {MOST_ALTERNATIVES} are allowed",
            f"“or” 组合出 {len(found)} 种情况，最多 {MOST_ALTERNATIVES} 种",
        )
        raise wrong("too_many_ways", found[0][0].at, sentence, Text("split the rule", "请拆成几条规则"))
    return found


def _ways(node: Node, bound: Bound) -> list[Conjunction]:
    match node:
        case Or(items=items):
            return [way for item in items for way in _alternatives(_conjuncts(item), bound)]
        case In(item=item, options=options) if names_in(node, bound):
            return [(Compare("==", item, option, type=Type.BOOLEAN, at=node.at),) for option in options]
        case _:
            return [(node,)]


def _alternative(parts: Conjunction, bound: Bound) -> Alternative:
    alone = [part for part in parts if not names_in(part, bound)]
    return Alternative(_all_of(alone), tuple(_link(part, bound) for part in parts if names_in(part, bound)))


def _link(node: Node, bound: Bound) -> Link:
    """A comparison of this row's own value with one of another row."""
    if isinstance(node, Compare):
        left, right = names_in(node.left, bound), names_in(node.right, bound)
        if not left and len(right) == 1 and not _mixed(node.right, bound):
            return Link(node.left, node.op, right.pop(), unbound(node.right))
        if not right and len(left) == 1 and not _mixed(node.left, bound):
            return Link(node.right, MIRRORED[node.op], left.pop(), unbound(node.left))
    sentence = Text(
        "rows are linked by comparing this row's own value on one side with another row's on the other",
        "行与行之间只能这样关联：一边是本行的值，另一边是另一行的值",
    )
    hint = Text("write it like started_at >= ad.started_at - 2h", "写法如 started_at >= ad.started_at - 2h")
    raise wrong("not_a_link", node.at, sentence, hint)


def _mixed(node: Node, bound: Bound) -> bool:
    """Whether ``node`` reads this row too."""
    return any(isinstance(each, ColumnRef | RowMissing) and (not each.path or each.path[0] not in bound.schemas) for each in walk(node))


def unbound(node: Node) -> Node:
    """``node`` over the row that its names refer to: ``ad.started_at - 2h`` as ``started_at - 2h``."""
    if isinstance(node, ColumnRef):
        return replace(node, path=node.path[1:])
    changed: dict[str, Any] = {}
    for each in fields(node):
        value = getattr(node, each.name)
        if isinstance(value, Node):
            changed[each.name] = unbound(value)
        elif isinstance(value, tuple) and value and isinstance(value[0], Node):
            changed[each.name] = tuple(unbound(item) for item in value)
    return replace(node, **changed) if changed else node


def _all_of(parts: list[Node]) -> Node | None:
    if len(parts) < 2:
        return parts[0] if parts else None
    return And(tuple(parts), type=Type.BOOLEAN, at=Span(parts[0].at.start, parts[-1].at.end))


def simple_tests(node: Node | None) -> Iterator[tuple[str, CompareOp, Const]]:
    """``node`` as comparisons of a column with a constant. Raises ExpressionError where it is more."""
    for part in _conjuncts(node) if node else ():
        match part:
            case Compare(op=op, left=ColumnRef(path=(), column=column), right=Const() as constant):
                yield column, op, constant
            case Compare(op=op, left=Const() as constant, right=ColumnRef(path=(), column=column)):
                yield column, MIRRORED[op], constant
            case In(item=ColumnRef(path=(), column=column), options=(Const() as only,)):
                yield column, "==", only
            case _:
                sentence = Text(
                    "of incidents and asserted facts only plain columns can be compared",
                    "对 incident 和 assert 的事实，只能直接比较它们的列",
                )
                raise wrong("too_involved", part.at, sentence, Text("write it like level >= 2", "写法如 level >= 2"))


def _refuse_involved(pattern: Pattern) -> None:
    """Incidents and asserted facts exist only while rules are joined: no query can look at them."""
    for where in (pattern.where, *(alternative.where for alternative in pattern.alternatives)):
        list(simple_tests(where))
    for link in pattern.links:
        if not isinstance(link.own, ColumnRef) or link.own.path:
            list(simple_tests(link.own))


def _asks_for_names(part: Node) -> bool:
    match part:
        case Compare(op="==", left=ColumnRef(path=(), column="name")) | In(item=ColumnRef(path=(), column="name")):
            return True
        case _:
            return False
