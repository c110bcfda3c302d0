"""Unit tests of rules: a file says what figures come, and what alerts and mails are to come of it."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

from pydantic import Field

from contracts.alerts import Severity
from contracts.base import WireModel
from contracts.progress import ProgressJudged
from services.alerts.alert import Alert, DataState
from services.alerts.grouping import Mail, Reason
from services.alerts.rehearsal import Rehearsal
from services.cli.made_up import SeriesGiven, records
from services.runtime.catalog import Catalog, lettering, marks
from services.runtime.catalog.problems import Problem, Words
from services.runtime.catalog.validation import problems_with

AFTERWARDS = timedelta(days=1)
"""How long a story goes on after its last figure, so that what still comes of that is seen; longer if it asks later."""


class Expected(WireModel):
    """An alert that is not INACTIVE. What is not named may be anything."""

    condition: Literal["PENDING", "FIRING", "RECOVERING"]
    data: DataState | None = None
    episode: int | None = None
    severity: Severity | None = None
    rule: str | None = None
    kpi: str | None = None
    org: str | None = None


class AlertTest(WireModel):
    """What alerts there are at a moment after the start."""

    at: timedelta
    expect: tuple[Expected, ...]


class MailTest(WireModel):
    """One mail that is decided between two moments after the start."""

    at: tuple[timedelta, timedelta]
    to: str = Field(description="Id or address of a person.")
    reason: Reason


class RuleTest(WireModel):
    """One story."""

    name: str
    start: datetime = Field(description="Local time of the province.")
    interval: timedelta = Field(default=timedelta(days=1), gt=timedelta(0))
    series: tuple[SeriesGiven, ...] = Field(min_length=1)
    alert_tests: tuple[AlertTest, ...] = ()
    mail_tests: tuple[MailTest, ...] = ()
    no_other_mails: bool = True


class RuleTestFile(WireModel):
    """A file of tests."""

    catalog: str = Field(default="..", description="The catalog's folder, from the folder of this file.")
    tests: tuple[RuleTest, ...] = Field(min_length=1)


@dataclass(frozen=True, slots=True)
class Read:
    """A file, or what is wrong with it."""

    file: RuleTestFile | None
    problems: Sequence[Problem] = ()


def read(path: Path) -> Read:
    """Read a file of tests. Never raises for what somebody wrote in it."""
    try:
        content, lines = marks.read(lettering.text_of(path.read_bytes()))
    except OSError as error:
        words = Words(f"không mở được tệp ({error.strerror})", f"the file cannot be read ({error.strerror})")
        return Read(None, [Problem(path.name, 0, str(words))])
    except (marks.NotYaml, lettering.NotText) as error:
        return Read(None, [Problem(path.name, error.line, str(error.why))])
    wrong = problems_with(RuleTestFile, content, path.name, lines)
    return Read(None, wrong) if wrong else Read(RuleTestFile.model_validate(content))


async def play(test: RuleTest, catalog: Catalog) -> list[Words]:
    """What came otherwise than the test says; empty if nothing did. Raises `NotATest`."""
    start = test.start if test.start.tzinfo else test.start.replace(tzinfo=catalog.zone)
    start = start.astimezone(UTC)
    coming = _coming(test, catalog, start)
    asked: dict[datetime, list[AlertTest]] = defaultdict(list)
    for alert_test in test.alert_tests:
        asked[start + alert_test.at].append(alert_test)
    rehearsal = Rehearsal(catalog, start)
    differences: list[Words] = []
    over = max(coming, default=start) + AFTERWARDS
    for moment in sorted({*coming, *asked, *(start + mail.at[1] for mail in test.mail_tests), over}):
        await rehearsal.sees(coming.get(moment, ()), moment)
        await rehearsal.until(moment)
        for alert_test in asked.get(moment, ()):
            differences.extend(_alerts_differ(alert_test, rehearsal.alerts))
    return [*differences, *_mails_differ(test, rehearsal.mails, start)]


def _coming(test: RuleTest, catalog: Catalog, start: datetime) -> dict[datetime, list[ProgressJudged]]:
    coming: dict[datetime, list[ProgressJudged]] = defaultdict(list)
    for given in test.series:
        for moment, record in records(given, test.interval, catalog, start):
            coming[moment].append(record)
    return coming


def _alerts_differ(test: AlertTest, there: Sequence[Alert]) -> Iterator[Words]:
    left = list(there)
    missing = []
    for expected in test.expect:
        match = next((alert for alert in left if _fits(expected, alert)), None)
        if match is None:
            missing.append(expected)
        else:
            left.remove(match)
    at = duration(test.at)
    for expected in missing:
        yield Words(
            f"lúc {at}: cần cảnh báo {_shown(expected.model_dump(exclude_none=True))}, nhưng không có",
            f"at {at}: an alert {_shown(expected.model_dump(exclude_none=True))} was expected, and there is none",
        )
    for alert in left:
        yield Words(
            f"lúc {at}: có cảnh báo {_shown(_facts(alert))} mà không được nêu",
            f"at {at}: there is an alert {_shown(_facts(alert))} that was not expected",
        )


_FACTS: dict[str, Callable[[Alert], object]] = {
    "condition": lambda alert: alert.condition.name,
    "data": lambda alert: alert.data,
    "episode": lambda alert: alert.episode,
    "severity": lambda alert: alert.severity,
    "rule": lambda alert: alert.key.rule,
    "kpi": lambda alert: alert.key.kpi,
    "org": lambda alert: alert.key.org_unit,
}


def _facts(alert: Alert) -> dict[str, object]:
    return {name: found for name, fact in _FACTS.items() if (found := fact(alert)) is not None}


def _fits(expected: Expected, alert: Alert) -> bool:
    wanted = expected.model_dump(exclude_none=True)
    return all(_FACTS[name](alert) == value for name, value in wanted.items())


def _mails_differ(test: RuleTest, mails: Sequence[Mail], start: datetime) -> Iterator[Words]:
    """Each mail answers to one expectation, and first to the one that ends first."""
    left = list(mails)
    for expected in sorted(test.mail_tests, key=lambda one: one.at[1]):
        match = next((mail for mail in left if _answers(expected, mail, start)), None)
        if match is not None:
            left.remove(match)
            continue
        window = f"{duration(expected.at[0])} – {duration(expected.at[1])}"
        yield Words(
            f"thiếu thư {expected.reason} cho {expected.to} trong khoảng {window}",
            f"missing: a mail {expected.reason} to {expected.to} within {window}",
        )
    for mail in left if test.no_other_mails else ():
        at, units = duration(mail.at - start), ", ".join(line.member.org_unit for line in mail.lines)
        yield Words(
            f"thừa thư {mail.reason} cho {mail.recipient.email} lúc {at} ({units})",
            f"extra: a mail {mail.reason} to {mail.recipient.email} at {at} ({units})",
        )


def _answers(expected: MailTest, mail: Mail, start: datetime) -> bool:
    first, last = expected.at
    to = expected.to.casefold() in (mail.recipient.person.casefold(), mail.recipient.email.casefold())
    return to and mail.reason is expected.reason and first <= mail.at - start <= last


def duration(span: timedelta) -> str:
    """As ISO 8601 writes it: P1DT10M."""
    hours, rest = divmod(span.seconds, 3600)
    minutes, seconds = divmod(rest, 60)
    parts = ((hours, "H"), (minutes, "M"), (seconds, "S"))
    time = "".join(f"{number}{unit}" for number, unit in parts if number)
    days = f"{span.days}D" if span.days or not time else ""
    return f"P{days}{'T' + time if time else ''}"


def _shown(facts: dict[str, object]) -> str:
    return "{" + ", ".join(f"{name}: {value}" for name, value in facts.items()) + "}"
