"""Alerts and the gateway in one process: figures are judged behind, people act over HTTP, and read what came of it."""

from typing import Any

from httpx2 import ASGITransport, Response
from starlette.applications import Starlette

from contracts.catalog import Person, Post
from contracts.topics import ALERTS
from services.alerts import internal
from services.alerts.explaining import Remembered
from services.gateway.handlers import AlertsHandler
from services.gateway.owners import Owners
from services.gateway.places import TreePlaces
from tests.unit.alerts.builders import KEY, a_catalog, a_record
from tests.unit.alerts.fakes import FakeCatalogs
from tests.unit.alerts.service import Service, World
from tests.unit.gateway.owning import Away, owners
from tests.unit.gateway.records import consumed
from tests.unit.gateway.test_routes import Gateway

ALERT = KEY.alert_id
PATH = f"/api/v1/alerts/{ALERT}"
OWNER, MANAGER, ABOVE, STRANGER = "owner.tan-phu", "manager.tan-phu", "manager.huyen-a", "manager.quang-hoa"
SIBLING = Person(
    id=STRANGER,
    name="Chủ tịch xã bên",
    email="xa-ben@huyen-a.example",
    posts=(Post(role="manager", unit="huyen-a.xa-quang-hoa"),),
)


class Office:
    """A gateway whose alerts are a worker in this process. Make it inside a running loop."""

    def __init__(self, profile: str = "production") -> None:
        self.catalog = a_catalog(SIBLING)
        self.alerts = Service(World(catalog=self.catalog))
        self.gateway = Gateway(profile, {"dak-nong": self.catalog}, self.asked())
        self._handler = AlertsHandler(
            self.gateway.model,
            TreePlaces(lambda: {"dak-nong": self.catalog}, self.alerts.clock.now),
            self.gateway.parts.clock,
        )
        self._read = 0

    def asked(self) -> Owners:
        """Owners of which alerts answers."""
        return owners(Away(), Away(), alerts=self.internal())

    def internal(self) -> ASGITransport:
        """The internal routes of alerts."""
        routes = internal.routes(self.alerts.stages, self, FakeCatalogs(self.catalog), self.alerts.clock.now)
        return ASGITransport(app=Starlette(routes=routes))

    async def one(self, alert_id: str) -> Remembered | None:
        """What is remembered of an alert."""
        alert = (await self.alerts.world.alerts.load([alert_id])).get(alert_id)
        return Remembered(alert) if alert is not None else None

    async def sees(self, pace: float | None, version: int = 1) -> None:
        """A figure that is so far along."""
        await self.alerts.sees(a_record(pace, version=version))
        await self.told()

    async def told(self) -> None:
        """What alerts published comes to the read model."""
        await self.alerts.stages.relay_fresh()
        published = self.alerts.world.producer.published
        fresh, self._read = published[self._read :], len(published)
        await self._handler.handle([consumed(ALERTS.name, one) for one in fresh])

    def key(self, person: str) -> str:
        """A key of that person."""
        return self.gateway.keys.give_person(person)

    async def post(self, what: str, key: str | None, body: Any = None, path: str = PATH, **headers: str) -> Response:
        """The answer to somebody who acts; what follows from it is told."""
        shown = {"authorization": f"Bearer {key}"} if key is not None else {}
        async with self.gateway.client() as client:
            answer = await client.post(f"{path}/{what}", json=body or {}, headers={**shown, **headers})
        await self.told()
        return answer

    async def get(self, path: str = PATH) -> Any:
        """The JSON of an answer."""
        async with self.gateway.client() as client:
            return (await client.get(path)).json()
