"""Logs: one JSON object a line on standard error, for our own code and for the libraries'.

Our own code uses structlog's native loggers; foreign loggers are rendered by the same processors. Tracebacks carry no
locals, since those may hold secrets, and of an error's text its beginning, since that may hold a whole batch.
"""

import logging
import sys
from typing import Any

import orjson
import structlog
from structlog.typing import Processor

from services.runtime.errors import cut
from services.runtime.settings import LogSettings


def configure(service: str, settings: LogSettings) -> None:
    """Set up both worlds. Called once, by the process that runs a service."""
    level = logging.getLevelNamesMapping()[settings.level.upper()]
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        _named(service),
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.ExceptionRenderer(_Traces(show_locals=False)),
    ]
    structlog.configure(
        processors=[*shared, structlog.processors.JSONRenderer(serializer=_dumps)],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.BytesLoggerFactory(file=sys.stderr.buffer),
        cache_logger_on_first_use=True,
    )
    foreign = logging.StreamHandler(sys.stderr)
    foreign.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared[:-1], structlog.stdlib.add_logger_name],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                shared[-1],
                structlog.processors.JSONRenderer(
                    serializer=lambda record, **_: orjson.dumps(record, default=str).decode()
                ),
            ],
        )
    )
    foreign.addFilter(_Once())
    root = logging.getLogger()
    root.handlers[:] = [foreign]
    root.setLevel(level)
    # While a broker is away these say the same hundred times a second; `Delivery` and the gauges say it once.
    for name in ("aiokafka", "faststream"):
        logging.getLogger(name).setLevel(max(level, logging.ERROR))
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access", "pymongo", "httpx2"):
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
        logger.setLevel(max(level, logging.WARNING))


def _dumps(record: Any, **_: Any) -> bytes:
    return orjson.dumps(record, default=str)


def _named(service: str) -> Processor:
    def add(_logger: Any, _method: str, event: Any) -> Any:
        event["service"] = service
        return event

    return add


class _Traces(structlog.tracebacks.ExceptionDictTransformer):
    def __call__(self, exc_info: Any) -> list[dict[str, Any]]:
        stacks = super().__call__(exc_info)
        _shorten(stacks)
        return stacks


def _shorten(stacks: list[dict[str, Any]]) -> None:
    for stack in stacks:
        stack["exc_value"] = cut(stack["exc_value"])
        for grouped in stack.get("exceptions", ()):
            _shorten(grouped)


class _Once(logging.Filter):
    """Lets the same foreign line through once in ten seconds: a client that reconnects says it many times a second."""

    def __init__(self) -> None:
        super().__init__()
        self._last: dict[tuple[str, str], float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        key = (record.name, str(record.msg))
        before = self._last.get(key)
        if before is not None and record.created - before < 10:
            return False
        if len(self._last) > 1_000:
            self._last.clear()
        self._last[key] = record.created
        return True
