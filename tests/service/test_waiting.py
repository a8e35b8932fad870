import pytest

from service.waiting import wished_wait


@pytest.mark.parametrize(
    ("prefer", "seconds"),
    [
        ((), None),
        (("",), None),
        (("wait=0",), 0),
        (("wait=30",), 30),
        (("respond-async, wait=10",), 10),
        (("respond-async", "WAIT = 7"), 7),
        (('wait="5"',), 5),
        (("wait=5; foo=bar",), 5),
        (("wait=61",), 60),
        (("wait=999999999",), 60),
        (("wait=-1",), None),
        (("wait=1.5",), None),
        (("wait=" + "9" * 4000,), None),
        (("wait=\u0663",), 3),
        (("await=5",), None),
        (("wait=x, wait=4",), 4),
    ],
)
def test_the_first_good_wait_counts(prefer: tuple[str, ...], seconds: int | None) -> None:
    assert wished_wait(prefer) == seconds
