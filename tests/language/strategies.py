"""Random expressions for Hypothesis: of any shape (:func:`expressions`), or such as check (:func:`conditions`, :func:`values`)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from engine.language import syntax as s
from engine.language.functions import AGGREGATES, FUNCTIONS
from engine.language.names import references
from engine.language.syntax import RESERVED, Expression
from engine.model import KindSchema, Type
from tests.language.schemas import KINDS

Draw = Callable[[st.SearchStrategy[Any]], Any]

# Any expression

_words = st.sampled_from(
    ["status", "dsr_desc", "uv", "price", "x", "订单", "描述相符", "48小时揽收率", "store", "order", "product", "amount", "sku", "gift"]
)
_other_words = st.from_regex(r"\A[a-z_][a-z0-9_]{0,6}\Z").filter(lambda word: word not in RESERVED)
words = st.one_of(_words, _other_words)
functions = st.one_of(st.sampled_from([*FUNCTIONS, *AGGREGATES]), words)
kinds = words.map(lambda word: s.Name((word,)))
quoted = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc"), exclude_characters="`"), min_size=1, max_size=6)
names = st.lists(st.one_of(words, words, words, quoted), min_size=1, max_size=3).map(lambda parts: s.Name(tuple(parts)))
decimals = st.decimals(0, 10**15, places=4, allow_nan=False, allow_infinity=False)
strings = st.text(st.characters(codec="utf-8", exclude_categories=("Cs",)), max_size=8).map(s.String)
literals = st.one_of(
    decimals.map(s.Number),
    st.integers(0, 1000).map(lambda number: s.Number(Decimal(number))),
    st.decimals(0, 1000, places=4).map(lambda value: s.Percent(value / 100)),
    st.integers(0, 10**6).map(lambda seconds: s.Duration(timedelta(seconds=seconds))),
    strings,
    st.booleans().map(s.Boolean),
    st.just(s.Now()),
)


def _tuples(items: st.SearchStrategy[Expression], least: int) -> st.SearchStrategy[tuple[Expression, ...]]:
    return st.lists(items, min_size=least, max_size=3).map(tuple)


def _extend(inner: st.SearchStrategy[Expression]) -> st.SearchStrategy[Expression]:
    maybe = st.one_of(st.none(), inner)
    return st.one_of(
        st.builds(s.Not, inner),
        st.builds(s.And, _tuples(inner, 2)),
        st.builds(s.Or, _tuples(inner, 2)),
        st.builds(s.Compare, st.sampled_from(["==", "!=", "<", "<=", ">", ">="]), inner, inner),
        st.builds(s.Arithmetic, st.sampled_from("+-*/"), inner, inner),
        st.builds(s.Negate, inner),
        st.builds(s.In, inner, _tuples(inner, 1), st.booleans()),
        st.builds(s.Between, inner, inner, inner),
        st.builds(s.IsMissing, inner, st.booleans()),
        st.builds(s.Matches, inner, strings),
        st.builds(s.Contains, inner, inner),
        st.builds(s.Call, functions, _tuples(inner, 0)),
        st.builds(s.No, kinds, maybe),
        st.builds(s.Related, functions, st.none(), kinds, inner),
        st.builds(s.Related, functions, inner, kinds, maybe),
        st.builds(s.Across, functions, maybe, st.lists(names, min_size=1, max_size=2).map(tuple)),
    )


def expressions(leaves: int = 15) -> st.SearchStrategy[Expression]:
    """Syntax trees of any shape; few of them mean anything."""
    return st.recursive(st.one_of(literals, names), _extend, max_leaves=leaves)


# Expressions that pass the checker


@dataclass(frozen=True)
class Place:
    """Where an expression is made up: whose row it is about, how deep it may still grow, and inside which construct it stands."""

    kind: str
    depth: int
    kinds: Mapping[str, KindSchema]
    inside: str = ""

    @property
    def deeper(self) -> Place:
        return replace(self, depth=self.depth - 1)


NUMERIC = (Type.INTEGER, Type.NUMBER, Type.MONEY, Type.PERCENT)
MEASURED = (*NUMERIC, Type.DURATION)
ORDERED = (*MEASURED, Type.TIMESTAMP, Type.DATE)
WINDOWS = [timedelta(hours=24), timedelta(days=2), timedelta(days=7), timedelta(days=28)]


def conditions(kind: str, kinds: Mapping[str, KindSchema] = KINDS, depth: int = 3) -> st.SearchStrategy[Expression]:
    """Conditions about rows of ``kind`` that the checker accepts."""
    return values(Type.BOOLEAN, kind, kinds, depth)


def values(type_: Type, kind: str, kinds: Mapping[str, KindSchema] = KINDS, depth: int = 3) -> st.SearchStrategy[Expression]:
    """Expressions of ``type_`` about rows of ``kind`` that the checker accepts. NUMBERs have no unit; some may be whole."""

    @st.composite
    def make(draw: Draw) -> Expression:
        return _make(draw, type_, Place(kind, depth, kinds))

    return make()


def _make(draw: Draw, type_: Type, place: Place) -> Expression:
    """A column where there is one (or a literal), or, while it may still grow, one of what the type can be made by."""
    makers = _MAKERS[type_] if place.depth > 0 else []
    choice = draw(st.integers(0, len(makers) + 1))
    if choice < len(makers):
        made = makers[choice](draw, type_, place.deeper)
        if made is not None:
            return made
    return _column(draw, type_, place) or _literal(draw, type_)


Maker = Callable[[Draw, Type, Place], Expression | None]


def _column(draw: Draw, type_: Type, place: Place) -> Expression | None:
    """A column of the row, or of a row it refers to."""
    schema = place.kinds[place.kind]
    found = [(name,) for name in _columns(schema, type_)]
    if place.inside != "history":
        for column, kind in references(schema, place.kinds).items():
            if len(place.kinds[kind].key) == 1 and list(references(schema, place.kinds).values()).count(kind) == 1:
                found += [(column, name) for name in _columns(place.kinds[kind], type_)]
    return s.Name(draw(st.sampled_from(found))) if found else None


def _columns(schema: KindSchema, type_: Type) -> list[str]:
    return [column.name for column in schema.columns.values() if column.type is type_ and not column.unit and not column.personal]


def _literal(draw: Draw, type_: Type) -> Expression:
    return draw(_LITERALS[type_])


_LITERALS: Mapping[Type, st.SearchStrategy[Expression]] = {
    Type.STRING: st.sampled_from(["", "a", "paid", "商品", "x y", "%"]).map(s.String),
    Type.INTEGER: st.integers(0, 20).map(lambda number: s.Number(Decimal(number))),
    Type.NUMBER: st.decimals(0, 20, places=2).map(s.Number),
    Type.MONEY: st.decimals(0, 20, places=2).map(s.Number),
    Type.PERCENT: st.integers(0, 120).map(lambda number: s.Percent(Decimal(number) / 100)),
    Type.BOOLEAN: st.booleans().map(s.Boolean),
    Type.TIMESTAMP: st.just(s.Now()),
    Type.DATE: st.just(s.Call("date", (s.Now(),))),
    Type.DURATION: st.integers(0, 240).map(lambda hours: s.Duration(timedelta(hours=hours))),
}


def _typed(draw: Draw, types: tuple[Type, ...], place: Place) -> tuple[Type, Expression]:
    type_ = draw(st.sampled_from(types))
    return type_, _make(draw, type_, place)


def _settled(draw: Draw, type_: Type, place: Place) -> Expression | None:
    """An expression whose type does not hang on what stands beside it: no literal."""
    return _column(draw, type_, place) or (None if place.inside == "history" else _unliteral(draw, type_))


def _unliteral(draw: Draw, type_: Type) -> Expression | None:
    return _literal(draw, type_) if type_ in (Type.PERCENT, Type.BOOLEAN, Type.DURATION, Type.TIMESTAMP, Type.DATE) else None


def _logic(draw: Draw, type_: Type, place: Place) -> Expression:
    items = tuple(_make(draw, Type.BOOLEAN, place) for _ in range(draw(st.integers(1, 3))))
    if len(items) == 1:
        return s.Not(items[0])
    return draw(st.sampled_from([s.And, s.Or]))(items)


def _comparison(draw: Draw, type_: Type, place: Place) -> Expression | None:
    compared = draw(st.sampled_from((*ORDERED, Type.STRING, Type.BOOLEAN)))
    left = _settled(draw, compared, place)
    if left is None:
        return None
    ops = ["==", "!=", "<", "<=", ">", ">="] if compared in ORDERED else ["==", "!="]
    right = _make(draw, compared, place)
    if _listed(left, place) and isinstance(right, s.String):
        right = s.String(draw(st.sampled_from(_listed(left, place))))
    return s.Compare(draw(st.sampled_from(ops)), left, right)


def _listed(name: Expression, place: Place) -> tuple[str, ...]:
    """The values that a column lists."""
    if not isinstance(name, s.Name):
        return ()
    schema = place.kinds[place.kind]
    for column in name.parts[:-1]:
        schema = place.kinds[references(schema, place.kinds)[column]]
    return schema.columns[name.parts[-1]].values


def _membership(draw: Draw, type_: Type, place: Place) -> Expression | None:
    compared = draw(st.sampled_from(NUMERIC))
    item = _settled(draw, compared, place)
    if item is None:
        return None
    if draw(st.booleans()):
        options = tuple(_make(draw, compared, place) for _ in range(draw(st.integers(1, 3))))
        return s.In(item, options, draw(st.booleans()))
    low = _make(draw, compared, place)
    settled = _settled(draw, compared, place)
    return s.Between(item, low, settled) if settled else None


def _missing(draw: Draw, type_: Type, place: Place) -> Expression | None:
    if place.inside != "history" and draw(st.booleans()):
        found = references(place.kinds[place.kind], place.kinds)
        kinds = [kind for kind in found.values() if list(found.values()).count(kind) == 1 and len(place.kinds[kind].key) == 1]
        return s.IsMissing(s.Name((draw(st.sampled_from(kinds)),)), draw(st.booleans())) if kinds else None
    column = _column(draw, draw(st.sampled_from(list(Type))), place)
    return s.IsMissing(column, draw(st.booleans())) if column else None


def _text_search(draw: Draw, type_: Type, place: Place) -> Expression | None:
    column = _column(draw, Type.STRING, place)
    if column is None:
        return None
    if draw(st.booleans()):
        return s.Matches(column, s.String(draw(st.sampled_from([r"^a", r"\d+", "[ap]", "商.$", "x|y"]))))
    return s.Contains(column, _literal(draw, Type.STRING))


def _sum(draw: Draw, type_: Type, place: Place) -> Expression | None:
    left = _settled(draw, type_, place)
    return s.Arithmetic(draw(st.sampled_from("+-")), left, _make(draw, type_, place)) if left else None


def _scaled(draw: Draw, type_: Type, place: Place) -> Expression | None:
    """A quantity times or divided by a plain number."""
    left = _settled(draw, type_, place)
    ops = "*" if type_ is Type.INTEGER else "*/"
    factor = Type.INTEGER if type_ is Type.INTEGER else Type.NUMBER
    return s.Arithmetic(draw(st.sampled_from(ops)), left, _literal(draw, factor)) if left else None


def _ratio(draw: Draw, type_: Type, place: Place) -> Expression | None:
    measured = draw(st.sampled_from(MEASURED))
    left, right = _settled(draw, measured, place), _settled(draw, measured, place)
    return s.Arithmetic("/", left, right) if left and right else None


def _scalar(draw: Draw, type_: Type, place: Place) -> Expression | None:
    item = _settled(draw, type_, place)
    if item is None:
        return None
    second = _make(draw, type_, place)
    match draw(st.integers(0, 4)):
        case 0 if type_ in MEASURED:
            return s.Call("abs", (item,))
        case 1 if type_ in NUMERIC:
            return s.Call("round", (item, s.Number(Decimal(draw(st.integers(0, 3))))))
        case 2 if type_ in ORDERED:
            return s.Call(draw(st.sampled_from(["least", "greatest"])), (item, second))
        case 3:
            return s.Call("if", (_make(draw, Type.BOOLEAN, place), item, second))
        case _:
            return s.Call("coalesce", (item, second))


def _negative(draw: Draw, type_: Type, place: Place) -> Expression | None:
    item = _settled(draw, type_, place)
    return s.Negate(item) if item else None


def _age(draw: Draw, type_: Type, place: Place) -> Expression | None:
    column = _column(draw, Type.TIMESTAMP, place)
    if column is None or place.inside == "history":
        return None
    return s.Call(draw(st.sampled_from(["age", "until"])), (column,))


def _time_part(draw: Draw, type_: Type, place: Place) -> Expression | None:
    column = _column(draw, Type.TIMESTAMP, place)
    part = "date" if type_ is Type.DATE else draw(st.sampled_from(["hour", "weekday"]))
    return s.Call(part, (column,)) if column else None


def _moved(draw: Draw, type_: Type, place: Place) -> Expression | None:
    column = _column(draw, Type.TIMESTAMP, place)
    return s.Arithmetic(draw(st.sampled_from("+-")), column, _literal(draw, Type.DURATION)) if column else None


def _difference(draw: Draw, type_: Type, place: Place) -> Expression | None:
    left, right = _column(draw, Type.TIMESTAMP, place), _column(draw, Type.TIMESTAMP, place)
    return s.Arithmetic("-", left, right) if left and right else None


def _history(draw: Draw, type_: Type, place: Place) -> Expression | None:
    if place.inside:
        return None
    item = _settled(draw, type_, replace(place, inside="history", depth=min(place.depth, 1)))
    if item is None:
        return None
    window = s.Duration(draw(st.sampled_from(WINDOWS)))
    averages = ["mean", "median", "stdev", "same_weekday_mean"] if type_ in (Type.NUMBER, Type.MONEY, Type.PERCENT) else []
    extremes = ["highest", "lowest"] if type_ in ORDERED else []
    totals = ["total"] if type_ in MEASURED else []
    function = draw(st.sampled_from(["previous", "ago", *averages, *extremes, *totals]))
    return s.Call(function, (item,) if function == "previous" else (item, window))


def _history_count(draw: Draw, type_: Type, place: Place) -> Expression | None:
    item = _column(draw, draw(st.sampled_from(list(Type))), replace(place, inside="history"))
    if place.inside or item is None:
        return None
    return s.Call("changes", (item, s.Duration(draw(st.sampled_from(WINDOWS)))))


def _history_time(draw: Draw, type_: Type, place: Place) -> Expression | None:
    item = _column(draw, draw(st.sampled_from(list(Type))), replace(place, inside="history"))
    if place.inside or item is None:
        return None
    return draw(st.sampled_from([s.Call("unchanged_for", (item,)), s.Call("seen_for", ())]))


def _aggregate(draw: Draw, type_: Type, place: Place) -> Expression | None:
    """An aggregate of a type's values, over related rows or across rows of the kind."""
    functions = [
        *(["sum"] if type_ in MEASURED else []),
        *(["avg"] if type_ in MEASURED and type_ is not Type.INTEGER else []),
        "min",
        "max",
    ]
    return _over_rows(draw, draw(st.sampled_from(functions)), type_, place)


def _row_count(draw: Draw, type_: Type, place: Place) -> Expression | None:
    function = draw(st.sampled_from(["count", "distinct"]))
    return _over_rows(draw, function, None if function == "count" else draw(st.sampled_from(list(Type))), place)


def _share(draw: Draw, type_: Type, place: Place) -> Expression | None:
    made = _over_rows(draw, "share", Type.BOOLEAN, place)
    return made if isinstance(made, s.Related) else None


def _none_related(draw: Draw, type_: Type, place: Place) -> Expression | None:
    made = _over_rows(draw, "count", None, place)
    return s.No(made.kind, made.where) if isinstance(made, s.Related) else None


def _over_rows(draw: Draw, function: str, item_type: Type | None, place: Place) -> Expression | None:
    if place.inside:
        return None
    kinds = _related_kinds(place)
    if kinds and draw(st.booleans()):
        kind = draw(st.sampled_from(kinds))
        inner = replace(place, kind=kind, inside="related", depth=min(place.depth, 1))
        item = _make(draw, item_type, inner) if item_type else None
        where = _make(draw, Type.BOOLEAN, inner) if draw(st.booleans()) else None
        return s.Related(function, item, s.Name((kind,)), where)
    item = _make(draw, item_type, replace(place, inside="across", depth=min(place.depth, 1))) if item_type else None
    by = draw(st.sampled_from(_columns(place.kinds[place.kind], Type.STRING)))
    return s.Across(function, item, (s.Name((by,)),))


def _related_kinds(place: Place) -> list[str]:
    if len(place.kinds[place.kind].key) != 1:
        return []
    found = {name: list(references(schema, place.kinds).values()).count(place.kind) for name, schema in place.kinds.items()}
    return [name for name, count in found.items() if count == 1]


_NUMBERS: list[Maker] = [_sum, _scaled, _scalar, _negative, _history, _aggregate]
_MAKERS: Mapping[Type, list[Maker]] = {
    Type.STRING: [_scalar, _history],
    Type.INTEGER: [*_NUMBERS, _row_count, _history_count, _time_part],
    Type.NUMBER: [*_NUMBERS, _ratio],
    Type.MONEY: _NUMBERS,
    Type.PERCENT: [*_NUMBERS, _share],
    Type.BOOLEAN: [
        _logic,
        _logic,
        _comparison,
        _comparison,
        _comparison,
        _comparison,
        _membership,
        _missing,
        _text_search,
        _none_related,
        _history,
    ],
    Type.TIMESTAMP: [_moved, _scalar, _history, _aggregate],
    Type.DATE: [_time_part, _scalar, _history, _aggregate],
    Type.DURATION: [*_NUMBERS, _age, _difference, _history_time],
}
