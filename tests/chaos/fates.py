"""What is to befall a job, told to whichever worker has it: one small file a job, since workers die in between."""

import json
import os
import signal
from dataclasses import dataclass
from pathlib import Path

from tests.chaos.plan import Fate, Upload


@dataclass(frozen=True, kw_only=True)
class Fates:
    """`folder` is shared by all workers of a run. What has struck is noted in its file `struck`."""

    folder: Path

    def foretell(self, analysis_id: str, upload: Upload) -> None:
        self.folder.mkdir(exist_ok=True)
        self._write(analysis_id, {"fates": upload.fates, "real": upload.real})

    def make_truce(self) -> None:
        """Nothing strikes any more: at the end of a run nobody would sweep up after the dead."""
        (self.folder / "truce").touch()

    def is_real(self, analysis_id: str) -> bool:
        """Whether the real analyzer measures it."""
        return bool(self._read(analysis_id).get("real"))

    def comes(self, analysis_id: str, fate: Fate) -> bool:
        """Whether this is the next that befalls it; it is past then."""
        if (self.folder / "truce").exists():
            return False
        told = self._read(analysis_id)
        fates = told.get("fates", [])
        if not fates or fates[0] != fate:
            return False
        self._write(analysis_id, {**told, "fates": fates[1:]})
        with (self.folder / "struck").open("a") as struck:
            struck.write(json.dumps({"analysis_id": analysis_id, "fate": fate}) + "\n")
        return True

    def may_kill(self, analysis_id: str, fate: Fate) -> None:
        """Ends this process on the spot, if that is what comes."""
        if self.comes(analysis_id, fate):
            os.kill(os.getpid(), signal.SIGKILL)

    def struck(self) -> list[tuple[str, str]]:
        """(analysis id, fate), in order."""
        path = self.folder / "struck"
        lines = path.read_text().splitlines() if path.exists() else []
        return [(told["analysis_id"], told["fate"]) for told in map(json.loads, lines)]

    def _read(self, analysis_id: str) -> dict[str, list[str]]:
        try:
            told: dict[str, list[str]] = json.loads((self.folder / f"{analysis_id}.json").read_text())
        except FileNotFoundError:
            return {}
        return told

    def _write(self, analysis_id: str, told: object) -> None:
        path = self.folder / f"{analysis_id}.json"
        new = path.with_suffix(f".{os.getpid()}")
        new.write_text(json.dumps(told))
        new.replace(path)
