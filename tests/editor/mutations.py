"""YAML files' data with a few things wrong: keys gone, misspelt or doubled up, values of other kinds, parts moved about."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any

from hypothesis import strategies as st

Place = tuple[Any, Any]  # a mapping or a list, and a key or an index in it

VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 10**6),
    st.floats(-10, 10**6, allow_nan=False).map(lambda value: round(value, 3)),
    st.sampled_from(
        ["", "x", "dsr_drop", "2d", "26h", "5%", "store", "warning", "otherwise", "same", "all", "30 9 * * *", "zh", "a@b.example"]
    ),
    st.sampled_from([[], {}, ["x"], {"zh": "店"}, {"critical": "true"}, {"x": {"y": "z"}}, [["a"]]]),
)


def places(data: object) -> Iterator[Place]:
    """Every key of every mapping and every item of every list."""
    if isinstance(data, dict | list):
        for key in list(data) if isinstance(data, dict) else range(len(data)):
            yield data, key
            yield from places(data[key])  # type: ignore[index]


@st.composite
def mutated(draw: Callable[[st.SearchStrategy[Any]], Any], data: object, most: int = 3) -> object:
    """``data``, mostly with one to ``most`` changes."""
    result = copy.deepcopy(data)
    for _ in range(draw(st.integers(0, most))):
        found = list(places(result))
        if found:
            holder, key = found[draw(st.integers(0, len(found) - 1))]
            draw(st.sampled_from(CHANGES))(draw, holder, key)
    return result


def _remove(draw: Any, holder: Any, key: Any) -> None:
    del holder[key]


def _replace(draw: Any, holder: Any, key: Any) -> None:
    holder[key] = copy.deepcopy(draw(VALUES))


def _misspell(draw: Any, holder: Any, key: Any) -> None:
    if isinstance(holder, dict) and key:
        at = draw(st.integers(0, len(key) - 1))
        holder[key[:at] + draw(st.sampled_from(["", "x", "_", "：", key[at] * 2])) + key[at + 1 :]] = holder.pop(key)


def _repeat(draw: Any, holder: Any, key: Any) -> None:
    if isinstance(holder, list):
        holder.insert(key, copy.deepcopy(holder[key]))
    else:
        holder[str(key) + "2"] = copy.deepcopy(holder[key])


def _wrap(draw: Any, holder: Any, key: Any) -> None:
    holder[key] = [holder[key]] if draw(st.booleans()) else {"x": holder[key]}


def _swap(draw: Any, holder: Any, key: Any) -> None:
    other = draw(st.sampled_from(list(holder) if isinstance(holder, dict) else range(len(holder))))
    holder[key], holder[other] = holder[other], holder[key]


CHANGES = [_remove, _replace, _replace, _misspell, _repeat, _wrap, _swap]
