"""From the parsed to the typed tree: names resolved, types and units checked, every mistake of an expression collected."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from functools import partial
from typing import Literal, cast

from engine.errors import Text, did_you_mean
from engine.language import operators, syntax
from engine.language.errors import gather, wrong
from engine.language.functions import AGGREGATES, FUNCTIONS, Aggregate, Arguments
from engine.language.inlining import in_words_of, lifted, moved, names_of_judged, refuse_growth, unless_missing
from engine.language.measures import WORDS, is_literal, number, require, values_of
from engine.language.names import Found, Scope, column_of, find_let, is_reference, relation, resolve, resolve_kind, resolve_path
from engine.language.parse import parse
from engine.language.typed import (
    Across,
    And,
    ColumnRef,
    Compare,
    Const,
    IsMissing,
    Node,
    Not,
    Now,
    Or,
    Related,
    RowMissing,
    Span,
)
from engine.model import Type

Expect = Type | Literal["condition"] | None


def understand(text: str, scope: Scope, *, condition: bool = False) -> Node:
    """Parse and check ``text``; with ``condition`` it has to be true or false. Raises ExpressionError."""
    return check(parse(text), scope, "condition" if condition else None)


def check(expression: syntax.Expression, scope: Scope, expect: Expect = None) -> Node:
    """The typed tree of ``expression`` in ``scope``. Raises ExpressionError with every problem found.

    ``expect`` asks for a condition or for a type; a whole number serves as a number, and a bare number as money.
    """
    refuse_growth(expression, scope)
    node = _check(expression, scope)
    if expect == "condition":
        return _condition(node, scope)
    return node if expect is None else _expected(node, expect)


def _expected(node: Node, type_: Type) -> Node:
    if is_literal(node) and type_ is Type.MONEY:
        return replace(node, type=type_)
    return require(node, {type_} | ({Type.INTEGER} if type_ is Type.NUMBER else set()))


def _condition(node: Node, scope: Scope) -> Node:
    """``node``, if it is true or false; else an error that shows how to make it one."""
    if node.type is Type.BOOLEAN:
        return node
    found = WORDS[node.type]
    column = column_of(node, scope)
    name = column.name if column else "x"
    example = repr(next(iter(values_of(node, scope)), "…")) if node.type is Type.STRING else _EXAMPLES[node.type]
    op = "==" if node.type is Type.STRING else "<"
    hint = Text(f"compare it: {name} {op} {example}", f"请写成比较：{name} {op} {example}")
    raise wrong("not_a_condition", node.at, Text(f"this is {found.en}, not a condition", f"这是{found.zh}，不是条件"), hint)


_EXAMPLES = {
    Type.INTEGER: "10",
    Type.NUMBER: "4.7",
    Type.MONEY: "100",
    Type.PERCENT: "5%",
    Type.TIMESTAMP: "now",
    Type.DATE: "date(now)",
    Type.DURATION: "48h",
}


def _check(expression: syntax.Expression, scope: Scope) -> Node:
    return _CHECKS[type(expression)](expression, scope)


def _all(scope: Scope, *expressions: syntax.Expression) -> tuple[Node, ...]:
    return gather(lambda each: _check(each, scope), expressions)


def _conditions(scope: Scope, expressions: tuple[syntax.Expression, ...]) -> tuple[Node, ...]:
    return gather(lambda each: _condition(_check(each, scope), scope), expressions)


def _literal(type_: Type, expression: syntax.Percent | syntax.Duration | syntax.String | syntax.Boolean, scope: Scope) -> Node:
    return Const(expression.value, type=type_, at=expression.at)


def _number(expression: syntax.Number, scope: Scope) -> Node:
    return number(expression.value, expression.at)


def _now(expression: syntax.Now, scope: Scope) -> Node:
    _refuse_in_history(scope, "now", expression.at)
    return Now(type=Type.TIMESTAMP, at=expression.at)


def _name(expression: syntax.Name, scope: Scope) -> Node:
    node = _any_column(expression, scope)
    column = column_of(node, scope)
    if column and column.personal:
        sentence = Text(f"'{column.name}' is personal data and cannot be used here", f"'{column.name}' 是个人信息，不能在这里使用")
        hint = Text("it can only be asked for (is missing, is present) or compared with ==", "只能判断是否缺失（is missing），或用 == 比较")
        raise wrong("personal_column", expression.at, sentence, hint)
    return node


def _any_column(expression: syntax.Name, scope: Scope) -> Node:
    """What a name stands for, personal columns included."""
    found = find_let(expression, scope)
    if found is not None:
        return _let(expression, found, scope)
    node = resolve(expression, scope)
    if node.path:
        _refuse_in_history(scope, ".".join(expression.parts), expression.at)
    return node


def _let(name: syntax.Name, found: Found, scope: Scope) -> Node:
    """The named expression as if it were written here; its mistakes are told of the name."""
    if found.path:
        _refuse_in_history(scope, ".".join(name.parts), name.at)
        scope = replace(scope, kind=found.kind, judged="", through="")
    with in_words_of(name):
        return lifted(_check(moved(found.let.expression, name.at), scope), found.path)


def _operand(expression: syntax.Expression, scope: Scope) -> Node:
    """An operand of what may be asked even of personal columns."""
    return _any_column(expression, scope) if isinstance(expression, syntax.Name) else _check(expression, scope)


def _call(expression: syntax.Call, scope: Scope) -> Node:
    name, arguments = expression.function, expression.arguments
    if name in AGGREGATES:
        return _plain_aggregate(expression, scope)
    function = FUNCTIONS.get(name)
    if function is None:
        hint = did_you_mean(name, [*FUNCTIONS, *AGGREGATES])
        raise wrong("unknown_function", expression.named_at, Text(f"there is no function '{name}'", f"没有函数 '{name}'"), hint)
    inner = _enter(scope, name, expression.at) if function.history else scope
    nodes = _all(inner, *arguments)
    if not function.least <= len(nodes) <= function.most:
        raise wrong(
            "wrong_arguments", expression.at, Text(f"{name} is called as {function.signature}", f"{name} 的写法是 {function.signature}")
        )
    return function.build(Arguments(nodes, expression.at, inner))


def _plain_aggregate(expression: syntax.Call, scope: Scope) -> Node:
    """``count(order)`` is short for counting all related rows; any other aggregate has to say of what."""
    function, arguments = expression.function, expression.arguments
    only = arguments[0] if len(arguments) == 1 else None
    if isinstance(only, syntax.Name) and function == "count" and len(only.parts) == 1:
        return _related(syntax.Related("count", None, only, None, at=expression.at), scope)
    sentence = Text(
        f"{function} needs to know which rows: {AGGREGATES[function].signature}",
        f"{function} 要写明是哪些行：{AGGREGATES[function].signature}",
    )
    hint = _INSTEAD_OF_AGGREGATE.get(function)
    if isinstance(only, syntax.Name) and len(only.parts) > 1:
        kind, column = only.parts[0], ".".join(only.parts[1:])
        hint = Text(f"write {function}({column} of {kind})", f"请写 {function}({column} of {kind})")
    raise wrong("which_rows", expression.at, sentence, hint)


_INSTEAD_OF_AGGREGATE = {
    "min": Text(
        "least(x, y) is the smaller of two values, lowest(x, 7d) that of past days",
        "两个值中较小的用 least(x, y)，过去几天的最小值用 lowest(x, 7d)",
    ),
    "max": Text(
        "greatest(x, y) is the larger of two values, highest(x, 7d) that of past days",
        "两个值中较大的用 greatest(x, y)，过去几天的最大值用 highest(x, 7d)",
    ),
    "avg": Text("mean(x, 7d) is the mean of past days", "过去几天的平均值用 mean(x, 7d)"),
    "sum": Text("total(x, 7d) is the sum of past days", "过去几天的合计用 total(x, 7d)"),
}


def _enter(scope: Scope, construct: str, at: Span) -> Scope:
    """The scope inside ``construct``. Aggregates and history do not nest in each other."""
    if scope.inside:
        sentence = Text(f"{construct}(…) cannot stand inside {scope.inside}(…)", f"{construct}(…) 不能写在 {scope.inside}(…) 里面")
        raise wrong("nested", at, sentence, Text("history and aggregates do not nest", "历史函数和汇总函数不能互相嵌套"))
    return replace(scope, inside=construct)


def _refuse_in_history(scope: Scope, what: str, at: Span) -> None:
    if scope.inside in FUNCTIONS:
        sentence = Text(f"'{what}' cannot be used inside {scope.inside}(…)", f"{scope.inside}(…) 里面不能用 '{what}'")
        raise wrong("not_in_history", at, sentence, Text("history has only the row's own columns", "历史函数里只能用本行的列"))


def _related(expression: syntax.Related, scope: Scope) -> Node:
    aggregate = _aggregate(expression)
    entered = _enter(scope, expression.function, expression.at)
    kind = resolve_kind(expression.kind, scope)
    via = relation(kind, expression.kind.at, scope)
    inner = replace(entered, kind=kind, judged=scope.kind, through=via)
    checks: list[Callable[[], Node | None]] = [
        lambda: _item(expression, aggregate, inner),
        lambda: _conditions(inner, (expression.where,))[0] if expression.where else None,
    ]
    item, where = gather(lambda run: run(), checks)
    type_ = _aggregate_type(expression.function, aggregate, item)
    function = cast(Literal["count"], expression.function)
    needed = gather(lambda name: _name(name, scope), names_of_judged((expression.item, expression.where), inner))
    return unless_missing(needed, Related(function, kind, via, item, where, type=type_, at=expression.at))


def _aggregate(expression: syntax.Related | syntax.Across) -> Aggregate:
    found = AGGREGATES.get(expression.function)
    if found is None:
        name = expression.function
        hint = did_you_mean(name, AGGREGATES) or Text(f"there are: {', '.join(AGGREGATES)}", f"可用的有：{'、'.join(AGGREGATES)}")
        raise wrong("unknown_function", expression.named_at, Text(f"there is no aggregate '{name}'", f"没有汇总函数 '{name}'"), hint)
    return found


def _item(expression: syntax.Related | syntax.Across, aggregate: Aggregate, inner: Scope) -> Node | None:
    """The checked item of an aggregate, None for ``count``."""
    if bool(aggregate.takes) != (expression.item is not None):
        sentence = Text(
            f"{expression.function} is called as {aggregate.signature}", f"{expression.function} 的写法是 {aggregate.signature}"
        )
        raise wrong("wrong_arguments", expression.at, sentence)
    if expression.item is None:
        return None
    node = _check(expression.item, inner)
    if aggregate.gives is Type.PERCENT:
        return _condition(node, inner)
    return require(node, aggregate.takes)


def _aggregate_type(function: str, aggregate: Aggregate, item: Node | None) -> Type:
    if aggregate.gives or item is None:
        return aggregate.gives or Type.INTEGER
    return Type.NUMBER if function == "avg" and item.type is Type.INTEGER else item.type


def _no(expression: syntax.No, scope: Scope) -> Node:
    count = _related(syntax.Related("count", None, expression.kind, expression.where, at=expression.at), scope)
    return Compare("==", count, Const(Decimal(0), type=Type.INTEGER, at=expression.at), type=Type.BOOLEAN, at=expression.at)


def _across(expression: syntax.Across, scope: Scope) -> Node:
    aggregate = _aggregate(expression)
    inner = _enter(scope, expression.function, expression.at)
    if not aggregate.across:
        sentence = Text(
            f"{expression.function} works on related rows: {aggregate.signature}",
            f"{expression.function} 只用于关联的行：{aggregate.signature}",
        )
        raise wrong("wrong_arguments", expression.at, sentence)
    checks: list[Callable[[], Node | None]] = [
        lambda: _item(expression, aggregate, inner),
        *(partial(_by, name, inner) for name in expression.by),
    ]
    item, *by = gather(lambda run: run(), checks)
    columns = tuple(node.column for node in by if isinstance(node, ColumnRef))
    function = cast(Literal["count"], expression.function)
    return Across(function, item, columns, type=_aggregate_type(expression.function, aggregate, item), at=expression.at)


def _by(name: syntax.Name, scope: Scope) -> Node:
    node = _name(name, scope)
    if isinstance(node, ColumnRef) and not node.path:
        return node
    raise wrong("bad_argument", name.at, Text("after 'by' stand columns of the row itself", "'by' 后面只能是本行的列"))


def _not(expression: syntax.Not, scope: Scope) -> Node:
    return Not(_conditions(scope, (expression.item,))[0], type=Type.BOOLEAN, at=expression.at)


def _and(expression: syntax.And, scope: Scope) -> Node:
    items = _conditions(scope, expression.items)
    flat = tuple(each for item in items for each in (item.items if isinstance(item, And) else (item,)))
    return And(flat, type=Type.BOOLEAN, at=expression.at)


def _or(expression: syntax.Or, scope: Scope) -> Node:
    items = _conditions(scope, expression.items)
    flat = tuple(each for item in items for each in (item.items if isinstance(item, Or) else (item,)))
    return Or(flat, type=Type.BOOLEAN, at=expression.at)


def _compare(expression: syntax.Compare, scope: Scope) -> Node:
    equality = expression.op in ("==", "!=")
    left, right = gather(lambda each: (_operand if equality else _check)(each, scope), (expression.left, expression.right))
    return operators.compare(expression.op, left, right, expression.at, scope)


def _arithmetic(expression: syntax.Arithmetic, scope: Scope) -> Node:
    left, right = _all(scope, expression.left, expression.right)
    return operators.arithmetic(expression.op, left, right, expression.at, scope)


def _negate(expression: syntax.Negate, scope: Scope) -> Node:
    return operators.negate(_check(expression.item, scope), expression.at)


def _in(expression: syntax.In, scope: Scope) -> Node:
    item, *options = gather(lambda each: _operand(each, scope), (expression.item, *expression.options))
    node = operators.in_(item, tuple(options), expression.at, scope)
    return Not(node, type=Type.BOOLEAN, at=expression.at) if expression.negated else node


def _between(expression: syntax.Between, scope: Scope) -> Node:
    item, low, high = _all(scope, expression.item, expression.low, expression.high)
    return operators.between(item, low, high, expression.at, scope)


def _is_missing(expression: syntax.IsMissing, scope: Scope) -> Node:
    node = _missing(expression, scope)
    return Not(node, type=Type.BOOLEAN, at=expression.at) if expression.negated else node


def _missing(expression: syntax.IsMissing, scope: Scope) -> Node:
    item, at = expression.item, expression.at
    if isinstance(item, syntax.Name) and is_reference(item, scope):
        _refuse_in_history(scope, ".".join(item.parts), item.at)
        path, _ = resolve_path(item, scope, len(item.parts))
        return RowMissing(path, type=Type.BOOLEAN, at=at)
    node = _operand(item, scope)
    if isinstance(node, Const | Now):
        raise wrong("never_missing", at, Text("a constant is never missing", "常量不会缺失"), None)
    return IsMissing(node, type=Type.BOOLEAN, at=at)


def _matches(expression: syntax.Matches, scope: Scope) -> Node:
    item, pattern = _all(scope, expression.item, expression.pattern)
    return operators.matches(item, cast(Const, pattern), expression.at)


def _contains(expression: syntax.Contains, scope: Scope) -> Node:
    item, part = _all(scope, expression.item, expression.part)
    return operators.contains(item, part, expression.at)


_CHECKS: dict[type[syntax.Expression], Callable[..., Node]] = {
    syntax.Number: _number,
    syntax.Percent: partial(_literal, Type.PERCENT),
    syntax.Duration: partial(_literal, Type.DURATION),
    syntax.String: partial(_literal, Type.STRING),
    syntax.Boolean: partial(_literal, Type.BOOLEAN),
    syntax.Now: _now,
    syntax.Name: _name,
    syntax.Call: _call,
    syntax.Related: _related,
    syntax.No: _no,
    syntax.Across: _across,
    syntax.Not: _not,
    syntax.And: _and,
    syntax.Or: _or,
    syntax.Compare: _compare,
    syntax.Arithmetic: _arithmetic,
    syntax.Negate: _negate,
    syntax.In: _in,
    syntax.Between: _between,
    syntax.IsMissing: _is_missing,
    syntax.Matches: _matches,
    syntax.Contains: _contains,
}
