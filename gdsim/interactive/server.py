"""The server of `gdsim studio`: the files of its page, and a WebSocket for each page, for this computer only."""

from __future__ import annotations

import asyncio
import json
import secrets
import socket
import struct
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote

import uvicorn
from starlette.applications import Starlette
from starlette.requests import HTTPConnection, Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketDisconnect

from gdsim.errors import InputError
from gdsim.interactive import SHARED
from gdsim.interactive.session import Session

HOST = "127.0.0.1"
PORT = 8470  # the first port that is tried
PORTS = 20  # how many are tried
FOLLOWED = 0.3  # seconds between two looks at the file of the config
MAX_MESSAGE = 2**20  # bytes of a message from the page
MAX_WAITING = 256  # answers that wait for a page, until its messages wait, too
REPLACED = {"state", "drawing", "piece", "checked", "changed", "progress"}  # answers that newer ones make unnecessary
MAX_PAGES = 32  # that are connected at the same time

TYPES = {".html": "text/html", ".js": "text/javascript", ".css": "text/css"}
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}


def application(*, token: str, port: int, root: Path, **session: Any) -> ASGIApp:
    """Return the ASGI application.

    Args:
        token: What the address of a page must contain.
        port: The port that the server listens on.
        root: The folder in which files are written.
        session: The other arguments of `Session`.
    """
    exported: set[str] = set()
    connected: set[WebSocket] = set()

    def page(_: Request) -> Response:
        response = _file("studio.html")
        # The requests of the page for its scripts have no token in their addresses.
        response.set_cookie(f"gdsim-{port}", token, httponly=True, samesite="strict")
        return response

    def asset(request: Request) -> Response:
        return _file(request.path_params["name"])

    def download(request: Request) -> Response:
        file = request.path_params["file"]
        if file not in exported or not (root / file).is_file():
            return PlainTextResponse("there is no such file", 404)
        return FileResponse(root / file, filename=Path(file).name)

    async def connect(websocket: WebSocket) -> None:
        await websocket.accept()
        if len(connected) == MAX_PAGES:
            message = f"the studio has {MAX_PAGES} open pages, which is the most: close one, and reload this one"
            await websocket.send_json({"type": "failed", "id": None, "message": message, "code": "too-large"})
            await websocket.close()
            return
        connected.add(websocket)
        try:
            await _converse(websocket, partial(Session, root=root, **session), exported)
        finally:
            connected.remove(websocket)

    routes = [
        Route("/", page),
        Route("/{name}", asset),
        Route("/exported/{file:path}", download),
        WebSocketRoute("/connection", connect),
    ]
    return _Guard(Starlette(routes=routes), token, port)


def _file(name: str) -> Response:
    """Return a file of the page."""
    folder = files("gdsim.web" if name in SHARED else "gdsim.interactive")
    if Path(name).suffix not in TYPES or name not in {each.name for each in folder.iterdir()}:
        return PlainTextResponse("there is no such file", 404)
    return Response(folder.joinpath(name).read_bytes(), media_type=TYPES[Path(name).suffix])


class _Guard:
    """Answers 403 to requests without the token, from another page, or under another name of this computer."""

    def __init__(self, app: ASGIApp, token: str, port: int) -> None:
        self._app, self._token, self._cookie = app, token, f"gdsim-{port}"
        self._host = f"{HOST}:{port}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in ("http", "websocket") and not self._allows(HTTPConnection(scope)):
            if scope["type"] == "websocket":
                await send({"type": "websocket.close"})  # which uvicorn answers with 403
                return
            response = PlainTextResponse("open the address that gdsim studio has printed", 403)
            await response(scope, receive, send)
            return

        async def send_with_headers(message: Any) -> None:
            if message["type"] == "http.response.start":
                message["headers"] += [(name.encode(), value.encode()) for name, value in HEADERS.items()]
            await send(message)

        await self._app(scope, receive, send_with_headers)

    def _allows(self, request: HTTPConnection) -> bool:
        origin, needs_origin = request.headers.get("origin"), request.scope["type"] == "websocket"
        if request.headers.get("host") != self._host or (origin is None and needs_origin):
            return False
        if origin not in (None, f"http://{self._host}"):
            return False
        given = parse_qs(request.url.query).get("token", [request.cookies.get(self._cookie, "")])[0]
        return secrets.compare_digest(given.encode(), self._token.encode())


async def _converse(websocket: WebSocket, new_session: Callable[[Any], Session], exported: set[str]) -> None:
    """Pass the messages of a page to a session of its own, and the answers back; add the files that it exports."""
    loop, answers = asyncio.get_running_loop(), _Answers()

    def send(message: Mapping[str, Any], buffers: Sequence[bytes]) -> None:
        if message["type"] == "exported":
            exported.add(message["file"])
            message = {**message, "url": f"/exported/{quote(message['file'])}"}
        text = json.dumps(message, separators=(",", ":"), allow_nan=False)
        content = text.encode()
        answer = b"".join([struct.pack("<I", len(content)), content, *buffers]) if buffers else text
        loop.call_soon_threadsafe(answers.add, message["type"], message.get("id"), answer)

    async def receive() -> None:
        while True:
            await answers.has_room.wait()
            session.receive(_message(await websocket.receive()))

    async def answer() -> None:
        while True:
            message = await answers.next()
            await (websocket.send_text(message) if isinstance(message, str) else websocket.send_bytes(message))

    async def follow() -> None:
        while True:
            await asyncio.sleep(FOLLOWED)
            session.follow_file()

    session = new_session(send)
    session.greet()
    tasks = [asyncio.create_task(each()) for each in (receive, answer, follow)]
    try:
        ended, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        with suppress(WebSocketDisconnect):
            for task in ended:
                task.result()
    finally:
        session.close()
        for task in tasks:
            task.cancel()


class _Answers:
    """The answers that wait until a page reads them, without those that newer ones replace.

    Attributes:
        has_room: Set while those that nothing replaces are few.
    """

    def __init__(self) -> None:
        self._waiting: list[tuple[str, int | None, str | bytes]] = []
        self._is_any, self.has_room = asyncio.Event(), asyncio.Event()
        self.has_room.set()

    def add(self, kind: str, number: int | None, answer: str | bytes) -> None:
        """Add an answer of a kind to the message with a number."""
        if kind in REPLACED:
            # The pieces that answer one message belong together.
            kept = [each for each in self._waiting if each[0] != kind or (kind == "piece" and each[1] == number)]
            self._waiting = kept
        self._waiting.append((kind, number, answer))
        self._update()

    async def next(self) -> str | bytes:
        """Wait for an answer, and return it."""
        await self._is_any.wait()
        _, _, answer = self._waiting.pop(0)
        self._update()
        return answer

    def _update(self) -> None:
        is_full = sum(kind not in REPLACED for kind, _, _ in self._waiting) >= MAX_WAITING
        for event, is_set in ((self._is_any, self._waiting), (self.has_room, not is_full)):
            (event.set if is_set else event.clear)()


def _message(event: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the message of a frame; an empty one if it is not JSON."""
    if event["type"] == "websocket.disconnect":
        raise WebSocketDisconnect
    try:
        message = json.loads(event.get("text") or "", parse_constant=_refuse)
    except (ValueError, RecursionError):
        message = None
    return message if isinstance(message, dict) else {}


def _refuse(constant: str) -> float:
    raise ValueError(f"{constant} is not JSON")


def bound_socket(port: int | None) -> tuple[socket.socket, list[int]]:
    """Return a socket that listens on a free port, and the ports that were in use.

    Args:
        port: The first port that is tried; by default `PORT`.

    Raises:
        InputError: No port is free.
    """
    first, used = PORT if port is None else port, list[int]()
    for number in range(first, min(first + PORTS, 2**16)):
        # With this protocol named, asyncio sends small messages at once.
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((HOST, number))
            return listener, used
        except OSError:
            listener.close()
            used.append(number)
    raise InputError(f"the ports from {first} to {used[-1]} are in use; name another one", ("--port",))


class _Server(uvicorn.Server):
    """Leaves interrupts to the command line."""

    def capture_signals(self) -> AbstractContextManager[None]:  # type: ignore[override]
        return nullcontext()


def serve(listener: socket.socket, ready: Callable[[str], object], **session: Any) -> None:
    """Serve until the process ends.

    Args:
        listener: A bound socket.
        ready: Called with the address when the server listens.
        session: The arguments of `Session`, except `send`.
    """
    token, port = secrets.token_urlsafe(24), listener.getsockname()[1]
    app = application(token=token, port=port, **session)
    settings = {"log_config": None, "access_log": False, "server_header": False}
    server = _Server(uvicorn.Config(app, ws_max_size=MAX_MESSAGE, ws_per_message_deflate=False, **settings))  # type: ignore[arg-type]
    sys.setswitchinterval(0.0005)  # so that a message need not wait for a simulation in another thread
    listener.listen()
    ready(f"http://{HOST}:{port}/?token={token}")
    server.run(sockets=[listener])
