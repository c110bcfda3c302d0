"""The identity of a figure without an id, such as a row of a spreadsheet: made of its content, so the same row twice is
the same event."""

import hashlib
import json
from contextlib import suppress
from datetime import datetime

from contracts import envelope
from services.runtime.sheets.figures import Figure

_WHICH = ("province", "kpi", "org_unit", "as_of", "period", "mode")
_FIGURES = ("numerator", "denominator", "value", "weight", "rank", "of", "done", "done_on", "members")
_HOW = (("revision", 1), ("retracts", False), ("status", "actual"))
_DEFAULTS = dict((("mode", "absolute"), *_HOW))
_DAYS = ("as_of", "done_on")


def in_one_writing(figure: Figure) -> Figure:
    """The figure as it is sent, so that what has one id has one content: without fields that say what is so without
    them, and instants in UTC. Numbers have one writing already."""
    said = {field: value for field, value in figure.items() if value != _DEFAULTS.get(field)}
    return said | {field: _in_utc(said[field]) for field in _DAYS if field in said}


def _in_utc(day: str) -> str:
    with suppress(ValueError, OverflowError):  # left as it is for whoever refuses it
        if "T" in day.upper():
            return envelope.instant(datetime.fromisoformat(day.upper()))
    return day


def event_id(figure: Figure) -> str:
    """`import-` and 32 hex digits. Notes and evidence are no part of it: with a better note it is no new figure."""
    figure = in_one_writing(figure)
    content = [
        [figure.get(field, _DEFAULTS.get(field)) for field in _WHICH],
        [figure.get(field) for field in _FIGURES],
        [figure.get(field, default) for field, default in _HOW],
    ]
    canonical = json.dumps(content, ensure_ascii=True, separators=(",", ":"))
    return f"import-{hashlib.sha256(canonical.encode()).hexdigest()[:32]}"


def cell_of(figure: Figure) -> bytes:
    """Which figure it is, whatever it says: two rows that share this speak of one. Increments are each their own."""
    if figure.get("mode") == "increment":
        return event_id(figure).encode()
    which = [*(figure.get(field) for field in _WHICH[:4]), figure.get("revision", 1), figure.get("status", "actual")]
    return hashlib.sha256(json.dumps(which).encode()).digest()[:16]
