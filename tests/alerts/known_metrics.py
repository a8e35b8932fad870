"""All that our processes expose, from their registries themselves."""

from pathlib import Path

from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from consumer.engine.clock import SystemClock
from consumer.figures import Figures
from consumer.metrics import TallyCollector, exposition, registry_of
from consumer.scratch import open_scratch
from consumer.vision.spending import Tally
from core.verdicts import Archive
from prober.figures import Figures as ProberFigures
from service.metrics import Metrics
from service.pipeline import Pipeline
from service.probe_figures import ProbeCollector
from tests.engine.rig import TinyHandler, a_breaker, make_engine, make_setup, nothing
from tests.fakes import MOMENT, FakeQueue
from tests.fakes.verdicts import FakeVerdicts
from tests.prober.examples import a_board, a_run
from tests.service.world import settings


def web_text(verdicts: Pipeline) -> str:
    metrics = Metrics()
    metrics.watch(ProbeCollector(verdicts, settings(), now=lambda: MOMENT))
    return metrics.exposition().decode()


async def a_pipeline() -> Pipeline:
    verdicts = FakeVerdicts()
    board = await verdicts.swap(seen=None, wanted=a_board(a_run("fail")))
    assert board is not None
    await verdicts.keep(Archive(runs=(a_run("fail"), a_run())), token=1)
    pipeline = Pipeline(verdicts, settings().cadence)
    await pipeline.seen()
    return pipeline


async def consumer_text(folder: Path) -> str:
    figures = Figures()
    engine = make_engine(make_setup(FakeQueue()), TinyHandler(run=nothing), breaker=a_breaker())
    with open_scratch(folder, budget=1000) as scratch:
        figures.watch_scratch(scratch, largest=300)
        figures.watch_breaker(engine.breaker)
        figures.watch_fleet(SystemClock())
        tally = Tally(budget=("2026-11-24", 0.5))
        figures.registry.register(TallyCollector(tally, SystemClock()))
        return exposition(registry_of(engine.vitals, figures)).decode()


def prober_text() -> str:
    return generate_latest(ProberFigures().registry).decode()


async def everything(folder: Path) -> str:
    """Of a web process, of a worker, of a prober."""
    return web_text(await a_pipeline()) + await consumer_text(folder) + prober_text()


def names_in(text: str) -> set[str]:
    """Families and their samples: a histogram without a sample has its `_bucket` all the same."""
    found = set()
    for family in text_string_to_metric_families(text):
        suffixes = {"histogram": ("_bucket", "_count", "_sum"), "counter": ("_total",)}.get(family.type, ("",))
        found |= {family.name + suffix for suffix in suffixes} | {sample.name for sample in family.samples}
    return found
