"""Whoever is woken finds a page: every link leads somewhere, every section helps, every command exists."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import click
import pytest
import yaml

from core.errors import ROOT, catalogue
from core.events import catalogue as events
from ops.cli import main as performate

FOLDER = ROOT / "ops" / "runbooks"
PARTS = ("Meaning", "Impact", "Diagnosis", "Mitigation", "Verify")
SYMPTOMS = ("presigned URL", "HTTP 403", "no space left", "over 2 min", "stuck at download", "rollback")
"""What people searched for in the guide that these replace."""


def sections() -> Mapping[str, str]:
    """file.md#anchor -> its text, of every file but the index."""
    found = {}
    for path in sorted(FOLDER.glob("*.md")):
        if path.name == "README.md":
            continue
        for heading, text in re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", path.read_text(), re.MULTILINE | re.DOTALL):
            found[f"{path.name}#{heading.lower().replace(' ', '-')}"] = text
    return found


def alerts() -> Mapping[str, str]:
    """Alert -> its runbook."""
    groups = yaml.safe_load((ROOT / "ops" / "alerts" / "performate.rules.yml").read_text())["groups"]
    return {
        rule["alert"]: rule["annotations"]["runbook"] for group in groups for rule in group["rules"] if "alert" in rule
    }


def pointed_at() -> Iterator[tuple[str, str]]:
    """(who points, at which section): alerts and codes."""
    for code, entry in catalogue().items():
        if entry.runbook:
            yield code, entry.runbook
    yield from alerts().items()


@pytest.mark.parametrize(("who", "where"), list(pointed_at()))
def test_every_alert_and_code_leads_to_a_section(who: str, where: str) -> None:
    file, _, anchor = where.rpartition("/")[2].partition("#")
    assert where.startswith("ops/runbooks/")
    assert f"{file}#{anchor}" in sections()
    assert anchor == who.lower()


def test_every_code_that_an_operator_mends_has_one() -> None:
    ours = {code for code, entry in catalogue().items() if entry.counts_against_slo or entry.owner == "operator"}
    without = {code for code in ours if not catalogue()[code].runbook}
    # a worker that was shut down: nobody has to do anything
    assert without == {"CANCELLED"}


@pytest.mark.parametrize("name", sections())
def test_every_section_has_its_five_parts_in_order(name: str) -> None:
    text = sections()[name]
    assert re.findall(r"^\*\*(\w+)\.\*\*", text, re.MULTILINE) == list(PARTS)
    assert all(part.strip() for part in re.split(r"^\*\*\w+\.\*\*", text, flags=re.MULTILINE)[1:])


def test_no_section_is_forgotten() -> None:
    used = {where.rpartition("/")[2] for _, where in pointed_at()}
    assert set(sections()) - used == {"rollback.md#rollback"}


def links() -> Iterator[tuple[Path, str]]:
    for path in sorted(FOLDER.glob("*.md")):
        for target in re.findall(r"\]\(([^)]+)\)", path.read_text()):
            yield path, target


def test_every_link_leads_somewhere() -> None:
    broken = []
    for path, target in links():
        file, _, anchor = target.partition("#")
        name = file or path.name
        if not (path.parent / name).exists() or (anchor and f"{name}#{anchor}" not in sections()):
            broken.append(f"{path.name}: {target}")
    assert broken == []
    assert len(list(links())) > 30


def test_files_that_are_named_exist() -> None:
    named = {
        name
        for path in FOLDER.glob("*.md")
        for name in re.findall(r"\b(?:docs|ops)/[a-z_/]+\.(?:md|json|py|yml)\b", path.read_text())
    }
    assert [name for name in sorted(named) if not (ROOT / name).exists()] == []
    assert named


@pytest.mark.parametrize("symptom", SYMPTOMS)
def test_the_old_guide_s_problems_are_in_the_index(symptom: str) -> None:
    assert symptom.lower() in (FOLDER / "README.md").read_text().lower()


def commands() -> set[str]:
    """Every `performate …` that a runbook tells to type."""
    texts = "\n".join(path.read_text() for path in FOLDER.glob("*.md"))
    return {" ".join(found.split()) for found in re.findall(r"`(performate\b[^`]*)`", texts)}


def test_every_command_exists_with_its_options() -> None:
    wrong = [line for line in sorted(commands()) if not _exists(line)]
    assert wrong == []
    assert len(commands()) > 15


def _exists(line: str) -> bool:
    command: click.Command = performate
    for word in line.split()[1:]:
        if isinstance(command, click.Group):
            if word not in command.commands:
                return False
            command = command.commands[word]
        elif word.startswith("--") and word not in {name for option in command.params for name in option.opts}:
            return False
    return not isinstance(command, click.Group)


def test_every_setting_that_is_named_exists() -> None:
    readme = (ROOT / "README.md").read_text()
    texts = "\n".join(path.read_text() for path in FOLDER.glob("*.md"))
    named = set(
        re.findall(r"\b(?:[A-Z]+_)+(?:S|DIR|BYTES|TOKEN|ORIGINS|URL|DAYS|PORT|CONCURRENCY|USD|TOKENS)\b", texts)
    )
    unknown = {name for name in named if f"`{name}`" not in readme}
    assert unknown == set()
    assert len(named) > 10


def test_every_event_that_is_named_is_one_of_the_catalogue() -> None:
    texts = "\n".join(path.read_text() for path in FOLDER.glob("*.md"))
    named = set(re.findall(r'\.event == "([^"]+)"', texts))
    assert named - set(events()) == set()
    assert len(named) > 20
