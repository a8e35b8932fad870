"""Every expression of rules and dashboards parses, and asks for nothing that nobody exposes."""

import asyncio
import json
import re
from collections.abc import Iterator

import promql_parser
import pytest
import yaml

from ops.dashboards.panels import BOARDS
from ops.dashboards.write import generated
from tests.alerts.known_metrics import everything, names_in
from tests.alerts.test_rules import RULES, rules

OF_PROMETHEUS = {"up"}


def recorded() -> dict[str, str]:
    groups = yaml.safe_load(RULES.read_text())["groups"]
    return {rule["record"]: rule["expr"] for group in groups for rule in group["rules"] if "record" in rule}


def expressions() -> Iterator[tuple[str, str]]:
    for name, rule in rules().items():
        yield f"alert {name}", rule["expr"]
    yield from ((f"rule {name}", expr) for name, expr in recorded().items())
    for board in BOARDS:
        for shown in board.shown:
            yield from ((f"{board.uid}: {shown.title}", query.expr) for query in shown.queries)


def metrics_of(expr: str) -> set[str]:
    """The metrics of an expression: what stands where a selector may, by the parser's own print of it."""
    found: set[str] = set()

    def walk(node: object) -> None:
        if isinstance(node, promql_parser.VectorSelector):
            found.add(str(node.name))
        for name in ("expr", "lhs", "rhs", "vector_selector"):
            child = getattr(node, name, None)
            if child is not None and not isinstance(child, str):
                walk(child)
        for argument in getattr(node, "args", None) or ():
            walk(argument)

    walk(promql_parser.parse(expr))
    return found


@pytest.fixture(scope="module")
def exposed(tmp_path_factory: pytest.TempPathFactory) -> str:
    return asyncio.run(everything(tmp_path_factory.mktemp("scratch")))


@pytest.fixture(scope="module")
def known(exposed: str) -> set[str]:
    return names_in(exposed) | set(recorded()) | OF_PROMETHEUS


@pytest.mark.parametrize(("where", "expr"), list(expressions()))
def test_every_expression_parses_and_asks_for_what_there_is(known: set[str], where: str, expr: str) -> None:
    asked = metrics_of(expr)
    assert asked <= known, where
    assert asked or expr == "vector(1)", where


def test_a_name_that_nobody_exposes_is_found() -> None:
    expr = 'histogram_quantile(0.9, sum by (le) (rate(a_bucket{x="b"}[5m]))) > 2 * max(c) and absent(d) or -e'
    assert metrics_of(expr) == {"a_bucket", "c", "d", "e"}


def test_the_dashboards_are_those_of_the_script() -> None:
    for path, text in generated().items():
        assert path.read_text() == text, f"{path.name}: run python -m ops.dashboards.write"
        assert json.loads(text)["panels"]
    assert {path.name for path in generated()} == {path.name for path in next(iter(generated())).parent.glob("*.json")}


def test_every_alert_s_dashboard_exists() -> None:
    there = {f"/d/{board.uid}" for board in BOARDS}
    assert {rule["annotations"]["dashboard"] for rule in rules().values()} <= there


def test_every_metric_of_ours_has_a_bounded_number_of_series(exposed: str) -> None:
    """No label is named after anything that grows."""
    labels = {name for line in exposed.splitlines() if "{" in line for name in re.findall(r'(\w+)="', line)}
    bounded = "breaker clip error_code failed_stage kind le outcome queue result stage status synthetic unit"
    assert labels <= set(bounded.split())
