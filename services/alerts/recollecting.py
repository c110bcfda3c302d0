"""Everything that the database remembers of one alert, read and never written."""

from services.alerts import documents
from services.alerts.alert import Alert, Key
from services.alerts.documents import Document
from services.alerts.explaining import Notice, Remembered
from services.alerts.grouping import Group, Mail
from services.alerts.ports import RowState
from services.alerts.store import said_of
from services.runtime.mongo import Database

MOST = 50
"""Alerts in one answer."""


def told_of(key: Key) -> Document:
    """The groups of everybody who may have been told of an alert."""
    return {"province": key.province, "kpi": key.kpi, "period": key.period}


class Recollection:
    """Reads `alerts`, `groups` and `notifications`."""

    def __init__(self, database: Database) -> None:
        self._alerts, self._groups = database["alerts"], database["groups"]
        self._mails = database["notifications"]

    async def one(self, alert_id: str) -> Remembered | None:
        """The alert of this id, with everything that is remembered of it."""
        document = await self._alerts.find_one({"_id": alert_id}, {"events": 0})
        return await self.remembered(documents.to_alert(document)) if document is not None else None

    async def named(self, beginning: str) -> list[Alert]:
        """The alerts whose ids begin so."""
        found = self._alerts.find({"_id": {"$gte": beginning, "$lt": beginning + "g"}}, {"events": 0}).limit(MOST)
        return [documents.to_alert(document) async for document in found]

    async def of(self, kpi: str, unit: str) -> list[Alert]:
        """The alerts of a KPI at a unit, the latest periods first."""
        found = self._alerts.find({"kpi": kpi, "org_unit": unit}, {"events": 0})
        ordered = found.sort([("period", -1), ("rule", 1)]).limit(MOST)
        return [documents.to_alert(document) async for document in ordered]

    async def remembered(self, alert: Alert) -> Remembered:
        """The alert with the groups that took in anything of it, and the mails that speak of it."""
        key = alert.key
        found = self._groups.find(told_of(key), {"outbox": 0})
        every = [documents.to_group(document) async for document in found]
        groups = [group for group in every if key.alert_id in group.applied]
        return Remembered(alert, groups, [one for group in groups for one in await self._notices(group, key.alert_id)])

    async def _notices(self, group: Group, alert_id: str) -> list[Notice]:
        begins = group.key.group_id
        found = self._mails.find({"thread": {"$gte": f"{begins}#", "$lt": f"{begins}$"}}, {"raw": 0})
        notices = []
        async for document in found.sort("seq", 1):
            mail = documents.to_queued(document["mail"])
            if isinstance(mail, Mail) and any(line.member.alert_id == alert_id for line in mail.lines):
                ended = document.get("finished_at")
                notices.append(Notice(mail, RowState(document["state"]), ended, said_of(document)))
        return notices
