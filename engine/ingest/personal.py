"""Personal data: kept as keyed hashes, or not at all."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from pathlib import Path

from engine.errors import IngestError, Secret, Text
from engine.snapshots import os_reason

KEY = "STOREWATCH_PERSONAL_KEY"
KEY_FILE = "STOREWATCH_PERSONAL_KEY_FILE"


def personal_key(environment: Mapping[str, str]) -> Secret | None:
    """The key from the environment (or from the file it names); None when there is none. Raises :class:`IngestError`."""
    if value := environment.get(KEY):
        return Secret(value)
    if not (name := environment.get(KEY_FILE)):
        return None
    try:
        text = Path(name).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        said = os_reason(error) if isinstance(error, OSError) else Text("is not UTF-8", "不是 UTF-8 文本")
        raise IngestError(Text(f"{KEY_FILE}: {name} cannot be read: {said.en}", f"{KEY_FILE}：无法读取 {name}：{said.zh}")) from None
    if not text:
        raise IngestError(Text(f"{KEY_FILE}: {name} is empty", f"{KEY_FILE}：{name} 是空的"))
    return Secret(text)


def pseudonym(text: str, key: Secret) -> str:
    """Sixteen hexadecimal digits that stand for ``text``: the same for the same person, of no use without the key."""
    return hmac.new(key.reveal().encode(), text.encode(), hashlib.sha256).hexdigest()[:16]
