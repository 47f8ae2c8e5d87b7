"""The fonts of this machine that can write Chinese."""

from __future__ import annotations

from functools import cache, lru_cache
from pathlib import Path

from PIL import ImageFont

from engine.errors import Text, UsageError

FOLDERS = (Path("/usr/share/fonts"), Path("/usr/local/share/fonts"), Path.home() / ".fonts", Path.home() / ".local/share/fonts")
BOLD = ("NotoSansCJK-Black", "NotoSansCJK-Bold", "NotoSerifCJK-Black", "NotoSerifCJK-Bold", "SmileySans-Oblique", "LXGWWenKai-Bold")
LIGHT = ("NotoSansCJK-Regular", "NotoSansCJK-Medium", "NotoSerifCJK-Regular", "wqy-zenhei", "wqy-microhei", "LXGWWenKai-Regular")


@cache
def _files() -> dict[str, Path]:
    suffixes = (".ttf", ".ttc", ".otf")
    return {path.stem: path for folder in FOLDERS if folder.is_dir() for path in sorted(folder.rglob("*")) if path.suffix in suffixes}


@cache
def there(names: tuple[str, ...]) -> tuple[str, ...]:
    """Those of ``names`` that are installed, else all known ones that are. Raises :class:`UsageError` when there is none at all."""
    found = tuple(name for name in names if name in _files()) or tuple(name for name in (*BOLD, *LIGHT) if name in _files())
    found = found or tuple(
        name for name in _files() if any(word in name.lower() for word in ("cjk", "sourcehan", "wqy", "hei", "song", "kai"))
    )
    if not found:
        text = Text("no font of this machine can write Chinese", "本机没有中文字体")
        raise UsageError(text, Text("install one: apt-get install fonts-noto-cjk", "请安装：apt-get install fonts-noto-cjk"))
    return found


@lru_cache(64)
def font(name: str, size: int) -> ImageFont.FreeTypeFont:
    """``name`` is a file's name without its ending; of a collection the simplified Chinese face."""
    path = _files()[name]
    return ImageFont.truetype(str(path), size, index=2 if path.suffix == ".ttc" and "CJK" in name else 0)
