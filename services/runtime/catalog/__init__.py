"""What every service needs to know of the catalog: units, targets, calendars, people, publishers, rules.

Pure, apart from `loader` (reads a folder) and `stream` (reads and writes `catalog.v1`).
"""

from services.runtime.catalog.calendar import Calendar
from services.runtime.catalog.catalog import Catalog
from services.runtime.catalog.periods import Period
from services.runtime.catalog.succession import Lineage
from services.runtime.catalog.tree import OrgTree

__all__ = ["Calendar", "Catalog", "Lineage", "OrgTree", "Period"]
