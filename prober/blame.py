"""What went wrong, and in which stage: exactly one of the nine."""

from collections.abc import Mapping

from core.error_codes import ErrorCode
from core.errors import catalogue
from core.verdicts import STAGES, ProbeStage

WORKED: tuple[ProbeStage, ...] = ("download", "extract", "analyze", "store")
"""The stages that the worker tells of."""


class Blamed(Exception):
    """The pipeline, not the prober, is at fault. `detail` holds no address and no name of a bucket or queue."""

    def __init__(self, stage: ProbeStage, code: ErrorCode, detail: str = "") -> None:
        super().__init__(stage, code, detail)
        self.stage = stage
        self.code = code
        self.detail = detail


def wrong(stage: ProbeStage, detail: str) -> Blamed:
    return Blamed(stage, ErrorCode.PROBE_WRONG_ANSWER, detail)


def stage_named(name: object) -> ProbeStage | None:
    return next((stage for stage in STAGES if stage == name), None)


def code_in(problem: object, otherwise: ErrorCode) -> ErrorCode:
    """The code of a problem body; `otherwise` for what is none."""
    code = problem.get("code") if isinstance(problem, Mapping) else None
    return ErrorCode(code) if isinstance(code, str) and code in ErrorCode.__members__ else otherwise


def blames_the_clip(code: ErrorCode) -> bool:
    """Whether the code says that the file is bad. Ours is not, so somebody changed it on its way."""
    return catalogue()[code].owner == "user"
