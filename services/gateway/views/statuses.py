"""The statuses as they are shown: word, shape and order. Each has its own shape, so that colour is never needed."""

from dataclasses import dataclass
from typing import Any

from contracts.alerts import Severity
from contracts.progress import Status
from services.gateway.views.words import Words

URGENCY: tuple[Status, ...] = (
    Status.MISSED,
    Status.MOVING_AWAY,
    Status.BEHIND,
    Status.AT_RISK,
    Status.UNKNOWN,
    Status.ON_TRACK,
    Status.ACHIEVED,
    Status.NO_TARGET,
)
"""What needs somebody first, first."""

LATE = frozenset({Status.MISSED, Status.MOVING_AWAY, Status.BEHIND})

JUDGED = frozenset(Status) - {Status.NO_TARGET, Status.UNKNOWN}

_WORDS = {
    Status.ACHIEVED: "Đã đạt",
    Status.MISSED: "Không đạt",
    Status.UNKNOWN: "Chưa rõ",
    Status.MOVING_AWAY: "Đi lùi",
    Status.BEHIND: "Chậm",
    Status.AT_RISK: "Có nguy cơ",
    Status.ON_TRACK: "Đúng tiến độ",
    Status.NO_TARGET: "Không có mục tiêu",
}
_SEVERITIES = {Severity.CRITICAL: "Nghiêm trọng", Severity.BEHIND: "Chậm", Severity.WATCH: "Theo dõi"}


@dataclass(frozen=True, slots=True)
class Badge:
    """A status or severity on the page: `code` chooses colour and shape, `word` says it."""

    code: str
    word: str


def badge(status: Status, words: Words) -> Badge:
    """The badge of a status."""
    return Badge(status.value, words(_WORDS[status]))


def severity_badge(severity: Any, words: Words) -> Badge:
    """The badge of an alert's severity."""
    known = Severity(severity)
    return Badge(known.value, words(_SEVERITIES[known]))


def urgency(status: Status) -> int:
    """0 is the most urgent."""
    return URGENCY.index(status)
