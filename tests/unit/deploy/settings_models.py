"""The settings models of the services, found as each service's `settings.py` declares them."""

import importlib
import inspect
from importlib.util import find_spec

from pydantic import BaseModel

from services.cli.settings import CommandSettings
from services.runtime.settings import PREFIX, ServiceSettings

SERVICES = ("ingest", "metrics", "alerts", "gateway")


def models() -> dict[str, type[ServiceSettings]]:
    """Service → the model of its settings; `tiendo` stands for the commands."""
    found: dict[str, type[ServiceSettings]] = {"tiendo": CommandSettings}
    for service in SERVICES:
        module = f"services.{service}.settings"
        if find_spec(module) is None:  # a service that adds no settings of its own
            found[service] = ServiceSettings
            continue
        own = [
            each
            for _, each in inspect.getmembers(importlib.import_module(module), inspect.isclass)
            if issubclass(each, ServiceSettings) and each.__module__ == module
        ]
        assert len(own) == 1, f"{module} declares {len(own)} models of settings"
        found[service] = own[0]
    return found


def variables(model: type[ServiceSettings]) -> set[str]:
    """All `TIENDO_*` variables that fill a field of the model."""
    names = set()
    for section, field in model.model_fields.items():
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            names |= {f"{PREFIX}{section}_{name}".upper() for name in inner.model_fields}
        else:
            names.add(f"{PREFIX}{section}".upper())
    return names
