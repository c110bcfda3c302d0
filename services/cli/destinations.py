"""Where `tiendo send` sends to: a gateway over HTTP, or the broker. Both take the same events."""

import asyncio
import math
import os
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Protocol, Self, TypeVar

from aiokafka.errors import ClusterAuthorizationFailedError, TopicAuthorizationFailedError
from httpx2 import Client, ConnectError, HTTPError, Response
from pydantic import BaseModel, ValidationError
from pymongo.errors import PyMongoError

from contracts.doors import Standing
from contracts.envelope import BATCH
from contracts.fates import EventState
from contracts.fates import Standing as FigureStanding
from contracts.topics import STATISTICS_REPORTED
from services.cli.sending import Said
from services.cli.settings import of_the_system
from services.gateway.intake import Reported
from services.runtime import mongo
from services.runtime.errors import StartError, Transient
from services.runtime.kafka.producer import BatchProducer, Outgoing
from services.runtime.kafka.topics import LogIds, wait_for_broker
from services.runtime.settings import PREFIX
from services.runtime.telemetry import Telemetry
from services.runtime.waiting import Waiting

STATISTICS = "/api/v1/statistics"
EVENTS = "/api/v1/events"
_NOT_YET: Final[FigureStanding] = "not_yet"
_PAGES = 10
"""Of events with doubts that are read."""

_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.5, 30.0
_ANSWER_S = 60.0
_DATABASE_S = 2.0
_MEMBER = re.compile(r"/(\d+)(?:/|$)")

Judged = tuple[Standing, list[Said], list[Said]]
"""What would become of an event if it were sent now: standing, problems, doubts."""

M = TypeVar("M", bound=BaseModel)

Tell = Callable[[str], None]
"""Says in a few words what is waited for; with an empty text, that nothing is any more."""


class _Told(BaseModel):
    message_vi: str
    message_en: str
    pointer: str | None = None

    @property
    def said(self) -> Said:
        return Said(self.message_vi, self.message_en)


class _Receipt(BaseModel):
    standing: Standing
    problems: list[_Told]
    flags: list[_Told]


class _Receipts(BaseModel):
    receipts: list[_Receipt]


class _Figure(BaseModel):
    standing: str


class _State(BaseModel):
    state: str
    text_vi: str
    text_en: str
    figure: _Figure | None = None


class _Line(BaseModel):
    source: str
    id: str | None
    text_vi: str | None = None
    text_en: str | None = None


class _Lines(BaseModel):
    items: list[_Line]
    next: str | None = None


class _Province(BaseModel):
    province: str


class _Publisher(BaseModel):
    sources: list[str]


class _Publishers(BaseModel):
    items: list[_Publisher]


class _Refusal(BaseModel):
    code: str
    detail_en: str
    errors: list[_Told] = []


class Destination(Protocol):
    """Takes events. What it returned from is acknowledged."""

    name: str

    def send(self, events: Sequence[Reported]) -> Mapping[int, Said]:
        """Send them all; which of them (by their place) were turned away, and why.

        Raises `StartError` where nothing can be sent like this, `Transient` where the other side stays away.
        """
        ...


class Patience:
    """Pauses that grow, until what is tried was in vain for `seconds`."""

    def __init__(self, seconds: float, tell: Tell) -> None:
        self._seconds, self._tell = seconds, tell
        self._end = math.inf
        self._began: float | None = None
        self._pause = _FIRST_PAUSE_S

    def at_most(self, seconds: float) -> None:
        """Nothing that is asked from now on is worth waiting longer for, whatever the reason."""
        self._end = time.monotonic() + seconds

    def again(self, why: str, after_s: float | None = None) -> None:
        """Wait before the next try. Raises `Transient` when that is over."""
        now = time.monotonic()
        self._began = now if self._began is None else self._began
        pause = self._pause if after_s is None else after_s
        if now + pause - self._began > self._seconds:
            raise Transient(
                f"{why}, for {self._seconds:g} s. What was acknowledged is kept: run the same command again."
            )
        self._in_time(why, now + pause)
        self._tell(f"{why}; trying again")
        time.sleep(pause)
        self._pause = min(2 * self._pause, _LONGEST_PAUSE_S)

    def obey(self, seconds: float) -> None:
        """Wait as long as the other side says: it is there, and that may be as long as it likes. Raises `Transient`
        where nothing is worth waiting so long for."""
        self._in_time("the gateway takes so much in a minute", time.monotonic() + seconds)
        self._tell(f"the gateway takes so much in a minute; going on in {seconds:g} s")
        time.sleep(seconds)

    def _in_time(self, why: str, until: float) -> None:
        if until > self._end:
            raise Transient(f"{why}; what was sent is acknowledged, and what becomes of it can be asked later")

    def answered(self) -> None:
        """The other side is there."""
        if self._began is not None:
            self._tell("")
        self._began, self._pause = None, _FIRST_PAUSE_S


class Gateway:
    """A gateway, asked with a key where there is one."""

    def __init__(self, url: str, key: str | None, patience: Patience) -> None:
        self.name = url.rstrip("/")
        self._patience = patience
        self._reached = False
        headers = {} if key is None else {"authorization": f"Bearer {key}"}
        self._client = Client(base_url=self.name, headers=headers, timeout=_ANSWER_S, trust_env=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    def send(self, events: Sequence[Reported]) -> Mapping[int, Said]:
        """Those that the gateway turns away are left out, and the others sent again: it takes all or none."""
        turned_away: dict[int, Said] = {}
        while left := [at for at in range(len(events)) if at not in turned_away]:
            answer = self._posted([events[at] for at in left])
            if answer.status_code == 202:
                break
            if answer.status_code != 422:
                raise _refusal(answer)
            found = _members(answer)
            if not found:
                raise _refusal(answer)
            turned_away.update((left[at], why) for at, why in found.items())
        return turned_away

    def examined(self, events: Sequence[Reported]) -> list[Judged]:
        """What would become of them if they were sent now. Nothing is published.

        An event that was accepted is `same`. One that the gateway does not even take has a problem.
        """
        told: dict[int, Judged] = {}
        while left := [at for at in range(len(events)) if at not in told]:
            answer = self._posted([events[at] for at in left], dry_run="true")
            if answer.status_code == 200:
                receipts = _read(_Receipts, answer).receipts
                if len(receipts) != len(left):
                    raise _no_gateway(answer)
                for at, one in zip(left, receipts, strict=True):
                    told[at] = one.standing, [why.said for why in one.problems], [why.said for why in one.flags]
                break
            found = _members(answer) if answer.status_code == 422 else {}
            if not found:
                raise _refusal(answer)
            told.update((left[at], ("new", [why], [])) for at, why in found.items())
        return [told[at] for at in range(len(events))]

    def waits_at_most(self, seconds: float) -> None:
        """From now on only so long in all for a gateway that is away or busy."""
        self._patience.at_most(seconds)
        self._client.timeout = max(1.0, min(_ANSWER_S, seconds))

    def fate(self, event: Reported) -> tuple[str, Said] | None:
        """The state of one event, and the sentence about it; None where this key may not ask."""
        said = self._state(event)
        return None if said is None else (said.state, Said(said.text_vi, said.text_en))

    def is_under_way(self, event: Reported) -> bool:
        """Whether an accepted event is not yet part of any figure."""
        said = self._state(event)
        return said is not None and said.figure is not None and said.figure.standing == _NOT_YET

    def doubtful(self, source: str) -> Iterator[tuple[str, Said]]:
        """Recent events of the source that were accepted with doubts, by id; none where this key may not ask."""
        asked = {"source": source, "state": EventState.ACCEPTED_WITH_DOUBTS.value, "limit": "500"}
        for _ in range(_PAGES):
            answer = self._answered("GET", EVENTS, params=asked)
            if answer.status_code != 200:
                return
            page = _read(_Lines, answer)
            for one in page.items:
                if one.id is not None:
                    yield one.id, Said(one.text_vi or "", one.text_en or "")
            if page.next is None:
                return
            asked["cursor"] = page.next

    def _state(self, event: Reported) -> _State | None:
        answer = self._answered("GET", EVENTS, params={"source": event.source, "id": event.id})
        return _read(_State, answer) if answer.status_code == 200 else None

    def only_province(self) -> str | None:
        """The id of the province, if there is only one."""
        answer = self._answered("GET", "/api/v1/catalog/province")
        return None if answer.status_code != 200 else _read(_Province, answer).province

    def only_source(self) -> str | None:
        """The source, if all publishers together have only one."""
        answer = self._answered("GET", "/api/v1/catalog/publisher", params={"limit": "100"})
        if answer.status_code != 200:
            return None
        sources = {source for one in _read(_Publishers, answer).items for source in one.sources}
        return sources.pop() if len(sources) == 1 else None

    def _posted(self, events: Sequence[Reported], **params: str) -> Response:
        body = b"[" + b",".join(one.value for one in events) + b"]"
        return self._answered("POST", STATISTICS, content=body, headers={"content-type": BATCH}, params=params)

    def _answered(self, method: str, path: str, **asked: Any) -> Response:
        """An answer that trying again would not change."""
        while True:
            try:
                answer = self._client.request(method, path, **asked)
            except HTTPError as error:
                why = (str(error) or type(error).__name__).splitlines()[0]
                if not self._reached and isinstance(error, ConnectError):
                    raise StartError(f"No gateway answers at {self.name} ({why}): start it, or mend --to.") from None
                self._patience.again(f"the gateway does not answer ({why})")
                continue
            self._reached = True
            if answer.status_code == 429:
                self._patience.obey(_after(answer) or 1.0)
            elif answer.status_code in (502, 503, 504):
                self._patience.again(f"the gateway answers {answer.status_code}", _after(answer))
            else:
                self._patience.answered()
                return answer


def _after(answer: Response) -> float | None:
    text = answer.headers.get("retry-after", "")
    return float(text) if text.isdecimal() else None


def _members(answer: Response) -> dict[int, Said]:
    """What is wrong with which member of the batch."""
    found: dict[int, Said] = {}
    for one in _read(_Refusal, answer).errors:
        at = _MEMBER.match(one.pointer or "")
        if at is not None:
            found.setdefault(int(at[1]), one.said)
    return found


def _refusal(answer: Response) -> StartError:
    said = _read(_Refusal, answer)
    remedy = " Set TIENDO_SEND_KEY, or name a file with --key-file." if answer.status_code == 401 else ""
    return StartError(f"The gateway refuses ({answer.status_code} {said.code}): {said.detail_en}{remedy}")


def _read(model: type[M], answer: Response) -> M:
    """What a gateway says. Raises `StartError` where it is none that answers."""
    try:
        return model.model_validate_json(answer.content)
    except ValidationError:
        raise _no_gateway(answer) from None


def _no_gateway(answer: Response) -> StartError:
    return StartError(f"What answers is no gateway, or one that cannot (HTTP {answer.status_code}): mend --to.")


class Broker:
    """A topic of the broker: that of the settings, or of the system that `tiendo up` runs."""

    def __init__(self, data: Path, topic: str, patience: Patience) -> None:
        self._settings = of_the_system(data)
        self._topic = topic
        self.bootstrap = self._settings.kafka.bootstrap
        self.name = self.bootstrap if topic == STATISTICS_REPORTED.name else f"{self.bootstrap}/{topic}"
        self.log: str | None = None
        """Which incarnation of the topic this is, once it is open; None where that is not known here."""
        self._patience = patience
        self._open = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as opening:
            self._runner = opening.enter_context(asyncio.Runner())
            waiting = Waiting(self._settings.start.timeout_s, asyncio.Event())
            self._runner.run(wait_for_broker(self._settings.kafka, waiting))
            self.log = self._settings.kafka.log_id or self._runner.run(self._stored_log())
            self._producer = BatchProducer(self._settings.kafka, Telemetry())
            opening.callback(lambda: self._runner.run(self._producer.stop()))
            self._open = opening.pop_all()
        return self

    async def _stored_log(self) -> str | None:
        """The identity of the topic's log, where this machine is told of the database that has it."""
        if f"{PREFIX}MONGO_URI" not in os.environ:
            return None
        with suppress(StartError, PyMongoError):
            waiting = Waiting(_DATABASE_S, asyncio.Event())
            async with mongo.connect(self._settings.mongo, waiting) as client:
                return await LogIds(client, self._settings.mongo, None).of(self._topic)
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()

    def send(self, events: Sequence[Reported]) -> Mapping[int, Said]:
        """Return once all replicas in sync have all of them."""
        records = [Outgoing(one.key.encode(), one.value, one.headers) for one in events]
        while True:
            try:
                self._runner.run(self._producer.publish(self._topic, records))
            except Transient as error:
                if isinstance(error.__cause__, TopicAuthorizationFailedError | ClusterAuthorizationFailedError):
                    raise StartError(
                        f"The broker does not let {self._settings.kafka.sasl_username} write to {self._topic}: name "
                        "your own topic with --topic, or ask the operator for it."
                    ) from None
                self._patience.again(str(error))
                continue
            self._patience.answered()
            return {}


def key_of(environment: Mapping[str, str], file: Path | None) -> str | None:
    """The key, from a file or the environment: never from the command line, which others on the machine can read."""
    try:
        text = environment.get("TIENDO_SEND_KEY", "") if file is None else file.read_text("utf-8")
    except (OSError, ValueError) as error:
        raise StartError(f"The key cannot be read from {file}: {getattr(error, 'strerror', None) or error}.") from None
    key = text.strip()
    if key and not re.fullmatch(r"[!-~]+", key):
        raise StartError("That is no key: one begins with tdk_ and holds no spaces.")
    return key or None
