"""The progress record as it goes out: its content, which is judged, and what stands around it.

Built as plain dicts for speed; a contract test holds every field to `ProgressJudged`.
"""

from collections.abc import Iterable, Mapping, Sequence
from hashlib import blake2b
from typing import Any, NamedTuple

import orjson

from contracts.progress import progress_key
from services.metrics.days import Window, iso
from services.metrics.definition import Definition
from services.metrics.exact import nearest
from services.metrics.foretold import Future
from services.metrics.judge import Judgement
from services.metrics.obligation import Obligation
from services.metrics.reading import Reading, shown
from services.metrics.reasons import Reason
from services.metrics.state import Closed
from services.metrics.trust import Against, against


class Emission(NamedTuple):
    """A version of a record to be published."""

    key: str
    version: int
    status: str
    previous: str | None
    catalog_version: str
    content: bytes
    future: Future
    further: tuple[Reason, ...] = ()
    """Reasons that tell how the version came about; they are no part of the judgement."""
    closed: Closed | None = None

    def value(self, judged_at: str) -> bytes:
        """The JSON payload. `judged_at`: RFC 3339."""
        previous = "null" if self.previous is None else f'"{self.previous}"'
        around = (
            f',"previous_status":{previous},"version":{self.version}'
            f',"catalog_version":"{self.catalog_version}","judged_at":"{judged_at}"'
        )
        if self.closed is not None:
            around += f',"closed":{orjson.dumps(self.closed._asdict()).decode()}'
        content, (landing, reason, _) = self.content, self.future
        if self.further or reason:
            further = [orjson.dumps(one) for one in self.further]
            content = _with(content, [reason, *further] if reason else further)
        return b"".join((content[:-1], b',"landing":', landing, around.encode(), b"}"))


def content_of(
    definition: Definition,
    unit: str,
    window: Window,
    reading: Reading,
    found: Judgement,
    by: Obligation | None,
    extra: dict[str, Any],
) -> bytes:
    """All that makes up a judgement, as JSON. Equal judgements have equal bytes: what depends on clocks and batches is
    not in it. `extra`: needed, held, contributions, and the score of a composite."""
    inputs, count = ([], 0) if definition.kind.derived else reading.inputs()
    shows_parts = definition.kind.shows_parts
    return orjson.dumps(
        {
            "province": definition.catalog.province.id,
            "kpi": definition.kpi_id,
            "org_unit": unit,
            "period": window.id,
            "as_of": None if reading.as_of is None else iso(reading.as_of),
            "value": None if reading.value is None else nearest(reading.value),
            "numerator": shown(reading.n) if shows_parts else None,
            "denominator": shown(reading.d) if shows_parts else None,
            "unit_of_measure": definition.kpi.unit_of_measure,
            "target": None if by is None else by.wire,
            "planned": None if found.planned is None else nearest(found.planned),
            "gap": None if found.gap is None else nearest(found.gap),
            "pace": None if found.pace is None else nearest(found.pace),
            "completion": None if found.completion is None else nearest(found.completion),
            **extra,
            "status": found.status,
            "reasons": found.reasons,
            "completeness": reading.completeness,
            "timeliness": reading.timeliness,
            "discrepancy": reading.discrepancy,
            "flags": reading.flags,
            "trust": None if reading.value is None else trust_of(reading, found, extra.get("score")).grade,
            "inputs": inputs,
            "inputs_count": count,
        }
    )


def trust_of(reading: Reading, found: Judgement, score: Mapping[str, Any] | None) -> Against:
    """What is held against the figure of a record."""
    return against(reading.flags, found.reasons, reading.completeness, score, direct=reading.direct)


def with_reasons(content: bytes, further: Iterable[Reason]) -> bytes:
    """The content with more reasons behind its own."""
    return _with(content, [orjson.dumps(one) for one in further])


def _with(content: bytes, reasons: Sequence[bytes]) -> bytes:
    """Reasons as JSON. Each record has at least one of its own."""
    at = content.index(_AFTER_REASONS)
    return b"".join((content[:at], *(b"," + reason for reason in reasons), content[at:]))


_AFTER_REASONS = b'],"completeness":'
"""What follows the reasons in `content_of`. Within a text its quotation marks would be escaped."""


def digest_of(content: bytes) -> bytes:
    """What tells whether a judgement changed."""
    return blake2b(content, digest_size=8).digest()


def key_of(definition: Definition, unit: str, window: Window) -> str:
    """The record's key."""
    return progress_key(definition.catalog.province.id, definition.kpi_id, unit, window.id)
