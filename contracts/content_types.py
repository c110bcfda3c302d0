"""Which content types are read, and how they carry events. Both doors ask here, so they answer alike."""

import re
from enum import Enum

JSON = "application/json"
STRUCTURED = "application/cloudevents+json"
BATCH = "application/cloudevents-batch+json"


class Mode(Enum):
    """How an event is carried, as the content type says."""

    BINARY = "binary"
    STRUCTURED = "structured"
    BATCH = "batch"


def mode_of(content_type: str) -> Mode | None:
    """How events of this content type are carried; None where it is not read here.

    Without one the payload is taken for JSON, as CloudEvents has it. Other encodings of JSON than UTF-8 are not read.
    """
    if content_type == JSON or not content_type:
        return Mode.BINARY
    media, *parameters = (part.strip().lower() for part in content_type.split(";"))
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "charset" and value.strip().strip('"') not in _CHARSETS:
            return None
    if media.startswith("application/cloudevents"):
        return _OF_CLOUDEVENTS.get(media)
    return Mode.BINARY if media == JSON or _JSON_SUFFIX.fullmatch(media) else None


_CHARSETS = frozenset({"utf-8", "utf8", "us-ascii"})
_OF_CLOUDEVENTS = {STRUCTURED: Mode.STRUCTURED, BATCH: Mode.BATCH}
_JSON_SUFFIX = re.compile(r"application/[a-z0-9][a-z0-9!#$&^_.-]*\+json")
