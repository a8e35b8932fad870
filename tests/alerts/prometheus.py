"""Prometheus, promtool and Alertmanager for the tests: `python -m tests.alerts.prometheus` finds or fetches them.

From PATH, else Debian's packages unpacked under .data/prometheus: nothing is installed, and no service is started. Root
is needed for a package list that is not there yet, and for the templates that Debian's Alertmanager reads from one
place only. Without them their tests are skipped with the reason.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
UNPACKED = ROOT / ".data" / "prometheus"
TEMPLATES = Path("/usr/share/prometheus/alertmanager")
PACKAGES = ("prometheus", "prometheus-alertmanager")
NAMES = {
    "prometheus": ("prometheus",),
    "promtool": ("promtool",),
    "alertmanager": ("alertmanager", "prometheus-alertmanager"),
}
LIMIT_S = 600
ADVICE = (
    "no {} on PATH: install Prometheus and Alertmanager (Debian: apt-get install prometheus prometheus-alertmanager)"
)


def program(name: str) -> Path | None:
    places = [os.environ.get("PATH", "")]
    if name != "alertmanager" or TEMPLATES.is_dir():
        places.append(str(UNPACKED / "usr" / "bin"))
    found = next(filter(None, (shutil.which(one, path=os.pathsep.join(places)) for one in NAMES[name])), None)
    return None if found is None else Path(found)


def needed(name: str) -> Path:
    """Skips the test where it is not to be had."""
    found = program(name)
    if found is None:
        pytest.skip(ADVICE.format(name))
    return found


def fetch() -> bool:
    """Whether Debian's packages were unpacked, and run."""
    if shutil.which("apt-get") is None or shutil.which("dpkg-deb") is None:
        return False
    with tempfile.TemporaryDirectory() as folder:
        downloaded = _run("apt-get", "download", *PACKAGES, cwd=folder)
        if not downloaded and os.geteuid() == 0 and _run("apt-get", "update", "-qq", cwd=folder):
            downloaded = _run("apt-get", "download", *PACKAGES, cwd=folder)
        packages = sorted(Path(folder).glob("*.deb"))
        if not downloaded or not all(_run("dpkg-deb", "-x", str(one), str(UNPACKED), cwd=folder) for one in packages):
            return False
    templates = UNPACKED / TEMPLATES.relative_to("/")
    if templates.is_dir() and not TEMPLATES.exists() and os.geteuid() == 0:
        half = TEMPLATES.with_name(f"half-{TEMPLATES.name}")
        shutil.copytree(templates, half, dirs_exist_ok=True)
        half.rename(TEMPLATES)
    return TEMPLATES.is_dir()


def _run(*argv: str, cwd: str) -> bool:
    done = subprocess.run(argv, cwd=cwd, capture_output=True, timeout=LIMIT_S, check=False)
    if done.returncode != 0:
        sys.stderr.write(f"{' '.join(argv[:2])}: {done.stderr.decode(errors='replace').strip()[-300:]}\n")
    return done.returncode == 0


def main() -> int:
    """0 whatever was found: the tests say themselves what they miss."""
    missing = [name for name in NAMES if program(name) is None]
    if missing and not fetch():
        sys.stderr.write(f"{ADVICE.format(' and no '.join(missing))}; the tests of the alerts are skipped\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
