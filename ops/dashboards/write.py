"""`python -m ops.dashboards.write`: writes ops/dashboards/*.json from panels.py, for Grafana's import or provisioning.

Needs the SDK of the `test` extra; nothing that runs in production imports this.
"""

import json
import sys
from collections.abc import Mapping
from pathlib import Path

from grafana_foundation_sdk.builders import common, dashboard, prometheus, stat, timeseries
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import dashboard as models
from grafana_foundation_sdk.models.common import GraphTresholdsStyleMode

from ops.dashboards.panels import BOARDS, Board, Shown

FOLDER = Path(__file__).parent
SOURCE = models.DataSourceRef(type_val="prometheus", uid="${datasource}")
HEIGHT, WIDTH = 8, 8


def grafana(board: Board) -> str:
    """The dashboard as JSON text. Its datasource is a variable: any Prometheus of the importing Grafana."""
    built = (
        dashboard.Dashboard(board.title)
        .uid(board.uid)
        .tags(["performate"])
        .refresh("1m")
        .time("now-6h", "now")
        .timezone("utc")
        .with_variable(dashboard.DatasourceVariable("datasource").type("prometheus").label("Prometheus"))
    )
    for shown in board.shown:
        built = built.with_panel(_panel(shown))
    return json.dumps(built.build(), cls=JSONEncoder, indent=1, sort_keys=True) + "\n"


def _panel(shown: Shown) -> timeseries.Panel | stat.Panel:
    panel = stat.Panel() if shown.stat else timeseries.Panel()
    panel.title(shown.title).unit(shown.unit).datasource(SOURCE).height(HEIGHT).span(WIDTH)
    if shown.about:
        panel.description(shown.about)
    for at, query in enumerate(shown.queries):
        target = prometheus.Dataquery().expr(query.expr).legend_format(query.legend).ref_id(chr(ord("A") + at))
        panel.with_target(target)
    if shown.line is not None:
        panel.thresholds(_red_from(shown.line))
        if isinstance(panel, timeseries.Panel):
            style = common.GraphThresholdsStyleConfig().mode(GraphTresholdsStyleMode.LINE)
            panel.thresholds_style(style)
    return panel


def _red_from(value: float) -> dashboard.ThresholdsConfig:
    steps = [models.Threshold(value=None, color="green"), models.Threshold(value=value, color="red")]
    return dashboard.ThresholdsConfig().mode(models.ThresholdsMode.ABSOLUTE).steps(steps)


def generated() -> Mapping[Path, str]:
    """What each generated file should hold."""
    return {FOLDER / f"{board.uid}.json": grafana(board) for board in BOARDS}


def main() -> int:
    for path, text in generated().items():
        path.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
