"""`deploy/compose.yaml`: right by the Compose specification, and in step with settings, commands and image."""

import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import yaml

from services.runtime.settings import PREFIX
from tests.unit.deploy.settings_models import SERVICES, models, variables

ROOT = Path(__file__).parents[3]
FILE = ROOT / "deploy" / "compose.yaml"


def parsed(text: str) -> Any:
    """YAML as data. Refuses a key that stands twice in one mapping; plain PyYAML keeps the last and says nothing."""
    _refuse_twins(yaml.compose(text))
    return yaml.safe_load(text)


def _refuse_twins(node: yaml.Node | None) -> None:
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if key.value in seen:
                raise yaml.MarkedYAMLError(problem=f"{key.value!r} stands twice", problem_mark=key.start_mark)
            seen.add(key.value)
            _refuse_twins(value)
    elif isinstance(node, yaml.SequenceNode):
        for each in node.value:
            _refuse_twins(each)


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    """The file as parsed, anchors and merges resolved."""
    content = parsed(FILE.read_text(encoding="utf-8"))
    assert isinstance(content, dict)
    return content


def of_ours(compose: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """What runs on our own image."""
    return ((name, each) for name, each in compose["services"].items() if "build" in each)


def test_a_key_that_stands_twice_is_noticed() -> None:
    with pytest.raises(yaml.MarkedYAMLError, match="'image' stands twice"):
        parsed("a: {image: x, image: y}")


def test_it_is_valid_by_the_compose_specification() -> None:
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(FILE)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_docker_compose_reads_it() -> None:
    docker = shutil.which("docker")
    if docker is None or subprocess.run([docker, "compose", "version"], capture_output=True, check=False).returncode:
        pytest.skip("the Docker Compose plugin was not found")
    command = [docker, "compose", "--file", str(FILE), "config", "--quiet"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr


def test_all_four_services_and_the_preparation_are_there(compose: dict[str, Any]) -> None:
    assert {name for name, _ in of_ours(compose)} == {*SERVICES, "prepare"}
    assert "version" not in compose


def test_every_command_exists(compose: dict[str, Any]) -> None:
    for name, service in of_ours(compose):
        command = service["command"]
        if name == "prepare":
            assert command == ["sh", "-ec", "tiendo topics && tiendo catalog apply catalogs/dak-nong"]
            assert (ROOT / "deploy" / "catalogs" / "dak-nong" / "catalog.yaml").is_file()
        else:
            assert command[:2] == ["python", "-m"]
            assert find_spec(f"{command[2]}.__main__") is not None, f"{command[2]} cannot be run"


def test_every_setting_is_one_that_its_service_knows(compose: dict[str, Any]) -> None:
    known = models()
    for name, service in of_ours(compose):
        used = {variable for variable in service["environment"] if variable.startswith(PREFIX)}
        unknown = used - variables(known["tiendo" if name == "prepare" else name])
        assert not unknown, f"{name} does not know {sorted(unknown)}"


def test_every_port_is_published_on_the_loopback_address_only(compose: dict[str, Any]) -> None:
    published = [port for service in compose["services"].values() for port in service.get("ports", [])]
    assert published, "the dashboard must be reachable"
    assert [port for port in published if not str(port).startswith("127.0.0.1:")] == []


def test_kafka_tells_clients_on_this_machine_the_address_that_is_published(compose: dict[str, Any]) -> None:
    kafka = compose["services"]["kafka"]
    assert kafka["ports"] == ["127.0.0.1:9092:9092"]
    assert "LOOPBACK://127.0.0.1:9092" in kafka["environment"]["KAFKA_ADVERTISED_LISTENERS"].split(",")
    for _, service in of_ours(compose):
        inside = service["environment"]["TIENDO_KAFKA_BOOTSTRAP"]
        assert f"INSIDE://{inside}" in kafka["environment"]["KAFKA_ADVERTISED_LISTENERS"].split(",")


def test_every_image_names_its_version(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        _, _, tag = service["image"].partition(":")
        assert re.match(r"v?\d+\.\d+", tag), f"{name}: {service['image']}"


def test_our_image_carries_the_version_of_the_distribution(compose: dict[str, Any]) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert {service["image"] for _, service in of_ours(compose)} == {f"tiendo:{project['version']}"}


def test_nothing_in_it_is_a_secret(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        for variable, value in service.get("environment", {}).items():
            assert not re.search(r"PASSWORD|SECRET|TOKEN|KEY", variable), f"{name}: {variable}"
            assert not re.search(r"://[^/\s]*:[^/\s]*@", str(value)), f"{name}: {variable} has a password"


def test_services_start_after_the_preparation_and_stop_with_time_to_finish(compose: dict[str, Any]) -> None:
    for name, service in of_ours(compose):
        waits = {other: how["condition"] for other, how in service["depends_on"].items()}
        assert waits["kafka"] == waits["mongo"] == "service_healthy"
        if name == "prepare":
            assert service["restart"] == "no"
            continue
        assert waits["prepare"] == "service_completed_successfully"
        assert int(service["stop_grace_period"].removesuffix("s")) > 30
        assert service["restart"] == "unless-stopped"
        assert service["healthcheck"]["test"][-1] == "/readyz"


def test_every_server_has_a_health_check_and_a_named_volume(compose: dict[str, Any]) -> None:
    named = set(compose["volumes"])
    for name in ("kafka", "mongo", "mailpit"):
        service = compose["services"][name]
        assert service["healthcheck"]["test"][0] == "CMD"
        assert {volume.partition(":")[0] for volume in service["volumes"]} <= named
