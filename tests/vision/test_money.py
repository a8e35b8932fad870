"""What it costs, how fast it may be asked, and which grades there are: plain arithmetic."""

import pytest

from consumer.engine.clock import SystemClock
from consumer.vision.answer import Tokens
from consumer.vision.grades import SCALES, System, is_range
from consumer.vision.money import cost, estimate, picture_tokens
from consumer.vision.pace import Pace, duration
from consumer.vision.prompt import Sheet
from consumer.vision.shots import shown
from consumer.vision.transport import seconds
from core.prices import Price, prices_of
from core.settings import Settings, load_settings
from tests.vision.rig import a_measurement

PRICES = prices_of(Settings(bucket="b", _env_file=None).vision_prices)


def test_the_price_of_an_answer_counts_what_was_cached_for_less() -> None:
    tokens = Tokens(input=3600, cached=1600, output=1200)
    assert cost("gpt-5.4-mini-2026-03-17", tokens, PRICES) == pytest.approx((2000 * 0.75 + 1600 * 0.075 + 5400) / 1e6)
    assert cost("gpt-5.5-2026-04-23", tokens, PRICES) == pytest.approx((10_000 + 800 + 36_000) / 1e6)


def test_a_model_that_nobody_has_a_price_for_costs_null_and_not_nothing() -> None:
    assert cost("llava", Tokens(input=10, output=10), PRICES) is None


@pytest.mark.parametrize("text", ["gpt", "gpt=1", "gpt=1/2", "=1/2/3", "gpt=a/b/c", "gpt=-1/0/0", "gpt=nan/0/0"])
def test_a_wrong_price_is_refused_at_the_start(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        load_settings({"BUCKET": "b", "VISION_PRICES": text})
    assert "not MODEL=IN/CACHED/OUT" in capsys.readouterr().err


def test_a_budget_that_cannot_be_counted_is_refused_at_the_start(capsys: pytest.CaptureFixture[str]) -> None:
    given = {"BUCKET": "b", "OPENAI_API_KEY": "sk", "VISION_BUDGET_USD": "5", "VISION_MODEL": "llava"}
    with pytest.raises(SystemExit):
        load_settings(given)
    assert "VISION_BUDGET_USD needs a price" in capsys.readouterr().err
    assert load_settings({**given, "VISION_PRICES": "llava=0/0/0"}).vision_on


@pytest.mark.parametrize(
    ("given", "on"), [({}, False), ({"OPENAI_API_KEY": "sk"}, True), ({"OPENAI_BASE_URL": "http://127.0.0.1"}, True)]
)
def test_without_key_and_address_there_is_no_model(given: dict[str, str], *, on: bool) -> None:
    settings = load_settings({"BUCKET": "b", **given})
    assert settings.vision_on is on
    assert "sk" not in settings.masked()["openai_api_key"]


@pytest.mark.parametrize(
    ("size", "tokens"), [((288, 512), 173), ((432, 768), 404), ((1024, 1024), 1229), ((4000, 4000), 1844), ((1, 1), 2)]
)
def test_a_picture_costs_by_its_patches(size: tuple[int, int], tokens: int) -> None:
    assert picture_tokens(*size) == tokens


def test_an_estimate_counts_text_and_pictures() -> None:
    (frame, *_) = shown(a_measurement(), blur=False)
    sheets = [Sheet(shown=frame, jpeg=b"", size=(288, 512))] * 12
    body = {"messages": ["x" * 5988, "data:image/jpeg;base64," + "A" * 100_000], "model": "12345"}
    found = estimate(body, sheets, Price(input=1.0, cached=0.1, output=10.0))
    assert (found.pictures, found.input_tokens, found.output_tokens) == (12, 1501 + 12 * 173, 1200)
    assert found.usd == pytest.approx((found.input_tokens + 12_000) / 1e6, abs=1e-4)
    assert estimate(body, sheets, None).usd is None


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("1s", 1),
        ("6m0s", 360),
        ("20ms", 0.02),
        ("1h2m", 3720),
        ("1.5s", 1.5),
        ("7", 7),
        ("", 0),
        ("soon", 0),
        ("-1s", 0),
    ],
)
def test_a_reset_is_read_in_every_form(text: str, found: float) -> None:
    assert duration(text) == pytest.approx(found)


@pytest.mark.parametrize(
    ("text", "found"),
    [("0", 0), ("2.5", 2.5), (None, None), ("-1", None), ("inf", None), ("nan", None), ("Wed, 01 Jan", None)],
)
def test_a_retry_after_is_read_in_seconds(text: str | None, found: float | None) -> None:
    assert seconds(text) == found


async def test_a_pace_is_kept_and_never_for_ever() -> None:
    pace = Pace(SystemClock())
    pace.heard({"x-ratelimit-remaining-requests": "1", "x-ratelimit-reset-requests": "9s"}, tokens=10)
    assert pace.wait_s == 0
    pace.heard({"x-ratelimit-remaining-tokens": "9", "x-ratelimit-reset-tokens": "9s"}, tokens=10)
    assert 8 < pace.wait_s <= 9
    pace.hold(1e9)
    assert 599 < pace.wait_s <= 600


@pytest.mark.parametrize(
    ("low", "high", "system", "found"),
    [
        ("6a", "6B+", "fontainebleau", True),
        ("6a", "6a", "fontainebleau", True),
        ("V2", "V10", "v", True),
        ("VB", "V0", "v", True),
        ("VII-", "VIII+", "uiaa", True),
        ("5.9", "5.10a", "yds", True),
        ("5.12d", "5.9", "yds", False),
        ("V4", "V2", "v", False),
        ("6a", "V4", "fontainebleau", False),
        ("hard", "harder", "uiaa", False),
        ("5.10", "5.11", "yds", False),
    ],
)
def test_a_difficulty_is_a_range_of_one_system(low: str, high: str, system: System, *, found: bool) -> None:
    assert is_range(low, high, system) is found


@pytest.mark.parametrize("system", SCALES)
def test_a_scale_names_each_grade_once(system: System) -> None:
    assert len(set(SCALES[system])) == len(SCALES[system])
