"""Settings of the gateway."""

from pydantic import BaseModel, Field

from contracts.statistics import MAX_EVENT_BYTES
from services.runtime.settings import ServiceSettings


class GatewaySettings(BaseModel):
    """Limits of the API. Those of a key hold in each process of the gateway."""

    page_size: int = Field(
        100, ge=1, le=1_000, description="records in a page of a list where the caller asks for none"
    )
    max_body_bytes: int = Field(8_388_608, ge=1_024, description="larger request bodies are refused")
    max_event_bytes: int = Field(MAX_EVENT_BYTES, ge=1_024, description="longer events are refused; as ingest's")
    max_batch: int = Field(10_000, ge=1, description="events in one request")
    max_bodies_bytes: int = Field(
        33_554_432,
        ge=1_024,
        description="bodies that are being worked on, which take several times that; beyond it the answer is 503",
    )
    max_bodies_bytes_of_a_key: int = Field(
        16_777_216, ge=1_024, description="the same of one key, several requests together; beyond it the answer is 429"
    )
    requests_per_minute: int = Field(1_200, ge=1, description="of one key in each replica; beyond: 429")
    events_per_minute: int = Field(100_000, ge=1, description="of one key in each replica; beyond: 429")
    keys_fresh_s: float = Field(
        5.0, ge=0, le=60, description="seconds that a key is remembered; so long a revoked one may still open"
    )
    max_waiting_bytes: int = Field(
        67_108_864,
        ge=1_024,
        description="events that wait for the broker's acknowledgement; beyond it the answer is 503",
    )
    max_import_bytes: int = Field(5_242_880, ge=1_024, description="larger spreadsheets are refused")
    max_import_rows: int = Field(100_000, ge=1, description="rows of a spreadsheet")
    max_import_entries: int = Field(200, ge=10, description="parts of an XLSX archive")
    max_import_unpacked_bytes: int = Field(52_428_800, ge=1_024, description="what an XLSX may unpack to")
    max_import_ratio: int = Field(100, ge=2, description="how many times its packed size a large part may unpack to")
    import_memory_bytes: int = Field(
        268_435_456, ge=67_108_864, description="address space of the process that reads a spreadsheet"
    )
    import_timeout_ms: int = Field(30_000, ge=100, description="how long a spreadsheet may take to read, or to mark")
    max_imports: int = Field(2, ge=1, description="spreadsheets that are read at once; beyond it the answer is 503")
    publish_timeout_ms: int = Field(5_000, ge=500, description="how long the broker may take for one request of ours")
    metrics_url: str = Field("http://127.0.0.1:8082", description="metrics' internal HTTP port: explanations, history")
    ingest_url: str = Field("http://127.0.0.1:8081", description="ingest's internal HTTP port: origin of observations")
    alerts_url: str = Field("http://127.0.0.1:8083", description="alerts' internal HTTP port: commands on alerts")
    owner_timeout_ms: int = Field(5_000, ge=100, description="how long one of these may take to answer a question")
    replies_days: int = Field(
        400,
        ge=30,
        le=400,
        description="how long refusals and doubts are kept, for publishers who ask about their events",
    )
    max_streams: int = Field(500, ge=1, description="live streams that are open at once")


class Settings(ServiceSettings):
    """What the gateway is told from outside."""

    gateway: GatewaySettings = GatewaySettings()
