"""What the safe subset of the inference engine cannot express, and plain mistakes: found before anything runs, all at once."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence

from engine.correlation.limits import LARGEST_INTEGER, MOST_FIELDS, MOST_JOINS, MOST_OPERATIONS, MOST_PATTERNS
from engine.correlation.operands import COMPUTE, is_own, leaves
from engine.correlation.strata import circles
from engine.correlation.values import (
    Arithmetic,
    Comparison,
    Constant,
    Derived,
    FieldType,
    Flaw,
    Operand,
    Own,
    Pattern,
    Ref,
    Rule,
    Scalar,
    Schema,
    Test,
)
from engine.errors import Text

NUMBERS = {FieldType.INTEGER, FieldType.FLOAT}
EQUALITY = {Comparison.EQUAL, Comparison.UNEQUAL}
TYPE_OF = {str: FieldType.TEXT, bool: FieldType.BOOLEAN, int: FieldType.INTEGER, float: FieldType.FLOAT}


def flaws(rules: Sequence[Rule], schema: Schema) -> tuple[Flaw, ...]:
    """Everything that is wrong with the rules, rule by rule. Nothing else can go wrong with them later but their size."""
    found = [flaw for rule in rules for flaw in _RuleCheck(rule, schema).flaws()]
    names = Counter(rule.name for rule in rules)
    found += [Flaw(name, "", Text("two rules have this name", "有两条规则同名")) for name, count in names.items() if count > 1]
    return tuple(found) or tuple(_circular(rules))


def _circular(rules: Sequence[Rule]) -> Iterator[Flaw]:
    for circle in circles(rules):
        path = " → ".join((*circle.path, circle.path[0]))
        en = f"the rules depend on each other in a circle: {path}; {circle.why.en}"
        yield Flaw(circle.path[0], "", Text(en, f"规则互相依赖，形成循环：{path}；{circle.why.zh}"))


class _RuleCheck:
    def __init__(self, rule: Rule, schema: Schema) -> None:
        self.rule = rule
        self.schema = schema
        self.earlier: dict[str, Pattern] = {}  # the patterns of `all` before the one being looked at

    def flaws(self) -> Iterator[Flaw]:
        rule = self.rule
        yield from (Flaw(rule.name, "", text) for text in self._of_rule())
        for pattern in rule.all:
            yield from (Flaw(rule.name, pattern.binding, text) for text in self._of_pattern(pattern))
            self.earlier[pattern.binding] = pattern
        for pattern in (*rule.any, *rule.none):
            yield from (Flaw(rule.name, pattern.binding, text) for text in self._of_pattern(pattern))
        for pattern in rule.none:
            if pattern.counts:
                yield Flaw(rule.name, pattern.binding, Text("a pattern under `none` cannot count", "none 中的条件不能计数"))
        for derived in rule.gives:
            yield from (Flaw(rule.name, "", text) for text in self._of_derived(derived))

    def _of_rule(self) -> Iterator[Text]:
        rule = self.rule
        if not rule.all and not rule.any:
            yield Text("the rule has no pattern under `all` or `any`", "规则的 all 和 any 中没有任何条件")
        for name, times in Counter(pattern.binding for pattern in (*rule.all, *rule.any, *rule.none)).items():
            if times > 1 or not name:
                yield Text(f"the binding {name!r} names {times} patterns", f"名字“{name}”用了 {times} 次")
        width = len(rule.all) + bool(rule.any) + len(rule.none)
        if width > MOST_PATTERNS:
            yield Text(
                f"{width} patterns are matched together; at most {MOST_PATTERNS} can be",
                f"同时匹配 {width} 个条件，最多 {MOST_PATTERNS} 个",
            )
        tests = [test for pattern in (*rule.all, *rule.any, *rule.none) for test in pattern.tests if not is_own(test.operand)]
        fields = sum(1 + len(list(leaves(test.operand))) for test in tests)
        if fields > MOST_FIELDS:
            yield Text(
                f"{fields} fields are compared between facts; at most {MOST_FIELDS}", f"比较的字段有 {fields} 个，最多 {MOST_FIELDS} 个"
            )
        yield from self._of_scope()

    def _of_scope(self) -> Iterator[Text]:
        rule = self.rule
        kinds = [kind for pattern in (*rule.all, *rule.any, *rule.none) for kind in pattern.kinds if kind in self.schema]
        for field in rule.scope:
            types = {self.schema[kind].get(field) for kind in kinds}
            if None in types:
                lacking = ", ".join(sorted({kind for kind in kinds if field not in self.schema[kind]}))
                yield Text(
                    f"{lacking} has no field {field}, which the rule's scope needs", f"{lacking} 没有字段 {field}，而规则的范围需要它"
                )
            elif len(types) > 1 or FieldType.FLOAT in types:
                yield Text(
                    f"{field} cannot be a scope: it must have one type, and not float", f"{field} 不能作为范围：类型必须一致且不能是小数"
                )

    def _of_pattern(self, pattern: Pattern) -> Iterator[Text]:
        unknown = [kind for kind in pattern.kinds if kind not in self.schema]
        if not pattern.kinds:
            yield Text("the pattern names no kind of fact", "条件没有写是哪种事实")
        if pattern.count < 1:
            yield Text(f"count is {pattern.count}; it must be at least 1", f"count 为 {pattern.count}，至少应为 1")
        if unknown:
            yield Text(f"there is no kind {', '.join(unknown)}", f"没有 {'、'.join(unknown)} 这种事实")
            return
        for test in pattern.tests:
            yield from self._of_test(pattern, test)
        joins = sum(1 if test.op is not Comparison.EQUAL else 2 for test in pattern.tests if not is_own(test.operand))
        if joins > MOST_JOINS:
            yield Text(
                f"{joins} comparisons with other facts; at most {MOST_JOINS}", f"与其他事实的比较有 {joins} 个，最多 {MOST_JOINS} 个"
            )
        if pattern.counts:
            yield from self._of_counting(pattern)

    def _of_counting(self, pattern: Pattern) -> Iterator[Text]:
        if pattern.distinct and not _types(pattern, pattern.distinct, self.schema):
            yield _no_field(pattern, pattern.distinct)
        for test in pattern.tests:
            if not is_own(test.operand) and not (test.op is Comparison.EQUAL and isinstance(test.operand, Ref)):
                yield Text(
                    f"a pattern that counts can be compared with other facts only by `{test.field} == …`",
                    f"计数的条件只能用“{test.field} == …”与其他事实比较",
                )

    def _of_test(self, pattern: Pattern, test: Test) -> Iterator[Text]:
        mistakes = [*self._of_field(pattern, test.field), *self._of_operand(pattern, test.operand)]
        yield from mistakes
        if mistakes:
            return
        left, right = self._type(pattern, Own(test.field)), self._type(pattern, test.operand)
        if left != right and not {left, right} <= NUMBERS:
            yield Text(f"{test.field} is {left}, and is compared with {right}", f"{test.field} 的类型是 {left}，却与 {right} 比较")
        elif left not in NUMBERS and test.op not in EQUALITY:
            yield Text(
                f"{test.field} is {left}: it can be compared by == and != only", f"{test.field} 的类型是 {left}，只能用 == 或 != 比较"
            )

    def _of_operand(self, pattern: Pattern, operand: Operand) -> Iterator[Text]:
        match operand:
            case Constant(value):
                yield from _of_constant(value)
            case Own(field):
                yield from self._of_field(pattern, field)
            case Ref(binding, field):
                yield from self._of_reference(binding, field)
            case Arithmetic():
                yield from self._of_arithmetic(pattern, operand)

    def _of_arithmetic(self, pattern: Pattern, operand: Arithmetic) -> Iterator[Text]:
        if len(list(leaves(operand))) > MOST_OPERATIONS + 1:
            yield Text(f"more than {MOST_OPERATIONS} operations in one comparison", f"一个比较中的运算超过 {MOST_OPERATIONS} 个")
            return
        if operand.op not in COMPUTE:
            yield Text(f"cannot compute {operand.op}; only + - *", f"不能计算 {operand.op}，只能用 + - *")
        mistakes = [*self._of_operand(pattern, operand.left), *self._of_operand(pattern, operand.right)]
        yield from mistakes
        if not mistakes and not {self._type(pattern, operand.left), self._type(pattern, operand.right)} <= NUMBERS:
            yield Text(f"{operand.op} needs numbers on both sides", f"{operand.op} 两边都必须是数字")

    def _of_reference(self, binding: str, field: str) -> Iterator[Text]:
        target = self.earlier.get(binding)
        if target is None:
            en = f"{binding}.{field}: {binding} is no pattern of `all` before this one"
            yield Text(en, f"{binding}.{field}：在此之前的 all 中没有名为 {binding} 的条件")
        elif target.counts:
            en = f"{binding}.{field}: {binding} counts, so it has no single value"
            yield Text(en, f"{binding}.{field}：{binding} 是计数的条件，没有单一的值")
        else:
            yield from self._of_field(target, field)

    def _of_field(self, pattern: Pattern, field: str) -> Iterator[Text]:
        types = _types(pattern, field, self.schema)
        if not types:
            yield _no_field(pattern, field)
        elif len(types) > 1:
            en = f"{field} is not of the same type in {', '.join(pattern.kinds)}"
            yield Text(en, f"{field} 在 {'、'.join(pattern.kinds)} 中的类型不一致")

    def _of_derived(self, derived: Derived) -> Iterator[Text]:
        if derived.kind not in self.schema:
            yield Text(f"there is no kind {derived.kind}", f"没有 {derived.kind} 这种事实")
            return
        for field, operand in derived.fields.items():
            expected = self.schema[derived.kind].get(field)
            if field in self.rule.scope:
                yield Text(f"{field} is added by itself: it is the rule's scope", f"{field} 是规则的范围，会自动加入")
            elif expected is None:
                yield Text(f"{derived.kind} has no field {field}", f"{derived.kind} 没有字段 {field}")
            else:
                yield from self._of_given(field, operand, expected)
        for field in self.rule.scope:
            types = {self.schema[derived.kind].get(field), self._scope_type(field)} - {None}
            if len(types) > 1:
                yield Text(f"{derived.kind}.{field} has another type than the scope", f"{derived.kind}.{field} 与范围的类型不一致")

    def _of_given(self, field: str, operand: Constant | Ref, expected: FieldType) -> Iterator[Text]:
        nowhere = Pattern("", ())
        mistakes = list(self._of_operand(nowhere, operand))
        yield from mistakes
        if not mistakes and (given := self._type(nowhere, operand)) != expected:
            yield Text(f"{field} is {expected}, and is given {given}", f"{field} 的类型是 {expected}，给出的却是 {given}")

    def _scope_type(self, field: str) -> FieldType | None:
        kinds = (kind for pattern in (*self.rule.all, *self.rule.any) for kind in pattern.kinds)
        return next((self.schema[kind][field] for kind in kinds if field in self.schema.get(kind, {})), None)

    def _type(self, pattern: Pattern, operand: Operand) -> FieldType:
        return type_of(operand, pattern, self.earlier, self.schema)


def type_of(operand: Operand, pattern: Pattern, earlier: dict[str, Pattern], schema: Schema) -> FieldType:
    """The type of an operand of ``pattern`` that was found without flaws."""
    match operand:
        case Constant(value):
            return TYPE_OF[type(value)]
        case Own(field):
            return next(iter(_types(pattern, field, schema)))
        case Ref(binding, field):
            return next(iter(_types(earlier[binding], field, schema)))
        case Arithmetic(_, left, right):
            both = {type_of(left, pattern, earlier, schema), type_of(right, pattern, earlier, schema)}
            return next(iter(both)) if len(both) == 1 else FieldType.FLOAT if both <= NUMBERS else FieldType.TEXT


def _types(pattern: Pattern, field: str, schema: Schema) -> set[FieldType]:
    return {schema[kind][field] for kind in pattern.kinds if field in schema[kind]}


def _no_field(pattern: Pattern, field: str) -> Text:
    kinds = " or ".join(pattern.kinds)
    return Text(f"{kinds} has no field {field}", f"{'、'.join(pattern.kinds)} 没有字段 {field}")


def _of_constant(value: Scalar) -> Iterator[Text]:
    if type(value) not in TYPE_OF:
        yield Text(f"{value!r} is no text, number or boolean", f"{value!r} 不是文字、数字或布尔值")
    elif isinstance(value, float) and not math.isfinite(value):
        yield Text(f"{value} is not a number to compare with", f"{value} 不能用于比较")
    elif isinstance(value, int) and abs(value) > LARGEST_INTEGER:
        yield Text(f"{value} is beyond {LARGEST_INTEGER}", f"{value} 超出 {LARGEST_INTEGER}")
