"""`tiendo catalog check`: every mistake of a catalog in one go, with file, line and what to write instead.

A service asks too, of what it was sent: whoever wrote to the topic may not have checked first.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from contracts.catalog import CatalogObject
from services.runtime.catalog.checks.ambition import check_ambition
from services.runtime.catalog.checks.context import Context
from services.runtime.catalog.checks.derivations import check_derivations
from services.runtime.catalog.checks.escalation import check_escalation
from services.runtime.catalog.checks.kpis import check_calendars, check_kpis, check_province
from services.runtime.catalog.checks.people import check_people, check_publishers, check_rules
from services.runtime.catalog.checks.successions import check_successions
from services.runtime.catalog.checks.targets import check_targets
from services.runtime.catalog.checks.tree import check_any_units, check_units
from services.runtime.catalog.loader import Folder, load_folder
from services.runtime.catalog.problems import NOTHING, Located, Problem, Words

CHECKS: tuple[Callable[[Context], Iterator[Problem]], ...] = (
    check_province,
    check_calendars,
    check_any_units,
    check_units,
    check_successions,
    check_kpis,
    check_derivations,
    check_targets,
    check_ambition,
    check_people,
    check_publishers,
    check_rules,
    check_escalation,
)


COMPUTED_WITH: tuple[Callable[[Context], Iterator[Problem]], ...] = (
    check_calendars,
    check_units,
    check_successions,
    check_kpis,
    check_derivations,
    check_targets,
)
"""What figures depend on. An error here makes them wrong, so that a service refuses the catalog."""


@dataclass(frozen=True, slots=True)
class Checked:
    """A folder that was read and checked. With errors it must not be applied; with warnings it may."""

    folder: Folder
    errors: tuple[Problem, ...]
    warnings: tuple[Problem, ...]


def check_folder(path: Path) -> Checked:
    """Read the folder and check it. Never raises for what somebody wrote in it.

    While a file cannot be read at all, the files are not held against each other: every reference into it fails.
    """
    folder = load_folder(path)
    problems = {*folder.problems, *_check_ids(folder.objects)}
    context = Context(folder.objects, folder.unread)
    for check in CHECKS if folder.complete else ():
        problems.update(check(context))
    ordered = sorted(problems)
    return Checked(
        folder,
        tuple(problem for problem in ordered if problem.severity == "error"),
        tuple(problem for problem in ordered if problem.severity == "warning"),
    )


def errors_in(objects: Mapping[str, CatalogObject]) -> tuple[Problem, ...]:
    """Why nothing can be computed with these objects; `file` of each problem is the object's key. Empty if it can."""
    located = [Located(item, key, 0) for key, item in objects.items()]
    context = Context(located)
    found = {problem for check in COMPUTED_WITH for problem in check(context) if problem.severity == "error"}
    return tuple(sorted(found))


_ELSE = {
    "target": Words(", hoặc số phiên bản riêng", ", or a version of its own"),
    "org_unit": Words(
        ", hoặc ghi một dòng với đơn vị cấp trên theo ngày (x[..2023-07-01];y[2023-07-01..]) cho đơn vị đổi cấp trên",
        ", or write one line with dated parents (x[..2023-07-01];y[2023-07-01..]) for a unit that moved",
    ),
}


def _check_ids(objects: list[Located]) -> Iterator[Problem]:
    first: dict[tuple[str, str], Located] = {}
    for located in objects:
        key = (located.item.object_kind, located.item.object_id)
        before = first.setdefault(key, located)
        if before is not located:
            yield located.problem(
                Words(
                    f"“{located.item.id}” được khai hai lần (lần đầu ở {before.file}:{before.line}); hãy đặt id khác "
                    "cho một bên",
                    f"“{located.item.id}” is declared twice (first at {before.file}:{before.line}); "
                    "give one of them another id",
                ).then(_ELSE.get(key[0], NOTHING)),
                "id",
            )
