"""What enrichers there are and what each tells: columns that are found by looking (at a picture, at a link) instead of reading an export.

``facts.yaml`` says which column is looked at and which columns take what is found. :mod:`engine.ingest.enrichers` does the looking.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from ipaddress import ip_network
from types import MappingProxyType
from typing import Annotated

from pydantic import AfterValidator, Field

from engine.errors import Problem, Text, did_you_mean
from engine.facts import AGENT, Column, Enrichment, Visits
from engine.fields import Duration, Strict, about, known_name
from engine.model import Type
from engine.yamlfile import BilingualError

Told = Callable[..., Problem]
"""Makes a problem of the place in ``facts.yaml`` where an enricher is declared: code, text, hint, further steps of the path."""


@dataclass(frozen=True, slots=True)
class Enricher:
    """One enricher. ``outputs`` are what it can tell, with the type of a column that takes it; ``options`` are keys that it alone has."""

    doc: Text
    outputs: Mapping[str, Type]
    options: tuple[str, ...] = ()


ENRICHERS: Mapping[str, Enricher] = MappingProxyType(
    {
        "image_price": Enricher(
            Text("the promotional price painted on a picture", "图上标的价格（识别图片）"),
            {
                "price": Type.MONEY,
                "confidence": Type.NUMBER,
                "text": Type.STRING,
                "box": Type.STRING,
                "reason": Type.STRING,
                "picture": Type.STRING,
            },
            ("currency",),
        ),
        "image_ok": Enricher(
            Text("whether a picture opens and fits its place", "图片能否打开、尺寸和形状是否合适"),
            {
                "ok": Type.BOOLEAN,
                "reason": Type.STRING,
                "aspect": Type.NUMBER,
                "width": Type.INTEGER,
                "height": Type.INTEGER,
                "fingerprint": Type.STRING,
            },
            ("at_least", "slot"),
        ),
        "link_status": Enricher(
            Text("whether a link opens, and where it leads", "链接能否打开、打开后是哪里"),
            {"status": Type.INTEGER, "url": Type.STRING, "title": Type.STRING, "reason": Type.STRING},
        ),
    }
)
PICTURES = ("image_price", "image_ok")


def _parse_network(value: str) -> str:
    try:
        ip_network(value)
    except ValueError:
        text = Text(f"'{value}' is not a network", f"'{value}' 不是网段")
        raise BilingualError(
            "bad_network", text, Text("write it like 10.1.0.0/16 or 192.168.1.5", "写法如 10.1.0.0/16、192.168.1.5")
        ) from None
    return value


_KNOWN_ENRICHER = known_name(
    ENRICHERS,
    "unknown_enricher",
    lambda value: Text(f"{value!r} is not an enricher", f"没有名为 {value!r} 的 enricher"),
    Text("enrichers", "可以写"),
)
_Name = Annotated[str, _KNOWN_ENRICHER]
_Network = Annotated[str, AfterValidator(_parse_network)]


class EnrichFile(Strict):
    """``{enricher: image_price, from: image_url, into: {price: image_price}}``."""

    enricher: Annotated[_Name, about("what looks", "用什么来看")]
    source: Annotated[str, about("column with the picture or link", "图片或链接所在的列")] = Field(alias="from")
    into: Annotated[dict[str, str], about("what it tells → column that takes it", "看到的内容 → 存到哪一列")]
    at_least: Annotated[int, about("image_ok: pixels that the shorter side must have", "image_ok：短边至少多少像素")] = Field(0, ge=0)
    slot: Annotated[str, about("image_ok: column with the aspect ratio of the place", "image_ok：位置宽高比所在的列")] = ""
    currency: Annotated[str, about("image_price: what prices are in", "image_price：图上价格的币种", examples=["CNY", "USD"])] = Field(
        "CNY", pattern="^(CNY|USD|EUR|GBP)$"
    )

    def enrichment(self) -> Enrichment:
        return Enrichment(self.enricher, self.source, MappingProxyType(self.into), self.at_least, self.slot, self.currency)


class VisitsFile(Strict):
    """How pictures and links are fetched."""

    allow: Annotated[
        tuple[_Network, ...], about("networks inside that may be looked at", "允许访问的内网网段", examples=["10.1.0.0/16"])
    ] = ()
    per_host: Annotated[int, about("requests at a time to one host", "同一网站同时最多几个请求")] = Field(2, ge=1, le=16)
    timeout: Annotated[Duration, about("longest wait for an answer", "最长等多久", examples=["10s"])] = timedelta(seconds=10)
    again_after: Annotated[Duration, about("how long what was found stays valid", "看过的结果多久以内有效", examples=["6h"])] = timedelta(
        hours=6
    )
    robots: Annotated[bool, about("heed robots.txt", "遵守 robots.txt")] = True
    agent: Annotated[str, about("name given to servers", "访问时报的名字")] = Field(
        AGENT, min_length=3, max_length=200, pattern=r"^[ -~]+$"
    )

    def visits(self) -> Visits:
        allow = tuple(ip_network(text) for text in self.allow)
        return Visits(allow, self.per_host, self.timeout, self.again_after, self.robots, self.agent)


def enrichments(
    declared: Iterable[tuple[EnrichFile, Told]], columns: Mapping[str, Column | None]
) -> tuple[tuple[Enrichment, ...], list[Problem]]:
    """The enrichments of a kind with these ``columns``, and what is wrong with them."""
    checked = _Checked()
    problems = [problem for file, told in declared for problem in checked.add(file, columns, told)]
    return tuple(checked.enrichments), problems


@dataclass
class _Checked:
    """What was declared so far. ``filled`` maps each column that is taken to its enricher."""

    enrichments: list[Enrichment] = field(default_factory=list)
    filled: dict[str, str] = field(default_factory=dict)

    def add(self, declared: EnrichFile, columns: Mapping[str, Column | None], told: Told) -> Iterator[Problem]:
        """Take one declaration; a later one of the same enricher and source replaces an earlier one."""
        known = ENRICHERS[declared.enricher]
        yield from _source(declared, columns, told)
        for output, name in declared.into.items():
            if output not in known.outputs:
                text = Text(f"{declared.enricher} does not tell '{output}'", f"{declared.enricher} 没有 '{output}' 这项结果")
                hint = did_you_mean(output, known.outputs) or Text(
                    f"it tells {', '.join(known.outputs)}", f"可用：{'、'.join(known.outputs)}"
                )
                yield told("unknown_output", text, hint, "into", output, key=True)
            else:
                yield from self._target(declared, output, name, columns, told)
        self.enrichments = [one for one in self.enrichments if (one.enricher, one.source) != (declared.enricher, declared.source)]
        self.enrichments.append(declared.enrichment())

    def _target(self, declared: EnrichFile, output: str, name: str, columns: Mapping[str, Column | None], told: Told) -> Iterator[Problem]:
        wanted, at = ENRICHERS[declared.enricher].outputs[output], ("into", output)
        column = columns.get(name)
        if name not in columns:
            yield told("unknown_column", Text(f"'{name}' is not a column", f"没有名为 '{name}' 的列"), did_you_mean(name, columns), *at)
        elif column and column.type is not wanted:
            text = Text(
                f"{output} needs a {wanted} column; {name} is {column.type}", f"{output} 要存到 {wanted} 列，而 {name} 是 {column.type}"
            )
            yield told("wrong_type", text, None, *at)
        owner = f"{declared.enricher} {declared.source}"
        if self.filled.setdefault(name, owner) != owner:
            yield told(
                "filled_twice", Text(f"{name} is filled by another enricher already", f"{name} 已经由另一个 enricher 填写"), None, *at
            )


def _source(declared: EnrichFile, columns: Mapping[str, Column | None], told: Told) -> Iterator[Problem]:
    known = ENRICHERS[declared.enricher]
    for at, name, wanted in (("from", declared.source, Type.STRING), ("slot", declared.slot, Type.NUMBER)):
        column = columns.get(name)
        if name and name not in columns:
            yield told("unknown_column", Text(f"'{name}' is not a column", f"没有名为 '{name}' 的列"), did_you_mean(name, columns), at)
        elif column and column.type is not wanted:
            yield told("wrong_type", Text(f"{name} is not a {wanted} column", f"{name} 不是 {wanted} 列"), None, at)
    for option in ("at_least", "slot", "currency"):
        if option in declared.model_fields_set and option not in known.options:
            text = Text(f"{declared.enricher} has no '{option}'", f"{declared.enricher} 没有 '{option}' 这一项")
            yield told("unknown_option", text, None, option, key=True)
