"""Going on after the fuse has stopped partitions, over HTTP beside `/healthz`: for `tiendo dlq resume`."""

from typing import Protocol

import structlog
from aiokafka import TopicPartition
from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from contracts.quarantine import Resume, Resumed

log = structlog.get_logger()

PATH = "/internal/v1/resume"


class Stopped(Protocol):
    """What is asked of a `Delivery`."""

    topic: str

    def resume(self) -> list[TopicPartition]: ...


class Fused(Protocol):
    """What is asked of a `DeadLetterQueue`."""

    def renew(self, allowance: int) -> None: ...


def routes(delivery: Stopped, quarantine: Fused) -> list[Route]:
    """`POST …/resume`: a new fuse, and the stopped partitions go on from where they were stopped."""

    async def resume(request: Request) -> Response:
        try:
            asked = Resume.model_validate_json(await request.body() or b"{}")
        except ValidationError as error:
            why = error.errors()[0]
            return JSONResponse({"code": "bad_parameter", "why": f"{why['loc']}: {why['msg']}"}, 400)
        quarantine.renew(asked.quarantine)
        resumed = delivery.resume()
        partitions = tuple(at.partition for at in resumed if at.topic == delivery.topic)
        others = tuple(f"{at.topic}/{at.partition}" for at in resumed if at.topic != delivery.topic)
        log.info("resumed", topic=delivery.topic, partitions=partitions, others=others, quarantine=asked.quarantine)
        said = Resumed(topic=delivery.topic, partitions=partitions, quarantine=asked.quarantine, others=others)
        return Response(said.model_dump_json(), media_type="application/json")

    return [Route(PATH, resume, methods=["POST"])]
