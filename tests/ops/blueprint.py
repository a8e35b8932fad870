# ruff: noqa: N815  # the fields have Render's names
"""render.yaml as Render's field reference ("Blueprint YAML Reference", "Preview Environments") describes it, for the
kinds of service that stand in ours: unknown fields, missing ones and values outside their range are refused."""

from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, model_validator

Region = Literal["oregon", "ohio", "virginia", "frankfurt", "singapore"]
Plan = Literal["free", "starter", "standard", "pro", "pro plus", "pro max", "pro ultra"]
Name = Annotated[str, Field(pattern=r"^[a-z0-9-]{1,60}$")]


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class FromService(Strict):
    """Of another service: one of its variables, or a property of it."""

    type: Literal["web", "pserv", "worker", "cron", "keyvalue"]
    name: Name
    envVarKey: str | None = None
    property: Literal["host", "port", "hostport", "connectionString"] | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        assert (self.envVarKey is None) != (self.property is None), "either envVarKey or property"
        return self


class EnvVar(Strict):
    """Exactly one source of a value; `previewValue` beside a `value` only."""

    key: str | None = Field(None, pattern=r"^[A-Z][A-Z0-9_]*$")
    fromGroup: str | None = None
    value: str | None = None
    previewValue: str | None = None
    generateValue: Literal[True] | None = None
    sync: Literal[False] | None = None
    fromService: FromService | None = None

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        sources = [self.value, self.generateValue, self.sync, self.fromService]
        given = sum(source is not None for source in sources)
        assert given == (0 if self.fromGroup else 1), f"{self.key}: one source of its value"
        assert (self.key is None) == (self.fromGroup is not None), "a key, or a group"
        assert self.previewValue is None or self.value is not None, f"{self.key}: previewValue beside a value"
        return self


class Service(Strict):
    name: Name
    type: str
    runtime: Literal["python"]
    region: Region = "oregon"
    plan: Plan = "starter"
    autoDeployTrigger: Literal["commit", "checksPass", "off"] = "commit"
    buildCommand: str
    startCommand: str
    envVars: tuple[EnvVar, ...] = ()


class Lasting(Service):
    """What runs all the time."""

    numInstances: int = Field(1, ge=1, le=100)
    maxShutdownDelaySeconds: int = Field(30, ge=1, le=300)

    @model_validator(mode="after")
    def _paid(self) -> Self:
        assert self.plan != "free", "a free instance sleeps, and takes no shutdown delay"
        return self


class Web(Lasting):
    type: Literal["web"]
    healthCheckPath: str = Field(pattern=r"^/")


class Private(Lasting):
    """Has no health check of Render's own: it must listen on a port."""

    type: Literal["pserv"]


class Cron(Service):
    """No free plan, no shutdown delay: a run is stopped after twelve hours."""

    type: Literal["cron"]
    schedule: str = Field(pattern=r"^\S+ \S+ \S+ \S+ \S+$")


class KeyValue(Strict):
    """Not a process of ours. `ipAllowList` must be said: an empty one lets nobody in from outside."""

    name: Name
    type: Literal["keyvalue"]
    region: Region = "oregon"
    plan: Plan = "starter"
    ipAllowList: tuple[dict[str, str], ...]
    maxmemoryPolicy: Literal["noeviction", "allkeys-lru", "allkeys-lfu", "volatile-lru", "volatile-ttl"]
    envVars: tuple[EnvVar, ...] = Field((), max_length=0)


class Previews(Strict):
    generation: Literal["off", "manual", "automatic"]
    expireAfterDays: int | None = Field(None, ge=1)


class Group(Strict):
    name: Name
    envVars: tuple[EnvVar, ...]

    @model_validator(mode="after")
    def _own_values(self) -> Self:
        for one in self.envVars:
            assert one.value is not None or one.generateValue, f"{one.key}: a group holds values of its own only"
        return self


class Blueprint(Strict):
    services: tuple[Annotated[Web | Private | Cron | KeyValue, Field(discriminator="type")], ...]
    envVarGroups: tuple[Group, ...] = ()
    previews: Previews | None = None

    @model_validator(mode="after")
    def _references(self) -> Self:
        names = [service.name for service in self.services]
        assert len(set(names)) == len(names), "each name once"
        groups = {group.name for group in self.envVarGroups}
        for service in self.services:
            for one in service.envVars:
                assert one.fromGroup is None or one.fromGroup in groups, f"{service.name}: no group {one.fromGroup}"
                if one.fromService is not None:
                    self._check(service.name, one.fromService)
        return self

    def _check(self, asking: str, wanted: FromService) -> None:
        there = [one for one in self.services if (one.name, one.type) == (wanted.name, wanted.type)]
        assert there, f"{asking}: there is no {wanted.type} {wanted.name}"
        known = {one.key for one in there[0].envVars} | {"RENDER_EXTERNAL_URL", "RENDER_EXTERNAL_HOSTNAME"}
        assert wanted.envVarKey is None or wanted.envVarKey in known, f"{asking}: it has no {wanted.envVarKey}"

    def environment(self, name: str, *, preview: bool = False) -> dict[str, str]:
        """The values that stand in the file, the group's first; what Render asks for or makes is "asked"."""
        (service,) = [one for one in self.services if one.name == name]
        found: dict[str, str] = {}
        for one in service.envVars:
            if one.fromGroup is not None:
                for group in self.envVarGroups:
                    if group.name == one.fromGroup:
                        found |= {str(own.key): _value(own, preview=preview) for own in group.envVars}
        own = {str(one.key): _value(one, preview=preview) for one in service.envVars if one.key is not None}
        return found | own


def _value(one: EnvVar, *, preview: bool) -> str:
    if preview and one.previewValue is not None:
        return one.previewValue
    return one.value if one.value is not None else "asked"


def read(path: Path) -> Blueprint:
    document: Any = yaml.safe_load(path.read_text())
    return Blueprint.model_validate(document)
