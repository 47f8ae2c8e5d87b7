"""Every message on a phone, in a real browser: nothing is wider than the screen, no text is too small, nothing is fetched."""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.rendering.gallery import pages

WIDTH = 375
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update"
    " --disable-sync --hide-scrollbars --virtual-time-budget=3000 --dump-dom"
).split()
SCRIPT = """
<script>
const saysSomething = node => [...node.childNodes].some(child => child.nodeType === 3 && child.data.trim());
const tooSmall = node => saysSomething(node) && node.offsetHeight > 2 && parseFloat(getComputedStyle(node).fontSize) < 13;
window.onload = () => {
  const seen = {};
  for (const frame of document.querySelectorAll('iframe')) {
    const page = frame.contentDocument;
    const links = [...page.querySelectorAll('[src],link[href]')].map(node => node.src || node.href);
    seen[frame.title] = {
      width: page.documentElement.scrollWidth,
      small: [...page.querySelectorAll('body *')].filter(tooSmall).map(node => node.textContent.slice(0, 30)),
      remote: links.filter(url => !url.startsWith('data:')),
    };
  }
  document.body.innerHTML = '<pre id="seen">' + JSON.stringify(seen).replaceAll('<', '\\\\u003c') + '</pre>';
};
</script>
"""
FRAME = '<iframe title="{name}" width="{width}" height="1200" srcdoc="{page}"></iframe>'


@pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine")
def test_messages_fit_a_phone(tmp_path: Path) -> None:
    frames = "".join(FRAME.format(name=html.escape(name), width=WIDTH, page=html.escape(page)) for name, page in pages())
    page = tmp_path / "phones.html"
    page.write_text(f"<!DOCTYPE html><meta charset=utf-8><body>{frames}{SCRIPT}</body>", encoding="utf-8")
    command = [str(CHROMIUM), *FLAGS, f"--user-data-dir={tmp_path / 'profile'}", page.as_uri()]
    dom = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120).stdout
    found = re.search(r'<pre id="seen">(.*?)</pre>', dom, re.S)
    assert found, dom[-500:]
    seen = json.loads(html.unescape(found[1]))
    assert len(seen) >= 10
    assert {name: about["width"] for name, about in seen.items() if about["width"] > WIDTH} == {}
    assert {name: about["small"] for name, about in seen.items() if about["small"]} == {}
    assert {name: about["remote"] for name, about in seen.items() if about["remote"]} == {}
