"""Settings: small models, one for each dependency, composed by each service; read once, in `__main__`, from `TIENDO_*`.

`TIENDO_KAFKA_BOOTSTRAP` fills `kafka.bootstrap`: the first word names the section, the rest the field. Secrets may come
from files: a folder named by `TIENDO_SECRETS` holds one file a setting, named like the variable in lower case.
"""

import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Self, TypeVar

from aiokafka.helpers import create_ssl_context
from pydantic import BaseModel, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import (
    BaseSettings,
    NestedSecretsSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
)

from services.runtime.errors import StartError

PREFIX = "TIENDO_"
SECTIONS = frozenset(
    {
        "profile",
        "clock",
        "kafka",
        "mongo",
        "http",
        "log",
        "start",
        "smtp",
        "mail",
        "gateway",
        "alerts",
        "webhooks",
        "ingest",
        "metrics",
    }
)
"""First words that some service or command knows; another one is a spelling mistake and is warned about."""


class KafkaSettings(BaseModel):
    """The broker. Defaults are production's; the embedded profile sets its own."""

    bootstrap: str = Field("127.0.0.1:9092", description="host:port, several with commas")
    enable_idempotence: bool = Field(True, description="off only where the broker cannot (the embedded one)")
    leave_groups: bool = Field(
        True, description="tell the broker when a process stops; off only where it cannot take it (the embedded one)"
    )
    log_id: str | None = Field(
        None, description="names this incarnation of the log; default: the id stored when the topics were made"
    )
    session_timeout_ms: int = Field(10_000, ge=500)
    heartbeat_interval_ms: int = Field(3_000, ge=100)
    rebalance_timeout_ms: int = Field(
        30_000, ge=1_000, description="how long a member may take to hand over its partitions"
    )
    fetch_max_wait_ms: int = Field(50, ge=1)
    request_timeout_ms: int = Field(20_000, ge=1_000)
    metadata_max_age_ms: int = Field(
        10_000, ge=500, description="how soon the new topic of a publisher, or a new partition, is read"
    )
    max_records: int = Field(4_000, ge=1, description="records that are handled as one batch")
    replication_factor: int = Field(1, ge=1, description="of the topics that `tiendo topics` makes")
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = "SCRAM-SHA-512"
    sasl_username: str | None = None
    sasl_password: SecretStr | None = None
    ssl_cafile: Path | None = None
    ssl_certfile: Path | None = None
    ssl_keyfile: Path | None = None

    @model_validator(mode="after")
    def _heartbeat_fits(self) -> Self:
        if self.heartbeat_interval_ms * 2 > self.session_timeout_ms:
            raise ValueError("heartbeat_interval_ms must be at most half of session_timeout_ms")
        if self.security_protocol.startswith("SASL") and not (self.sasl_username and self.sasl_password):
            raise ValueError(f"{self.security_protocol} needs sasl_username and sasl_password")
        return self

    def connection(self) -> dict[str, Any]:
        """What every aiokafka client needs to reach the broker."""
        options: dict[str, Any] = {
            "bootstrap_servers": self.bootstrap,
            "request_timeout_ms": self.request_timeout_ms,
            "security_protocol": self.security_protocol,
        }
        if self.security_protocol in ("SSL", "SASL_SSL"):
            options["ssl_context"] = self._ssl_context()
        if self.security_protocol.startswith("SASL"):
            assert self.sasl_password is not None
            options["sasl_mechanism"] = self.sasl_mechanism
            options["sasl_plain_username"] = self.sasl_username
            options["sasl_plain_password"] = self.sasl_password.get_secret_value()
        return options

    def _ssl_context(self) -> ssl.SSLContext:
        try:
            context: ssl.SSLContext = create_ssl_context(
                cafile=str(self.ssl_cafile) if self.ssl_cafile else None,
                certfile=str(self.ssl_certfile) if self.ssl_certfile else None,
                keyfile=str(self.ssl_keyfile) if self.ssl_keyfile else None,
            )
        except OSError as error:
            raise StartError(f"The certificates named by TIENDO_KAFKA_SSL_* cannot be read: {error}.") from None
        return context


class MongoSettings(BaseModel):
    """The database: a replica set, even if of one. TLS and credentials are options of the URI."""

    uri: SecretStr = SecretStr("mongodb://127.0.0.1:27017/?replicaSet=rs0")
    database: str = Field(
        "tiendo", pattern=r"^[a-z][a-z0-9_]{0,30}$", description="prefix: each service has <prefix>_<service>"
    )
    timeout_ms: int = Field(20_000, ge=500, description="how long one operation may take before it is tried again")


class HttpSettings(BaseModel):
    """Where the service answers: health and metrics; the gateway also everything else."""

    host: str = "127.0.0.1"
    port: int = Field(8080, ge=0, le=65535)
    names: str = Field(
        "",
        description="public host names under which it is asked, with commas; `*`: any. Addresses and names of an inner "
        "network (one word, .local, .internal, .svc) are always good. Internal paths, and the gateway where no key is "
        "asked for, answer to no others; the gateway of a production profile only if names are set",
    )
    max_connections: int = Field(2_000, ge=10, description="open at once; beyond it requests are answered with 503")
    head_timeout_s: float = Field(10.0, gt=0, description="how long a caller may take for the head of a request")
    body_timeout_s: float = Field(120.0, gt=0, description="how long a caller may take for the body of a request")


class LogSettings(BaseModel):
    """Logs are JSON lines on standard error."""

    level: Literal["debug", "info", "warning", "error"] = "info"


class StartSettings(BaseModel):
    """How long to wait for a broker, a database and a catalog that are not there yet."""

    timeout_s: float = Field(60.0, gt=0)


class ServiceSettings(BaseSettings):
    """What every service has; each adds its own sections."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_nested_delimiter="_", env_nested_max_split=1, extra="ignore", frozen=True
    )

    profile: Literal["production", "embedded"] = "production"
    clock: str = Field(
        "system", description="`system`, or `from:<instant>`: time starts there and moves on with the data"
    )
    kafka: KafkaSettings = KafkaSettings()
    mongo: MongoSettings = MongoSettings()
    http: HttpSettings = HttpSettings()
    log: LogSettings = LogSettings()
    start: StartSettings = StartSettings()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment before the secret files, whose names are split into section and field like the variables'."""
        return init_settings, env_settings, NestedSecretsSettingsSource(file_secret_settings)


S = TypeVar("S", bound=ServiceSettings)


def load(settings: type[S], environment: Mapping[str, str]) -> S:
    """Settings of a service from the environment and, where `TIENDO_SECRETS` names a folder, from its secret files.

    Raises `StartError` with one sentence that names each wrong variable.
    """
    folder = environment.get(PREFIX + "SECRETS")
    if folder is not None and not Path(folder).is_dir():
        raise StartError(f"{PREFIX}SECRETS names {folder}, which is no folder.")
    try:
        return settings(_secrets_dir=folder)
    except (ValidationError, SettingsError) as error:
        raise StartError(f"Wrong setting: {_sentence(error)}.") from None


def _sentence(error: ValidationError | SettingsError) -> str:
    if isinstance(error, SettingsError):
        return str(error)
    return "; ".join(
        f"{PREFIX}{'_'.join(str(part) for part in problem['loc']).upper()}: {problem['msg']}"
        for problem in error.errors()
    )


def unknown(settings: type[ServiceSettings], environment: Mapping[str, str]) -> list[str]:
    """A warning for each `TIENDO_*` variable that no service knows, or that this one does not find in its section."""
    warnings = []
    for name in sorted(environment):
        if not name.startswith(PREFIX) or name == PREFIX + "SECRETS" or name.startswith(PREFIX + "TEST_"):
            continue
        section, _, field = name.removeprefix(PREFIX).lower().partition("_")
        declared = settings.model_fields.get(section)
        if section not in SECTIONS:
            warnings.append(f"{name} is not a setting that any service knows")
        elif declared is not None and field:
            model = declared.annotation
            if isinstance(model, type) and issubclass(model, BaseModel) and field not in model.model_fields:
                warnings.append(f"{name}: the section {section} has no setting {field!r}")
    return warnings
