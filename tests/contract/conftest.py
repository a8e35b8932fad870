"""One suite over several backends. Where one is known to be wrong, its tests must fail: they are listed here."""

import logging
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
from moto.server import ThreadedMotoServer

from core.ports import Objects, Records
from tests.contract.backends import Installation, QueueUnderTest, installed, objects_of, queue_of, records_of
from tests.emulator import Emulator

HERE = Path(__file__).parent

# backend -> test -> how it differs from AWS. Strict: a test that passes after all fails the run.
DIFFERENCES: dict[str, dict[str, str]] = {
    "ministack": {
        "test_a_message_whose_time_is_up_cannot_be_extended": "it extends until the message is received again",
    },
    "moto": {
        "test_a_message_whose_time_is_up_cannot_be_extended": "it extends whatever the time",
        "test_a_stale_receipt_extends_nothing": "an old receipt is as good as the newest",
        "test_a_stale_receipt_deletes_nothing": "an old receipt is as good as the newest",
        "test_an_upload_that_the_policy_forbids_is_refused": "it reads no upload policy",
        "test_an_upload_after_its_time_is_refused": "it reads no upload policy",
        "test_a_presigned_address_ends": "it looks at no signature and no time",
        "test_a_presigned_address_is_for_one_object": "it looks at no signature and no time",
        "test_another_version_is_not_copied": "it copies a part under any condition",
        "test_a_big_upload_is_one_event": "it sends one for each part, too",
    },
}

# backend -> test -> why it is right only sometimes
UNSTEADY: dict[str, dict[str, str]] = {
    "moto": dict.fromkeys(
        ("test_one_of_twenty_racing_claims_wins", "test_of_many_one_takes_it", "test_of_many_writers_one_wins"),
        "its threads look and write without a lock between",
    ),
}

# One loop and one set of clients for the session: to open them for each test would take longer than the tests.
shared = pytest_asyncio.fixture(scope="session", loop_scope="session")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if not isinstance(item, pytest.Function) or not item.path.is_relative_to(HERE):
            continue
        callspec = getattr(item, "callspec", None)
        backend = callspec.params.get("backend", "") if callspec else ""
        if reason := DIFFERENCES.get(backend, {}).get(item.originalname):
            item.add_marker(pytest.mark.xfail(reason=reason, strict=True))
        if reason := UNSTEADY.get(backend, {}).get(item.originalname):
            item.add_marker(pytest.mark.xfail(reason=reason, strict=False))


@pytest.fixture(scope="session")
def moto_url() -> Iterator[str]:
    logging.getLogger("werkzeug").setLevel(logging.WARNING)  # it logs each request
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(params=["fakes", "ministack", "moto"])
def backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@shared
async def ministack(emulator: Emulator) -> AsyncIterator[Installation]:
    async with installed(emulator.url) as found:
        yield found


@shared
async def moto(moto_url: str) -> AsyncIterator[Installation]:
    async with installed(moto_url) as found:
        yield found


@pytest.fixture
def installation(backend: str, request: pytest.FixtureRequest) -> Installation | None:
    """None for the fakes. Only what the tests need is started."""
    found: Installation | None = None if backend == "fakes" else request.getfixturevalue(backend)
    return found


@pytest.fixture
def objects(installation: Installation | None) -> Objects:
    return objects_of(installation)


@pytest.fixture
def records(installation: Installation | None) -> Records:
    return records_of(installation)


@pytest_asyncio.fixture(loop_scope="session")
async def under_test(installation: Installation | None) -> QueueUnderTest:
    return await queue_of(installation)


@pytest.fixture
def cloud(installation: Installation | None) -> Installation:
    """For tests that the fakes have no part in: `only_clouds` leaves them out."""
    assert installation is not None
    return installation
