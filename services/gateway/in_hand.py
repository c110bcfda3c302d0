"""How many bytes of bodies this process has in hand at once, of all callers and of each: a body becomes several times
its size while it is read, examined and published."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from services.gateway.problems import Problem

_RETRY_AFTER_S = 2
_HEADERS = {"retry-after": str(_RETRY_AFTER_S)}


class Held:
    """What one request has in hand."""

    def __init__(self, of: "InHand", caller: str) -> None:
        self._of = of
        self._caller = caller
        self.size = 0

    def grow(self, size: int) -> None:
        """Take up so many bytes, once what was taken is less. Raises `Problem`: 429 beyond the caller's share, 503
        beyond what the process holds."""
        if size > self.size:
            self._of.take(self._caller, size - self.size)
            self.size = size


class InHand:
    """A caller that holds nothing may take up one body however large; the limit for one body is another matter."""

    def __init__(self, most: int, share: int) -> None:
        self._most = most
        self._share = share
        self._of = Counter[str]()
        self.size = 0

    @contextmanager
    def one(self, caller: str | None) -> Iterator[Held]:
        """A request of this key (None: of this machine), from its body's first byte to its answer."""
        held = Held(self, caller or "")
        try:
            yield held
        finally:
            self._release(held)

    def take(self, caller: str, size: int) -> None:
        """Count so many bytes. Raises `Problem`."""
        mine = self._of[caller]
        if mine and mine + size > self._share:
            raise Problem(
                429,
                "too_much_at_once",
                f"Đang xử lý {mine} byte khác của bạn; chưa nhận gì, hãy gửi lại sau {_RETRY_AFTER_S} giây, từng yêu "
                "cầu một.",
                f"{mine} bytes of yours are being worked on; nothing was taken, send it again in {_RETRY_AFTER_S} s, "
                "one request after the other.",
                headers=_HEADERS,
            )
        if self.size and self.size + size > self._most:
            raise Problem(
                503,
                "unavailable",
                f"Đang xử lý nhiều yêu cầu lớn cùng lúc; chưa nhận gì, hãy gửi lại sau {_RETRY_AFTER_S} giây.",
                f"Many large requests are being worked on; nothing was taken, send it again in {_RETRY_AFTER_S} s.",
                headers=_HEADERS,
            )
        self._of[caller] += size
        self.size += size

    def _release(self, held: Held) -> None:
        caller = held._caller
        self.size -= held.size
        self._of[caller] -= held.size
        if not self._of[caller]:
            del self._of[caller]
