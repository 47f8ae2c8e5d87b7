"""What rules mean, in the plainest and slowest way: every combination of facts is tried. Shares nothing with the engine but its values."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence

from engine.correlation import Arithmetic, Constant, Fact, Own, Pattern, Ref, Rule, Test

Bound = Mapping[str, Fact]
Found = dict[tuple[str, tuple], dict[str, set[str]]]


def evaluate(rules: Sequence[Rule], facts: Sequence[Fact]) -> tuple[Found, set]:
    """By rule and scope, the ids bound to each binding; and the contents of all facts that follow, which are their ids."""
    known = list(facts)
    found: Found = {}
    level = levels(rules)
    for stratum in sorted(set(level.values())):
        stratum_rules = [rule for rule in rules if level[rule.name] == stratum]
        news = True
        while news:
            news = False
            found |= {key: bindings for rule in stratum_rules for key, bindings in matches(rule, known).items()}
            for rule in stratum_rules:
                for fact in follows(rule, known):
                    if all(fact.id != other.id for other in known):
                        known.append(fact)
                        news = True
    return found, {fact.id for fact in known[len(facts) :]}


def levels(rules: Sequence[Rule]) -> dict[str, int]:
    level = {rule.name: 0 for rule in rules}
    for _ in range(len(rules) + 1):
        for rule, giver in itertools.product(rules, rules):
            given = {derived.kind for derived in giver.gives}
            if any(given & set(pattern.kinds) for pattern in (*rule.all, *rule.any)):
                level[rule.name] = max(level[rule.name], level[giver.name])
            if any(given & set(pattern.kinds) for pattern in (*rule.all, *rule.any, *rule.none) if pattern in rule.none or counts(pattern)):
                level[rule.name] = max(level[rule.name], level[giver.name] + 1)
    return level


def counts(pattern: Pattern) -> bool:
    return pattern.count > 1 or pattern.distinct != ""


def matches(rule: Rule, facts: Sequence[Fact]) -> Found:
    found: Found = {}
    for scope, bound, counted in combinations(rule, facts):
        bindings = found.setdefault((rule.name, scope), {})
        for name, fact in bound.items():
            bindings.setdefault(name, set()).add(fact.id)
        for name, ids in counted.items():
            bindings.setdefault(name, set()).update(ids)
    return found


def follows(rule: Rule, facts: Sequence[Fact]) -> Iterator[Fact]:
    for scope, bound, _ in combinations(rule, facts):
        for derived in rule.gives:
            values = dict(zip(rule.scope, scope, strict=True))
            for field, operand in derived.fields.items():
                value = worth(operand, None, bound)
                if value is not None:
                    values[field] = value
            yield Fact(content(derived.kind, values), derived.kind, values)


def content(kind: str, values: Mapping) -> str:
    plain = {name: value + 0.0 if type(value) is float else value for name, value in values.items()}
    return repr((kind, sorted((name, type(value).__name__, value) for name, value in plain.items())))


def combinations(rule: Rule, facts: Sequence[Fact]) -> Iterator[tuple[tuple, Bound, Mapping[str, set[str]]]]:
    scopes = {tuple(fact.values.get(name) for name in rule.scope) for fact in facts}
    for scope in scopes:
        if None in scope:
            continue
        here = [fact for fact in facts if tuple(fact.values.get(name) for name in rule.scope) == scope]
        for choice in [[pattern] for pattern in rule.any] or [[]]:
            for bound, counted in within(rule, [*rule.all, *choice], here):
                yield scope, bound, counted


def within(rule: Rule, patterns: Sequence[Pattern], facts: Sequence[Fact]) -> Iterator[tuple[Bound, Mapping[str, set[str]]]]:
    single = [pattern for pattern in patterns if not counts(pattern)]
    for chosen in itertools.permutations(facts, len(single)):
        bound = {pattern.binding: fact for pattern, fact in zip(single, chosen, strict=True)}
        if not all(suits(pattern, bound[pattern.binding], bound) for pattern in single):
            continue
        rest = [fact for fact in facts if fact not in chosen]
        counted = {}
        for pattern in patterns:
            if counts(pattern):
                members = [fact for fact in rest if suits(pattern, fact, bound)]
                members = [fact for fact in members if not pattern.distinct or value(fact, pattern.distinct) is not None]
                amount = len({value(fact, pattern.distinct) for fact in members}) if pattern.distinct else len(members)
                counted[pattern.binding] = {fact.id for fact in members} if amount >= pattern.count else None
        if None in counted.values():
            continue
        if all(refers_to_what_is_there(pattern, bound) and not any(suits(pattern, fact, bound) for fact in rest) for pattern in rule.none):
            yield bound, counted


def refers_to_what_is_there(pattern: Pattern, bound: Bound) -> bool:
    def there(operand) -> bool:
        match operand:
            case Ref(binding, field):
                return value(bound[binding], field) is not None
            case Arithmetic(_, left, right):
                return there(left) and there(right)
        return True

    return all(there(test.operand) for test in pattern.tests)


def suits(pattern: Pattern, fact: Fact, bound: Bound) -> bool:
    return fact.kind in pattern.kinds and all(holds(test, fact, bound) for test in pattern.tests)


def holds(test: Test, fact: Fact, bound: Bound) -> bool:
    left, right = value(fact, test.field), worth(test.operand, fact, bound)
    if left is None or right is None:
        return False
    match str(test.op.value):
        case "==":
            return left == right
        case "!=":
            return left != right
        case "<":
            return left < right
        case "<=":
            return left <= right
        case ">":
            return left > right
        case ">=":
            return left >= right
    raise AssertionError(test)


def value(fact: Fact, field: str):
    found = fact.values.get(field)
    return None if found is None or found != found or found in (float("inf"), float("-inf")) else found


def worth(operand, fact: Fact | None, bound: Bound):
    match operand:
        case Constant(found):
            return found
        case Own(field):
            return value(fact, field)
        case Ref(binding, field):
            return value(bound[binding], field)
        case Arithmetic(op, left, right):
            one, other = worth(left, fact, bound), worth(right, fact, bound)
            if one is None or other is None:
                return None
            return one + other if op == "+" else one - other if op == "-" else one * other
    raise AssertionError(operand)
