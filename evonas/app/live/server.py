"""The server: on loopback alone, for whoever has the address, which holds a random token; it changes nothing,
but for that of `evonas ui`, which deletes runs after it has asked.

Another user of the machine has no token, and a page of the internet cannot read the answers: a name that is made to
lead here (DNS rebinding) is another host. Starlette and uvicorn are imported with this module.
"""

from __future__ import annotations

import hmac
import logging
import os
import secrets
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, quote

from evonas.app.live.pages import Pages, message
from evonas.core.errors import EvonasError

try:
    import uvicorn
    from starlette.applications import Starlette
    from starlette.concurrency import run_in_threadpool
    from starlette.requests import Request
    from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
    from starlette.routing import Route
except ImportError as error:
    raise EvonasError(
        f"a live page needs starlette and uvicorn, which cannot be imported ({error}); pip install 'evonas[live]'"
    ) from error

log = logging.getLogger(__name__)
HOST = "127.0.0.1"
LOOKS = 5.0  # seconds: a page that asked for its state within them is open
INLINE = "'unsafe-inline'"
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; connect-src 'self'; img-src data: blob:; font-src data:; "
    f"style-src {INLINE}; script-src {INLINE} 'unsafe-eval'; "  # plotly's WebGL is made from text
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",  # the address holds the token
    "X-Content-Type-Options": "nosniff",
}
# a report from a run's folder is no page of this origin: whatever stands in it reads no other page and deletes nothing
SANDBOX = {"Content-Security-Policy": "sandbox allow-scripts allow-downloads"}


class Server:
    """Serves the pages of an archive from a thread of its own. `address` is the page of the list, `page` a run's.

    Raises EvonasError where the port cannot be had.
    """

    def __init__(self, pages: Pages, port: int = 0):
        try:
            self._socket = socket.create_server((HOST, port))
        except OSError as error:
            raise EvonasError(
                f"--port {port} cannot be used: {os.strerror(error.errno or 0)}; give another, or none"
            ) from error
        self.port = self._socket.getsockname()[1]
        self.token = secrets.token_urlsafe(24)
        self.address = f"http://{HOST}:{self.port}/{self.token}/"
        self._pages = pages
        self._asked: dict[str, float] = {}  # run, or none for the list -> when its page last asked for news
        self._shown: dict[str, str] = {}
        options: dict[str, Any] = {"log_config": None, "access_log": False, "lifespan": "off", "ws": "none"}
        limits: dict[str, Any] = {"limit_concurrency": 64, "timeout_keep_alive": 5, "timeout_graceful_shutdown": 1}
        self._uvicorn = uvicorn.Server(
            uvicorn.Config(self._gate(self._application()), server_header=False, **options, **limits)
        )
        self._thread = Thread(target=self._serve, name="evonas live", daemon=True)

    def page(self, run: str) -> str:
        return f"{self.address}run/{quote(run, safe='')}/"

    def start(self) -> None:
        self._thread.start()

    @property
    def serves(self) -> bool:
        return self._thread.is_alive()

    def stop(self) -> None:
        self._uvicorn.should_exit = True
        self._thread.join(3.0)
        self._socket.close()

    def linger(self, run: str, seconds: float) -> None:
        """Wait until an open page has got the run's last state, so many seconds at most; not at all if none is open."""
        end = time.monotonic() + seconds
        with suppress(KeyboardInterrupt, EvonasError):
            last = self._pages.state(run)["version"]
            while time.monotonic() < min(end, self._asked.get(run, -LOOKS) + LOOKS) and self._shown.get(run) != last:
                time.sleep(0.05)

    def _serve(self) -> None:
        try:
            self._uvicorn.run(sockets=[self._socket])
        except Exception as error:  # what is watched goes on
            log.warning("the live page has ended: %s: %s", type(error).__name__, error)

    def _application(self) -> Starlette:
        routes = [
            Route("/{token}/", lambda request: HTMLResponse(self._pages.runs())),
            Route("/{token}/state", self._runs_state),
            Route("/{token}/compare", self._compared),
            *([Route("/{token}/delete", self._delete, methods=["GET", "POST"])] if self._pages.deletes else []),
            Route("/{token}/run/{run}/", self._report),
            Route("/{token}/run/{run}/state", self._state),
        ]
        return Starlette(routes=routes, exception_handlers={EvonasError: _not_there, Exception: _broken})

    def _runs_state(self, request: Request) -> Response:
        self._asked[""] = time.monotonic()
        return JSONResponse(self._pages.runs_state())

    def _compared(self, request: Request) -> Response:
        return HTMLResponse(self._pages.compared(request.query_params.getlist("run")))

    async def _delete(self, request: Request) -> Response:
        if request.method != "POST":
            return HTMLResponse(await run_in_threadpool(self._pages.asked, request.query_params.getlist("run")))
        given = parse_qs((await request.body()).decode(errors="replace"))
        return HTMLResponse(await run_in_threadpool(self._pages.deleted, given.get("run", []), "folders" in given))

    def _report(self, request: Request) -> Response:
        run = request.path_params["run"]
        page = self._pages.report(run)
        self._shown[run] = page.version
        return HTMLResponse(page.html, headers=SANDBOX if page.filed else None)

    def _state(self, request: Request) -> Response:
        run = request.path_params["run"]
        self._asked[run] = time.monotonic()
        return JSONResponse(self._pages.state(run), headers={"Access-Control-Allow-Origin": "null"})  # a sandbox's

    def _may_change(self, request: Request) -> bool:
        """Whether it is the form of our own page that asks, and the page may delete."""
        place = f"/{self.token}/delete"
        own = request.headers.get("sec-fetch-site") == "same-origin"  # a page without a referrer has no origin
        return self._pages.deletes and request.method == "POST" and request.url.path == place and own

    def _gate(self, inner: Any) -> Any:
        """An ASGI application that lets in who has the token and names this host, and only to look."""
        hosts = {f"{name}:{self.port}" for name in (HOST, "localhost")}

        async def gate(scope: Any, receive: Any, send: Any) -> None:
            request = Request(scope)
            given = scope["path"].lstrip("/").partition("/")[0]
            answer: Any = inner
            if request.headers.get("host") not in hosts:
                answer = PlainTextResponse("this host is not served\n", 403)
            elif not hmac.compare_digest(given.encode(errors="replace"), self.token.encode()):
                answer = PlainTextResponse("the address lacks its token: take it whole, as it was printed\n", 403)
            elif request.method not in ("GET", "HEAD") and not self._may_change(request):
                answer = PlainTextResponse("nothing can be changed here\n", 405, {"Allow": "GET, HEAD"})

            async def with_headers(event: Any) -> None:
                if event["type"] == "http.response.start":
                    more = [(name.lower().encode(), value.encode()) for name, value in HEADERS.items()]
                    event = {**event, "headers": [*event.get("headers", ()), *more]}
                await send(event)

            try:
                await answer(scope, receive, with_headers)
            except Exception as error:  # `_broken` has told whoever asked
                log.info("a live page could not be made: %s: %s", type(error).__name__, error)

        return gate


@contextmanager
def serving(pages: Pages, port: int = 0) -> Iterator[Server]:
    """A server while it lasts."""
    server = Server(pages, port)
    server.start()
    try:
        yield server
    finally:
        server.stop()


async def _not_there(request: Request, error: Exception) -> Response:
    return HTMLResponse(message(str(error)), 404)


async def _broken(request: Request, error: Exception) -> Response:
    return HTMLResponse(message(f"the page cannot be made: {type(error).__name__}: {error}"), 500)
