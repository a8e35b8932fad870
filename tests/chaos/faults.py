"""What is wrong with AWS in a run: rules for microburst, by the share of calls that they hit. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

Rule = Mapping[str, Any]

MIXES: Mapping[str, float] = {"none": 0.0, "light": 0.04, "mix20": 0.20}
"""The share of all calls that something goes wrong with."""

# an upload whose body the proxy has taken in, or a reply that never comes back although the work was done
CUT_REPLY = {"response": {"abort_frac": 0.0}}
CUT_BODY = {"response": {"abort_frac": 0.3}}
CUT_UPLOAD = {"request": {"cut_upload": {"after_frac": 0.5}}}
LATENCY = {"latency": {"min": 100, "max": 2000}}
RESET = {"reset": True}


def rules(mix: str) -> Sequence[Rule]:
    """In each service the weights are parts of the mix's share."""
    share = MIXES[mix]
    if not share:
        return []
    return [rule for service, faults in _FAULTS.items() for rule in _spread(service, faults, share)]


def _spread(service: str, faults: Sequence[tuple[str | None, float, Rule]], share: float) -> Sequence[Rule]:
    """microburst draws for one rule after the other and takes the first that hits, so the later ones of a list see
    fewer calls: their probabilities are raised by as much. A rule without operation is for all of the service."""
    found: list[Rule] = []
    left: dict[str | None, float] = {None: 1.0}
    for operation, weight, effect in faults:
        remaining = left.get(operation, left[None])
        wanted = share * weight
        rule = {"service": service, "probability": wanted / remaining, **effect}
        found.append(rule if operation is None else {**rule, "operation": operation})
        if operation is None:
            left = {name: value - wanted for name, value in left.items()}
        else:
            left[operation] = remaining - wanted
    return found


def _error(code: str, status: int) -> Rule:
    # SQS throttles are 400 in microburst, which is not like AWS: botocore tries none of these again
    return {"error": {"code": code, "status": status}}


_FAULTS: Mapping[str, Sequence[tuple[str | None, float, Rule]]] = {
    "sqs": (
        (None, 0.20, LATENCY),
        (None, 0.20, _error("InternalError", 500)),
        (None, 0.20, _error("RequestThrottled", 503)),
        (None, 0.15, RESET),
        # everything else that an operation suffers is a reply that is cut: a duplicate, a ghost receive, a delete
        # that worked and seems not to have
        ("SendMessage", 0.25, CUT_REPLY),
        ("ReceiveMessage", 0.25, CUT_REPLY),
        ("DeleteMessageBatch", 0.25, CUT_REPLY),
        ("ChangeMessageVisibility", 0.25, CUT_REPLY),
    ),
    "s3": (
        (None, 0.20, LATENCY),
        (None, 0.20, _error("InternalError", 500)),
        (None, 0.20, _error("SlowDown", 503)),
        (None, 0.10, RESET),
        ("GetObject", 0.30, CUT_BODY),
        ("PutObject", 0.15, CUT_UPLOAD),
        ("PutObject", 0.15, CUT_REPLY),
    ),
    "dynamodb": (
        (None, 0.20, LATENCY),
        (None, 0.20, _error("InternalServerError", 500)),
        (None, 0.25, _error("ProvisionedThroughputExceededException", 400)),
        (None, 0.10, RESET),
        (None, 0.25, CUT_REPLY),
    ),
}
