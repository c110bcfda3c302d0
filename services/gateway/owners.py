"""Asking the owners of the data: metrics for explanation, history, inputs, views and what became of a figure, ingest
for where figures are from and what was accepted, alerts for what becomes of an alert and why it is as it is.

Each question has a time limit; an owner that is away, slow or not yet started is a 503 that says which one it is.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import date, datetime
from itertools import islice
from typing import TypeVar

import structlog
from httpx2 import AsyncClient, HTTPError, Limits, Response
from pydantic import BaseModel, ValidationError

from contracts.doors import Examined, ExaminedEvents, ParkedNotes
from contracts.explanations import Explanation, FigureBehind, History, Inputs, Origins, OriginsPage, Rules, Step
from contracts.fates import AcceptedPage, FigureFate
from contracts.handling import AlertExplained, Commanded, Handled
from contracts.observations import ObservationRecorded
from contracts.views import PeriodView
from services.gateway.problems import Problem, not_found, unavailable
from services.gateway.settings import GatewaySettings
from services.runtime.catalog.carrying import View
from services.runtime.errors import in_short

log = structlog.get_logger()

M = TypeVar("M", bound=BaseModel)

IDS_AT_ONCE = 200
"""Observations that one question to ingest names."""

NO_RECORD = "bản ghi tiến độ này", "such progress record"
NO_ALERT = "cảnh báo này", "such alert"
NO_PERIOD = "chỉ tiêu hoặc kỳ này trong danh mục", "such KPI or period in the catalog"

SUBJECTS_AT_ONCE = 50
"""Units and days that one question to ingest names."""

SOURCES_AT_ONCE = 100
"""Sources that one question to ingest names: they may be long, and stand in its address."""

EVENTS_AT_ONCE = 500
"""Events that one question to ingest brings."""

_JSON = {"content-type": "application/json"}

ORIGINS = 2_000
"""Observations of which one answer says where they came from."""


class Owners:
    """The services that are asked; a client for each."""

    def __init__(self, metrics: AsyncClient, ingest: AsyncClient, alerts: AsyncClient) -> None:
        self._metrics = metrics
        self._ingest = ingest
        self._alerts = alerts

    async def explain(self, kpi: str, org_unit: str, period: str) -> Explanation:
        """Raises `Problem`: 404 where there is no such record, 503 where metrics is away."""
        return await _asked(self._metrics, "metrics", _path(kpi, org_unit, period), {}, Explanation, NO_RECORD)

    async def history(
        self,
        kpi: str,
        org_unit: str,
        period: str,
        on: date | None,
        given: Sequence[ObservationRecorded] | None = None,
    ) -> History:
        """The same of the past. `given`: observations to be taken into account for the day `on`."""
        asked = {} if on is None else {"on": on.isoformat()}
        body = None if given is None else Origins(items=tuple(given))
        return await _asked(
            self._metrics, "metrics", f"{_path(kpi, org_unit, period)}/history", asked, History, NO_RECORD, body
        )

    async def inputs(self, kpi: str, org_unit: str, period: str, start: int, limit: int) -> Inputs:
        """The same of a page of inputs."""
        asked = {"start": str(start), "limit": str(limit)}
        return await _asked(
            self._metrics, "metrics", f"{_path(kpi, org_unit, period)}/inputs", asked, Inputs, NO_RECORD
        )

    async def view(self, province: str, kpi: str, period: str, view: View) -> PeriodView:
        """A period's figures on the units of another day. Raises `Problem`: 404 where the catalog knows no such KPI or
        period, 503 where metrics is away."""
        path = f"/internal/v1/views/{province}/{kpi}/{period}"
        return await _asked(self._metrics, "metrics", path, {"view": str(view)}, PeriodView, NO_PERIOD)

    async def about(self, subjects: Iterable[str], after: str, limit: int) -> OriginsPage:
        """The observations about these units and days, in the order of their ids, from the id behind `after` on."""
        asked = {"subjects": ",".join(subjects), "after": after, "limit": str(limit)}
        path = "/internal/v1/observations/about"
        return await _asked(self._ingest, "ingest", path, asked, OriginsPage, NO_RECORD)

    async def origins(self, figures: Iterable[FigureBehind]) -> tuple[ObservationRecorded, ...]:
        """The observations of these figures as the ledger has them, in their order."""
        return await self.observations([one for figure in figures for one in figure.observations])

    async def observations(self, named: Iterable[str]) -> tuple[ObservationRecorded, ...]:
        """The observations of these ids as the ledger has them, in their order; strangers are left out."""
        ids = list(dict.fromkeys(named))[:ORIGINS]
        rest = iter(ids)
        chunks = iter(lambda: list(islice(rest, IDS_AT_ONCE)), [])
        path = "/internal/v1/observations"
        pages = await asyncio.gather(
            *(_asked(self._ingest, "ingest", path, {"ids": ",".join(chunk)}, Origins, NO_RECORD) for chunk in chunks)
        )
        return tuple(one for page in pages for one in page.items)

    async def accepted(
        self, sources: Iterable[str], since: datetime | None, before: tuple[datetime, str] | None, limit: int
    ) -> AcceptedPage:
        """What was accepted last of these sources, the latest first, from behind `before` on."""
        asked: dict[str, str | list[str]] = {"limit": str(limit)}
        if since is not None:
            asked["since"] = since.isoformat()
        if before is not None:
            asked |= {"before": before[0].isoformat(), "before_id": before[1]}
        rest, path = iter(sorted(sources)), "/internal/v1/accepted"
        pages = await asyncio.gather(
            *(
                _asked(self._ingest, "ingest", path, {**asked, "source": some}, AcceptedPage, NO_RECORD)
                for some in iter(lambda: list(islice(rest, SOURCES_AT_ONCE)), [])
            )
        )
        found = [one for page in pages for one in page.items]
        found.sort(key=lambda one: (one.stored_at, one.observation.observation_id), reverse=True)
        return AcceptedPage(items=tuple(found[:limit]))

    async def became(self, said: ObservationRecorded) -> FigureFate:
        """What metrics made of an observation of the ledger."""
        return await _asked(self._metrics, "metrics", "/internal/v1/fate", {}, FigureFate, NO_RECORD, said)

    async def rules(self, kind: str, figures: Sequence[FigureBehind]) -> tuple[Step, ...]:
        """What figures of this kind of KPI have passed at the door; of each rule once."""
        if not figures:
            return ()
        found = await _asked(self._ingest, "ingest", f"/internal/v1/rules/{kind}", {}, Rules, NO_RECORD)
        ways = {figure.how for figure in figures}
        told = (found.absolute if "absolute" in ways else ()) + (found.increment if "increments" in ways else ())
        return tuple({step.code: step for step in told}.values())

    async def command(self, alert_id: str, act: str, asked: Commanded) -> Handled:
        """What became of the command. Raises `Problem`: 404 where alerts knows no such alert, 503 where it is away."""
        path = f"/internal/v1/alerts/{alert_id}/{act}"
        return await _asked(self._alerts, "alerts", path, {}, Handled, NO_ALERT, asked)

    async def explain_alert(self, alert_id: str) -> AlertExplained:
        """Why an alert is as it is. Raises `Problem` likewise."""
        path = f"/internal/v1/alerts/{alert_id}/explain"
        return await _asked(self._alerts, "alerts", path, {}, AlertExplained, NO_ALERT)

    async def parked(self) -> ParkedNotes:
        """The sources that are parked. Raises `Problem`: 503 where ingest is away."""
        return await _asked(self._ingest, "ingest", "/internal/v1/parked", {}, ParkedNotes, NO_RECORD)

    async def examined(self, events: Iterable[bytes]) -> AsyncIterator[Sequence[Examined]]:
        """What would become of these events (JSON in structured mode) if they were published, in their order and in
        several parts. Raises `Problem`: 503 where ingest is away."""
        rest = iter(events)
        while part := list(islice(rest, EVENTS_AT_ONCE)):
            body = b"[" + b",".join(part) + b"]"
            asked = await _asked(self._ingest, "ingest", "/internal/v1/examined", {}, ExaminedEvents, NO_RECORD, body)
            if len(asked.items) != len(part):
                log.warning("owner_away", owner="ingest", why=f"{len(part)} asked, {len(asked.items)} answered")
                raise _away("ingest")
            yield asked.items


@asynccontextmanager
async def connected(settings: GatewaySettings) -> AsyncIterator[Owners]:
    """Owners at the addresses of the settings. Nothing is connected before the first question."""
    limits = Limits(max_connections=20, max_keepalive_connections=4)
    patience = settings.owner_timeout_ms / 1_000

    def client(url: str) -> AsyncClient:
        return AsyncClient(base_url=url, timeout=patience, limits=limits, trust_env=False)

    async with (
        client(settings.metrics_url) as metrics,
        client(settings.ingest_url) as ingest,
        client(settings.alerts_url) as alerts,
    ):
        yield Owners(metrics, ingest, alerts)


def _path(kpi: str, org_unit: str, period: str) -> str:
    return f"/internal/v1/explain/{kpi}/{org_unit}/{period}"


async def _asked(
    client: AsyncClient,
    owner: str,
    path: str,
    asked: Mapping[str, str | list[str]],
    model: type[M],
    unknown: tuple[str, str],
    body: BaseModel | bytes | None = None,
) -> M:
    """`unknown`: what there is not, in both languages, if the owner knows no such thing. With a body it is a POST."""
    try:
        # The client's limit is for each read; this one is for the whole answer.
        async with asyncio.timeout(client.timeout.read):
            if body is None:
                answer = await client.get(path, params=dict(asked))
            else:
                content = body if isinstance(body, bytes) else body.model_dump_json(exclude_none=True).encode()
                answer = await client.post(path, params=dict(asked), content=content, headers=_JSON)
        if answer.status_code == 200:
            return model.model_validate_json(answer.content)
        why = f"status {answer.status_code}"
    except (HTTPError, TimeoutError, ValidationError) as error:
        log.warning("owner_away", owner=owner, why=in_short(error))
        raise _away(owner) from None
    if answer.status_code in (400, 404) and _code(answer):
        raise not_found(*unknown)
    log.warning("owner_away", owner=owner, why=why)
    raise _away(owner)


def _code(answer: Response) -> str:
    """The owner's own word for what is wrong. A service that still starts answers 404 without one."""
    try:
        found = answer.json()
    except ValueError:
        return ""
    return str(found.get("code", "")) if isinstance(found, dict) else ""


def _away(owner: str) -> Problem:
    return unavailable(
        f"Dịch vụ {owner}, nơi giữ dữ liệu này, chưa trả lời; hãy thử lại sau.",
        f"The service {owner}, which owns these data, does not answer; try again later.",
    )
