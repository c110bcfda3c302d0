import socket
from pathlib import Path

import pytest
from pymongo import MongoClient

from deploy.embedded import database
from deploy.embedded.errors import ChildExited, PortTaken
from deploy.embedded.ports import LOOPBACK
from deploy.embedded.processes import Supervisor

pytestmark = pytest.mark.skipif(database.why_not() is not None, reason=database.why_not() or "")


def test_data_survive_a_restart_on_another_port(tmp_path: Path) -> None:
    for expected in (1, 2):
        with Supervisor(tmp_path) as supervisor:
            server = database.start(supervisor, tmp_path / "data")
            with MongoClient[dict[str, object]](server.uri) as client:
                client.test.runs.insert_one({})
                assert client.test.runs.count_documents({}) == expected
        assert server.child.exit_code() == 0


def test_it_serves_transactions(tmp_path: Path) -> None:
    with Supervisor(tmp_path) as supervisor:
        uri = database.start(supervisor, tmp_path / "data").uri
        with MongoClient[dict[str, object]](uri) as client, client.start_session() as session:
            client.test.create_collection("figures")
            with session.start_transaction():
                client.test.figures.insert_one({"_id": 1}, session=session)
                session.abort_transaction()
            assert client.test.figures.count_documents({}) == 0


def test_data_survive_a_kill(tmp_path: Path) -> None:
    with Supervisor(tmp_path) as supervisor:
        server = database.start(supervisor, tmp_path / "data")
        with MongoClient[dict[str, object]](server.uri) as client:
            client.test.runs.insert_one({"_id": "before"})
        server.child.kill()
        uri = database.start(supervisor, tmp_path / "data").uri
        with MongoClient[dict[str, object]](uri) as client:
            assert client.test.runs.find_one() == {"_id": "before"}


def test_a_taken_port_is_told_with_the_option_that_chooses_another(tmp_path: Path) -> None:
    with socket.create_server((LOOPBACK, 0)) as somebody, Supervisor(tmp_path) as supervisor:
        port = somebody.getsockname()[1]
        with pytest.raises(PortTaken, match=f"Port {port} on 127.0.0.1 is taken .* --mongo-port"):
            database.start(supervisor, tmp_path / "data", port)


def test_a_data_folder_in_use_is_told_in_the_servers_own_words(tmp_path: Path) -> None:
    with Supervisor(tmp_path) as first, Supervisor(tmp_path / "second") as second:
        database.start(first, tmp_path / "data")
        with pytest.raises(
            ChildExited, match=r"mongod ended by itself .*\n.*Another mongod instance is already running"
        ):
            database.start(second, tmp_path / "data")


def test_the_errors_are_picked_out_of_its_log() -> None:
    log = '{"s":"I","msg":"Waiting"}\n{"s":"E","msg":"Failed to set up listener","attr":{"error":"in use"}}\n'
    assert database.explain(log) == 'Failed to set up listener: {"error": "in use"}'
    missing_library = "mongod: error while loading shared libraries: libcurl.so.4: cannot open shared object file"
    assert database.explain(missing_library) == missing_library
    assert database.explain("never\nheard of") == "never\nheard of"
