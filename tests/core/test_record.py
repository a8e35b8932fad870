from core.error_codes import ErrorCode
from core.record import Record
from tests.fakes import AN_ID, a_record


def test_a_code_of_a_newer_version_is_still_a_failure() -> None:
    """After a rollback, records that the newer version wrote must stay readable."""
    written = a_record(AN_ID).model_dump(mode="json") | {"error_code": "INVENTED_NEXT_YEAR", "a_new_field": 1}
    assert Record.model_validate(written).error_code is ErrorCode.INTERNAL


def test_a_known_code_stays() -> None:
    written = a_record(AN_ID).model_dump(mode="json") | {"error_code": "VIDEO_TOO_LONG"}
    assert Record.model_validate(written).error_code is ErrorCode.VIDEO_TOO_LONG
