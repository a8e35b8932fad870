"""The stages of an analysis, in order."""

from consumer.stages.analyze import ANALYZE
from consumer.stages.download import DOWNLOAD
from consumer.stages.extract import EXTRACT
from consumer.stages.store import STORE

STAGES = (DOWNLOAD, EXTRACT, ANALYZE, STORE)
