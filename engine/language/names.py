"""What the names of an expression refer to: columns, references to other kinds, names that the project gave (``let``), kinds."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from engine.errors import Text, did_you_mean
from engine.language.errors import ExpressionError, wrong
from engine.language.syntax import Expression, Name, written
from engine.language.typed import ColumnRef, Node, Span
from engine.model import ColumnSchema, KindSchema

STORE = "store"
STORE_COLUMN = "store_id"


@dataclass(frozen=True, slots=True)
class Let:
    """A named expression. ``kind`` is the kind whose rows it speaks of, '' for a constant, which speaks of none; ``depth`` and ``size`` are
    those of the expression when the names in it are written out."""

    kind: str
    expression: Expression
    depth: int = 1
    size: int = 1


@dataclass(frozen=True, slots=True)
class Scope:
    """Where an expression stands: the ``kind`` whose row it speaks of, all ``kinds``, the project's time zone, and what ``lets`` name.

    Among related rows, ``through`` is the column of ``kind`` that leads back to the judged row, of kind ``judged``: names that speak of
    the judged row can be used there too. ``inside`` is the construct that the checker is in the middle of ('' for the row itself);
    callers leave it alone.
    """

    kind: str
    kinds: Mapping[str, KindSchema]
    time_zone: str
    lets: Mapping[str, Let] = field(default_factory=dict)
    judged: str = ""
    through: str = ""
    inside: str = ""

    @property
    def schema(self) -> KindSchema:
        return self.kinds[self.kind]


def references(schema: KindSchema, kinds: Mapping[str, KindSchema]) -> dict[str, str]:
    """Column to kind: the declared references and the one that all rows have, to their store."""
    implicit = {STORE_COLUMN: STORE} if STORE in kinds and schema.name != STORE and STORE_COLUMN in schema.columns else {}
    return implicit | {column: kind for column, kind in schema.references.items() if kind in kinds}


def follow(path: tuple[str, ...], kind: str, kinds: Mapping[str, KindSchema]) -> str:
    """The kind that a path of referring columns ends at."""
    for column in path:
        kind = references(kinds[kind], kinds)[column]
    return kind


def names_of_column(column: ColumnSchema) -> set[str]:
    return {column.name, *column.names, *_title(column.title)}


def names_of_kind(schema: KindSchema) -> set[str]:
    return {schema.name, *_title(schema.title)}


def _title(title: Text | None) -> set[str]:
    return {title.en, title.zh} if title else set()


def _offered(name: str, title: Text | None) -> tuple[str, ...]:
    """What hints suggest to write: the name itself and the Chinese title; an English title is no word of the language's style."""
    return (name, title.zh) if title else (name,)


def resolve(name: Name, scope: Scope) -> ColumnRef:
    """A column, or a column of a referred row. Raises ExpressionError."""
    path, kind = resolve_path(name, scope, len(name.parts) - 1)
    last = name.parts[-1]
    schema = scope.kinds[kind]
    columns = _columns_named(last, schema)
    if len(columns) > 1:
        raise _ambiguous(last, [column.name for column in columns], name.at)
    if not columns:
        raise _unknown_name(name, schema, scope)
    return ColumnRef(path, columns[0].name, type=columns[0].type, at=name.at)


@dataclass(frozen=True, slots=True)
class Found:
    """What a name of ``lets`` stands for: an expression in the scope of ``kind``, whose row ``path`` leads to."""

    let: Let
    path: tuple[str, ...]
    kind: str


def find_let(name: Name, scope: Scope) -> Found | None:
    """The named expression that ``name`` means, None where it means a column. Raises ExpressionError."""
    last = name.parts[-1]
    let = scope.lets.get(last)
    if let is None or (len(name.parts) > 1 and not let.kind):
        return None
    path, kind = resolve_path(name, scope, len(name.parts) - 1)
    columns = _columns_named(last, scope.kinds[kind])
    if let.kind in ("", kind):
        if columns:
            raise _ambiguous(last, [*(column.name for column in columns), last], name.at)
        return Found(let, path, kind)
    if columns:
        return None
    if not path and let.kind == scope.judged:
        return Found(let, (scope.through,), scope.judged)
    sentence = Text(f"'{last}' speaks of rows of '{let.kind}', not of '{kind}'", f"'{last}' 说的是 '{let.kind}' 的行，而不是 '{kind}' 的行")
    raise wrong("other_rows", name.at, sentence, _hint_for_other_rows(last, let.kind, kind, scope))


def _hint_for_other_rows(word: str, told: str, kind: str, scope: Scope) -> Text | None:
    """How to get from a row of ``kind`` to those of ``told`` that the name speaks of."""
    if told in references(scope.kinds[kind], scope.kinds).values():
        return Text(f"write {told}.{word}", f"请写 {told}.{word}")
    if kind in references(scope.kinds[told], scope.kinds).values() and not scope.inside:
        return Text(f"count({told} where {word}) counts such rows", f"count({told} where {word}) 数这样的行")
    return None


def names_taken(kinds: Mapping[str, KindSchema]) -> dict[str, Text]:
    """Every word that already means something, with what: a column, a kind or a row referred to. No other thing may be called so."""
    taken: dict[str, Text] = {}
    for schema in kinds.values():
        for column in schema.columns.values():
            told = Text(f"a column of '{schema.name}'", f" '{schema.name}' 的列")
            taken |= dict.fromkeys((*names_of_column(column), *_row_called(column.name, schema, kinds)), told)
    for schema in kinds.values():
        taken |= dict.fromkeys(names_of_kind(schema), Text("a fact kind", "事实类型"))
    return taken


def _row_called(column: str, schema: KindSchema, kinds: Mapping[str, KindSchema]) -> tuple[str, ...]:
    return (column.removesuffix("_id"),) if column in references(schema, kinds) else ()


def _columns_named(word: str, schema: KindSchema) -> list[ColumnSchema]:
    """The column of that name; else all that are also called so."""
    if word in schema.columns:
        return [schema.columns[word]]
    return [column for column in schema.columns.values() if word in names_of_column(column)]


def resolve_path(name: Name, scope: Scope, length: int) -> tuple[tuple[str, ...], str]:
    """Follow the first ``length`` parts of ``name`` as references from the scope's kind: the referring columns, the kind they end at."""
    path: tuple[str, ...] = ()
    kind = scope.kind
    for index, part in enumerate(name.parts[:length]):
        column, kind = _reference(part, scope.kinds[kind], part_at(name, index), scope)
        path += (column,)
    return path, kind


def is_reference(name: Name, scope: Scope) -> bool:
    """Whether all of ``name`` names a referred row (``product is missing``), and not a column or constant."""
    try:
        _, kind = resolve_path(name, scope, len(name.parts) - 1)
    except ExpressionError:
        return False
    schema = scope.kinds[kind]
    last = name.parts[-1]
    return not _columns_named(last, schema) and last not in scope.lets and bool(_references_named(last, schema, scope))


def part_at(name: Name, index: int) -> Span:
    """Where one part of a dotted name stands; all of the name when it is written with spaces."""
    if name.at.end - name.at.start != len(".".join(name.parts)):
        return name.at
    start = name.at.start + sum(len(part) + 1 for part in name.parts[:index])
    return Span(start, start + len(name.parts[index]))


def _references_named(word: str, schema: KindSchema, scope: Scope) -> list[str]:
    """Columns through which ``schema`` refers to a row called ``word``: by the kind's name, the column's, or the column's less ``_id``."""
    found = references(schema, scope.kinds)
    by_kind = [column for column, kind in found.items() if word in names_of_kind(scope.kinds[kind])]
    return by_kind or [column for column in found if word in (column, column.removesuffix("_id"))]


def _reference(word: str, schema: KindSchema, at: Span, scope: Scope) -> tuple[str, str]:
    columns = _references_named(word, schema, scope)
    if len(columns) > 1:
        raise _ambiguous(word, columns, at)
    if not columns:
        raise _unknown_reference(word, schema, at, scope)
    target = references(schema, scope.kinds)[columns[0]]
    single_key(scope.kinds[target], at)
    return columns[0], target


def single_key(schema: KindSchema, at: Span) -> str:
    """The one key column by which rows of ``schema`` are referred to. Raises ExpressionError when the key has several."""
    if len(schema.key) == 1:
        return schema.key[0]
    sentence = Text(
        f"rows of '{schema.name}' cannot be referred to: their key has several columns ({', '.join(schema.key)})",
        f"无法引用 '{schema.name}' 的行：它的键由多列组成（{'、'.join(schema.key)}）",
    )
    raise wrong("key_not_single", at, sentence)


def resolve_kind(name: Name, scope: Scope) -> str:
    """The kind called so, by its name or title."""
    word, at = name.parts[0], name.at
    if word in scope.kinds:
        return word
    found = [schema.name for schema in scope.kinds.values() if word in names_of_kind(schema)]
    if len(found) > 1:
        raise _ambiguous(word, found, at)
    if not found:
        known = [name for schema in scope.kinds.values() for name in _offered(schema.name, schema.title)]
        hint = did_you_mean(word, known) or _listed(scope.kinds)
        raise wrong("unknown_kind", at, Text(f"there is no fact kind '{word}'", f"没有名为 '{word}' 的事实类型"), hint)
    return found[0]


def relation(kind: str, at: Span, scope: Scope) -> str:
    """The column of ``kind`` that holds the key of the judged row. Raises ExpressionError when none or several do."""
    single_key(scope.schema, at)
    columns = [column for column, target in references(scope.kinds[kind], scope.kinds).items() if target == scope.kind]
    if len(columns) > 1:
        raise _ambiguous(kind, [f"{kind}.{column}" for column in columns], at)
    if not columns:
        related = [name for name, schema in scope.kinds.items() if scope.kind in references(schema, scope.kinds).values()]
        sentence = Text(f"rows of '{kind}' do not refer to '{scope.kind}'", f"'{kind}' 的行没有引用 '{scope.kind}'")
        none = Text(f"no kind refers to '{scope.kind}'", f"没有类型引用 '{scope.kind}'")
        raise wrong("not_related", at, sentence, _listed(related, "kinds that do: ", "引用它的类型：") if related else none)
    return columns[0]


def _unknown_name(name: Name, schema: KindSchema, scope: Scope) -> ExpressionError:
    last, at = name.parts[-1], part_at(name, len(name.parts) - 1)
    if _references_named(last, schema, scope):
        sentence = Text(f"'{last}' is a row of another kind, not a value", f"'{last}' 是另一类型的一行，不是值")
        hint = Text(f"name one of its columns, {last}.…, or ask '{last} is missing'", f"请写它的某一列 {last}.…，或 '{last} is missing'")
        return wrong("not_a_value", at, sentence, hint)
    sentence = Text(f"'{schema.name}' has no column '{last}'", f"'{schema.name}' 没有列 '{last}'")
    return wrong("unknown_name", at, sentence, _hint_for_name(last, schema, scope, direct=len(name.parts) == 1))


_FOREIGN = {"null", "none", "nil", "na"}


_TYPED_UNIT = re.compile(r"([0-9]+)(个?小时|钟头|分钟?|天|日|周|个?星期|秒|元|块钱?|件|人|单|个|次)")
_SPANS = {"小时": "h", "钟头": "h", "分": "m", "分钟": "m", "天": "d", "日": "d", "周": "w", "星期": "w", "秒": "s"}


def _hint_for_name(word: str, schema: KindSchema, scope: Scope, *, direct: bool) -> Text | None:
    if word.lower() in _FOREIGN:
        return Text("ask 'x is missing' or 'x is present'", "请写 'x is missing' 或 'x is present'")
    own = [written(name) for column in schema.columns.values() for name in (*_offered(column.name, column.title), *column.names)]
    if not direct:
        return did_you_mean(word, own)
    refers = references(schema, scope.kinds).values()
    through = sorted({f"{kind}.{word}" for kind in refers if _columns_named(word, scope.kinds[kind])})
    if through:
        return _listed(through, "perhaps ", "也许是 ")
    return _hint_for_text(word, schema) or did_you_mean(word, [*own, *scope.lets]) or _hint_for_chinese(word)


def _hint_for_text(word: str, schema: KindSchema) -> Text | None:
    """For what is a column's value, not its name."""
    columns = schema.columns.values()
    meant = next((value for column in columns for said, value in column.words if said == word), None)
    if meant:
        return Text(f"rules write it '{meant}', in quotes", f"规则里要写 '{meant}'，加引号")
    if any(word in column.values for column in columns):
        return Text(f"text is written in quotes: '{word}'", f"文字要加引号：'{word}'")
    return None


def _hint_for_chinese(word: str) -> Text | None:
    """For a number with its unit, and for text, that a language without spaces makes look like a name."""
    if unit := _TYPED_UNIT.fullmatch(word):
        short = unit[1] + _SPANS.get(unit[2].removeprefix("个"), "")
        return Text(f"write {short}", f"请写 {short}")
    return None if word.isascii() else Text(f"text is written in quotes: '{word}'", f"文字要加引号：'{word}'")


def _unknown_reference(word: str, schema: KindSchema, at: Span, scope: Scope) -> ExpressionError:
    found = references(schema, scope.kinds)
    sentence = Text(f"'{schema.name}' does not refer to '{word}'", f"'{schema.name}' 没有引用 '{word}'")
    targets = sorted(set(found.values()))
    hint = did_you_mean(word, targets) or (_listed(targets, "it refers to: ", "它引用了：") if targets else None)
    if any(word in names_of_kind(other) and schema.name in references(other, scope.kinds).values() for other in scope.kinds.values()):
        hint = Text(
            f"rows of '{word}' refer to '{schema.name}', many to one: write count({word} where …) or sum(x of {word} where …)",
            f"'{word}' 有多行引用 '{schema.name}'：请写 count({word} where …) 或 sum(x of {word} where …)",
        )
    return wrong("unknown_reference", at, sentence, hint)


def _ambiguous(word: str, meanings: list[str], at: Span) -> ExpressionError:
    listed = ", ".join(meanings)
    sentence = Text(f"'{word}' may mean {' or '.join(meanings)}", f"'{word}' 有几种可能：{'、'.join(meanings)}")
    return wrong("ambiguous_name", at, sentence, Text(f"write one of them: {listed}", f"请写明是哪一个：{'、'.join(meanings)}"))


def _listed(names: Iterable[str], en: str = "there are: ", zh: str = "可用的有：") -> Text:
    found = list(names)
    return Text(en + ", ".join(found), zh + "、".join(found))


def column_of(node: Node, scope: Scope) -> ColumnSchema | None:
    """The schema of the column that ``node`` reads, when it is a plain column."""
    if not isinstance(node, ColumnRef):
        return None
    return scope.kinds[follow(node.path, scope.kind, scope.kinds)].columns[node.column]
