"""Settings: what the environment says, said back in a sentence where it is wrong."""

import os
from pathlib import Path

import pytest

from services.runtime import settings
from services.runtime.errors import StartError
from services.runtime.settings import ServiceSettings


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("TIENDO_")]:
        monkeypatch.delenv(name)


def load(monkeypatch: pytest.MonkeyPatch, **variables: str) -> ServiceSettings:
    for name, text in variables.items():
        monkeypatch.setenv(name, text)
    return settings.load(ServiceSettings, variables)


def test_the_first_word_names_the_section_and_the_rest_the_field(monkeypatch: pytest.MonkeyPatch) -> None:
    read = load(monkeypatch, TIENDO_KAFKA_BOOTSTRAP="kafka:9092", TIENDO_KAFKA_SESSION_TIMEOUT_MS="9000")
    assert (read.kafka.bootstrap, read.kafka.session_timeout_ms) == ("kafka:9092", 9000)


@pytest.mark.parametrize(
    ("variables", "named"),
    [
        ({"TIENDO_HTTP_PORT": "eighty"}, "TIENDO_HTTP_PORT"),
        ({"TIENDO_HTTP_PORT": "70000"}, "TIENDO_HTTP_PORT"),
        ({"TIENDO_PROFILE": "testing"}, "TIENDO_PROFILE"),
        ({"TIENDO_LOG_LEVEL": "loud"}, "TIENDO_LOG_LEVEL"),
        ({"TIENDO_MONGO_DATABASE": "My Database"}, "TIENDO_MONGO_DATABASE"),
        ({"TIENDO_KAFKA_SESSION_TIMEOUT_MS": "1000"}, "heartbeat_interval_ms must be at most half"),
        ({"TIENDO_KAFKA_SECURITY_PROTOCOL": "SASL_SSL"}, "needs sasl_username and sasl_password"),
    ],
)
def test_a_wrong_setting_is_named_in_one_sentence(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], named: str
) -> None:
    with pytest.raises(StartError, match=named):
        load(monkeypatch, **variables)


def test_a_secret_comes_from_a_file_named_like_its_variable(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "tiendo_mongo_uri").write_text("mongodb://user:hidden@db/?replicaSet=rs0\n")
    (tmp_path / "tiendo_kafka_sasl_password").write_text("hidden")
    read = load(monkeypatch, TIENDO_SECRETS=str(tmp_path), TIENDO_KAFKA_BOOTSTRAP="kafka:9092")
    assert read.mongo.uri.get_secret_value() == "mongodb://user:hidden@db/?replicaSet=rs0"
    assert read.kafka.sasl_password is not None
    assert read.kafka.sasl_password.get_secret_value() == "hidden"
    assert read.kafka.bootstrap == "kafka:9092"
    assert "hidden" not in repr(read)


def test_a_secrets_folder_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with pytest.raises(StartError, match="which is no folder"):
        load(monkeypatch, TIENDO_SECRETS=str(tmp_path / "nowhere"))


def test_a_spelling_mistake_is_warned_about_and_other_peoples_sections_are_not() -> None:
    environment = {
        "TIENDO_KAFFKA_BOOTSTRAP": "x",
        "TIENDO_KAFKA_BOOTSTRP": "x",
        "TIENDO_SMTP_HOST": "x",
        "TIENDO_TEST_KAFKA": "x",
    }
    assert settings.unknown(ServiceSettings, environment) == [
        "TIENDO_KAFFKA_BOOTSTRAP is not a setting that any service knows",
        "TIENDO_KAFKA_BOOTSTRP: the section kafka has no setting 'bootstrp'",
    ]
