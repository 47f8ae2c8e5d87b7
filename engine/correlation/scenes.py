"""The facts of one scope as a group's rules see them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from engine.correlation.limits import LARGEST_FLOAT, LARGEST_INTEGER, OverLimit
from engine.correlation.operands import Values, worth
from engine.correlation.plan import Column, Group, JoinOperand, Place, Tally
from engine.correlation.values import Fact, FieldType, Scalar
from engine.errors import Text

Number = int | float


@dataclass(slots=True)
class Alike:
    """Facts that no rule can tell apart: their ids. ``values`` are the numbers of their columns, ``carried`` their carried fields."""

    mask: int
    values: Mapping[int, Number]
    carried: Mapping[str, Scalar]
    members: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Crowd:
    """Facts that are counted together: what each id counts as, and how often that is. ``bit`` is its tally's."""

    bit: int
    values: Mapping[int, Number]
    members: dict[str, Scalar] = field(default_factory=dict)
    amounts: Counter[Scalar] = field(default_factory=Counter)

    @property
    def mask(self) -> int:
        return 1 << self.bit

    def add(self, member: str, value: Scalar) -> None:
        self.members[member] = value
        self.amounts[value] += 1

    def amount(self, without: Collection[str] = ()) -> int:
        """How many they count for, without some of them."""
        gone = Counter(self.members[name] for name in without if name in self.members)
        return len(self.amounts) - sum(self.amounts[value] == times for value, times in gone.items())


@dataclass(frozen=True, slots=True)
class Conclusion:
    """What holds in one scope: by rule and binding, the ids of facts; and the facts that follow."""

    bindings: Mapping[tuple[str, str], frozenset[str]]
    derived: tuple[Fact, ...]


@dataclass(slots=True)
class Scene:
    """All facts of one scope that any rule of the group asks for, those that are alike together."""

    scope: tuple[Scalar, ...]
    alikes: dict[object, Alike] = field(default_factory=dict)
    codes: dict[str, int] = field(default_factory=dict)  # texts by number
    crowds: list[Crowd] = field(default_factory=list)
    largest: dict[int, Number] = field(default_factory=dict)  # by column, without the sign

    def add(self, group: Group, mask: int, values: Values, name: str) -> Alike:
        """Put a fact with its likes. Raises :class:`OverLimit`."""
        demand = group.demanded(mask)
        numbers = {}
        for column in demand.columns:
            number = self._number(group.columns[column], values)
            if number is not None:
                numbers[column] = number
                self.largest[column] = max(self.largest.get(column, 0), abs(number))
        carried = {key: values[key] for key in demand.fields if key in values}
        key = (mask, tuple(numbers.items()), tuple(carried.items()))
        alike = self.alikes.get(key)
        if alike is None:
            alike = self.alikes[key] = Alike(mask, numbers, carried)
        alike.members.append(name)
        return alike

    def _number(self, column: Column, values: Values) -> Number | None:
        value = worth(column.expression, values)
        if value is None:
            return None
        if isinstance(value, str):
            return self.codes.setdefault(value, len(self.codes))
        if not abs(value) <= (LARGEST_FLOAT if isinstance(value, float) else LARGEST_INTEGER):  # nor is what is not a number
            raise OverLimit(Text(f"{value} is too big to be compared exactly", f"{value} 太大，无法精确比较"))
        return float(value) + 0.0 if column.type is FieldType.FLOAT else int(value)

    def check(self, group: Group) -> None:
        """Raise :class:`OverLimit` when arithmetic that is left to the engine may not be exact."""
        for calculation, limit in group.calculations:
            if self._bound(calculation) > limit:
                raise OverLimit(Text("numbers are too big to be computed with exactly", "数字太大，无法精确计算"))

    def _bound(self, operand: JoinOperand) -> Number:
        if isinstance(operand, Place):
            return self.largest.get(operand.column, 0)
        left, right = self._bound(operand.left), self._bound(operand.right)
        return left * right if operand.op == "*" else left + right

    def __iter__(self) -> Iterator[Alike | Crowd]:
        yield from self.alikes.values()
        yield from self.crowds

    def count(self, group: Group) -> None:
        """Find the crowds that are big enough. All facts that are counted must be there."""
        self.crowds = [
            crowd
            for bit, tally in group.tallies.items()
            for crowd in _crowds(bit, tally, self.alikes.values())
            if crowd.amount() >= tally.at_least
        ]

    @property
    def mask(self) -> int:
        """The bits that some fact or crowd has."""
        mask = 0
        for one in self:
            mask |= one.mask
        return mask


def _crowds(bit: int, tally: Tally, alikes: Iterable[Alike]) -> Iterator[Crowd]:
    crowds: dict[Sequence[Number], Crowd] = {}
    for alike in alikes:
        if not alike.mask >> tally.counted & 1 or not all(column in alike.values for column in tally.columns):
            continue
        if tally.distinct and tally.distinct not in alike.carried:
            continue
        values = {column: alike.values[column] for column in tally.columns}
        crowd = crowds.setdefault(tuple(values.values()), Crowd(bit, values))
        for member in alike.members:
            crowd.add(member, alike.carried[tally.distinct] if tally.distinct else member)
    yield from crowds.values()


Answer = Conclusion | Text  # or why there is none


@dataclass(frozen=True, slots=True)
class Task:
    """Scenes of one group, to be answered in their order, each within so many seconds."""

    group: Group
    scenes: Sequence[Scene]
    seconds: float
