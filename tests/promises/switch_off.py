"""Switches off each mechanism behind a promise and looks whether its test notices.

`python -m tests.promises.switch_off [PROMISE...]` works in a copy of the tree, and prints one row of docs/guarantees.md
for each switch (switches.toml). Exit code 1 when one was not noticed.
"""

import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LIMIT_S = 900
LEFT_OUT = shutil.ignore_patterns(".git", ".venv", ".data", "__pycache__", ".*_cache", "node_modules")


@dataclass(frozen=True, kw_only=True)
class Switch:
    """`edits`: what stands once in the file, and what takes its place."""

    promise: int
    off: str
    file: str
    edits: tuple[tuple[str, str], ...]

    def applied(self, text: str) -> str:
        """Raises ValueError when the file has moved on."""
        for old, new in self.edits:
            if text.count(old) != 1:
                raise ValueError(f"{self.file} has this {text.count(old)} times: {old!r}")
            text = text.replace(old, new)
        return text


def switches() -> Iterator[Switch]:
    for entry in tomllib.loads(Path(__file__).with_name("switches.toml").read_text())["switch"]:
        old, new = entry["old"], entry["new"]
        edits = tuple(zip(old, new, strict=True)) if isinstance(old, list) else ((old, new),)
        yield Switch(promise=entry["promise"], off=entry["off"], file=entry["file"], edits=edits)


def tests_of(promise: int, root: Path) -> list[Path]:
    return sorted((root / "tests/promises").glob(f"test_{promise:02}_*.py"))


def failures(switch: Switch, tree: Path) -> int:
    """How many tests fail with it; at least one where it ends the tests' own process."""
    file = tree / switch.file
    before = file.read_text()
    file.write_text(switch.applied(before))
    argv = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *map(str, tests_of(switch.promise, tree))]
    try:
        ended = subprocess.run(argv, cwd=tree, capture_output=True, text=True, timeout=LIMIT_S, check=False)
    finally:
        file.write_text(before)
    failed = len(re.findall(r"^(?:FAILED|ERROR) ", ended.stdout, re.MULTILINE))
    return max(failed, int(ended.returncode != 0))


def main(promises: Sequence[str]) -> int:
    survived = 0
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder) / "tree"
        shutil.copytree(ROOT, tree, ignore=LEFT_OUT)
        for switch in switches():
            if promises and str(switch.promise) not in promises:
                continue
            failed = failures(switch, tree)
            survived += not failed
            (test,) = tests_of(switch.promise, ROOT)[:1]
            result = f"{failed} fail" if failed else "NOT NOTICED"
            sys.stdout.write(f"| {switch.promise} | `{test.name}` | {switch.off} | {result} |\n")
            sys.stdout.flush()
    return 1 if survived else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
