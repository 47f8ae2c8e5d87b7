"""``storewatch demo``: the whole round on sample exports, through a real SMTP conversation, with the score against what was planted."""

from __future__ import annotations

import re
import shutil
import socket
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from engine.cli.common import Settings, clock, emit, fail, settings
from engine.cli.init import STARTER, copy_starter
from engine.errors import StorewatchError, Text, UsageError

if TYPE_CHECKING:
    from aiosmtpd.smtp import SMTP, Envelope, Session

    from engine.model import Transition
    from engine.pipeline import Round
    from engine.simulate.playing import Step


def register(app: typer.Typer) -> None:
    app.command("demo")(demo)


def demo(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(help="New folder for the demo's project and its mails.")] = Path("demo"),
    samples: Annotated[Path | None, typer.Option(help="Folder made by `storewatch simulate`. Default: the shipped samples.")] = None,
    force: Annotated[bool, typer.Option(help="Replace the folder if it is there.")] = False,
) -> None:
    """Ingest sample exports day by day, evaluate all rules, mail through a local SMTP server, and show what was sent.

    Every mail is kept as an .eml file in FOLDER/mails. Ends with precision and recall against the incidents planted in the samples.
    """
    options = settings(context)
    try:
        _prepare(folder, force)
        _play(options, folder, samples or STARTER / "samples")
    except StorewatchError as error:
        fail(options, error)


def _prepare(folder: Path, force: bool) -> None:
    """A fresh starter project; an earlier demo's folder is replaced, anything else is left alone."""
    if folder.exists() and any(folder.iterdir()):
        if not (force or (folder / "mails").is_dir()):
            text = Text(f"{folder} is not empty and is no earlier demo", f"{folder} 不是空文件夹，也不是以前的演示")
            raise UsageError(text, Text("name a new folder, or add --force", "请换一个新文件夹，或加 --force"))
        shutil.rmtree(folder)
    copy_starter(folder)
    (folder / "mails").mkdir()


def _play(options: Settings, folder: Path, samples: Path) -> None:
    from engine.cli.delivering import deliver_due
    from engine.project import load_project
    from engine.simulate.playing import Player, steps
    from engine.simulate.scoring import read_truth, score
    from engine.state import State

    rounds = steps(samples)
    transitions: list[Transition] = []
    with _mail_sink(folder / "mails") as port:
        _point_mail_at(folder / "channels.yaml", port)
        project = load_project(folder)
        with State.open(f"sqlite:///{folder / 'state.db'}") as state:
            player = Player(project, state, clock, "demo")
            for number, step in enumerate(rounds, 1):
                rows, done = player.ingest(step), player.evaluate(step)
                transitions += done.transitions
                sent = deliver_due(project, state, None).delivered
                _tell_round(options, f"{number}/{len(rounds)}", step, rows, done, sent)
    _show_mails(options, folder / "mails")
    result = score(read_truth(samples, project.all_infos), transitions, [step.at for step in rounds])
    emit(options, result.rows(), result.headings(), Text("no incidents", "没有异常"))
    options.say(result.summary())


def _point_mail_at(channels: Path, port: int) -> None:
    """Make the demo project's mail channel use the local server, whatever port it got."""
    text = channels.read_text(encoding="utf-8")
    channels.write_text(re.sub(r"(?m)^(\s+port:\s*)\d+", rf"\g<1>{port}", text, count=1), encoding="utf-8")


def _tell_round(options: Settings, count: str, step: Step, rows: int, done: Round, sent: int) -> None:
    at = f"{step.at:%Y-%m-%d %H:%M}"
    options.say(
        Text(
            f"[{count}] {at}: {len(step.exports)} exports, {rows} rows; {len(done.transitions)} changes, {sent} mails",
            f"[{count}] {at}：导入 {len(step.exports)} 个文件 {rows} 行；{len(done.transitions)} 处变化，发出 {sent} 封邮件",
        )
    )


def _show_mails(options: Settings, folder: Path) -> None:
    """List the mails that arrived, as a mail program's inbox would."""
    rows: list[dict[str, object]] = []
    for path in sorted(folder.glob("*.eml")):
        mail = message_from_bytes(path.read_bytes(), policy=policy.default)
        rows.append(
            {"file": path.name, "rule": mail["X-Storewatch-Alert"], "to": mail["To"], "date": mail["Date"], "subject": mail["Subject"]}
        )
    columns = {"file": Text("file", "文件"), "to": Text("to", "收件人"), "subject": Text("subject", "主题")}
    emit(options, rows, columns, Text("no mail arrived", "没有收到邮件"))
    for rule, count in sorted(Counter(str(row["rule"]) for row in rows).items()):
        options.say(Text(f"{count} mail(s) about {rule}", f"{rule}：{count} 封"))
    options.say(Text(f"mails are in {folder}", f"邮件保存在 {folder}"))


class _Keeper:
    """aiosmtpd's handler: keeps every mail as a file, numbered in the order of arrival and named by its alert."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.count = 0

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        self.count += 1
        content = envelope.content if isinstance(envelope.content, bytes) else str(envelope.content).encode()
        alert = str(message_from_bytes(content, policy=policy.default)["X-Storewatch-Alert"])
        name = "".join(char for char in alert if char.isalnum() or char in "_-")
        (self.folder / f"{self.count:03d}-{name}.eml").write_bytes(content)
        return "250 kept"


@contextmanager
def _mail_sink(folder: Path) -> Iterator[int]:
    """A real SMTP server on a free port of this machine while the block runs; yields the port."""
    try:
        from aiosmtpd.controller import Controller
    except ImportError:
        text = Text("the demo's mail server is not installed", "没有安装演示用的邮件服务器")
        raise UsageError(text, Text("pip install 'storewatch[demo]'", "pip install 'storewatch[demo]'")) from None
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    controller = Controller(_Keeper(folder), hostname="127.0.0.1", port=port)
    controller.start()
    try:
        yield port
    finally:
        controller.stop()
