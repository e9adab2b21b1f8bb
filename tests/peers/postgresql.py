"""A real PostgreSQL on loopback, with a data folder of its own that is gone afterwards."""

from __future__ import annotations

import itertools
import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path


def _programs() -> Path | None:
    """Debian keeps the server's programs out of PATH, one folder a version."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    on_path = shutil.which("initdb")
    return found[-1].parent if found else Path(on_path).parent if on_path else None


PROGRAMS = _programs()


@dataclass
class Server:
    """A running server that trusts everybody on loopback."""

    port: int
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    def new_database(self) -> str:
        """Create an empty database and return its URL."""
        name = f"test_{next(self._numbers)}"
        self._psql(f"CREATE DATABASE {name}")
        return f"postgresql://postgres@127.0.0.1:{self.port}/{name}"

    def _psql(self, statement: str) -> None:
        assert PROGRAMS
        connection = f"postgresql://postgres@127.0.0.1:{self.port}/postgres"
        command = [PROGRAMS / "psql", "--quiet", "--no-psqlrc", connection, "--command", statement]
        subprocess.run(command, check=True, capture_output=True, timeout=30)


def _unprivileged() -> list[str]:
    """PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return []
    return ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", "--"]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def server() -> Iterator[Server]:
    """Initialise, start and in the end stop a server."""
    assert PROGRAMS
    with tempfile.TemporaryDirectory(prefix="postgresql-") as folder:
        if os.geteuid() == 0:
            shutil.chown(folder, "postgres", "postgres")
        data = f"{folder}/data"
        port = _free_port()

        def run(program: str, *arguments: str) -> None:
            command = [*_unprivileged(), str(PROGRAMS / program), *arguments]
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL, timeout=60, cwd=folder)

        run("initdb", "--no-sync", "--auth=trust", "--username=postgres", "--pgdata", data)
        options = f"-c listen_addresses=127.0.0.1 -c port={port} -c unix_socket_directories='' -c fsync=off"
        run("pg_ctl", "start", "--wait", "-D", data, "-l", f"{folder}/log", "-o", options)
        try:
            yield Server(port)
        finally:
            run("pg_ctl", "stop", "--wait", "-D", data, "-m", "immediate")
