"""The cases of `cases.yaml`, and the messages that they are over Kafka and over HTTP."""

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import yaml

from contracts.topics import STATISTICS_REPORTED, own_topic

FOLDER = Path(__file__).parent
PROVINCE = "conformance"
FIGURE = {
    "province": PROVINCE,
    "kpi": "signed-share",
    "org_unit": "conformance.xa-dak",
    "as_of": "2023-09-30",
    "numerator": 913,
    "denominator": 1000,
}
ATTRIBUTES = {
    "specversion": "1.0",
    "type": "vn.tiendo.statistic.reported.v1",
    "source": "urn:tiendo:conformance:reports",
    "time": "2024-01-02T08:00:00+07:00",
    "content-type": "application/json",
}
STRUCTURED = "application/cloudevents+json"


@dataclass(frozen=True, slots=True)
class Message:
    """A record, or the headers and the body of a request."""

    headers: list[tuple[str, str]]
    value: bytes | None

    @property
    def record_headers(self) -> list[tuple[str, bytes]]:
        """As Kafka has them."""
        return [(name, text.encode()) for name, text in self.headers]


@dataclass(frozen=True, slots=True)
class Case:
    """One case, as `cases.yaml` says it."""

    name: str
    change: Mapping[str, Any] = field(default_factory=dict)
    data: Any = None
    attributes: Mapping[str, str | None] = field(default_factory=dict)
    headers: Sequence[tuple[str, str]] = ()
    body: str | None = None
    base64: str | None = None
    tombstone: bool = False
    structured: bool = False
    first: Sequence[Mapping[str, Any]] = ()
    expect: Mapping[str, Any] = field(default_factory=dict)
    http: Mapping[str, Any] | None = None
    http_only: bool = False
    own_topic_of: str | None = None
    limit: str | None = None
    fact: str | None = None

    @property
    def topic(self) -> str:
        """Where its records are sent."""
        return STATISTICS_REPORTED.name if self.own_topic_of is None else own_topic(PROVINCE, self.own_topic_of).name

    @property
    def refused(self) -> list[str]:
        """The codes of the refusal, if it is to be one."""
        return list(self.expect.get("refused", ()))

    def envelope(self, run: str) -> dict[str, str]:
        """All attributes, and the content type among them."""
        given = {**ATTRIBUTES, "id": f"{run}/{self.name}", **self.attributes}
        return {name: text.replace("{run}", run) for name, text in given.items() if text is not None}

    def id(self, run: str) -> str:
        """The event's id in this run."""
        return self.envelope(run)["id"]

    def on_kafka(self, run: str) -> list[Message]:
        """The records that are sent, the last of which the case is about."""
        earlier = [self._message(run, {**FIGURE, **change}, "ce_") for change in self.first]
        return [*earlier, self._message(run, self._figure(), "ce_")]

    def on_http(self, run: str) -> Message:
        """The request."""
        return self._message(run, self._figure(), "ce-")

    def sound(self, run: str) -> Message:
        """A figure that is taken, to be sent behind the case."""
        return Case(f"{self.name}/behind").on_kafka(run)[0]

    def _figure(self) -> Any:
        return {**FIGURE, **self.change} if self.data is None else self.data

    def _message(self, run: str, figure: Any, prefix: str) -> Message:
        attributes = self.envelope(run)
        value = self._value(figure)
        if self.structured:
            del attributes["content-type"]
            whole = dict(attributes) if "data_base64" in attributes else {**attributes, "data": json.loads(value)}
            return Message([("content-type", STRUCTURED)], json.dumps(whole, ensure_ascii=False).encode())
        content_type = attributes.pop("content-type", None)
        headers = [(f"{prefix}{name}", text) for name, text in attributes.items()]
        if prefix == "ce-":
            headers = [(name, quote(text, safe="!#$&'()*+,/:;=?@[]~")) for name, text in headers]
        headers += [("content-type", content_type)] if content_type is not None else []
        more = [(name.replace("ce_", prefix), text) for name, text in self.headers]
        return Message([*headers, *more], None if self.tombstone else value)

    def _value(self, figure: Any) -> bytes:
        if self.base64 is not None:
            return base64.b64decode(self.base64)
        if self.body is not None:
            return self.body.encode()
        if isinstance(figure, dict):
            figure = {name: given for name, given in figure.items() if given is not None}
        return json.dumps(figure, ensure_ascii=False).encode()


def cases() -> list[Case]:
    """All of them, in the order of the file."""
    read = yaml.safe_load((FOLDER / "cases.yaml").read_text(encoding="utf-8"))
    return [Case(**_repeated(one)) for one in read]


def _repeated(given: Any) -> Any:
    """The value, with what is to be repeated written out; `numbered`: the first text of each item gets a number."""
    if isinstance(given, list):
        return [_repeated(item) for item in given]
    if not isinstance(given, dict):
        return given
    if "repeat" not in given:
        return {name: _repeated(value) for name, value in given.items()}
    what, times = _repeated(given["repeat"]), given["times"]
    if given.get("numbered"):
        name, text = what
        return [(f"{name}{number}", text) for number in range(times)]
    return what * times
