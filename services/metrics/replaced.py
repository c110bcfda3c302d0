"""What another catalog may change in the records of a KPI, as long as not all of them are judged by it."""

from typing import NamedTuple

from services.metrics.definition import Definition
from services.runtime.catalog.rejudging import Touched


class Replaced(NamedTuple):
    """`former`: the definition by which all records were judged last; None where it is not kept. `touched`: what the
    one in force may judge otherwise. `between`: some may have been judged by catalogs between these two."""

    former: Definition | None
    touched: Touched
    between: bool = False
