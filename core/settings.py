"""The one reader of the environment: typed settings, made once per process and passed on as an argument."""

import socket
import sys
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from core.dsn import Address
from core.prices import prices_of
from core.probing import PROBE_EVERY_MIN, Cadence, cadence

MIB = 1024 * 1024
Container = Literal["mp4", "matroska", "avi"]
"""Families of containers: mp4 with mov and 3gp, matroska with webm."""
Codec = Literal["h264", "hevc", "vp8", "vp9", "av1", "mpeg4", "mjpeg", "prores"]


def _version() -> str:
    try:
        return version("performate")
    except PackageNotFoundError:  # run from a checkout that was never installed
        return "0+checkout"


class Settings(BaseSettings):
    """Every setting of every process. A field without default must be given; each name is an environment variable."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", env_ignore_empty=True)

    bucket: str = Field(description="S3 bucket for uploads and artifacts")
    aws_region: str = Field("eu-central-1", description="region of bucket, queues and table")
    aws_endpoint_url: str | None = Field(None, description="an AWS emulator's address; empty means AWS itself")
    aws_access_key_id: SecretStr | None = Field(None, description="empty: the SDK's own credential chain")
    aws_secret_access_key: SecretStr | None = Field(None, description="empty: the SDK's own credential chain")
    ingest_queue: str = Field("performate-ingest", description="SQS queue of uploads to look at; its DLQ is NAME-dlq")
    analysis_queue: str = Field("performate-analysis", description="SQS queue of analyses; its DLQ is NAME-dlq")
    table: str = Field("performate-analyses", description="DynamoDB table of analysis records")

    host: str = Field("127.0.0.1", description="address the web service listens on, and a consumer's health port")
    port: int = Field(8000, ge=0, le=65535, description="port the web service listens on; 0 picks a free one")
    cors_origins: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="origins of browsers' pages that may call the API and upload, comma separated"
    )
    admin_token: SecretStr | None = Field(None, description="bearer token of operators' requests; empty forbids them")
    max_upload_bytes: int = Field(120 * MIB, gt=0, le=120 * MIB, description="largest clip that is taken")
    min_upload_bytes: int = Field(1024, ge=1024, description="smallest clip that is taken")
    # The decoding child has these defaults built in: an installation may take less than they say, never more.
    max_clip_s: float = Field(600, gt=0, le=600, description="longest clip that is taken, seconds")
    max_clip_pixels: int = Field(
        35_000_000, gt=0, le=35_000_000, description="most pixels of one picture (8K has 33 million)"
    )
    max_clip_fps: float = Field(
        240, gt=0, le=240, description="most pictures a second of a clip, measured, not declared"
    )
    max_clip_streams: int = Field(16, gt=0, le=16, description="most streams (picture, sound, ...) of a clip")
    clip_containers: Annotated[tuple[Container, ...], NoDecode] = Field(
        ("mp4", "matroska", "avi"), description="families of containers that are taken, comma separated"
    )
    clip_codecs: Annotated[tuple[Codec, ...], NoDecode] = Field(
        ("h264", "hevc", "vp8", "vp9", "av1", "mpeg4", "mjpeg", "prores"),
        description="codecs of pictures that are taken, comma separated",
    )
    upload_expires_s: int = Field(1800, gt=0, description="how long an upload address is valid")
    retention_days: int = Field(90, gt=0, description="how long records, clips and results are kept")

    visibility_s: int = Field(60, ge=10, le=43200, description="SQS visibility time-out, kept up by the heartbeat")
    poll_wait_s: int = Field(20, ge=0, le=20, description="length of a long poll")
    max_attempts: int = Field(3, ge=1, le=10, description="tries of one analysis before it fails for good")
    ingest_concurrency: int = Field(8, ge=1, le=64, description="uploads looked at side by side by one ingest process")
    worker_concurrency: int = Field(1, ge=1, le=16, description="analyses side by side in one worker process")
    drain_s: int = Field(25, ge=1, description="how long running jobs may finish after SIGTERM")
    health_port: int = Field(
        0,
        ge=0,
        le=65535,
        description="port of a consumer's or the prober's /livez and /metrics, at HOST; 0 switches it off",
    )
    reconcile_s: int = Field(30, ge=1, description="pause between two rounds of the worker's reconciler")
    resend_after_s: int = Field(1200, ge=1, description="how long an analysis waits before its message counts as lost")
    max_age_s: int = Field(21600, ge=1, description="oldest that an accepted analysis gets before it fails for good")
    download_limit_s: int = Field(120, gt=0, description="deadline of the download stage")
    extract_limit_s: int = Field(60, gt=0, description="deadline of the extract stage")
    analyze_limit_s: int = Field(300, gt=0, description="deadline of the analyze stage")
    store_limit_s: int = Field(60, gt=0, description="deadline of the store stage")

    scratch_dir: Path = Field(Path(".data/scratch"), description="folder for clips while they are worked on")
    scratch_bytes: int = Field(2048 * MIB, gt=0, description="how much of that folder's disk may be used")
    weights_dir: Path = Field(Path(".data/weights"), description="folder of the pose weights")
    pose_model: Literal["full", "lite"] = Field(
        "full", description="pose weights: lite is quicker, and less sure of hands and feet"
    )
    frame_count: int = Field(5, ge=1, le=50, description="evenly spaced frames kept of each clip")
    frame_long_side: int = Field(1024, ge=64, le=4096, description="long side of a kept frame, pixels")

    openai_api_key: SecretStr | None = Field(
        None, description="key of the vision model; with neither key nor address there is none"
    )
    openai_base_url: str | None = Field(
        None, description="any server that speaks OpenAI's chat completions; empty: OpenAI"
    )
    vision_model: str = Field("gpt-5.4-mini-2026-03-17", description="a pinned snapshot of a model that sees pictures")
    vision_timeout_s: float = Field(60, gt=0, description="longest that one answer of the vision model may take")
    vision_limit_s: float = Field(
        120, gt=0, description="deadline of the vision model, its retries and repair included"
    )
    vision_max_tokens: int = Field(4000, ge=256, description="most tokens of one answer")
    vision_prices: str = Field(
        "gpt-5.4-mini-2026-03-17=0.75/0.075/4.50,gpt-5.4=2.50/0.25/15,gpt-5.5-2026-04-23=5/0.50/30",
        description="MODEL=IN/CACHED/OUT in USD per million tokens, comma separated; other models cost null",
    )
    vision_budget_usd: float | None = Field(
        None, gt=0, description="what users' analyses may cost a day (UTC); empty: no limit"
    )
    vision_blur_faces: bool = Field(
        False, description="blur the climber's head, and send no picture where it is not known"
    )
    require_model: bool = Field(False, description="an analysis without the vision model's answer is a failure")
    redis_url: SecretStr | None = Field(None, description="Redis of the result cache; empty: each worker has its own")
    cache_entries: int = Field(512, ge=0, description="how many results are kept for clips that come again; 0: none")

    probe_url: str = Field("http://127.0.0.1:8000", description="the service as the prober asks it, from outside")
    probe_interval_s: float = Field(60.0 * PROBE_EVERY_MIN, gt=0, description="seconds between two probes")
    probe_timeout_s: float | None = Field(
        None, gt=0, description="longest that one probe may take, at most the interval; empty: three tenths of it"
    )
    probe_lease_s: float = Field(20, gt=0, description="a prober that gives no sign of life for so long is replaced")
    probe_failures: int = Field(3, ge=1, description="so many failed probes of the last PROBE_WINDOW mean down")
    probe_window: int = Field(5, ge=1, le=50, description="how many of the last probes are looked at")
    probe_recoveries: int = Field(2, ge=1, description="so many good probes in a row mean up again")
    probe_budget_usd: float = Field(0.5, ge=0, description="what probes may cost a day where a vision model is on")
    probe_budget_tokens: int = Field(200_000, ge=0, description="the same in tokens")
    alarm_url: SecretStr | None = Field(None, description="where alarms are posted; empty: they are only logged")
    alarm_format: Literal["json", "slack"] = Field("json", description="json is signed with ALARM_SECRET")
    alarm_secret: SecretStr | None = Field(None, description="key of the HMAC-SHA256 of a json alarm")
    sentry_dsn: SecretStr | None = Field(None, description="address of a Sentry project; empty: nothing is sent")
    sentry_environment: str = Field("production", description="name of this installation in Sentry")
    sentry_traces: float = Field(0.1, ge=0, le=1, description="share of traces whose queue spans are sent to Sentry")

    otel_exporter_otlp_endpoint: str | None = Field(
        None, description="an OpenTelemetry collector (OTLP over HTTP) that gets spans; needs the extra otel"
    )

    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="lowest level that is logged")
    log_format: Literal["json", "console"] = Field("json", description="one JSON object a line, or for people")
    instance: str = Field(default_factory=socket.gethostname, description="name of this instance in the log")
    version: str = Field(default_factory=_version, description="version in the log and in /health")

    @field_validator("cors_origins", "clip_containers", "clip_codecs", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @field_validator("sentry_dsn")
    @classmethod
    def _is_dsn(cls, value: SecretStr | None) -> SecretStr | None:
        if value is None or not value.get_secret_value():
            return None
        Address.of(value.get_secret_value())
        return value

    @model_validator(mode="after")
    def _can_be_probed(self) -> "Settings":
        cadence(self.probe_interval_s, self.probe_timeout_s)
        if self.probe_failures > self.probe_window:
            raise ValueError("PROBE_FAILURES must be at most PROBE_WINDOW")
        return self

    @model_validator(mode="after")
    def _can_be_paid(self) -> "Settings":
        known = prices_of(self.vision_prices)
        if self.vision_budget_usd is not None and self.vision_on and self.vision_model not in known:
            raise ValueError("VISION_BUDGET_USD needs a price of VISION_MODEL in VISION_PRICES")
        return self

    @property
    def vision_on(self) -> bool:
        """Whether there is a vision model at all: without one no picture leaves the machine."""
        return bool(self.openai_base_url) or self.openai_api_key is not None

    @property
    def cadence(self) -> Cadence:
        return cadence(self.probe_interval_s, self.probe_timeout_s)

    def masked(self) -> dict[str, str]:
        """Every setting as text, secrets as asterisks: for the log line at the start."""
        return {name: "***" if isinstance(value, SecretStr) else str(value) for name, value in self}


def load_local_settings() -> Settings:
    """The settings of a command that needs no AWS: the bucket may be missing. Raises SystemExit(2) as load_settings."""
    return load_settings(None, bucket="none")


def load_settings(environment: Mapping[str, str] | None = None, **given: str) -> Settings:
    """Read the settings, from the process's environment unless one is given; `given` goes before it.

    Raises SystemExit(2) with one message that names every missing or wrong variable.
    """
    try:
        if environment is None:
            return Settings(**given)  # type: ignore[arg-type]  # pydantic reads text
        return Settings(_env_file=None, **{k.lower(): v for k, v in environment.items() if v} | given)  # type: ignore[arg-type]
    except ValidationError as error:
        wrong = [f"  {'.'.join(map(str, e['loc'])).upper()}: {e['msg']}" for e in error.errors(include_input=False)]
        sys.stderr.write("settings are missing or wrong (see the table in README.md):\n" + "\n".join(wrong) + "\n")
        raise SystemExit(2) from None
