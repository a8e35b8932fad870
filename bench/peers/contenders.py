"""Who is measured, and in which virtual environment."""

import shutil
import subprocess
import sys
import venv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HOME = ROOT / ".data" / "bench"


@dataclass(frozen=True, kw_only=True)
class Contender:
    """`module`: its program in bench.peers. `requirements`: what its own environment holds; none for this project's.
    `python`: the oldest Python it takes."""

    name: str
    module: str
    requirements: tuple[str, ...] = ()
    python: tuple[int, int] = (3, 11)


CONTENDERS = (
    Contender(name="bare loop", module="bare"),
    Contender(name="performate", module="ours"),
    Contender(name="taskiq-aio-sqs", module="taskiq_peer", requirements=("taskiq-aio-sqs==2.1.1", "taskiq==0.13.0")),
    Contender(name="dramatiq-sqs", module="dramatiq_peer", requirements=("dramatiq-sqs==0.4.4", "dramatiq==2.2.1")),
    Contender(name="celery", module="celery_peer", requirements=("celery[sqs]==5.7.0", "kombu==5.7.0")),
    Contender(name="fanferro", module="fanferro_peer", requirements=("fanferro==0.5.0",), python=(3, 12)),
    Contender(
        name="async-sqs-consumer",
        module="async_sqs_consumer_peer",
        # imported by it, and not among its dependencies
        requirements=("async-sqs-consumer==1.1.0", "mypy-boto3-sqs"),
    ),
)


class NotInstalled(Exception):
    """The text is the last words of what did not work."""


def interpreter(contender: Contender) -> Path:
    """The Python that runs it; makes its environment under .data/bench when there is none. Raises NotInstalled."""
    if not contender.requirements:
        return Path(sys.executable)
    home = HOME / contender.name
    python = home / "bin" / "python"
    done = home / "requirements.txt"
    wanted = "\n".join(contender.requirements)
    if done.exists() and done.read_text() == wanted:
        return python
    shutil.rmtree(home, ignore_errors=True)
    _make(home, contender.python)
    argv = [str(python), "-m", "pip", "install", "--quiet", "--no-input", *contender.requirements]
    made = subprocess.run(argv, capture_output=True, text=True, check=False)
    if made.returncode:
        raise NotInstalled(_last_words(made.stderr))
    done.write_text(wanted)
    return python


def _make(home: Path, least: tuple[int, int]) -> None:
    if sys.version_info >= least:
        venv.create(home, with_pip=True)
        return
    # with too old a Python the package's own refusal is what the table quotes
    subprocess.run([_newer_python(least) or sys.executable, "-m", "venv", str(home)], check=True)


def _newer_python(least: tuple[int, int]) -> str | None:
    """One on PATH that runs (a version manager's stand-in may not), or in that manager's folder."""
    names = [f"python3.{minor}" for minor in range(least[1], 16)]
    kept = Path.home() / ".pyenv" / "versions"
    found = [path for name in names if (path := shutil.which(name))]
    found += [str(path) for name in names for path in sorted(kept.glob(f"3.*/bin/{name}"))]
    runs = (path for path in found if not subprocess.run([path, "-V"], capture_output=True, check=False).returncode)
    return next(runs, None)


def _last_words(errors: str) -> str:
    lines: Sequence[str] = [line for line in errors.splitlines() if line.startswith("ERROR")]
    return (lines[0] if lines else errors)[:200]
