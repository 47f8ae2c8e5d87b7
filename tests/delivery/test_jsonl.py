"""Lines of JSON in a file: whole lines, rotated files, several processes, a file that cannot be written."""

from __future__ import annotations

import json
import threading
from pathlib import Path

from engine.actions import TYPES
from engine.actions.jsonl import JsonlSender
from engine.outbox import deliver, letters
from engine.state import State
from tests.delivery.test_outbox import NOW, at, queue
from tests.delivery.test_webhook import sender, words, written
from tests.delivery.values import letter
from tests.rendering.messages import gallery


def lines(path: Path) -> list[object]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def channel(path: str = "out/sent.jsonl"):  # type: ignore[no-untyped-def]
    return TYPES["jsonl"].options.model_validate({"type": "jsonl", "path": path})


def test_each_message_is_one_line_in_the_project(tmp_path: Path) -> None:
    messages = [written(channel(), gallery("dsr_drop")[event]) for event in ("firing", "resolved")]
    with sender(channel(), folder=tmp_path).session() as send:
        assert words([send(message) for message in messages]) == [("delivered", "written")] * 2
    first, second = lines(tmp_path / "out" / "sent.jsonl")
    assert (first["status"], second["status"]) == ("firing", "resolved")  # type: ignore[index]
    assert first["storewatch"]["subject"] and first["alerts"][0]["fingerprint"] == second["alerts"][0]["fingerprint"]  # type: ignore[index]


def test_a_file_that_was_moved_away_is_begun_again(tmp_path: Path) -> None:
    made, path = written(channel(), gallery("dsr_drop")["firing"]), tmp_path / "out" / "sent.jsonl"
    writing = sender(channel(), folder=tmp_path)
    for _ in range(2):
        with writing.session() as send:
            send(made)
        path.rename(path.with_suffix(f".{len(list(path.parent.iterdir()))}"))
    assert sorted(len(lines(each)) for each in path.parent.iterdir()) == [1, 1]


def test_lines_of_several_writers_stay_whole(tmp_path: Path) -> None:
    path = tmp_path / "sent.jsonl"
    payload = json.dumps({"text": "差评" * 20_000}).encode()

    def write() -> None:
        with JsonlSender(path).session() as send:
            for _ in range(20):
                send(letter().__class__("i", "c", "r", "t", "s", payload, NOW))

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(lines(path)) == 80


def test_a_file_that_cannot_be_written_is_tried_later(state: State, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("a file where a folder should be")
    queue(state, letter(1, channel="file"))
    deliver(state, {"file": sender(channel(), folder=tmp_path)}, at(NOW))
    (row,) = letters(state)
    assert (row.state, row.category) == ("queued", "file_unwritable")
    assert words([_sent(JsonlSender(Path("/dev/full")))]) == [("try_later", "file_unwritable")]


def _sent(writing: JsonlSender):  # type: ignore[no-untyped-def]
    with writing.session() as send:
        return send(letter())
