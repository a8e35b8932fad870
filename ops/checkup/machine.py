"""This machine: the folders, the weights, the decoder, the analyzer."""

import asyncio
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from core.pose_weights import DETECTOR, LANDMARK_FILES, missing
from core.settings import MIB, Settings
from ops.checkup.finding import Finding, fail, ok, warn

ANALYSIS_S = 60.0
FRESH = "performate-doctor-"


async def of_scratch(settings: Settings) -> Sequence[Finding]:
    return [await asyncio.to_thread(_scratch, settings)]


def _scratch(settings: Settings) -> Finding:
    folder = settings.scratch_dir
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"performate")
            file.flush()
    except OSError as error:
        why = f"{folder} cannot be written: {error.strerror}"
        return fail("scratch", why, "give the process a writable SCRATCH_DIR (runbook: ops/runbooks/worker.md)")
    free, inodes = shutil.disk_usage(folder).free, os.statvfs(folder).f_favail
    told = f"{folder}: {free // MIB} MiB free, SCRATCH_BYTES is {settings.scratch_bytes // MIB} MiB"
    if free < settings.max_upload_bytes:
        return fail("scratch", told, "not one clip of MAX_UPLOAD_BYTES fits: free the disk or move SCRATCH_DIR")
    if free < settings.scratch_bytes:
        return warn("scratch", told, "free the disk, or lower SCRATCH_BYTES to what there is")
    if inodes < 1000:
        return warn("scratch", f"{folder}: only {inodes} files may still be made", "remove files from that disk")
    return ok("scratch", told)


async def of_user() -> Sequence[Finding]:
    """Threads of root are not counted by the kernel: docs/security.md."""
    if os.geteuid() != 0:
        return [ok("user", "not root")]
    advice = "run workers as an ordinary user, or bound the container's processes (pids.max): docs/security.md"
    return [warn("user", "root: a decoder that a file has taken over may start threads without a limit", advice)]


async def of_weights(settings: Settings) -> Sequence[Finding]:
    lacking = await asyncio.to_thread(missing, settings.weights_dir, settings.pose_model)
    if lacking:
        names = ", ".join(weight.name for weight in lacking)
        told = f"not in {settings.weights_dir}, or damaged: {names}"
        return [fail("weights", told, "python -m ops.weights (a worker does not start without them)")]
    size = DETECTOR.size + LANDMARK_FILES[settings.pose_model].size
    told = f"{settings.pose_model}, {size / MIB:.1f} MiB in {settings.weights_dir}, checksums right"
    return [ok("weights", told)]


async def of_decoder(settings: Settings) -> Sequence[Finding]:
    """A clip made here goes through the real thing: sandbox, decoder, analyzer, in processes of their own."""
    if missing(settings.weights_dir, settings.pose_model):
        return [warn("decoder", "not tried: the analyzer has no weights", "python -m ops.weights")]
    with tempfile.TemporaryDirectory(prefix=FRESH) as folder:
        clip = Path(folder) / "clip.mp4"
        await _said(sys.executable, "-m", "prober", "clip", str(clip))
        weights = ("--weights", str(settings.weights_dir), "--pose-model", settings.pose_model)
        code, out, err = await _said(sys.executable, "-m", "consumer", "file", *weights, "--", str(clip))
    if code != 0:
        last = err.strip().splitlines()[-1:] or ["it said nothing"]
        return [fail("decoder", f"a good clip was not analyzed: {last[0][:200]}", "performate analyze CLIP says more")]
    return [_measured(json.loads(out))]


def _measured(result: dict[str, dict[str, object]]) -> Finding:
    method = result["quality"]["method"]
    if method == "insufficient":
        told = "a clip of a climbing figure was decoded, and nobody was found in it"
        return fail("decoder", told, "the analyzer is broken: deploy another version")
    return ok("decoder", f"a clip of {result['video']['duration_s']} s was decoded and measured: {method}")


async def _said(*argv: str) -> tuple[int, str, str]:
    """Exit code, stdout, stderr of a process that is stopped when nobody waits for it any more."""
    process = await asyncio.create_subprocess_exec(*argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        out, err = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return process.returncode or 0, out.decode(), err.decode(errors="replace")
