"""How tests ended, in words: the differences, the condition's tree, the coverage, and JUnit's XML."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from xml.etree import ElementTree as ET
from zoneinfo import ZoneInfo

from engine.errors import Text
from engine.ruletest.clauses import Line, Truth
from engine.ruletest.comparing import Difference, written
from engine.ruletest.coverage import Clause
from engine.ruletest.running import Verdict

TRUTHS: dict[Truth, Text] = {True: Text("true", "成立"), False: Text("false", "不成立"), None: Text("unknown", "未知")}
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_NOT_SHOWN = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def describe(verdict: Verdict, zone: ZoneInfo, language: str) -> str:
    """A failed test as lines: where it stands, then each difference (``-`` expected, ``+`` found) with the condition of its row."""
    test = verdict.test
    lines = [f"{test.file}:{test.line}: {printable(test.title)} [{test.rule}]"]
    for difference in verdict.differences:
        lines += _difference(difference, zone, language)
    if verdict.error:
        lines.append(f"    {printable(verdict.error.in_(language))}")
    return "\n".join(lines)


def _difference(difference: Difference, zone: ZoneInfo, language: str) -> Iterator[str]:
    at = difference.at.astimezone(zone).strftime("%Y-%m-%d %H:%M")
    subject = printable("/".join(difference.key)) or Text("messages", "消息").in_(language)
    yield f"  {at}  {subject}"
    for field in difference.fields:
        for sign, value in (("-", field.expected), ("+", field.found)):
            if value is not None:
                yield f"    {sign} {printable(field.name)}: {printable(value)}"
    if difference.missing:
        kinds = ", ".join(difference.missing)
        yield f"      {Text(f'no fresh data of: {kinds}', f'没有有效的数据：{kinds}').in_(language)}"
    yield from (f"      {line}" for line in tree_lines(difference.tree, zone, language))


def tree_lines(tree: Iterable[Line], zone: ZoneInfo, language: str) -> Iterator[str]:
    """The condition's tree, one clause a line, with the values that it compared."""
    for line in tree:
        values = f"   ← {', '.join(printable(written(value, zone)) for value in line.inputs)}" if line.inputs else ""
        yield f"{'  ' * line.depth}{printable(line.text)}: {TRUTHS[line.truth].in_(language)}{values}"


def printable(text: str) -> str:
    """``text`` on one line, without what steers a terminal or turns the reading direction."""
    return _NOT_SHOWN.sub(" ", text)


def coverage_lines(clauses: Sequence[Clause], language: str) -> Iterator[str]:
    """The rules with clauses that some test should still see, and what of them."""
    missing: defaultdict[str, list[Clause]] = defaultdict(list)
    for clause in clauses:
        if clause.never:
            missing[clause.rule].append(clause)
    for rule, found in missing.items():
        yield f"{rule}:"
        for clause in found:
            yield f"  {clause.section}: {clause.text}   {_never(clause).in_(language)}"


def _never(clause: Clause) -> Text:
    if len(clause.never) == 2:
        return Text("never true, never false", "从未成立，也从未不成立")
    return Text("never true", "从未成立") if True in clause.never else Text("never false", "从未不成立")


def junit(timed: Iterable[tuple[Verdict, float]], zone: ZoneInfo, language: str) -> bytes:
    """The verdicts, each with the seconds it took, as JUnit XML, one suite a file."""
    suites: defaultdict[str, list[tuple[Verdict, float]]] = defaultdict(list)
    for verdict, seconds in timed:
        suites[verdict.test.file].append((verdict, seconds))
    root = ET.Element("testsuites")
    for file, cases in suites.items():
        counts = {
            "tests": len(cases),
            "failures": sum(bool(verdict.differences) and not verdict.error for verdict, _ in cases),
            "errors": sum(verdict.error is not None for verdict, _ in cases),
        }
        took = f"{sum(seconds for _, seconds in cases):.3f}"
        words = {"name": for_xml(file), "time": took, **{name: str(count) for name, count in counts.items()}}
        suite = ET.SubElement(root, "testsuite", words)
        for verdict, seconds in cases:
            _case(suite, verdict, seconds, describe(verdict, zone, language))
    ET.indent(root)
    return bytes(ET.tostring(root, encoding="utf-8", xml_declaration=True))


def _case(suite: ET.Element, verdict: Verdict, seconds: float, text: str) -> None:
    test = verdict.test
    place = {"classname": for_xml(f"{test.file}:{test.rule}"), "file": for_xml(test.file), "line": str(test.line)}
    case = ET.SubElement(suite, "testcase", {"name": for_xml(test.title), "time": f"{seconds:.3f}", **place})
    if not verdict.passed:
        what = "error" if verdict.error else "failure"
        count = len(verdict.differences)
        message = str(verdict.error) if verdict.error else f"{count} difference(s)"
        told = ET.SubElement(case, what, {"message": for_xml(message)})
        told.text = for_xml(text)


def for_xml(text: str) -> str:
    """Without the characters that XML cannot hold at all."""
    return _NOT_XML.sub("\ufffd", text)
