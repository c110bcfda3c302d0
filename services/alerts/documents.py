"""How alerts, groups and mails are written as documents, and read back. Every document carries its `schema` number.

What the database searches by stands at the top of a document; the rest is one nested value, written and read whole.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypeVar

from pydantic import TypeAdapter

from services.alerts.alert import Alert, Key, Transition
from services.alerts.digest import Correspondence, Digest, PublisherKey
from services.alerts.grouping import Group, Mail
from services.alerts.notes import Note
from services.alerts.ports import Queued

SCHEMA = 1

Document = dict[str, Any]
T = TypeVar("T")

_ALERT, _GROUP = TypeAdapter(Alert), TypeAdapter(Group)
_TRANSITION, _MAIL = TypeAdapter(Transition), TypeAdapter(Mail)
_OWED, _DIGEST, _NOTE = TypeAdapter(Correspondence), TypeAdapter(Digest), TypeAdapter(Note)


class NewerDocument(Exception):
    """A document of a newer release: this one must not touch it."""

    def __init__(self, found: Any) -> None:
        super().__init__(
            f"the database holds documents of schema {found!r} and this release knows {SCHEMA}: "
            "run the newer release, or restore the database of this one"
        )


def of_alert(alert: Alert) -> Document:
    """All fields but `_id`, `rev` and the outbox."""
    state = _ALERT.dump_python(alert, mode="json", exclude={"key", "rev", "next_due_at"})
    return {
        "schema": SCHEMA,
        **alert.key._asdict(),
        "condition": alert.condition.value,
        "next_due_at": alert.next_due_at,
        "state": state,
    }


def to_alert(document: Mapping[str, Any]) -> Alert:
    """The alert of a document."""
    refuse_newer(document)
    key = Key(*(document[field] for field in Key._fields))
    return _ALERT.validate_python(
        {**document["state"], "key": key, "rev": document["rev"], "next_due_at": document.get("next_due_at")}
    )


def of_group(group: Group) -> Document:
    """All fields but `_id`, `rev` and the outbox."""
    state = _GROUP.dump_python(group, mode="json", exclude={"key", "rev", "next_flush_at", "flush_by"})
    return {
        "schema": SCHEMA,
        **group.key._asdict(),
        "next_flush_at": group.next_flush_at,
        "flush_by": group.flush_by,
        "state": state,
    }


def to_group(document: Mapping[str, Any]) -> Group:
    """The group of a document."""
    refuse_newer(document)
    key = {field: document[field] for field in ("province", "kpi", "period", "person", "channel")}
    return _GROUP.validate_python(
        {
            **document["state"],
            "key": tuple(key.values()),
            "rev": document["rev"],
            "next_flush_at": document.get("next_flush_at"),
            "flush_by": document.get("flush_by"),
        }
    )


def of_transition(transition: Transition, written: datetime) -> Document:
    """An entry of an alert's outbox."""
    return {
        "seq": transition.wire.seq,
        "written": written,
        "transition": _TRANSITION.dump_python(transition, mode="json"),
    }


def to_transition(entry: Mapping[str, Any]) -> Transition:
    """A transition from an entry of an alert's outbox."""
    return _TRANSITION.validate_python(entry["transition"])


def of_mail(mail: Mail) -> Document:
    """A decided mail as a nested value."""
    document: Document = _MAIL.dump_python(mail, mode="json")
    return document


def to_mail(document: Mapping[str, Any]) -> Mail:
    """A decided mail from its nested value."""
    return _MAIL.validate_python(document)


def of_correspondence(owed: Correspondence) -> Document:
    """All fields but `_id`, `rev` and the outbox."""
    state = _OWED.dump_python(owed, mode="json", exclude={"key", "rev"})
    return {"schema": SCHEMA, **owed.key._asdict(), "state": state}


def to_correspondence(document: Mapping[str, Any]) -> Correspondence:
    """What is owed to a publisher, from its document."""
    refuse_newer(document)
    key = PublisherKey(document["province"], document["publisher"])
    return _OWED.validate_python({**document["state"], "key": key, "rev": document["rev"]})


def of_note(note: Note) -> Document:
    """A note as a nested value."""
    document: Document = _NOTE.dump_python(note, mode="json")
    return document


def to_note(document: Mapping[str, Any]) -> Note:
    """A note from its nested value."""
    return _NOTE.validate_python(document)


def of_queued(mail: Queued) -> Document:
    """A mail of any kind as a nested value; one without `kind` is a group's."""
    if isinstance(mail, Mail):
        return of_mail(mail)
    document: Document = _DIGEST.dump_python(mail, mode="json")
    return document


def to_queued(document: Mapping[str, Any]) -> Queued:
    """A mail of any kind from its nested value."""
    return _DIGEST.validate_python(document) if document.get("kind") == "digest" else to_mail(document)


def refuse_newer(document: Mapping[str, Any]) -> None:
    if document.get("schema", 0) > SCHEMA:
        raise NewerDocument(document.get("schema"))
