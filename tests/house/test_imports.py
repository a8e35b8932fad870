"""The shape of the house: who may import whom, no cycles, one reader of the environment."""

import ast
import re
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("core", "service", "consumer", "prober", "ops")
MAY_IMPORT = {
    "core": {"core"},
    "service": {"core", "service"},
    "consumer": {"core", "consumer"},
    "prober": {"core", "prober"},
    "ops": {"core", "ops"},
}
# run and weights pass their environment on to what they start, emulator sets what ministack reads; nobody else may look
ENVIRONMENT_READERS = {"core/settings.py", "ops/run.py", "ops/emulator.py", "ops/weights.py"}
VAGUE_NAMES = re.compile(r"(^|_)(utils?|helpers?|managers?|base|common|misc)$")

Module = tuple[str, Path]


def modules() -> Iterator[Module]:
    for room in ROOMS:
        for path in sorted((ROOT / room).rglob("*.py")):
            dotted = ".".join(path.relative_to(ROOT).with_suffix("").parts)
            yield dotted.removesuffix(".__init__"), path


MODULES = dict(modules())


def imports(path: Path) -> Iterator[str]:
    """Every absolute name that a file imports, those inside functions as well; `from a import b` gives a and a.b."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            assert node.module is not None
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("name", MODULES)
def test_imports_go_one_way(name: str) -> None:
    room = name.partition(".")[0]
    reached = {target.partition(".")[0] for target in imports(MODULES[name])} & set(ROOMS)
    assert reached <= MAY_IMPORT[room], f"{name} reaches into {reached - MAY_IMPORT[room]}"


def test_no_import_cycle() -> None:
    graph = {name: {i for i in imports(path) if i in MODULES and i != name} for name, path in MODULES.items()}
    TopologicalSorter(graph).prepare()


def test_one_reader_of_the_environment() -> None:
    readers = {
        str(path.relative_to(ROOT))
        for path in MODULES.values()
        if re.search(r"os\.environ|os\.getenv|BaseSettings", path.read_text())
    }
    assert readers == ENVIRONMENT_READERS


def test_no_vague_file_names() -> None:
    assert [name for name in MODULES if VAGUE_NAMES.search(name)] == []


def test_core_needs_no_sibling_to_be_seen() -> None:
    """The checks above are worth nothing if they look at an empty tree."""
    assert {"core.settings", "service.app", "consumer.engine.engine", "ops.run"} <= set(MODULES)
