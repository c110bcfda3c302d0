"""Figures that three provinces published, as reference data of tests: one row a figure, with its inconsistencies."""

from collections.abc import Mapping
from pathlib import Path

from services.runtime.catalog import table

Fact = Mapping[str, str]

FACTS: tuple[Fact, ...] = tuple(table.rows((Path(__file__).parent / "facts.csv").read_text(encoding="utf-8")))
