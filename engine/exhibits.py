"""The pictures that alerts are about, as they were kept when their batch was ingested."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from engine.ingest.enrichers.cache import kept_pictures
from engine.language.typed import Node
from engine.matching.evaluate import Matcher
from engine.model import Identity
from engine.snapshots import Snapshots


def pictures_of(
    rule: str, kind: str, picture: Node, keys: Collection[tuple[str, ...]], matcher: Matcher, snapshots: Snapshots, at: datetime
) -> dict[Identity, bytes]:
    """By alert the picture that the expression ``picture`` names on its row: a small JPEG. Rows whose picture was not kept are left out.

    Raises EvaluationError, SnapshotError or StorageError.
    """
    named = {key: str(value) for key, value in matcher.values(kind, picture, keys, snapshots, at).items() if value}
    kept = kept_pictures(snapshots.folder, named.values())
    return {Identity(rule, key): kept[subject] for key, subject in named.items() if subject in kept}
