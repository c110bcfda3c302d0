"""Who asks: the publisher or the person whose key a request shows, what it may do, and how much of it.

A key is worth as much as its holder: without one in the catalog that is in force today, nothing. In the embedded
profile whoever sits at this machine may publish without one; one that is shown all the same is checked. Who acts on an
alert is always asked for, since it is written down.
"""

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from ipaddress import ip_address
from typing import Any, Protocol

from fastapi.openapi.models import HTTPBearer as BearerModel
from fastapi.security.base import SecurityBase
from prometheus_client import Counter
from starlette.requests import Request

from contracts.catalog import Person, Publisher
from services.gateway import keys
from services.gateway.in_hand import InHand
from services.gateway.keyring import Keyring
from services.gateway.keys import PUBLISHERS_SCOPES, Key, Refusal, Scope
from services.gateway.patience import hear_out
from services.gateway.places import Catalogs
from services.gateway.problems import Problem, ProblemDetails, unavailable
from services.gateway.rates import Allowance, Bucket
from services.gateway.settings import GatewaySettings
from services.runtime.catalog.catalog import Catalog

RESPONSES: dict[int | str, dict[str, Any]] = {
    status: {"model": ProblemDetails, "description": text}
    for status, text in {
        401: "No key, or one that does not hold: `no_key`, `bad_key`, `expired_key`, `revoked_key`.",
        403: "The key is not good for this: `missing_scope`, `not_a_publisher`, `unknown_publisher`, "
        "`not_your_source`.",
        429: "Too much within a minute, or at once; `Retry-After` says when to come again.",
    }.items()
}
"""What every route answers that asks which publisher it is."""

RESPONSES_TO_PEOPLE: dict[int | str, dict[str, Any]] = {
    status: {"model": ProblemDetails, "description": text}
    for status, text in {
        401: "No key, or one that does not hold: `no_key`, `bad_key`, `expired_key`, `revoked_key`.",
        403: "The key is not good for this: `missing_scope`, `not_a_person`, `unknown_person`; or its holder's posts "
        "do not allow it: `not_your_unit`, `not_your_role`, `not_your_province`.",
        429: "Too much within a minute; `Retry-After` says when to come again.",
    }.items()
}
"""What every route answers that asks which person it is."""

_SENDING = frozenset({Scope.STATISTICS_WRITE, Scope.IMPORTS_WRITE})

_OF_PROXIES = frozenset({"forwarded", "via", "x-real-ip", "x-client-ip", "true-client-ip", "cf-connecting-ip"})

_REFUSED: dict[Refusal, tuple[str, str]] = {
    Refusal.NO_KEY: (
        "Cần khóa: gửi kèm tiêu đề Authorization: Bearer tdk_….",
        "A key is needed: send the header Authorization: Bearer tdk_….",
    ),
    Refusal.BAD_KEY: (
        "Không có khóa này: hãy kiểm tra khóa đã chép đủ chưa, hoặc xin khóa mới từ người vận hành.",
        "There is no such key: check that all of it was copied, or ask the operator for a new one.",
    ),
    Refusal.EXPIRED_KEY: (
        "Khóa đã hết hạn: hãy xin khóa mới từ người vận hành.",
        "The key has expired: ask the operator for a new one.",
    ),
    Refusal.REVOKED_KEY: (
        "Khóa đã bị thu hồi: hãy xin khóa mới từ người vận hành.",
        "The key was revoked: ask the operator for a new one.",
    ),
}

_SEVERAL = (
    "Có nhiều tiêu đề Authorization: chỉ gửi một.",
    "There are several Authorization headers: send one.",
)
_NO_BEARER = (
    "Tiêu đề Authorization thiếu từ Bearer đứng trước khóa: ghi Authorization: Bearer tdk_….",
    "The word Bearer is missing before the key: write Authorization: Bearer tdk_….",
)


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks, and what it may do. `sources` None: it may speak as any, see `AT_THIS_MACHINE`."""

    publisher: str | None
    province: str | None
    scopes: frozenset[Scope]
    sources: frozenset[str] | None
    key_id: str | None
    allowance: Allowance | None = field(repr=False)

    def speaks_as(self, source: str) -> bool:
        """Whether events of this source are the asker's to send and to look at."""
        return self.sources is None or source in self.sources

    def afford(self, events: int, whole: int) -> None:
        """Raises `Problem` if the first so many events of a request of about `whole` are more than the key has left."""
        if self.allowance is None:
            return
        now = time.monotonic_ns()
        if self.allowance.events.wait(events, now):
            wait = self.allowance.events.wait(max(events, whole), now)
            raise _too_many_events(self.allowance, wait, now)

    def spend(self, events: int) -> None:
        """Count so many events. Raises `Problem` if they are more than the key has left."""
        if self.allowance is None:
            return
        now = time.monotonic_ns()
        wait = self.allowance.events.take(events, now)
        if wait:
            raise _too_many_events(self.allowance, wait, now)

    def headers(self) -> dict[str, str]:
        """What of the key's allowance is left, for the answer."""
        return {} if self.allowance is None else self.allowance.headers(time.monotonic_ns())


@dataclass(frozen=True, slots=True)
class Actor:
    """Somebody who shows a key of their own. What they may do is said by their posts; see `rights.py`."""

    person: Person
    catalog: Catalog = field(repr=False)
    today: date
    """The business date of their province."""
    key_id: str


AT_THIS_MACHINE = Asker(None, None, PUBLISHERS_SCOPES, None, None, None)
"""Whoever sits at the machine of a trial: without a key, and without a limit."""


class Admission:
    """Lets in whoever may. Keys hold by the real time, publishers by their province's business date, as figures do."""

    def __init__(
        self,
        settings: GatewaySettings,
        keyring: Keyring,
        catalogs: Catalogs,
        business_now: Callable[[], datetime],
        refused: Counter,
        *,
        open_here: bool,
    ) -> None:
        self._settings = settings
        self._keyring = keyring
        self._catalogs = catalogs
        self._business_now = business_now
        self._refused = refused
        self._open_here = open_here
        self._allowances: dict[str, Allowance] = {}
        self.in_hand = InHand(settings.max_bodies_bytes, settings.max_bodies_bytes_of_a_key)

    async def admit(self, request: Request, scope: Scope) -> Asker:
        """Which publisher it is that asks. Raises `Problem`: 401, 403, 429, or 503 where that cannot be known."""
        async with self._hearing(request):
            if "authorization" not in request.headers and self._open_here and at_this_machine(request):
                return AT_THIS_MACHINE
            key, allowance = await self._shown(request, scope)
            publisher = self._publisher(key)
            _need(scope, key)
            return Asker(publisher.id, key.province, key.scopes, frozenset(publisher.sources), key.id, allowance)

    async def recognise(self, request: Request, scope: Scope) -> Actor:
        """Which person it is that asks. Raises `Problem` likewise."""
        async with self._hearing(request):
            key, _ = await self._shown(request, scope)
            actor = self._actor(key)
            _need(scope, key)
            return actor

    @asynccontextmanager
    async def _hearing(self, request: Request) -> AsyncIterator[None]:
        try:
            yield
        except Problem as problem:
            self._refused.labels(problem.code).inc()
            await hear_out(request, self._settings.max_body_bytes)
            raise

    async def _shown(self, request: Request, scope: Scope) -> tuple[Key, Allowance]:
        now = datetime.now(UTC)
        key = await self._key(request.headers.getlist("authorization"), now)
        self._keyring.used(key, now)
        return key, self._spend_request(key, scope)

    async def _key(self, given: list[str], now: datetime) -> Key:
        if not given:
            raise _refusal(Refusal.NO_KEY)
        scheme, _, text = given[0].partition(" ")
        text = text.strip(" ")
        if len(given) > 1:
            raise _badly_shown(_SEVERAL)
        if scheme.lower() != "bearer":
            raise _badly_shown(_NO_BEARER)
        key_id = keys.id_of(text)
        if key_id is None:
            raise _refusal(Refusal.BAD_KEY)
        key = await self._keyring.find(key_id)
        why_not = keys.refusal(key, text, now)
        if key is None or why_not is not None:
            raise _refusal(why_not or Refusal.BAD_KEY)
        return key

    def _publisher(self, key: Key) -> Publisher:
        if key.publisher is None:
            raise Problem(
                403,
                "not_a_publisher",
                "Đây là khóa cá nhân; việc này cần khóa của đơn vị cung cấp số liệu.",
                "This is a person's key; a publisher's is needed here.",
            )
        catalog = self._catalog(key)
        publisher = catalog.publishers.get(key.publisher) if catalog is not None else None
        if catalog is None or publisher is None or not publisher.valid_on(self._today(catalog)):
            raise Problem(
                403,
                "unknown_publisher",
                "Đơn vị cung cấp của khóa này hiện không có trong danh mục: hãy hỏi người vận hành.",
                "The publisher of this key is not in the catalog at present: ask the operator.",
            )
        return publisher

    def _actor(self, key: Key) -> Actor:
        if key.person is None:
            raise Problem(
                403,
                "not_a_person",
                "Đây là khóa của đơn vị cung cấp số liệu; việc này cần khóa cá nhân.",
                "This is a publisher's key; a person's is needed here.",
            )
        catalog = self._catalog(key)
        person = catalog.people.get(key.person) if catalog is not None else None
        if catalog is None or person is None:
            raise Problem(
                403,
                "unknown_person",
                "Chủ khóa này hiện không có trong danh mục: hãy hỏi người vận hành.",
                "Whose key this is is not in the catalog at present: ask the operator.",
            )
        return Actor(person, catalog, self._today(catalog), key.id)

    def _catalog(self, key: Key) -> Catalog | None:
        catalogs = self._catalogs()
        if not catalogs:
            raise unavailable("Chưa có danh mục.", "There is no catalog yet.")
        return catalogs.get(key.province)

    def _today(self, catalog: Catalog) -> date:
        return self._business_now().astimezone(catalog.zone).date()

    def _spend_request(self, key: Key, scope: Scope) -> Allowance:
        """Count the request. What somebody sends whose events are used up is not even looked at."""
        now = time.monotonic_ns()
        allowance = self._allowances.get(key.id)
        if allowance is None:
            limits = self._settings
            allowance = Allowance(Bucket(limits.requests_per_minute, now), Bucket(limits.events_per_minute, now))
            self._allowances[key.id] = allowance
        wait = allowance.requests.take(1, now)
        if wait:
            raise _too_many_requests(allowance, wait, now)
        wait = allowance.events.wait(1, now) if scope in _SENDING else 0
        if wait:
            raise _too_many_events(allowance, wait, now)
        return allowance


class Door(Protocol):
    """What routes are made over; see `parts.Parts`."""

    @property
    def admission(self) -> Admission: ...


class Admitted(SecurityBase):
    """A route's dependency: the asker, if it may do that."""

    scheme_name = "publisherKey"
    model = BearerModel(
        bearerFormat="tdk_<id>_<secret>",
        description="A publisher's key. On the machine of `tiendo up` and `tiendo demo` none is needed.",
    )

    def __init__(self, door: Door, scope: Scope) -> None:
        self._door = door
        self._scope = scope

    async def __call__(self, request: Request) -> Asker:
        return await self._door.admission.admit(request, self._scope)


class Recognised(SecurityBase):
    """A route's dependency: the person who acts, if their key holds."""

    scheme_name = "personKey"
    model = BearerModel(
        bearerFormat="tdk_<id>_<secret>",
        description="A person's key, from `tiendo keys create --person`. It is needed everywhere.",
    )

    def __init__(self, door: Door, scope: Scope) -> None:
        self._door = door
        self._scope = scope

    async def __call__(self, request: Request) -> Actor:
        return await self._door.admission.recognise(request, self._scope)


def at_this_machine(request: Request) -> bool:
    """Whether the caller is on the loopback address and means it: a page of elsewhere would use another host name, and
    a proxy speaks for others."""
    if any(name in _OF_PROXIES or name.startswith("x-forwarded") for name in request.headers):
        return False
    return _loopback(request.client.host if request.client else "") and _loopback(request.url.hostname or "")


def _loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _need(scope: Scope, key: Key) -> None:
    if scope not in key.scopes:
        raise Problem(
            403,
            "missing_scope",
            f"Khóa này không có quyền {scope}: hãy xin khóa có quyền đó từ người vận hành.",
            f"This key has not the scope {scope}: ask the operator for one that has.",
            headers=_challenge("insufficient_scope"),
        )


def _refusal(why: Refusal) -> Problem:
    return _unauthorised(why, _REFUSED[why])


def _badly_shown(words: tuple[str, str]) -> Problem:
    return _unauthorised(Refusal.BAD_KEY, words)


def _unauthorised(why: Refusal, words: tuple[str, str]) -> Problem:
    return Problem(401, why, *words, headers=_challenge(None if why is Refusal.NO_KEY else "invalid_token"))


def _challenge(error: str | None) -> dict[str, str]:
    """RFC 6750."""
    return {"www-authenticate": 'Bearer realm="tiendo"' + (f', error="{error}"' if error else "")}


def _too_many_requests(allowance: Allowance, again: int, now: int) -> Problem:
    quota = allowance.requests.quota
    vi = f"Khóa này được gửi {quota} yêu cầu mỗi phút; hãy gửi lại sau {again} giây, nhiều sự kiện trong một yêu cầu."
    en = f"This key may send {quota} requests a minute; come again in {again} s, with more events in each request."
    return _too_many("too_many_requests", vi, en, again, allowance, now)


def _too_many_events(allowance: Allowance, again: int, now: int) -> Problem:
    quota = allowance.events.quota
    vi = f"Khóa này được gửi {quota} sự kiện mỗi phút; chưa nhận gì, hãy gửi lại yêu cầu sau {again} giây."
    en = f"This key may send {quota} events a minute; nothing was taken, send the request again in {again} s."
    return _too_many("too_many_events", vi, en, again, allowance, now)


def _too_many(code: str, vi: str, en: str, again_s: int, allowance: Allowance, now: int) -> Problem:
    return Problem(429, code, vi, en, headers={"retry-after": str(again_s), **allowance.headers(now)})
