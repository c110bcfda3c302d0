"""Saying something about an alert: it stands in the episode's history, and changes nothing else. Pure."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Comment:
    """The command. `by` is a person of the catalog."""

    command_id: str
    by: str
    note: str
    at: datetime
