"""A report in a real browser: by itself, and inside a page that clicks in it."""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update"
    " --disable-sync --hide-scrollbars --enable-logging=stderr --window-size=1200,900 --virtual-time-budget=20000 --dump-dom"
).split()
FRAME = """<!DOCTYPE html><meta charset=utf-8><body style="margin:0">
<iframe width="{width}" height="800" style="border:0" srcdoc="{page}"></iframe>
<script>
const frame = document.querySelector('iframe'), wait = ms => new Promise(done => setTimeout(done, ms));
const until = async found => {{ for (let turn = 0; turn < 100 && !found(); turn++) await wait(50); return found(); }};
frame.onload = async () => {{
  const page = frame.contentDocument, view = frame.contentWindow;
  let seen;
  try {{ seen = await (async () => {{ {script} }})(); }} catch (error) {{ seen = {{error: String(error)}}; }}
  seen.width = page.documentElement.scrollWidth;
  seen.fetched = view.performance.getEntriesByType('resource').map(each => each.name).filter(each => !each.startsWith('data:'));
  seen.hacked = [view.hacked, window.hacked].some(Boolean);
  const told = document.createElement('pre');
  told.id = 'seen';
  told.textContent = JSON.stringify(seen);
  document.body.replaceChildren(told);
}};
</script></body>"""


@dataclass(frozen=True)
class Opened:
    """The page after its script ran, and what it said on the console."""

    dom: str
    console: list[str]


def opened(page: Path, scratch: Path) -> Opened:
    command = [str(CHROMIUM), *FLAGS, f"--user-data-dir={scratch / 'profile'}", page.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    return Opened(done.stdout, [line for line in done.stderr.splitlines() if "CONSOLE" in line])


def played(page: Path, scratch: Path, script: str, width: int = 375) -> dict[str, Any]:
    """What ``script`` returns: JavaScript that has the report's document as ``page``, and ``until(found)`` to wait. Also the width that the
    report takes, what it fetched, and whether anything ran in it that should not (it would set ``hacked``)."""
    around = scratch / "around.html"
    around.write_text(FRAME.format(width=width, page=html.escape(page.read_text(encoding="utf-8")), script=script), encoding="utf-8")
    found = re.search(r'<pre id="seen">(.*?)</pre>', opened(around, scratch).dom, re.S)
    assert found, "the report was never there"
    return json.loads(html.unescape(found[1]))  # type: ignore[no-any-return]
