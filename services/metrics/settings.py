"""Settings of metrics."""

from pydantic import BaseModel, Field

from services.runtime.settings import ServiceSettings


class MetricsSettings(BaseModel):
    """`TIENDO_METRICS_*`."""

    figures_in_memory: int = Field(
        800_000, ge=1, description="figures and records that are held; of KPIs beyond that they are read again"
    )
    catalog_wait_s: float = Field(10.0, gt=0, description="how long a batch waits for its catalog before it is retried")
    forecast_s: float = Field(2.0, gt=0, description="how often it is looked which records are to be forecast")
    ingest_url: str = Field(
        "http://127.0.0.1:8081", description="ingest's internal HTTP port: `tiendo rebuild` reads its ledger"
    )
    tick_s: float = Field(1.0, gt=0, description="how often it is looked whether time or the catalog moved on")


class Settings(ServiceSettings):
    """All settings of the service."""

    metrics: MetricsSettings = MetricsSettings()
