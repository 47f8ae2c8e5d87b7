"""Which of the numbers on a picture is its promotional price, if any."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from engine.ingest.enrichers.prices.lines import Line, Quad, around, normal, rows, share
from engine.ingest.enrichers.prices.words import FINAL, LABEL, ORIGINAL, TORN, Number, Role, numbers
from engine.ingest.enrichers.reasons import Reason

SURE, AGREED = 0.90, 0.80  # of one reading, and of two that agree
RIVAL = 0.9
TAKEN_FOR_YEN = frozenset("夫天羊半干千VvYyTФ关¢")
CURRENCIES = {"¥": "CNY", "$": "USD", "€": "EUR", "£": "GBP", "": "CNY"}
_YEN_LIKE = re.compile(r"[夫天羊半干千VvYyTФ关¢](?=\d)")
Struck = Callable[[Quad], bool]
Again = Callable[[Quad], tuple[str, float]]
"""Reads the text inside a quad once more, and how sure it is."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What was read. ``price`` is None unless ``reason`` is READ or FROM; ``text`` and ``quad`` tell what it was read from, or what a
    person should look at; ``confidence`` is from 0 to 1."""

    reason: Reason
    price: Decimal | None = None
    confidence: float | None = None
    text: str = ""
    quad: Quad | None = None


@dataclass(frozen=True, slots=True)
class Candidate:
    """A number where it stands. ``height`` is that of its digits; ``score`` says how much it looks like the price."""

    number: Number
    line: Line  # the digits themselves
    text: str  # the whole row
    quad: Quad  # with sign and decimals
    whole: Quad  # all that was found as one with it, such as a label
    confidence: float
    score: float = 0.0


def decide(lines: Sequence[Line], struck: Struck, again: Again | None = None, currency: str = "CNY") -> Reading:
    """The promotional price among ``lines``. ``struck`` tells whether what is inside a quad is crossed out."""
    clean = [replace(line, text=normal(line.text)) for line in lines if line.text.strip()]
    grouped = rows(clean)
    found = [candidate for row in grouped for candidate in _candidates(row)]
    labels = [line for line in clean if not any(char.isdigit() for char in line.text)]
    found = [_with_neighbours(candidate, labels) for candidate in found]
    found = _without_struck(found, struck)
    return _taken(_with_overlooked_sign(found, again), again, currency)


def _candidates(row: Sequence[Line]) -> Iterator[Candidate]:
    """The numbers of one row, each with the fragments that it is made of."""
    pieces = _with_decimals(row)
    text = "".join(piece.text for piece in pieces)
    for number in numbers(text):
        parts, wholes = _parts(pieces, number)
        written = [part for part in parts if any(char.isdigit() for char in part.text)]
        if written:
            digits = max(written, key=lambda part: part.height)
            quad, whole = around([part.quad for part in parts]), around([whole.quad for whole in wholes])
            yield Candidate(number, digits, text, quad, whole, min(part.score for part in parts))


def _parts(pieces: Sequence[Line], number: Number) -> tuple[list[Line], list[Line]]:
    """What of the pieces the number is written on, and these pieces themselves."""
    parts, wholes, at = [], [], 0
    for piece in pieces:
        start, end = max(number.start - at, 0), min(number.end - at, len(piece.text))
        if start < end:
            parts.append(replace(piece, text=piece.text[start:end], quad=piece.part(*share(piece.text, start, end))))
            wholes.append(piece)
        at += len(piece.text)
    return parts, wholes


def _with_decimals(row: Sequence[Line]) -> list[Line]:
    """Small digits right behind large ones are their decimals, also when the point was not seen; what stands before digits like a
    crossed stem is the sign."""
    pieces: list[Line] = []
    for line in row:
        before = pieces[-1] if pieces else None
        if before and before.text in TAKEN_FOR_YEN and line.text[:1].isdigit():
            pieces[-1] = replace(before, text="¥", score=line.score)
        if before and before.text[-1:].isdigit() and line.text.isdigit() and len(line.text) <= 2 and line.height < 0.8 * before.height:
            line = replace(line, text="." + line.text)  # noqa: PLW2901 - the same line, read rightly
        elif before and before.text[-1:].isdigit() and line.text[:1].isdigit():
            line = replace(line, text=TORN + line.text)  # noqa: PLW2901 - one number in two pieces, or two numbers
        pieces.append(line)
    return pieces


def _with_neighbours(candidate: Candidate, labels: Sequence[Line]) -> Candidate:
    """The candidate with what a label beside, above or below it says."""
    number = candidate.number
    if number.role not in (Role.PROMO, Role.FROM) or number.label:
        return candidate
    digits = candidate.line
    near = [(distance, label.text) for label in labels if (distance := _distance(label, digits)) is not None]
    for _, text in sorted(near):
        if ORIGINAL.search(text):
            return replace(candidate, number=replace(number, role=Role.ORIGINAL))
        if LABEL.search(text):
            return replace(candidate, number=replace(number, label=True, final=bool(FINAL.search(text))))
    return candidate


def _distance(label: Line, digits: Line) -> float | None:
    """How far a label is from the digits it may belong to, in their heights; None where it is elsewhere."""
    along, across = label.seen_from(digits)
    height = digits.height
    aside = abs(along) - (label.width + digits.width) / 2
    beyond = abs(across) - (label.height + height) / 2
    if abs(across) < 0.6 * height and along < 0 and aside < 1.6 * height:
        return max(0.0, aside) / height
    if aside < 0.3 * height and beyond < (1.0 if across < 0 else 0.6) * height:
        return max(0.0, beyond) / height + (0.3 if across < 0 else 0.8)
    return None


def _without_struck(found: Sequence[Candidate], struck: Struck) -> list[Candidate]:
    def judged(candidate: Candidate) -> Candidate:
        if candidate.number.role is Role.PROMO and struck(candidate.quad):
            return replace(candidate, number=replace(candidate.number, role=Role.ORIGINAL))
        return candidate

    return [judged(candidate) for candidate in found]


def _scored(candidate: Candidate, tallest: float) -> float:
    number = candidate.number
    score = 2 * candidate.line.height / tallest
    score += 2.0 if number.label else 0.0
    return score + (0.7 if number.sign else 0.0) + (0.5 if number.final else 0.0)


def _taken(found: Sequence[Candidate], again: Again | None, currency: str) -> Reading:
    promos = [candidate for candidate in found if candidate.number.role in (Role.PROMO, Role.FROM)]
    ranges = [candidate for candidate in found if candidate.number.role is Role.RANGE]
    sure = [candidate for candidate in promos if candidate.number.sure]
    if ranges and not any(candidate.number.label for candidate in sure):
        return _told(Reason.RANGE, ranges[0])
    if not sure:
        return _without_sign(promos, found)
    tallest = max(candidate.line.height for candidate in sure)
    ranked = sorted((replace(c, score=_scored(c, tallest)) for c in sure), key=lambda c: (c.score, _foot(c.line)), reverse=True)
    best = ranked[0]
    if any(_rivals(best, other) for other in ranked[1:]) or any(_overshadows(other, best) for other in promos):
        return _told(Reason.SEVERAL, best)
    return _asserted(best, again, currency)


def _tallest(found: Sequence[Candidate]) -> float:
    return max((candidate.line.height for candidate in found), default=0.0)


def _with_overlooked_sign(found: Sequence[Candidate], again: Again | None) -> list[Candidate]:
    """The candidates; the tallest number, where it has no sign, with the one that a second look finds before it."""
    limit = 0.95 * _tallest(found)

    def looked(candidate: Candidate) -> Candidate:
        number = candidate.number
        if again is None or number.role is not Role.PROMO or number.sure or candidate.line.height < limit:
            return candidate
        wider = _with_room(candidate.quad, 1.0, 0.0)
        seen = numbers(normal(_YEN_LIKE.sub("¥", again(wider)[0])))
        sign = next((other.sign for other in seen if other.value == number.value and other.role is Role.PROMO), "")
        return replace(candidate, number=replace(number, sign=sign), whole=wider) if sign else candidate

    return [looked(candidate) for candidate in found]


def _without_sign(promos: Sequence[Candidate], found: Sequence[Candidate]) -> Reading:
    """A bare number is no price, but when it is the largest thing written a person should look."""
    limit = 0.95 * _tallest(found)
    large = [candidate for candidate in promos if candidate.line.height >= limit and candidate.number.value >= 1]
    return _told(Reason.BARE_NUMBER, large[0]) if large else Reading(Reason.NO_PRICE)


def _with_room(quad: Quad, left: float, right: float) -> Quad:
    """The quad and so many of its heights more at its ends."""
    line = Line("", 1.0, quad)
    height = line.height / max(1.0, line.width)
    return line.part(-left * height, 1.0 + right * height)


def _rivals(best: Candidate, other: Candidate) -> bool:
    close = best.score - other.score < RIVAL and other.line.height > 0.7 * best.line.height
    return close and other.number.value != best.number.value


def _overshadows(other: Candidate, best: Candidate) -> bool:
    """Whether a bare number is so much larger than an unlabelled price that it may be the price."""
    return not other.number.sure and not best.number.label and other.line.height > 1.2 * best.line.height


def _foot(line: Line) -> float:
    return max(y for _, y in line.quad)


def _told(reason: Reason, candidate: Candidate) -> Reading:
    return Reading(reason, None, round(candidate.confidence, 3), candidate.text, candidate.quad)


def _asserted(best: Candidate, again: Again | None, currency: str) -> Reading:
    """The price, unless something about its digits is doubtful; doubtful digits are read once more by themselves."""
    if CURRENCIES[best.number.sign] != currency and best.number.sign:
        return _told(Reason.OTHER_CURRENCY, best)
    if best.number.cut:
        return _told(Reason.DECIMALS, best)
    confidence, needed = best.confidence, SURE
    if again is not None:
        text, score = again(_with_room(best.whole, 0.25, 0.5))
        others = [number.value for number in numbers(normal(text))]
        if best.number.value in others:
            confidence, needed = max(confidence, score), AGREED
        elif others:
            return _told(_doubt(best.number.value, others), best)
    if confidence < needed:
        return _told(Reason.UNSURE, best)
    reason = Reason.FROM if best.number.role is Role.FROM else Reason.READ
    return Reading(reason, best.number.value, round(confidence, 3), best.text, best.quad)


def _doubt(value: Decimal, others: Sequence[Decimal]) -> Reason:
    """What is doubtful when the second look saw ``others``."""
    digits = str(value).replace(".", "")
    return Reason.DECIMALS if any(str(other).replace(".", "") == digits or int(other) == int(value) for other in others) else Reason.UNSURE
