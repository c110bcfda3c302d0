"""What another catalog may change in the records of a KPI, as long as not all of them are judged by it."""

from typing import NamedTuple

from services.metrics.definition import Definition
from services.runtime.catalog.rejudging import Touched


class Replaced(NamedTuple):
    """`former`: the definition by which the records were judged; None where it is not kept. `touched`: what the one in
    force may judge otherwise."""

    former: Definition | None
    touched: Touched
