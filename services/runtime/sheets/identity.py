"""The identity of a figure that came in a spreadsheet: made of its content, so the same row twice is the same event."""

import hashlib
import json

from services.runtime.sheets.figures import Figure

_WHICH = ("province", "kpi", "org_unit", "as_of", "period", "mode")
_FIGURES = ("numerator", "denominator", "value", "weight", "rank", "of", "done", "done_on", "members")
_HOW = (("revision", 1), ("retracts", False), ("status", "actual"))


def event_id(figure: Figure) -> str:
    """`import-` and 32 hex digits. Notes and evidence are no part of it: with a better note it is no new figure."""
    content = [
        [figure.get(field, "absolute" if field == "mode" else None) for field in _WHICH],
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
