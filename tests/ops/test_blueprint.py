"""render.yaml: Render takes it, our settings take its values, and its numbers agree with each other."""

import copy
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from consumer.stages import STAGES
from core.probing import cadence, crontab
from core.settings import Settings, load_settings
from ops.iam import NAMES
from service.server import SHUTDOWN_S
from tests.ops.blueprint import Blueprint, Cron, KeyValue, Lasting, Private, Web, read

ROOT = Path(__file__).resolve().parents[2]
FILE = ROOT / "render.yaml"
BLUEPRINT = read(FILE)
SERVICES = {service.name: service for service in BLUEPRINT.services if not isinstance(service, KeyValue)}
EXIT_S = 2.0
"""A consumer ends within its drain and so much more: docs/guarantees.md."""
NEAR = {"frankfurt": "eu-central-1"}
ASKED = {
    "REDIS_URL": "redis://asked:6379",
    "SENTRY_DSN": "https://key@sentry.example/1",
    "PROBE_URL": "https://asked.example",
    "CORS_ORIGINS": "https://a",
}


def settings_of(name: str, *, preview: bool = False) -> Settings:
    """As the process would read them. Raises SystemExit for what it would refuse."""
    environment = BLUEPRINT.environment(name, preview=preview)
    return load_settings({key: ASKED.get(key, value) for key, value in environment.items()})


def command(name: str) -> str:
    return SERVICES[name].startCommand.removeprefix("env VERSION=$RENDER_GIT_COMMIT ")


def test_it_runs_the_procfiles_processes() -> None:
    procfile = dict(line.split(": ", 1) for line in (ROOT / "Procfile").read_text().splitlines())
    assert {name.removeprefix("performate-"): command(name) for name in SERVICES} == {
        **procfile,
        "prober": f"{procfile['prober']} --once --confirm",
    }


@pytest.mark.parametrize("name", SERVICES)
@pytest.mark.parametrize("preview", [False, True])
def test_its_values_are_settings_that_are_taken(name: str, preview: bool) -> None:
    settings = settings_of(name, preview=preview)
    unknown = {key for key in BLUEPRINT.environment(name) if key.lower() not in Settings.model_fields}
    assert unknown == {"PYTHON_VERSION"}
    assert settings.bucket


@pytest.mark.parametrize("name", SERVICES)
def test_each_build_installs_by_the_lock_and_fetches_the_weights(name: str) -> None:
    build = SERVICES[name].buildCommand
    assert "--require-hashes -r requirements.lock" in build
    assert build.endswith("python -m ops.weights")


@pytest.mark.parametrize("name", SERVICES)
def test_each_says_which_version_it_is(name: str) -> None:
    assert shlex.split(SERVICES[name].startCommand)[:2] == ["env", "VERSION=$RENDER_GIT_COMMIT"]


def test_the_platform_asks_what_nobody_elses_trouble_answers() -> None:
    web = SERVICES["performate-web"]
    assert isinstance(web, Web)
    assert web.healthCheckPath == "/livez"


@pytest.mark.parametrize("name", [name for name, one in SERVICES.items() if isinstance(one, Lasting)])
def test_the_drain_ends_before_the_platform_kills(name: str) -> None:
    service = SERVICES[name]
    assert isinstance(service, Lasting)
    drain = SHUTDOWN_S if isinstance(service, Web) else settings_of(name).drain_s
    assert drain + EXIT_S < service.maxShutdownDelaySeconds


@pytest.mark.parametrize("name", [name for name, one in SERVICES.items() if isinstance(one, Private)])
def test_private_services_can_be_scraped(name: str) -> None:
    """Render wants an open port of a private service, on all addresses, and keeps a few for itself."""
    settings = settings_of(name)
    assert settings.host == "0.0.0.0"  # noqa: S104  inside the private network
    assert settings.health_port >= 1024
    assert settings.health_port not in (18012, 18013, 19099)


def test_the_cache_is_reached_from_inside_only() -> None:
    (cache,) = [one for one in BLUEPRINT.services if isinstance(one, KeyValue)]
    assert cache.ipAllowList == ()
    assert "REDIS_URL" in BLUEPRINT.environment("performate-worker")


def test_the_cron_is_the_limit_of_staleness() -> None:
    (prober,) = [one for one in SERVICES.values() if isinstance(one, Cron)]
    settings = settings_of(prober.name)
    assert prober.schedule == crontab(settings.probe_interval_s)
    assert settings.cadence == cadence(settings.probe_interval_s, settings.probe_timeout_s)
    assert settings.cadence == settings_of("performate-web").cadence


def test_waiting_is_longer_than_working() -> None:
    """A message counts as lost, and an analysis as too old, only when all its stages could have had their time; a
    stage may be longer than the visibility, which a heartbeat keeps up, and never shorter than a beat."""
    settings = settings_of("performate-worker")
    assert settings.vision_on
    stages = [stage.limit_s(settings) for stage in STAGES]
    assert settings.resend_after_s > sum(stages)
    assert settings.max_age_s > settings.max_attempts * (sum(stages) + settings.visibility_s)
    assert settings.visibility_s > 2 * settings.poll_wait_s
    assert min(stages) >= settings.visibility_s / 3


def test_all_speak_of_the_same_things() -> None:
    shared = ("aws_region", "ingest_queue", "analysis_queue", "table", "visibility_s", "max_attempts", "bucket")
    found = {tuple(getattr(settings_of(name), field) for field in shared) for name in SERVICES}
    assert len(found) == 1
    assert {NEAR[service.region] for service in SERVICES.values()} == {settings_of("performate-web").aws_region}


def test_each_has_keys_of_its_own() -> None:
    """Least privilege: a policy for each part (ops/policies), so no keys are taken from another service."""
    for service in SERVICES.values():
        keys = [one for one in service.envVars if one.key in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")]
        assert [one.sync for one in keys] == [False, False], service.name
    assert {"web", "consumer", "prober"} < set(NAMES)


def test_a_preview_never_works_on_productions_queues() -> None:
    for name in SERVICES:
        there, here = settings_of(name), settings_of(name, preview=True)
        for field in ("ingest_queue", "analysis_queue", "table"):
            assert getattr(there, field) != getattr(here, field)


def test_no_secret_stands_in_the_file() -> None:
    for one in [
        *(v for s in BLUEPRINT.services for v in s.envVars),
        *(v for g in BLUEPRINT.envVarGroups for v in g.envVars),
    ]:
        if one.key and any(word in one.key for word in ("SECRET", "TOKEN", "DSN", "KEY_ID", "_URL")):
            assert one.value is None, one.key


WRONG: list[tuple[str, Any]] = [
    ("healthCheckPath", lambda d: d["services"][0].pop("healthCheckPath")),
    ("Extra inputs", lambda d: d["services"][1].update(healthCheckPath="/livez")),
    ("Extra inputs", lambda d: d["services"][-1].update(maxShutdownDelaySeconds=60)),
    ("less than or equal to 300", lambda d: d["services"][0].update(maxShutdownDelaySeconds=301)),
    ("free instance", lambda d: d["services"][0].update(plan="free")),
    ("schedule", lambda d: d["services"][-1].pop("schedule")),
    ("does not match any of the expected tags", lambda d: d["services"][0].update(type="website")),
    ("no group", lambda d: d["envVarGroups"][0].update(name="other")),
    ("holds values of its own", lambda d: d["envVarGroups"][0]["envVars"].append({"key": "A", "sync": False})),
    ("each name once", lambda d: d["services"][1].update(name="performate-worker")),
    ("it has no", lambda d: d["services"][0]["envVars"].pop(1)),
    ("one source", lambda d: d["services"][0]["envVars"].append({"key": "A"})),
    ("beside a value", lambda d: d["services"][0]["envVars"].append({"key": "A", "sync": False, "previewValue": "x"})),
    ("ipAllowList", lambda d: d["services"][3].pop("ipAllowList")),
    ("Input should be", lambda d: d["previews"].update(generation="always")),
]


@pytest.mark.parametrize(("said", "spoil"), WRONG, ids=[f"{n}-{said}" for n, (said, _) in enumerate(WRONG)])
def test_what_render_would_refuse_is_refused(said: str, spoil: Any) -> None:
    # parsed anew: what anchors share would be spoilt everywhere
    document = copy.deepcopy(yaml.safe_load(FILE.read_text()))
    document["services"] = [copy.deepcopy(service) for service in document["services"]]
    spoil(document)
    with pytest.raises(ValidationError, match=said):
        Blueprint.model_validate(document)
