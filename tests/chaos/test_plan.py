"""A seed draws the same run each time, and every run meets everything."""

import random
import signal
from collections import Counter

import pytest

from tests.chaos.fates import Fates
from tests.chaos.faults import MIXES, rules
from tests.chaos.plan import CRASH_POINTS, Fate, Upload, drawn

WORKERS = ("worker-a", "worker-b")


def test_a_seed_is_a_run() -> None:
    assert drawn(seed=7, jobs=40, workers=WORKERS, real=0.2) == drawn(seed=7, jobs=40, workers=WORKERS, real=0.2)
    assert drawn(seed=7, jobs=40, workers=WORKERS, real=0.2) != drawn(seed=8, jobs=40, workers=WORKERS, real=0.2)


@pytest.mark.parametrize("seed", range(20))
def test_a_short_run_meets_every_crash_point_and_every_process(seed: int) -> None:
    plan = drawn(seed=seed, jobs=40, workers=WORKERS, real=0.2)
    met = Counter(fate for upload in plan.uploads for fate in upload.fates)
    assert set(CRASH_POINTS) <= set(met)
    struck = {(blow.process, blow.signal) for blow in plan.blows}
    assert {("web", signal.SIGKILL), ("ingest", signal.SIGKILL)} <= struck
    assert {(name, signal.SIGTERM) for name in ("web", "ingest", *WORKERS)} <= struck
    assert {0, 1} <= {upload.completes for upload in plan.uploads}
    assert all(0 < blow.after <= 40 for blow in plan.blows)


def test_a_mix_hits_the_share_that_it_names() -> None:
    chance = random.Random(1)
    calls = [("sqs", "SendMessage"), ("sqs", "ReceiveMessage"), ("s3", "GetObject"), ("s3", "PutObject")]
    for service, operation in [*calls, ("dynamodb", "UpdateItem")]:
        hit = sum(_fires(service, operation, chance) for _ in range(20_000)) / 20_000
        assert hit == pytest.approx(MIXES["mix20"], abs=0.015), (service, operation)


def test_no_faults_are_no_rules() -> None:
    assert rules("none") == []


def test_a_fate_comes_once_and_in_its_order(tmp_path_factory: pytest.TempPathFactory) -> None:
    fates = Fates(folder=tmp_path_factory.mktemp("fates"))
    wanted = Upload(fates=(Fate.MID_EXTRACT, Fate.SCRATCH_FULL), completes=1, real=True)
    fates.foretell("an-id", wanted)
    assert not fates.comes("an-id", Fate.SCRATCH_FULL)
    assert fates.comes("an-id", Fate.MID_EXTRACT)
    assert not fates.comes("an-id", Fate.MID_EXTRACT)
    assert fates.comes("an-id", Fate.SCRATCH_FULL)
    assert not fates.comes("another", Fate.MID_EXTRACT)
    assert fates.is_real("an-id")
    assert fates.struck() == [("an-id", Fate.MID_EXTRACT), ("an-id", Fate.SCRATCH_FULL)]


def _fires(service: str, operation: str, chance: random.Random) -> bool:
    """As microburst decides: the first rule that matches and hits."""
    matching = [
        rule for rule in rules("mix20") if rule["service"] == service and rule.get("operation", operation) == operation
    ]
    return any(chance.random() < rule["probability"] for rule in matching)
