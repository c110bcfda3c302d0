"""The settings of the commands that talk to a broker or a database: the services' own variables."""

import os
from pathlib import Path

from pydantic import SecretStr

from deploy.embedded import running
from services.runtime import settings
from services.runtime.settings import ServiceSettings


class CommandSettings(ServiceSettings):
    """What a command needs to reach the system: the same `TIENDO_*` variables as the services."""


def from_environment() -> CommandSettings:
    """Read the environment. Raises `StartError` with a sentence."""
    return settings.load(CommandSettings, os.environ)


def of_system(data: Path) -> CommandSettings:
    """The same; where they name no broker or database, those of the system that `tiendo up` runs over this folder."""
    read = from_environment()
    here = running.facts(data / "up") or {}
    kafka, mongo = read.kafka, read.mongo
    if "kafka" in here and "bootstrap" not in kafka.model_fields_set:
        kafka = kafka.model_copy(update={"bootstrap": here["kafka"]})
    if "mongo" in here and "uri" not in mongo.model_fields_set:
        mongo = mongo.model_copy(update={"uri": SecretStr(here["mongo"])})
    return read.model_copy(update={"kafka": kafka, "mongo": mongo})
