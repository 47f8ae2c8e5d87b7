"""Export files, written so that the same rows give the same bytes.

An ``.xlsx`` is a zip archive: its members are the same bytes everywhere, the compressed archive only with the same zlib.
"""

from __future__ import annotations

import csv
import io
import json
import re
import zipfile
from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell

Cells = Sequence[object]
EPOCH = (2020, 1, 1, 0, 0, 0)


def csv_bytes(headings: Sequence[str], lines: Iterable[Cells], encoding: str = "utf-8-sig") -> bytes:
    """Comma separated, quoted where needed, lines end with CR LF."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(headings)
    writer.writerows(lines)
    return text.getvalue().encode(encoding)


def xlsx_bytes(headings: Sequence[str], lines: Iterable[Cells], notes: Sequence[str] = ()) -> bytes:
    """One sheet; ``notes`` are rows above the heading row. Texts are texts, even those that begin with ``=``."""
    book = Workbook(write_only=True)
    sheet = book.create_sheet("Sheet1")
    for note in notes:
        sheet.append([note])
    for line in (headings, *lines):
        sheet.append([_literal(sheet, value) if isinstance(value, str) and value.startswith("=") else value for value in line])
    written = io.BytesIO()
    book.save(written)
    return _timeless(written)


def _literal(sheet: object, value: str) -> WriteOnlyCell:
    cell = WriteOnlyCell(sheet, value)
    cell.data_type = "s"
    return cell


def _timeless(archive: io.BytesIO) -> bytes:
    """The same archive without the instants at which it was made."""
    out = io.BytesIO()
    with zipfile.ZipFile(archive) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            member = old.read(name)
            if name == "docProps/core.xml":
                member = re.sub(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", b"2020-01-01T00:00:00Z", member)
            new.writestr(zipfile.ZipInfo(name, EPOCH), member, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def json_bytes(headings: Sequence[str], lines: Iterable[Cells]) -> bytes:
    """An array of objects, indented."""
    found = [dict(zip(headings, line, strict=True)) for line in lines]
    return (json.dumps(found, ensure_ascii=False, indent=1, default=_plain) + "\n").encode()


def jsonl_bytes(headings: Sequence[str], lines: Iterable[Cells]) -> bytes:
    """One object a line."""
    rows = (json.dumps(dict(zip(headings, line, strict=True)), ensure_ascii=False, default=_plain) + "\n" for line in lines)
    return "".join(rows).encode()


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Decimal):
        return float(value)
    raise TypeError(f"not JSON: {value!r}")
