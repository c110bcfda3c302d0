"""How much one key may ask: token buckets in this process. Pure, exact: `now` is nanoseconds of a monotonic clock."""

from dataclasses import dataclass

WINDOW_S = 60
"""The time in which an empty bucket fills."""

_SECOND = 1_000_000_000
_TOKEN = WINDOW_S * _SECOND
"""A token in the unit of the level, of which each nanosecond brings as many as the quota."""


class Bucket:
    """So many tokens a minute; what is not used is kept, up to a minute's worth."""

    __slots__ = ("_at", "_level", "quota")

    def __init__(self, quota: int, now: int) -> None:
        self.quota = quota
        self._level = quota * _TOKEN
        self._at = now

    def take(self, cost: int, now: int) -> int:
        """Take as many, and return 0; or take none, and return the whole seconds after which to come again.

        What costs more than a bucket holds is given to a full one, which is then in debt.
        """
        wait = self.wait(cost, now)
        if not wait:
            self._level -= cost * _TOKEN
        return wait

    def wait(self, cost: int, now: int) -> int:
        """Whole seconds until as many can be taken; 0 if they can now."""
        self._fill(now)
        return self._seconds(min(cost, self.quota) * _TOKEN - self._level)

    def left(self, now: int) -> int:
        """Whole tokens that are there."""
        self._fill(now)
        return max(0, self._level // _TOKEN)

    def full_in(self, now: int) -> int:
        """Whole seconds until it is full again, if nobody takes any."""
        self._fill(now)
        return self._seconds(self.quota * _TOKEN - self._level)

    def _fill(self, now: int) -> None:
        passed = max(0, now - self._at)
        self._level = min(self.quota * _TOKEN, self._level + passed * self.quota)
        self._at += passed

    def _seconds(self, missing: int) -> int:
        return max(0, -(-missing // (self.quota * _SECOND)))


@dataclass(frozen=True, slots=True)
class Allowance:
    """What one key may do: requests, and the events in them."""

    requests: Bucket
    events: Bucket

    def headers(self, now: int) -> dict[str, str]:
        """`RateLimit` and `RateLimit-Policy` of the IETF's draft: quota and window, what is left, when all is."""
        named = (("requests", self.requests), ("events", self.events))
        return {
            "ratelimit-policy": ", ".join(f'"{name}";q={bucket.quota};w={WINDOW_S}' for name, bucket in named),
            "ratelimit": ", ".join(f'"{name}";r={bucket.left(now)};t={bucket.full_in(now)}' for name, bucket in named),
        }
