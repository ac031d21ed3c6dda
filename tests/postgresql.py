"""A PostgreSQL server of the tests' own, where its programs and a driver are installed."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import pytest

PASSWORD = "hid-7Q.z"


class Server:
    """It listens on a socket in a folder of its own only; root may not run one."""

    def __init__(self) -> None:
        found = shutil.which("initdb") or next(map(str, Path("/usr/lib/postgresql").glob("*/bin/initdb")), None)
        if found is None:
            pytest.skip("no PostgreSQL on this machine")
        pytest.importorskip("psycopg", reason="no driver for PostgreSQL: pip install 'evonas[postgres]'")
        self._control, self.folder = Path(found).with_name("pg_ctl"), Path(tempfile.mkdtemp())
        self._user: dict[str, Any] = {"user": "postgres"} if os.getuid() == 0 else {}
        if self._user:
            shutil.chown(self.folder, "postgres")
        password = self.folder / "pw"
        password.write_text(PASSWORD)
        password.chmod(0o644)
        self._run(found, "-D", self.folder / "data", "-U", "me", "--auth=scram-sha-256", f"--pwfile={password}")
        self.start()

    def _run(self, *words: object) -> None:
        words_ = list(map(str, words))
        subprocess.run(words_, check=True, stdout=subprocess.DEVNULL, cwd=self.folder, **self._user)

    def start(self) -> None:
        options = f"-k {self.folder} -c listen_addresses='' -c fsync=off"
        self._run(self._control, "-D", self.folder / "data", "-o", options, "-l", self.folder / "log", "-w", "start")

    def stop(self) -> None:
        """At once, as a machine that is switched off."""
        self._run(self._control, "-D", self.folder / "data", "-m", "immediate", "stop")

    def remove(self) -> None:
        self.stop()
        shutil.rmtree(self.folder)

    def url(self, database: str) -> str:
        return f"postgresql+psycopg://me:{PASSWORD}@/{database}?host={self.folder}"

    def ask(self, statement: str) -> list[Any]:
        """Of the server, not of a database of the tests'."""
        import sqlalchemy as sa

        engine = sa.create_engine(self.url("postgres"), isolation_level="AUTOCOMMIT")
        try:
            with engine.connect() as connection:
                found = connection.exec_driver_sql(statement)
                return list(found.scalars()) if found.returns_rows else []
        finally:
            engine.dispose()

    def empty(self, database: str = "one") -> str:
        """The URL of a database without tables."""
        self.ask(f"DROP DATABASE IF EXISTS {database} WITH (FORCE)")
        self.ask(f"CREATE DATABASE {database}")
        return self.url(database)

    def cut(self, database: str = "one") -> int:
        """End all connections to a database; how many there were."""
        where = f"datname = '{database}' AND pid <> pg_backend_pid()"
        return sum(self.ask(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {where}"))


@pytest.fixture(scope="session")
def server():
    """One for all tests of a process; who stops it starts it again."""
    one = Server()
    yield one
    one.remove()


@pytest.fixture
def url(server: Server) -> str:
    """An empty database."""
    return server.empty()
