"""Publishing what a request brought."""

from collections.abc import Sequence

from services.gateway.outbox import Overloaded
from services.gateway.parts import Parts
from services.gateway.problems import unavailable
from services.runtime.errors import Transient, Unprocessable
from services.runtime.kafka.producer import Outgoing


async def publish(parts: Parts, records: Sequence[Outgoing]) -> None:
    """Return when the broker has acknowledged all. Raises `Problem` (503): nothing may be taken for accepted then."""
    try:
        await parts.outbox.submit(records)
    except (Transient, Unprocessable, Overloaded, ConnectionError):
        raise unavailable(
            "Hàng đợi chưa xác nhận. Hãy gửi lại y nguyên: gửi hai lần vẫn chỉ tính một.",
            "The broker did not acknowledge. Send the same again: twice counts once.",
        ) from None
