"""A figure as a publisher says it: one CloudEvent, in the binary mode of Kafka."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from contracts import envelope

TYPE = "vn.tiendo.statistic.reported.v1"


@dataclass(frozen=True, slots=True)
class Said:
    """What one publisher says at one moment. The same `id` again is the same event."""

    source: str
    id: str
    at: datetime
    data: Mapping[str, Any]

    @property
    def key(self) -> bytes:
        """The advised key: province/kpi/org_unit."""
        return f"{self.data['province']}/{self.data['kpi']}/{self.data['org_unit']}".encode()

    @property
    def value(self) -> bytes:
        """The payload's JSON."""
        return json.dumps(self.data, ensure_ascii=False, separators=(",", ":")).encode()

    @property
    def headers(self) -> list[tuple[str, bytes]]:
        """The event's attributes."""
        return envelope.write(id=self.id, source=self.source, type=TYPE, time=self.at, subject=self.key.decode())
