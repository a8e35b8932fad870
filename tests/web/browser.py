"""What the page's tests need of this machine: `python -m tests.web.browser` finds or installs it, and says so.

Chromium from PATH, else from Debian's packages where this user may install them; axe-core from npm. Without them the
page's tests are skipped with the reason, and nothing else is.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from ops.weights import FetchError, npm_from_pip, npm_on_path, run

ROOT = Path(__file__).resolve().parents[2]
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
APT_SECONDS = 900
ADVICE = "no Chromium on PATH: install one (Debian: apt-get install chromium) to run the page's tests"

AXE = "axe-core@4.14.1"
AXE_FILE = ROOT / ".data" / "axe" / "axe-4.14.1.min.js"
AXE_SHA256 = "29348999450cdf2849a8e70b7912fc2da85a849da39c0d0d5394f51d4a9ed95c"

# a browser that asks nobody but us, and runs as root in a container
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def chromium() -> Path | None:
    found = next(filter(None, map(shutil.which, NAMES)), None)
    return None if found is None else Path(found)


def install_chromium() -> bool:
    """By apt, as root only: whether it is there now."""
    apt = shutil.which("apt-get")
    if apt is None or os.geteuid() != 0:
        return False
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for step in (["update", "-qq"], ["install", "-y", "-qq", "--no-install-recommends", "chromium"]):
        done = subprocess.run([apt, *step], env=environment, capture_output=True, timeout=APT_SECONDS, check=False)
        if done.returncode != 0:
            say(f"apt-get {step[0]}: {done.stderr.decode(errors='replace').strip()[-300:]}")
            return False
    return chromium() is not None


def axe() -> str | None:
    """axe-core's source, None where it was not fetched. A file with a wrong checksum counts as none."""
    if not AXE_FILE.is_file():
        return None
    source = AXE_FILE.read_bytes()
    return source.decode() if hashlib.sha256(source).hexdigest() == AXE_SHA256 else None


def fetch_axe() -> bool:
    AXE_FILE.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=AXE_FILE.parent) as folder:
        for road in (npm_on_path, npm_from_pip):
            try:
                npm = road(Path(folder))
                run([*npm, "pack", AXE, "--silent", "--ignore-scripts", "--cache", f"{folder}/cache"], Path(folder))
                with tarfile.open(next(Path(folder).glob("*.tgz")), "r:gz") as packed:
                    source = packed.extractfile("package/axe.min.js")
                    AXE_FILE.write_bytes(source.read() if source else b"")
            except (FetchError, OSError, KeyError, StopIteration, tarfile.TarError) as error:
                say(f"{AXE}: {error}")
            if axe() is not None:
                return True
    return False


def say(text: str) -> None:
    sys.stderr.write(f"{text}\n")


def main() -> int:
    """0 whatever was found: the tests say themselves what they miss."""
    if chromium() is None and not install_chromium():
        say(ADVICE)
    if axe() is None and not fetch_axe():
        say("axe-core could not be fetched: the accessibility tests will be skipped")
    return 0


if __name__ == "__main__":
    sys.exit(main())
