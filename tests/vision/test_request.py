"""What is sent: the exact JSON for a fixed input is a file, so that every change of the prompt is seen in review.

`python -m tests.vision.test_request` writes the files anew; PROMPT_VERSION goes up with them.
"""

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from consumer.vision.describe import wanted
from consumer.vision.profiles import profile_of
from consumer.vision.prompt import PROMPT_VERSION, Sheet, grounds_of, repair_body, request_body
from consumer.vision.said import Grounds, form
from consumer.vision.shots import LEAST, MOST, shown
from core.record import Language
from core.result import Frame, Joint, Measurement, Sport
from core.settings import Settings
from tests.model_server import a_reply
from tests.vision.rig import a_measurement, a_skeleton, metrics

GOLDEN = Path(__file__).parent / "golden"
JPEG = b"\xff\xd8\xff the picture of this frame \xff\xd9"
CASES: dict[str, tuple[Sport, Language, dict[str, str]]] = {
    "bouldering_en_openai": (Sport.BOULDERING, "en", {"openai_api_key": "sk-secret"}),
    "climbing_de_own_server": (Sport.CLIMBING, "de", {"openai_base_url": "http://127.0.0.1:8000/v1"}),
    "skiing_en_openai": (Sport.SKIING, "en", {"openai_api_key": "sk-secret"}),
    "motocross_de_openai": (Sport.MOTOCROSS, "de", {"openai_api_key": "sk-secret"}),
    "mountainbike_en_openai": (Sport.MOUNTAINBIKE, "en", {"openai_api_key": "sk-secret"}),
}


def request(case: str) -> dict[str, Any]:
    sport, language, given = CASES[case]
    settings = Settings(bucket="b", _env_file=None, **given)
    measured = a_measurement() if sport.is_climb else a_measurement(metrics={"speed_p50": metrics()["gie"]}, events=())
    sheets = [Sheet(shown=one, jpeg=JPEG, size=(288, 512)) for one in shown(measured, blur=False)]
    return request_body(measured, sheets, sport=sport, language=language, wanted=wanted(settings))


def golden(case: str) -> str:
    return json.dumps({"prompt_version": PROMPT_VERSION, "request": request(case)}, indent=1, ensure_ascii=False) + "\n"


@pytest.mark.parametrize("case", CASES)
def test_the_request_is_the_one_that_was_reviewed(case: str) -> None:
    kept = (GOLDEN / f"{case}.json").read_text()
    assert golden(case) == kept, "raise PROMPT_VERSION, then run: python -m tests.vision.test_request"


@pytest.mark.parametrize("case", CASES)
def test_nothing_that_a_user_typed_and_no_key_is_in_it(case: str) -> None:
    text = json.dumps(request(case))
    assert "sk-secret" not in text
    assert '"store": false' in text
    assert "tools" not in request(case)


def test_detail_is_said_only_to_the_server_that_knows_it() -> None:
    assert '"detail"' in json.dumps(request("bouldering_en_openai"))
    assert '"detail"' not in json.dumps(request("climbing_de_own_server"))


@pytest.mark.parametrize("case", CASES)
def test_the_form_is_a_strict_schema_that_holds_the_real_ids(case: str) -> None:
    body = request(case)
    schema = body["response_format"]["json_schema"]["schema"]
    assert body["response_format"]["json_schema"]["strict"] is True
    Draft202012Validator.check_schema(schema)
    form_of = Draft202012Validator(schema)
    assert form_of.is_valid(a_reply(body))
    for wrong in (
        {**a_reply(body), "score": 100},
        {"claims": []},
        a_reply(body, {**a_reply(body)["claims"][0], "frame_ids": ["f99"]}),
        a_reply(body, {**a_reply(body)["claims"][0], "metric_ids": ["score"]}),
    ):
        assert not form_of.is_valid(wrong)
    assert all(is_strict(node) for node in objects(schema))


def objects(node: object) -> list[dict[str, Any]]:
    if isinstance(node, dict):
        own = [node] if node.get("type") == "object" else []
        return own + [found for inner in node.values() for found in objects(inner)]
    return [found for inner in node for found in objects(inner)] if isinstance(node, list) else []


def is_strict(node: dict[str, Any]) -> bool:
    """As OpenAI wants it: every property required, none besides."""
    return node["additionalProperties"] is False and set(node["required"]) == set(node["properties"])


def test_where_nothing_was_measured_nothing_can_be_cited_but_frames() -> None:
    schema = form(Grounds(frame_ids=("f00",), metric_ids=(), graded=False))
    claims = Draft202012Validator(schema)
    claim = {"kind": "tip", "text": "x", "frame_ids": ["f00"], "metric_ids": [], "confidence": 1}
    assert claims.is_valid({"claims": [claim], "difficulty": None})
    assert not claims.is_valid({"claims": [{**claim, "metric_ids": ["gie"]}], "difficulty": None})
    assert not claims.is_valid({"claims": [], "difficulty": {}})


def test_a_repair_is_the_same_question_again() -> None:
    body = request("bouldering_en_openai")
    again = repair_body(body, "nonsense", "claims: missing")
    assert {**again, "messages": again["messages"][:2]} == body
    assert "claims: missing" in again["messages"][3]["content"]
    assert len(repair_body(body, "x" * 10**6, "")["messages"][2]["content"]) == 10_000


@pytest.mark.parametrize("sport", Sport)
def test_every_sport_has_its_own_profile(sport: Sport) -> None:
    profile = profile_of(sport)
    assert profile.graded is sport.is_climb
    others = [profile_of(other).scene for other in Sport if other is not sport]
    assert profile.scene not in others


def test_only_metrics_with_a_value_are_grounds() -> None:
    measured = a_measurement()
    grounds = grounds_of(measured, shown(measured, blur=False), Sport.BOULDERING)
    assert grounds.metric_ids == ("gie", "height_gain")
    assert grounds.frame_ids == ("f00", "f01", "f02", "e02", "f03", "f04")


def frames(chosen: int, even: int) -> tuple[Frame, ...]:
    one = a_measurement().frames[0]
    reasons = [("placement", "f")] * chosen + [("even", "e")] * even
    return tuple(
        one.model_copy(update={"id": f"{letter}{at:02d}", "t": at * 0.5, "why": why})
        for at, (why, letter) in enumerate(reasons)
    )


@pytest.mark.parametrize(
    ("chosen", "even", "sent"),
    [(12, 5, 12), (3, 5, LEAST), (0, 5, 5), (30, 0, MOST - 1), (6, 1, 7)],
)
def test_so_many_frames_are_shown_and_the_whole_wall(chosen: int, even: int, sent: int) -> None:
    measured = a_measurement(frames=frames(chosen, even), skeletons=())
    found = shown(measured, blur=False)
    close = [one for one in found if not one.whole]
    times = [one.frame.t for one in found]
    assert times == sorted(times)
    assert len({one.frame.id for one in found}) == sent
    assert found[0].whole
    assert len(close) <= sent


def test_a_close_up_holds_the_whole_body_and_a_margin() -> None:
    (_, start, *_) = shown(a_measurement(), blur=False)
    # x 0.45 to 0.55, y 0.2 to 0.8, and three tenths of that on each side
    assert start.shot.box == (0.42, 0.02, 0.58, 0.98)
    assert start.shot.blur is None


def test_without_a_body_it_is_cut_round_the_hips_and_without_those_it_is_whole() -> None:
    by_id = {one.frame.id: one for one in shown(a_measurement(), blur=False) if not one.whole}
    assert by_id["f03"].shot.box == (0.0, 0.06, 1.0, 0.98)
    nobody = shown(a_measurement(skeletons=(), track=()), blur=False)
    assert all(one.whole and one.shot.box == (0, 0, 1, 1) for one in nobody)


def test_with_faces_blurred_no_frame_goes_out_whose_head_is_not_known() -> None:
    measured = a_measurement()
    found = shown(measured, blur=True)
    assert {one.frame.id for one in found} == {"f00", "f01", "f02", "e02", "f04"}
    assert all(one.shot.blur is not None and not one.whole for one in found)
    unsure = tuple(a_skeleton(frame, confidence=0.3) for frame in measured.frames)
    assert shown(a_measurement(skeletons=unsure), blur=True) == ()


def test_the_head_is_round_the_nose_and_as_large_as_the_torso_says() -> None:
    (first, *_) = shown(a_measurement(), blur=True)
    assert first.shot.blur is not None
    x0, y0, x1, y1 = first.shot.blur
    # the torso is 0.2 of the height; 1,080 by 1,920 pixels
    assert (y1 - y0, (x1 - x0) * 1080 / 1920) == pytest.approx((0.18, 0.18), abs=0.003)
    assert ((x0 + x1) / 2, (y0 + y1) / 2) == pytest.approx((0.5, 0.2), abs=0.002)


def test_a_frame_beside_the_wall_is_cut_at_the_pictures_edge() -> None:
    measured: Measurement = a_measurement()
    skeleton = a_skeleton(measured.frames[0])
    aside = skeleton.model_copy(update={"joints": tuple(_left(joint) for joint in skeleton.joints)})
    found = shown(a_measurement(skeletons=(aside,)), blur=False)
    box = next(one for one in found if one.frame.id == "f00" and not one.whole).shot.box
    assert box[0] == 0.0
    assert all(0 <= value <= 1 for value in box)


def _left(joint: Joint) -> Joint:
    return joint.model_copy(update={"x": joint.x - 0.5})


if __name__ == "__main__":
    GOLDEN.mkdir(exist_ok=True)
    for name in CASES:
        (GOLDEN / f"{name}.json").write_text(golden(name))
    sys.exit(0)
