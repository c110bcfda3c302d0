"""The store, the broker and the relay in memory. The store's promises are the real one's: one suite runs on both."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage

from services.alerts import documents
from services.alerts.alert import Alert
from services.alerts.auditing import Account, Entry, Filed, Said, by_group
from services.alerts.digest import Correspondence, Digest, PublisherKey
from services.alerts.grouping import Group, Mail, News
from services.alerts.notes import Note
from services.alerts.ports import (
    FINAL,
    AlertChange,
    CorrespondenceChange,
    GroupChange,
    Kept,
    Listed,
    Pending,
    Queued,
    Row,
    RowState,
    Sighting,
    Waiting,
)
from services.alerts.smtp import Answer, Fate
from services.alerts.store import LEFT_LYING, READY
from services.runtime.catalog import Catalog
from services.runtime.errors import Transient
from services.runtime.kafka.producer import Outgoing


def _nothing() -> None:
    return None


@dataclass
class FakeAlerts:
    """Alerts by id; the outboxes beside them. Everything passes through the codec, as it would through the database."""

    documents: dict[str, dict] = field(default_factory=dict)  # type: ignore[type-arg]
    events: dict[str, list[dict]] = field(default_factory=dict)  # type: ignore[type-arg]
    before_save: Callable[[], object] = _nothing
    pages: int = 0
    """How many pages of what is watched were read."""

    async def load(self, ids: Collection[str]) -> dict[str, Alert]:
        return {one: documents.to_alert(self.documents[one]) for one in ids if one in self.documents}

    async def save(self, changes: Sequence[AlertChange]) -> bool:
        self.before_save()
        whole = True
        for change in changes:
            one = change.alert.key.alert_id
            if self.documents.get(one, {"rev": 0})["rev"] != change.alert.rev:
                whole = False
                continue
            self.documents[one] = {**documents.of_alert(change.alert), "rev": change.alert.rev + 1}
            written = datetime.now(UTC)
            self.events.setdefault(one, []).extend(documents.of_transition(e, written) for e in change.effects)
        return whole

    async def due(self, now: datetime, provinces: Collection[str], limit: int) -> list[Alert]:
        there = [one for one in self.documents.values() if one["province"] in provinces]
        due = [one for one in there if one["next_due_at"] and one["next_due_at"] <= now]
        return [documents.to_alert(one) for one in sorted(due, key=lambda one: one["next_due_at"])][:limit]

    async def watching(self, province: str, after: str, limit: int) -> list[Alert]:
        self.pages += 1
        there = sorted(one for one, each in self.documents.items() if each["province"] == province and one > after)
        return [documents.to_alert(self.documents[one]) for one in there if self.documents[one]["next_due_at"]][:limit]

    async def next_due(self) -> datetime | None:
        return min((one["next_due_at"] for one in self.documents.values() if one["next_due_at"]), default=None)

    async def pending(self, ids: Collection[str] | None, limit: int) -> list[Pending]:
        cutoff = datetime.now(UTC) - LEFT_LYING
        found = []
        for one, entries in self.events.items():
            wanted = one in ids if ids is not None else any(entry["written"] < cutoff for entry in entries)
            if wanted and entries:
                found.append(Pending(one, tuple(documents.to_transition(entry) for entry in entries)))
        return found[:limit]

    async def relayed(self, done: Mapping[str, int]) -> None:
        for one, seq in done.items():
            self.events[one] = [entry for entry in self.events[one] if entry["seq"] > seq]


@dataclass
class FakeGroups:
    """Groups by id; the outboxes beside them."""

    documents: dict[str, dict] = field(default_factory=dict)  # type: ignore[type-arg]
    outbox: dict[str, list[tuple[datetime, dict]]] = field(default_factory=dict)  # type: ignore[type-arg]

    async def load(self, ids: Collection[str]) -> dict[str, Group]:
        return {one: documents.to_group(self.documents[one]) for one in ids if one in self.documents}

    async def save(self, changes: Sequence[GroupChange]) -> bool:
        whole = True
        for change in changes:
            one = change.group.key.group_id
            if self.documents.get(one, {"rev": 0})["rev"] != change.group.rev:
                whole = False
                continue
            self.documents[one] = {**documents.of_group(change.group), "rev": change.group.rev + 1}
            if change.mail is not None:
                self.outbox.setdefault(one, []).append((datetime.now(UTC), documents.of_mail(change.mail)))
        return whole

    async def due(self, now: datetime, real_now: datetime, limit: int) -> list[Group]:
        due = [
            one
            for one in self.documents.values()
            if (one["next_flush_at"] and one["next_flush_at"] <= now)
            or (one["flush_by"] and one["flush_by"] <= real_now)
        ]
        return [documents.to_group(one) for one in sorted(due, key=lambda one: one["next_flush_at"])][:limit]

    async def next_due(self) -> datetime | None:
        return min((one["next_flush_at"] for one in self.documents.values() if one["next_flush_at"]), default=None)

    async def pending(self, ids: Collection[str] | None, limit: int) -> list[Mail]:
        cutoff = datetime.now(UTC) - LEFT_LYING
        return [
            documents.to_mail(mail)
            for one, entries in self.outbox.items()
            if (one in ids if ids is not None else any(written < cutoff for written, _ in entries))
            for _, mail in entries
        ]

    async def relayed(self, done: Mapping[str, int]) -> None:
        for one, seq in done.items():
            self.outbox[one] = [entry for entry in self.outbox[one] if entry[1]["seq"] > seq]


@dataclass
class FakeMails:
    """Notifications by id."""

    documents: dict[str, dict] = field(default_factory=dict)  # type: ignore[type-arg]

    async def put(self, mails: Sequence[Queued], now: datetime) -> None:
        for mail in mails:
            self.documents.setdefault(
                mail.row_id,
                {
                    "mail": documents.of_queued(mail),
                    "thread": mail.thread_id,
                    "seq": mail.seq,
                    "after": mail.after,
                    "state": RowState.QUEUED.value,
                    "not_before": now,
                    "queued_at": now,
                    "attempts": 0,
                    "resends": 0,
                    "fence": 0,
                },
            )

    async def lease(self, owner: str, now: datetime, until: datetime, limit: int) -> list[Row]:
        for one in self.documents.values():
            if one["state"] == RowState.LEASED and one["until"] < now:
                one["state"] = (RowState.UNKNOWN if "raw" in one else RowState.QUEUED).value
                one["resends"] += "raw" in one
        rows: list[Row] = []
        ready = [one for one in self.documents.values() if one["state"] in READY and one["not_before"] <= now]
        for one in sorted(ready, key=lambda one: (one["not_before"], one["seq"])):
            before = self._state(one["after"]) if one["after"] is not None else None
            if len(rows) == limit or (one["after"] is not None and before not in FINAL):
                continue
            one.update(state=RowState.LEASED.value, until=until, owner=owner, fence=one["fence"] + 1)
            rows.append(
                Row(
                    mail=documents.to_queued(one["mail"]),
                    fence=one["fence"],
                    attempts=one["attempts"],
                    resends=one["resends"],
                    queued_at=one["queued_at"],
                    raw=one.get("raw"),
                    before=before,
                )
            )
        return rows

    async def freeze(self, row: Row, raw: bytes) -> bool:
        return self._update(row, raw=raw)

    async def renew(self, row: Row, until: datetime) -> bool:
        return self._update(row, until=until)

    async def finish(self, row: Row, state: RowState, now: datetime, code: int | None, text: str) -> bool:
        return self._update(row, state=state.value, smtp=(code, text))

    async def later(self, row: Row, state: RowState, not_before: datetime, code: int | None, text: str) -> bool:
        return self._update(
            row,
            state=state.value,
            not_before=not_before,
            smtp=(code, text),
            attempts=row.attempts + (state is RowState.FAILED_RETRY),
            resends=row.resends + (state is RowState.UNKNOWN),
        )

    async def was_told(self, row: Row) -> bool:
        return any(
            one["thread"] == row.mail.thread_id and one["seq"] < row.mail.seq and one["state"] == RowState.SENT
            for one in self.documents.values()
        )

    async def came_and_went(self, row: Row) -> bool:
        thread = [one for one in self.documents.values() if one["thread"] == row.mail.thread_id]
        last = documents.to_queued(max(thread, key=lambda one: one["seq"])["mail"])
        return last.reason.value == "ALL_RESOLVED" and not any("raw" in one for one in thread)

    async def listed(self, states: Collection[RowState], limit: int) -> list[Listed]:
        found = [(row, one) for row, one in self.documents.items() if one["state"] in states]
        found.sort(key=lambda item: item[1]["queued_at"], reverse=True)
        return [self._listed(row, one) for row, one in found[:limit]]

    async def requeue(self, rows: Collection[str] | None, now: datetime) -> int:
        dead = [
            one
            for row, one in self.documents.items()
            if one["state"] == RowState.DEAD and (rows is None or row in rows) and "kind" not in one["mail"]
        ]
        ends = [
            other
            for one in dead
            for other in self.documents.values()
            if other["thread"] == one["thread"] and other["seq"] > one["seq"] and other["state"] == RowState.CANCELLED
        ]
        back = {id(one): one for one in (*dead, *ends)}
        for one in back.values():
            one.update(state=RowState.QUEUED.value, not_before=now, queued_at=now, attempts=0, resends=0)
        return len(back)

    async def states(self, rows: Collection[str]) -> dict[str, RowState]:
        return {row: RowState(self.documents[row]["state"]) for row in rows if row in self.documents}

    async def waiting(self) -> tuple[int, datetime | None]:
        open_rows = [one["queued_at"] for one in self.documents.values() if one["state"] in [*READY, RowState.LEASED]]
        return len(open_rows), min(open_rows, default=None)

    def _state(self, row: str) -> RowState | None:
        return RowState(self.documents[row]["state"]) if row in self.documents else None

    @staticmethod
    def _listed(row: str, one: dict) -> Listed:  # type: ignore[type-arg]
        mail = documents.to_queued(one["mail"])
        said = " ".join(str(part) for part in one.get("smtp", ()) if part)
        state, queued_at, attempts = RowState(one["state"]), one["queued_at"], one["attempts"]
        return Listed(row, mail.addressee, mail.reason.value, state, queued_at, attempts, said or None)

    def _update(self, row: Row, **change: object) -> bool:
        one = self.documents.get(row.mail.row_id)
        if one is None or one["state"] != RowState.LEASED or one["fence"] != row.fence:
            return False
        one.update(change)
        return True


@dataclass
class FakeBooks:
    """What the auditor reads of the three above."""

    filed: FakeAlerts
    groups: FakeGroups
    mails: FakeMails

    async def accounts(self, after: str, limit: int) -> tuple[list[Account], str | None]:
        mails = by_group(self._entries())
        there = sorted(id for id in {*self.groups.documents, *mails} if id > after)
        return [self._account(id, mails) for id in there[:limit]], there[limit - 1] if len(there) > limit else None

    async def account(self, groups: Collection[str]) -> dict[str, Account]:
        mails = by_group(self._entries())
        return {id: self._account(id, mails) for id in groups}

    async def alerts(self, ids: Collection[str]) -> dict[str, Filed]:
        return {id: self._filed(id) for id in ids if id in self.filed.documents}

    async def firing(self, after: str, limit: int) -> list[Filed]:
        there = [self._filed(id) for id in sorted(self.filed.documents) if id > after]
        return [filed for filed in there if filed.alert.open is not None][:limit]

    def _account(self, id: str, mails: Mapping[str, tuple[Entry, ...]]) -> Account:
        group = documents.to_group(self.groups.documents[id]) if id in self.groups.documents else None
        return Account(group, not self.groups.outbox.get(id), mails.get(id, ()))

    def _filed(self, id: str) -> Filed:
        return Filed(documents.to_alert(self.filed.documents[id]), not self.filed.events.get(id))

    def _entries(self) -> Iterator[Entry]:
        for row in self.mails.documents.values():
            mail = documents.to_queued(row["mail"])
            if isinstance(mail, Mail):
                said = [Said(one.member.alert_id, one.member.episode, one.news is News.ENDED) for one in mail.lines]
                yield Entry(mail.origin, mail.seq, mail.addressee, RowState(row["state"]), (*said,))


@dataclass
class FakeNotes:
    """Notes by id; those that are folded in have no content any more."""

    documents: dict[str, dict] = field(default_factory=dict)  # type: ignore[type-arg]

    async def put(self, notes: Sequence[Kept]) -> None:
        for kept in notes:
            new = {
                "whose": kept.whose,
                "at": kept.note.at,
                "note": documents.of_note(kept.note),
                "identity": kept.identity,
                "cell": kept.cell,
            }
            self.documents.setdefault(kept.note.id, new)

    async def whose(self, upto: datetime) -> frozenset[PublisherKey]:
        return frozenset(one["whose"] for one in self.documents.values() if one["note"] and one["at"] <= upto)

    async def first(self, whose: PublisherKey, upto: datetime, limit: int) -> list[Note]:
        mine = [one for one in self.documents.values() if one["whose"] == whose and one["note"] and one["at"] <= upto]
        return [documents.to_note(one["note"]) for one in sorted(mine, key=lambda one: one["at"])][:limit]

    async def any_refused(self) -> bool:
        return any(one["note"] and (one["identity"] or one["cell"]) for one in self.documents.values())

    async def refused(self, identities: Collection[str], cells: Collection[str]) -> list[Waiting]:
        return [
            Waiting(id, one["whose"], one["at"], one["identity"], one["cell"])
            for id, one in self.documents.items()
            if one["note"] and (one["identity"] in identities or one["cell"] in cells)
        ]

    async def folded(self, ids: Collection[str], forget_at: datetime) -> None:
        for one in ids:
            if one in self.documents:
                self.documents[one]["note"] = None


@dataclass
class FakeCorrespondences:
    """Correspondences by id; the outboxes beside them."""

    documents: dict[str, dict] = field(default_factory=dict)  # type: ignore[type-arg]
    outbox: dict[str, list[tuple[datetime, dict]]] = field(default_factory=dict)  # type: ignore[type-arg]

    async def load(self, keys: Collection[PublisherKey]) -> dict[PublisherKey, Correspondence]:
        there = [self.documents[key.id] for key in keys if key.id in self.documents]
        return {one.key: one for one in map(documents.to_correspondence, there)}

    async def save(self, change: CorrespondenceChange) -> bool:
        one, rev = change.owed.key.id, change.owed.rev
        if self.documents.get(one, {"rev": 0})["rev"] != rev:
            return False
        self.documents[one] = {**documents.of_correspondence(change.owed), "rev": rev + 1}
        if change.digest is not None:
            self.outbox.setdefault(one, []).append((datetime.now(UTC), documents.of_queued(change.digest)))
        return True

    async def pending(self, keys: Collection[PublisherKey] | None) -> list[Digest]:
        cutoff = datetime.now(UTC) - LEFT_LYING
        ids = None if keys is None else {key.id for key in keys}
        found = [
            documents.to_queued(mail)
            for one, entries in self.outbox.items()
            for written, mail in entries
            if (one in ids if ids is not None else written < cutoff)
        ]
        return [mail for mail in found if isinstance(mail, Digest)]

    async def relayed(self, done: Collection[Digest]) -> None:
        for one in done:
            self.outbox[one.key.id] = [entry for entry in self.outbox[one.key.id] if entry[1]["seq"] > one.seq]


@dataclass
class FakeSightings:
    """The latest version that was seen by province, KPI, unit and period."""

    records: dict[tuple[str, str, str, str], Sighting] = field(default_factory=dict)
    writes: int = 0

    async def keep(self, seen: Sequence[Sighting]) -> None:
        self.writes += len(seen)
        for one in seen:
            known = self.records.get(one[:4])
            if (known is not None or one.as_of is not None) and (known is None or known.version < one.version):
                self.records[one[:4]] = one

    async def newest(self, province: str) -> dict[str, dict[str, date]]:
        newest: dict[str, dict[str, date]] = {}
        for one in self.records.values():
            if one.province == province and one.as_of is not None:
                units = newest.setdefault(one.kpi, {})
                units[one.unit] = max(one.as_of, units.get(one.unit, one.as_of))
        return newest


@dataclass
class FakeTimes:
    """The latest business time."""

    at: datetime | None = None

    async def reached(self) -> datetime | None:
        return self.at

    async def keep(self, moment: datetime) -> None:
        self.at = max(moment, self.at or moment)


@dataclass
class FakeCatalogs:
    """One catalog, there from the start."""

    catalog: Catalog

    def of(self, province: str) -> Catalog | None:
        return self.catalog if province == self.catalog.province.id else None

    def provinces(self) -> Collection[str]:
        return (self.catalog.province.id,)

    async def at_least(self, province: str, number: int) -> Catalog:
        found = self.of(province)
        if found is None:
            raise Transient(f"no catalog of {province}")
        return found


@dataclass
class FakeProducer:
    """Remembers what was published; fails as often as it is told to."""

    published: list[Outgoing] = field(default_factory=list)
    failures: int = 0

    async def publish(self, topic: str, records: Sequence[Outgoing]) -> None:
        if self.failures:
            self.failures -= 1
            raise Transient("the broker is away")
        self.published += records


@dataclass
class FakeWire:
    """A relay that keeps every mail it took, and answers by script: one entry a try, then 250 for ever."""

    script: list[Answer] = field(default_factory=list)
    tries: list[tuple[str, bytes]] = field(default_factory=list)
    taken: list[tuple[str, EmailMessage]] = field(default_factory=list)

    async def send(self, recipient: str, raw: bytes) -> Answer:
        self.tries.append((recipient, raw))
        answer = self.script.pop(0) if self.script else Answer(Fate.ACCEPTED, 250, "ok")
        if answer.fate in (Fate.ACCEPTED, Fate.UNSURE):
            self.taken.append((recipient, parsed(raw)))
        return answer

    def reasons(self, recipient: str | None = None) -> list[str]:
        """X-KPI-Reason of what was taken, in order."""
        return [str(mail["X-KPI-Reason"]) for to, mail in self.taken if recipient in (None, to)]


def parsed(raw: bytes) -> EmailMessage:
    """A mail as a client reads it."""
    message = message_from_bytes(raw, policy=policy.default)
    assert isinstance(message, EmailMessage)
    return message
