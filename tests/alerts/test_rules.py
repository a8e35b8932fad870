"""Every rule of ops/alerts under promtool: an alert that never fired in a test is none."""

import json
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.alerts.cases import KINDS, Case, cases
from tests.alerts.prometheus import ROOT, needed

ALERTS = ROOT / "ops" / "alerts"
RULES = ALERTS / "performate.rules.yml"
CASES = list(cases())
EVALUATED = {
    "AnalysisErrorBudgetSlow": "10m",
    "AnalysisErrorBudgetMedium": "5m",
    "HttpErrorBudgetSlow": "5m",
}
"""How often, where a case takes hours or days."""
ALWAYS = {"Watchdog"}
"""Fires whatever happens: it has neither quiet nor end."""


def rules() -> Mapping[str, Mapping[str, Any]]:
    groups = yaml.safe_load(RULES.read_text())["groups"]
    return {rule["alert"]: rule for group in groups for rule in group["rules"] if "alert" in rule}


def _told(text: str, labels: Mapping[str, str]) -> str:
    """A template's text, as far as ours go."""
    return re.sub(r"\{\{ \$labels\.(\w+) \}\}", lambda found: labels[found[1]], text)


def _expected(case: Case) -> list[dict[str, Any]]:
    rule = rules()[case.alert]
    return [
        {
            "exp_labels": {**rule["labels"], **labels},
            "exp_annotations": {name: _told(text, labels) for name, text in rule["annotations"].items()},
        }
        for labels in case.firing
    ]


def _unit_test(case: Case) -> dict[str, Any]:
    return {
        "name": f"{case.alert}: {case.kind}",
        "interval": case.interval,
        "input_series": [{"series": name, "values": values} for name, values in case.series.items()],
        "alert_rule_test": [{"eval_time": case.at, "alertname": case.alert, "exp_alerts": _expected(case)}],
    }


def _only(alert: str) -> dict[str, Any]:
    """The rules that this alert needs: promtool evaluates every rule in every minute of every case."""
    groups = yaml.safe_load(RULES.read_text())["groups"]
    text = rules()[alert]["expr"]
    kept = [
        rule
        for group in groups
        for rule in group["rules"]
        if rule.get("alert") == alert or re.search(rf"{rule.get('record', '-')}\b", text)
    ]
    return {"groups": [{"name": alert, "rules": kept}]}


def verdict(tests: list[Case], folder: Path) -> tuple[int, str]:
    """promtool's exit code, and what it said, on cases of one alert."""
    rules_file, path = folder / "rules.yml", folder / "tests.yml"
    # JSON is YAML
    rules_file.write_text(json.dumps(_only(tests[0].alert)))
    wanted = {"rule_files": [rules_file.name], "tests": [_unit_test(case) for case in tests]}
    path.write_text(json.dumps({**wanted, "evaluation_interval": EVALUATED.get(tests[0].alert, "1m")}))
    done = subprocess.run([needed("promtool"), "test", "rules", path], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


@pytest.mark.timeout(120)
@pytest.mark.parametrize("alert", rules())
def test_every_rule_does_what_its_cases_say(tmp_path: Path, alert: str) -> None:
    code, said = verdict([case for case in CASES if case.alert == alert], tmp_path)
    assert code == 0, said


@pytest.mark.timeout(120)
def test_promtool_tells_a_wrong_case(tmp_path: Path) -> None:
    """What is above is worth nothing if promtool agrees with everything."""
    fires = next(case for case in CASES if case.alert == "NoConsumers" and case.kind == "fires")
    code, said = verdict([Case(alert=fires.alert, kind="wrong", at=fires.at, series=fires.series)], tmp_path)
    assert code != 0
    assert "NoConsumers" in said


def test_every_rule_has_every_kind_of_case() -> None:
    missing = {(alert, kind) for alert in rules() for kind in KINDS} - {(case.alert, case.kind) for case in CASES}
    assert missing == {(alert, kind) for alert in ALWAYS for kind in ("stays quiet", "resolves", "low traffic")}
    assert {case.alert for case in CASES} == set(rules())


def test_every_alert_says_how_bad_whose_and_where_to_begin() -> None:
    for name, rule in rules().items():
        assert rule["labels"]["severity"] in ("page", "ticket", "none"), name
        assert rule["labels"]["owner"] in ("operator", "developer", "provider"), name
        assert set(rule["annotations"]) == {"summary", "description", "runbook", "dashboard"}, name


def test_the_configurations_that_are_given_as_examples_are_valid() -> None:
    for name in ("prometheus.example.yml",):
        done = subprocess.run([needed("promtool"), "check", "config", ALERTS / name], capture_output=True, check=False)
        assert done.returncode == 0, done.stderr
