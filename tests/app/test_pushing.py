"""`--push` by the hub's real client, to a server of this machine that keeps what arrives in a local folder."""

import base64
import json
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.commands import evonas

pytest.importorskip("huggingface_hub", reason="not installed: pip install 'evonas[hub]'")

PUSH = """
import sys
from pathlib import Path
from evonas.app.pushing import push
print(push(Path(sys.argv[1]), sys.argv[3:], sys.argv[2]))
"""


class Hub(BaseHTTPRequestHandler):
    """What the client asks of a hub when it uploads small files: the repository, how to send them, one commit."""

    root: Path
    created: dict

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers["Authorization"] != "Bearer hf_good":
            self.answer({"error": "Invalid username or password."}, 401)
        elif self.path == "/api/repos/create":
            type(self).created = json.loads(body)
            self.answer({"url": f"http://{self.headers['Host']}/me/net"})
        elif self.path.endswith("/preupload/main"):
            files = json.loads(body)["files"]
            self.answer({"files": [{"path": f["path"], "uploadMode": "regular", "shouldIgnore": False} for f in files]})
        elif self.path.endswith("/commit/main"):
            for line in map(json.loads, body.splitlines()):
                if line["key"] == "file":
                    path = self.root / line["value"]["path"]
                    path.write_bytes(base64.b64decode(line["value"]["content"]))
            self.answer({"commitUrl": f"http://{self.headers['Host']}/me/net/commit/1", "commitOid": "1"})
        else:
            self.answer({"errors": [], "warnings": []})  # of the card's YAML

    def answer(self, values: dict, status: int = 200) -> None:
        text = json.dumps(values).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, format: str, *args: object) -> None: ...


@pytest.fixture
def hub(tmp_path):
    (tmp_path / "hub").mkdir()
    handler = type("Here", (Hub,), {"root": tmp_path / "hub", "created": {}})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield handler, f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


def pushed(folder: Path, files: list[str], address: str, token: str = "hf_good") -> subprocess.CompletedProcess:
    """In a process of its own: the client reads its address when it is imported."""
    env = {"HF_ENDPOINT": address, "HF_TOKEN": token, "HF_HOME": str(folder / "home"), "PATH": ""}
    words = [sys.executable, "-c", PUSH, str(folder), "me/net", *files]
    return subprocess.run(words, env=env, capture_output=True, text=True, timeout=120)


def test_the_files_arrive_and_nothing_else(hub, tmp_path):
    handler, address = hub
    for name in ("README.md", "model.py", "result.json", "report.html"):
        (tmp_path / name).write_text(f"of {name}")
    done = pushed(tmp_path, ["README.md", "model.py"], address)
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"{address}/me/net\n"
    assert {path.name: path.read_text() for path in handler.root.iterdir()} == {
        "README.md": "of README.md",
        "model.py": "of model.py",
    }
    assert handler.created["name"] == "net"
    assert handler.created.get("private") or handler.created.get("visibility") == "private"  # by the client's version


@pytest.mark.parametrize("token", ["hf_bad", "unreachable"])
def test_a_hub_that_does_not_take_it_is_a_line(hub, tmp_path, token):
    (tmp_path / "README.md").write_text("# Net")
    address = hub[1] if token == "hf_bad" else "http://127.0.0.1:9"
    done = pushed(tmp_path, ["README.md"], address, token)
    last = done.stderr.splitlines()[-1]
    assert last.startswith("evonas.core.errors.EvonasError: --push me/net: the hub did not take it: ")


def test_a_missing_client_is_said_before_anything_is_written(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    done = evonas("export", "any", "--out", "x", "--push", "me/net", cwd=tmp_path, ok=False)
    assert done.returncode == 2
    assert done.stderr == ("evonas: --push needs huggingface_hub, not installed; pip install 'evonas[hub]'\n")
    assert not (tmp_path / "x").exists()
