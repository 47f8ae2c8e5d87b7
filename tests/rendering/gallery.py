"""Write messages as HTML files for looking at: ``python -m tests.rendering.gallery [FOLDER [NAME]]``; NAME is how theirs begin."""

from __future__ import annotations

import base64
import sys
from collections.abc import Iterator
from pathlib import Path

from engine.errors import LANGUAGES
from engine.model import Message, Rendered
from engine.rendering import Renderer
from tests.rendering.messages import RULES, digest, gallery

TEMPLATES = Path(__file__).parents[2] / "templates"


def everything() -> Iterator[tuple[str, Message]]:
    for rule in RULES:
        for name, message in gallery(rule).items():
            yield f"{rule}.{name}", message
    yield "digest", digest()


def self_contained(rendered: Rendered) -> str:
    """The HTML with its pictures inside, for a browser, which knows no ``cid:``."""
    html = rendered.html
    for picture in rendered.pictures:
        html = html.replace(f"cid:{picture.name}", f"data:image/{picture.format};base64,{base64.b64encode(picture.data).decode()}")
    return html


def pages() -> Iterator[tuple[str, str]]:
    """(name, self-contained HTML) of every message in both languages."""
    renderer = Renderer(TEMPLATES)
    for name, message in everything():
        for language in LANGUAGES:
            yield f"{name}.{language}", self_contained(renderer.render(message, language))


def main(folder: Path, begin: str = "") -> None:
    folder.mkdir(parents=True, exist_ok=True)
    renderer = Renderer(TEMPLATES)
    for name, message in [(name, message) for name, message in everything() if name.startswith(begin)]:
        for language in LANGUAGES:
            rendered = renderer.render(message, language)
            (folder / f"{name}.{language}.html").write_text(self_contained(rendered), encoding="utf-8")
            (folder / f"{name}.{language}.txt").write_text(f"{rendered.subject}\n\n{rendered.text}", encoding="utf-8")
            print(f"{name}.{language}: {rendered.subject} {rendered.fault}")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "gallery"), *sys.argv[2:3])
