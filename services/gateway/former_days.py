"""What was said on a former day, put together from both owners.

Metrics keeps what stands; where something that counted then was replaced since, it names the units and days, and is
asked again with their observations from ingest's ledger. Without the ledger its first answer stands, which says that it
is not certain.
"""

from datetime import date

import structlog

from contracts.explanations import History
from contracts.observations import ObservationRecorded, subject_of
from services.gateway.owners import SUBJECTS_AT_ONCE, Owners
from services.gateway.problems import Problem

log = structlog.get_logger()

OBSERVATIONS = 5_000
"""Observations that metrics is given at most: a day on which more was replaced stays uncertain."""

_A_PAGE = 1_000


async def history(owners: Owners, kpi: str, org_unit: str, period: str, on: date | None) -> History:
    """The history of a record, and what was said on that day. Raises `Problem` where metrics is away."""
    told = await owners.history(kpi, org_unit, period, on)
    if on is None or told.said is None or told.said.certain:
        return told
    days = [(one.org_unit, one.as_of) for one in told.said.incomplete]
    subjects = [subject_of(told.province, told.kpi, unit, day) for unit, day in days]
    try:
        given = await _observations(owners, subjects)
    except Problem as problem:
        log.info("former_day_without_ledger", why=problem.code)
        return told
    return await owners.history(kpi, org_unit, period, on, given) if given else told


async def _observations(owners: Owners, subjects: list[str]) -> list[ObservationRecorded]:
    """All that was accepted about these units and days, as far as it fits."""
    found: list[ObservationRecorded] = []
    for start in range(0, len(subjects), SUBJECTS_AT_ONCE):
        after: str | None = ""
        while after is not None and len(found) < OBSERVATIONS:
            page = await owners.about(subjects[start : start + SUBJECTS_AT_ONCE], after, _A_PAGE)
            found += page.items
            after = page.next
    return found
