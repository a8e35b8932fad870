import pytest

from consumer.engine.policy import DeadLetter, Fail, Retry, policy_of_catalogue
from core.error_codes import ErrorCode
from core.failure import Failure
from tests.engine.rig import half

POLICY = policy_of_catalogue(max_tries=3)


def test_a_fault_of_the_file_is_permanent() -> None:
    failure = Failure(ErrorCode.UNSUPPORTED_CODEC, "wmv3")
    assert POLICY.decide(failure, tries=1, receives=1, chance=half) == Fail(failure=failure)


def test_a_passing_fault_is_tried_again_and_uses_up_a_try() -> None:
    decision = POLICY.decide(Failure(ErrorCode.STORAGE_UNAVAILABLE), tries=2, receives=2, chance=half)
    assert decision == Retry(delay_s=1 + 0.5 * 19, counts=True)


@pytest.mark.parametrize("code", [ErrorCode.DECODER_CRASHED, ErrorCode.DECODER_TIMEOUT])
def test_what_breaks_the_decoder_is_tried_once_more_and_no_oftener(code: ErrorCode) -> None:
    failure = Failure(code, "ended with -11")
    assert POLICY.decide(failure, tries=1, receives=1, chance=half) == Retry(delay_s=5.5, counts=True)
    assert POLICY.decide(failure, tries=2, receives=2, chance=half) == Fail(failure=failure)
    once = policy_of_catalogue(max_tries=1)
    assert once.decide(failure, tries=1, receives=1, chance=half) == Fail(failure=failure)


def test_the_last_try_ends_in_the_dead_letter_queue_and_keeps_its_cause() -> None:
    decision = POLICY.decide(Failure(ErrorCode.DOWNLOAD_FAILED, "cut"), tries=3, receives=3, chance=half)
    assert isinstance(decision, DeadLetter)
    assert decision.failure.code is ErrorCode.RETRIES_EXHAUSTED
    assert decision.failure.detail == "try 3 of 3: DOWNLOAD_FAILED: cut"


def test_a_full_disk_uses_up_no_try() -> None:
    decision = POLICY.decide(Failure(ErrorCode.SCRATCH_FULL), tries=9, receives=9, chance=half)
    assert isinstance(decision, Retry)
    assert not decision.counts
