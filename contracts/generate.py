"""The documents that are made from the models: one JSON Schema for each payload, and AsyncAPI 3.0 for all topics."""

import json
from collections.abc import Mapping
from typing import Any

from contracts.attributes import MAX_IDENTITY_BYTES
from contracts.base import WireModel
from contracts.topics import DLQ_SUFFIX, OWN, OWN_PREFIX, TOPICS, Topic

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def payloads() -> dict[str, type[WireModel]]:
    """Every payload model by the name of its schema file: the event type without `vn.tiendo.`; alerts share one."""
    named: dict[str, type[WireModel]] = {}
    for topic in TOPICS:
        for event_type, model in topic.payloads.items():
            named[schema_name(event_type)] = model
    return named


def schema_name(event_type: str) -> str:
    """`vn.tiendo.statistic.reported.v1` → `statistic.reported.v1`; every alert transition → `alert.transition.v1`."""
    short = event_type.removeprefix("vn.tiendo.")
    return "alert.transition.v1" if short.startswith("alert.") else short


def schemas() -> dict[str, dict[str, Any]]:
    """The JSON Schema of every payload, as a writer of that payload must meet it."""
    return {
        name: {"$schema": DIALECT, "$id": f"urn:tiendo:schema:{name}", **model.model_json_schema(mode="validation")}
        for name, model in sorted(payloads().items())
    }


def asyncapi(version: str = "1.0.0") -> dict[str, Any]:
    """All topics with keys, payloads, retention, who writes and who reads."""
    messages = {
        event_type: {
            "name": event_type,
            "contentType": "application/json",
            "headers": {"$ref": "#/components/schemas/cloudEventHeaders"},
            "payload": {"$ref": f"./schemas/{schema_name(event_type)}.json"},
        }
        for topic in TOPICS
        for event_type in topic.payloads
    }
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Tiến Độ",
            "version": version,
            "description": "CloudEvents 1.0 on Kafka: binary mode out, binary and structured mode in.",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "channels": {**{topic.name: _channel(topic) for topic in TOPICS}, _OWN: {**_channel(OWN), **_OWNERS}},
        "operations": {
            name: operation
            for channel, topic in (*((topic.name, topic) for topic in TOPICS), (_OWN, OWN))
            for who, action in _roles(topic)
            for name, operation in [_operation(channel, who, action)]
        },
        "components": {"messages": messages, "schemas": {"cloudEventHeaders": _HEADERS}},
    }


def documents() -> dict[str, str]:
    """Every generated file of this package by its path below it."""
    files = {f"schemas/{name}.json": _text(schema) for name, schema in schemas().items()}
    return {**files, "asyncapi.json": _text(asyncapi())}


def _text(document: Mapping[str, Any]) -> str:
    return json.dumps(document, ensure_ascii=False, indent=2, sort_keys=True) + "\n"


def _channel(topic: Topic) -> dict[str, Any]:
    return {
        "address": topic.name,
        "description": topic.purpose,
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in topic.payloads},
        "bindings": {
            "kafka": {
                "topic": topic.name,
                "partitions": topic.partitions,
                "topicConfiguration": {
                    "cleanup.policy": ["delete" if topic.retention is not None else "compact"],
                    **({"retention.ms": int(topic.retention.total_seconds() * 1000)} if topic.retention else {}),
                },
            }
        },
        "x-key": topic.key,
        **({"x-dead-letters": topic.name + DLQ_SUFFIX} if topic.dead_letters else {}),
    }


def _roles(topic: Topic) -> list[tuple[str, str]]:
    return [(who, "send") for who in topic.producers] + [(who, "receive") for who in topic.consumers]


def _operation(channel: str, who: str, action: str) -> tuple[str, dict[str, Any]]:
    return f"{who}-{action}-{channel}", {
        "action": action,
        "channel": {"$ref": f"#/channels/{channel}"},
        "x-service": who,
    }


_OWN = OWN_PREFIX.removesuffix(".")
_OWNERS = {
    "parameters": {
        "province": {"description": "Id of the province."},
        "publisher": {"description": "Id of the publisher in its catalog."},
    }
}

_IDENTITY = {
    "type": "string",
    "minLength": 1,
    "maxLength": MAX_IDENTITY_BYTES,
    "description": f"At most {MAX_IDENTITY_BYTES} bytes in UTF-8.",
}

_HEADERS = {
    "type": "object",
    "required": ["ce_specversion", "ce_id", "ce_source", "ce_type"],
    "properties": {
        "ce_specversion": {"const": "1.0"},
        "ce_id": _IDENTITY,
        "ce_source": _IDENTITY,
        "ce_type": {"type": "string"},
        "ce_time": {"type": "string", "format": "date-time"},
        "ce_subject": {"type": "string"},
        "ce_traceparent": {"type": "string"},
        "content-type": {"type": "string"},
    },
}
