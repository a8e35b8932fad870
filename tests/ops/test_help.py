"""Every command explains itself: examples that parse, and exit codes."""

import re
import shlex
from collections.abc import Iterator

import click
import pytest
from click.testing import CliRunner

from ops.cli import main
from tests.emulator import ROOT

Path = tuple[str, ...]


def commands(group: click.Group, path: Path = ()) -> Iterator[tuple[Path, click.Command]]:
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))
        else:
            yield (*path, name), command


ALL = dict(commands(main))
# a view for people, a clip as JSON by itself
NO_JSON = (("probe", "watch"), ("analyze",))


def help_of(path: Path) -> str:
    done = CliRunner().invoke(main, [*path, "--help"])
    assert done.exit_code == 0
    return done.output


@pytest.mark.parametrize("path", ALL, ids=" ".join)
def test_each_says_its_exit_codes(path: Path) -> None:
    text = help_of(path).lower()
    assert "exit code" in text
    assert "0 " in text


@pytest.mark.parametrize("path", [path for path in ALL if path not in NO_JSON], ids=" ".join)
def test_each_has_examples_and_speaks_json(path: Path) -> None:
    text = help_of(path)
    assert sum(f"performate {' '.join(path)}" in line for line in text.splitlines()) >= 2
    assert "--json" in text


def examples() -> Iterator[tuple[Path, str]]:
    for path, command in ALL.items():
        for line in (command.epilog or "").splitlines():
            if line.startswith("performate "):
                yield path, line


def documented() -> Iterator[tuple[Path, str]]:
    """What README and docs say in backticks, or in a block of their own."""
    runbooks = [str(path.relative_to(ROOT)) for path in sorted((ROOT / "ops" / "runbooks").glob("*.md"))]
    for name in ("README.md", "docs/deploy.md", "docs/probing.md", *runbooks):
        for line in re.findall(r"`(performate [a-z][^`]*)`|^(performate .*)$", (ROOT / name).read_text(), re.M):
            yield (name,), line[0] or line[1]


@pytest.mark.parametrize(("path", "line"), [*examples(), *documented()])
def test_examples_use_options_that_there_are(path: Path, line: str) -> None:
    shell = line.partition("     ")[0].partition("|")[0].partition(">")[0]
    words = shlex.split(shell, comments=True)[1:]
    name = tuple(words[:2]) if tuple(words[:2]) in ALL else tuple(words[:1])
    assert name in ALL, f"{path}: there is no {line}"
    known = {text for param in ALL[name].params for text in (*param.opts, *param.secondary_opts)}
    assert {word.partition("=")[0] for word in words if word.startswith("--")} <= known


def test_what_decodes_without_a_sandbox_says_so() -> None:
    assert "Decoded without a sandbox" in " ".join(help_of(("analyze",)).split())
