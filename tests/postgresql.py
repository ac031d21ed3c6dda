"""A PostgreSQL server of the tests' own, where its programs and a driver are installed."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

INITDB = shutil.which("initdb") or next(map(str, Path("/usr/lib/postgresql").glob("*/bin/initdb")), None)
needed = pytest.mark.skipif(INITDB is None, reason="no PostgreSQL on this machine")
pytest.importorskip("psycopg", reason="no driver for PostgreSQL: pip install 'psycopg[binary]'")

PASSWORD = "hid-7Q.z"


@pytest.fixture(scope="module")
def server():
    """A server that listens on a socket in a folder of its own only; root may not run one."""
    assert INITDB is not None
    folder = Path(tempfile.mkdtemp())
    as_user: dict[str, Any] = {"user": "postgres"} if os.getuid() == 0 else {}
    if as_user:
        shutil.chown(folder, "postgres")
    (folder / "pw").write_text(PASSWORD)
    (folder / "pw").chmod(0o644)
    control = Path(INITDB).with_name("pg_ctl")

    def run(*words):
        subprocess.run(list(map(str, words)), check=True, stdout=subprocess.DEVNULL, cwd=folder, **as_user)

    run(INITDB, "-D", folder / "data", "-U", "me", "--auth=scram-sha-256", f"--pwfile={folder / 'pw'}")
    options = f"-k {folder} -c listen_addresses='' -c fsync=off"
    run(control, "-D", folder / "data", "-o", options, "-l", folder / "log", "-w", "start")
    yield f"postgresql+psycopg://me:{PASSWORD}@/{{}}?host={folder}"
    run(control, "-D", folder / "data", "-m", "immediate", "stop")
    shutil.rmtree(folder)


@pytest.fixture
def url(server):
    """An empty database."""
    engine = sa.create_engine(server.format("postgres"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql("DROP DATABASE IF EXISTS one WITH (FORCE)")
        connection.exec_driver_sql("CREATE DATABASE one")
    return server.format("one")
