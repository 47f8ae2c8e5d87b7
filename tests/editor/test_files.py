"""``storewatch schema``: what it prints, what it writes into a project, and that it leaves everything else alone."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from engine.cli.main import app
from engine.editing import SCHEMAS, with_line, yaml_files
from engine.errors import StorewatchError
from engine.schemas import FORMS
from engine.writing import replace_files
from tests.check.test_bad_files import PROJECT

TARGET = "../.storewatch/schemas/rules.json"
LINE = f"# yaml-language-server: $schema={TARGET}".encode()


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return Path(shutil.copytree(PROJECT, tmp_path / "project", ignore=shutil.ignore_patterns(".storewatch")))


def run(folder: Path, *arguments: str, options: tuple[str, ...] = ("--lang", "en")) -> Result:
    return CliRunner().invoke(app, ["-C", str(folder), *options, *arguments])


def content(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_one_schema_is_printed(project: Path) -> None:
    result = run(project, "schema", "rules")
    assert result.exit_code == 0
    assert json.loads(result.stdout)["items"]["else"]["else"]["properties"]["facts"]["enum"] == ["store", "order"]


def test_outside_a_project_it_is_the_schema_of_any(tmp_path: Path) -> None:
    assert "enum" not in json.loads(run(tmp_path, "schema", "rules").stdout)["items"]["else"]["else"]["properties"]["facts"]
    refused = run(tmp_path, "schema", "--write")
    assert (refused.exit_code, "no facts.yaml" in refused.stderr) == (2, True)
    assert not content(tmp_path)


def test_without_a_name_they_are_listed(project: Path) -> None:
    assert [row["name"] for row in json.loads(run(project, "schema", options=("--format", "json")).stdout)] == list(FORMS)


@pytest.mark.parametrize("arguments", [("ruls",), ("rules", "--write")])
def test_usage(project: Path, arguments: tuple[str, ...]) -> None:
    assert run(project, "schema", *arguments).exit_code == 2
    assert content(project) == content(PROJECT)


def test_what_is_written_and_that_the_rest_stays(project: Path) -> None:
    (project / "rules" / "x.test.yaml").write_bytes(b"- test: a\r\n  rule: dsr_drop\r\n  quiet: true\r\n")
    before = content(project)
    result = run(project, "schema", "--write", options=("--format", "json"))
    after = content(project)
    written = json.loads(result.stdout)["written"]
    assert set(written) == {path for path in after if after[path] != before.get(path)}
    assert {path for path in after if path not in before} == {f"{SCHEMAS.as_posix()}/{name}.json" for name in FORMS}
    for path, name in yaml_files(project):
        relative = path.relative_to(project).as_posix()
        first, rest = after[relative].split(b"\n", 1)
        assert rest == before[relative]
        target = first.decode().rstrip("\r").removeprefix("# yaml-language-server: $schema=")
        assert (path.parent / target).resolve() == (project / SCHEMAS / f"{name}.json").resolve()
    assert run(project, "check").exit_code == 0


def test_the_second_time_nothing_is_written(project: Path) -> None:
    run(project, "schema", "--write")
    before = content(project)
    assert run(project, "schema", "--write").stderr == "all up to date\n"
    assert content(project) == before


def test_files_that_are_extended_have_a_line_when_they_are_of_the_project(project: Path, tmp_path: Path) -> None:
    (project / "facts.yaml").rename(project / "base.yaml")
    (tmp_path / "outside.yaml").write_text("max_bad: 5%\n", encoding="utf-8")
    (project / "base.yaml").write_text("extends: ../outside.yaml\n" + (project / "base.yaml").read_text(encoding="utf-8"), encoding="utf-8")
    (project / "facts.yaml").write_text("extends: base.yaml\n", encoding="utf-8")
    run(project, "schema", "--write")
    assert (project / "base.yaml").read_text(encoding="utf-8").startswith("# yaml-language-server")
    assert (tmp_path / "outside.yaml").read_text(encoding="utf-8") == "max_bad: 5%\n"
    assert run(project, "check").exit_code == 0


def test_check_tells_when_schemas_are_out_of_date(project: Path) -> None:
    run(project, "schema", "--write")
    assert "schema" not in run(project, "check").stderr
    path = project / "channels.yaml"
    text = path.read_text(encoding="utf-8").replace("contacts:", "contacts:\n  newcomer: {email: [a@b.example]}")
    path.write_text(text, encoding="utf-8")
    result = run(project, "check")
    assert (result.exit_code, "run: storewatch schema --write" in result.stderr) == (0, True)
    run(project, "schema", "--write")
    schema = json.loads((project / SCHEMAS / "rules.json").read_text(encoding="utf-8"))
    assert "newcomer" in schema["items"]["else"]["else"]["properties"]["owner"]["examples"]


def test_a_new_project_has_them(tmp_path: Path) -> None:
    assert run(tmp_path, "init", str(tmp_path / "new")).exit_code == 0
    assert run(tmp_path / "new", "schema", "--write").stderr == "all up to date\n"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"", LINE + b"\n"),
        (b"a: 1", LINE + b"\na: 1"),
        (b"# note\na: 1\n", LINE + b"\n# note\na: 1\n"),
        (b"a: 1\r\nb: 2\n", LINE + b"\r\na: 1\r\nb: 2\n"),
        (b"\xef\xbb\xbfa: 1\n", b"\xef\xbb\xbf" + LINE + b"\na: 1\n"),
        (b"\n# note\n\n#yaml-language-server:$schema=.storewatch/schemas/rules.json\na: 1\n", b"\n# note\n\n" + LINE + b"\na: 1\n"),
        (b"# yaml-language-server: $schema=.storewatch/schemas/x.json", LINE),
        (b"# yaml-language-server: $schema=https://example.com/a.json\na: 1\n", b""),
        (b"a: 1\n# yaml-language-server: $schema=https://example.com/a.json\n", b"+"),
        ("- alert: 店\n".encode("gb18030"), b"+"),
        (b"a: [\n", b"+"),
    ],
)
def test_the_line(before: bytes, after: bytes) -> None:
    expected = before if after == b"" else LINE + b"\n" + before if after == b"+" and before else after
    assert with_line(before, TARGET) == expected
    assert with_line(expected, TARGET) == expected


def test_files_are_replaced_all_or_none(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"old")
    (tmp_path / "a").chmod(0o640)
    (tmp_path / "link").symlink_to("a")
    replace_files({tmp_path / "link": b"new", tmp_path / "deep" / "b": b"b"})
    assert content(tmp_path) == {"a": b"new", "link": b"new", "deep/b": b"b"}
    assert (tmp_path / "link").is_symlink() and (tmp_path / "a").stat().st_mode & 0o777 == 0o640
    (tmp_path / "folder").mkdir()
    with pytest.raises(StorewatchError):
        replace_files({tmp_path / "a": b"newer", tmp_path / "c": b"c", tmp_path / "folder": b"no"})
    with pytest.raises(StorewatchError):
        replace_files({tmp_path / "a": b"newer", tmp_path / "a" / "b": b"no"})
    assert content(tmp_path) == {"a": b"new", "link": b"new", "deep/b": b"b"}
