"""What a coach of each sport looks at, as data: one file a sport."""

import functools
import tomllib
from importlib import resources

from pydantic import BaseModel, ConfigDict, Field

from core.result import Sport

Lines = tuple[str, ...]


class Profile(BaseModel):
    """`scene`: what the clip shows. `graded`: whether the sport has grades of difficulty."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    scene: str
    look_at: Lines = Field(min_length=3)
    words: Lines = Field(min_length=3)
    safety: Lines = Field(min_length=3)
    graded: bool


@functools.cache
def profile_of(sport: Sport) -> Profile:
    """Read once in a process."""
    file = resources.files("consumer.vision").joinpath("profiles", f"{sport}.toml")
    return Profile.model_validate(tomllib.loads(file.read_text(encoding="utf-8")))
