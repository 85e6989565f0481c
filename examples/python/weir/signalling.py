"""Requests, replies and events as JSON over a WebSocket: docs/protocol.md lists them all."""

from __future__ import annotations

import asyncio
import json
from itertools import count
from typing import Any, AsyncIterator, Dict, Optional, Tuple

import websockets
from websockets.exceptions import ConnectionClosed, WebSocketException

from .errors import WeirError

Json = Dict[str, Any]

PROTOCOL = 2
# In seconds.
CONNECT_TIMEOUT = 10
REQUEST_TIMEOUT = 15

# Why the server closes a connection; it sends the name as the reason of the close frame.
CLOSE_REASONS = {
    "replaced": "This identity joined the room from elsewhere, which replaced this connection.",
    "kicked": "An administrator removed you from the room.",
    "serverClosing": "The server is shutting down or restarting.",
    "roomClosed": "The room was closed.",
    "mediaLost": "The media worker of this room failed.",
    "mediaFailed": "Media cannot be sent between this machine and the server.",
    "tooManyConnections": "There are too many connections from this IP address.",
}


class Signalling:
    """One connection to a server. It answers pings by itself; without a message for long enough it ends."""

    def __init__(self, socket: Any) -> None:
        self.welcome: Json = {}
        self._socket = socket
        self._ids = count(1)
        self._replies: Dict[int, asyncio.Future[Json]] = {}
        self._events: asyncio.Queue[Optional[Tuple[str, Json]]] = asyncio.Queue()
        self._silence: float = CONNECT_TIMEOUT
        self._error: Optional[WeirError] = None
        self._reader: Optional[asyncio.Task[None]] = None

    @classmethod
    async def open(cls, url: str) -> Signalling:
        """Connects to `url`, the address of the pages such as `https://weir.example`; returns after `welcome`."""
        address = "ws" + url.rstrip("/")[len("http") :] + "/ws" if url.startswith("http") else url
        try:
            socket = await websockets.connect(
                address, open_timeout=CONNECT_TIMEOUT, ping_interval=None, max_size=None
            )
        except (OSError, asyncio.TimeoutError) as error:
            raise WeirError("unavailable", f"Nothing answers at {url}: {error or 'no answer in time'}.") from error
        except WebSocketException as error:
            raise WeirError("unavailable", f"{url} does not answer as Weir does: {error}.") from error
        signalling = cls(socket)
        try:
            message = json.loads(await asyncio.wait_for(socket.recv(), CONNECT_TIMEOUT))
            signalling.welcome = message["data"]
            signalling._silence = signalling.welcome["limits"]["silenceSeconds"]
            version = signalling.welcome["protocol"]
        except (ValueError, KeyError, TypeError, asyncio.TimeoutError, ConnectionClosed) as error:
            await socket.close()
            raise WeirError("unavailable", f"{url} does not answer as Weir does.") from error
        if version != PROTOCOL:
            await socket.close()
            message = f"The server has version {version} of the protocol, this client {PROTOCOL}."
            raise WeirError("unavailable", message, "protocolVersion")
        signalling._reader = asyncio.create_task(signalling._read())
        return signalling

    async def request(self, method: str, data: Json) -> Json:
        """Sends a request; returns the data of its reply. Raises `WeirError` with what the server says against it."""
        if self._error:
            raise self._error
        number = next(self._ids)
        reply: asyncio.Future[Json] = asyncio.get_running_loop().create_future()
        self._replies[number] = reply
        try:
            await self._send({"id": number, "method": method, "data": data})
            return await asyncio.wait_for(reply, REQUEST_TIMEOUT)
        except asyncio.TimeoutError as error:
            raise WeirError("timeout", f"The server did not answer {method} in time.") from error
        finally:
            self._replies.pop(number, None)

    async def events(self) -> AsyncIterator[Tuple[str, Json]]:
        """The events in their order, until the connection ends; then raises why, unless `close` was called."""
        while True:
            event = await self._events.get()
            if event is None:
                break
            yield event
        if self._error:
            raise self._error

    async def close(self) -> None:
        """Ends the connection, as one who leaves."""
        if self._reader:
            self._reader.cancel()
        await self._socket.close()
        self._end(None)

    async def _send(self, message: Json) -> None:
        try:
            await self._socket.send(json.dumps(message))
        except ConnectionClosed as error:
            raise self._error or closed(error) from error

    async def _read(self) -> None:
        try:
            while True:
                text = await asyncio.wait_for(self._socket.recv(), self._silence)
                await self._receive(json.loads(text))
        except asyncio.TimeoutError:
            await self._socket.close()
            message = f"The connection is lost: the server has sent nothing for {self._silence:g} s."
            self._end(WeirError("closed", message, "unresponsive"))
        except ConnectionClosed as error:
            self._end(closed(error))
        except ValueError as error:
            await self._socket.close()
            self._end(WeirError("badMessage", f"The server sent no JSON: {error}."))
        except WeirError as error:
            await self._socket.close()
            self._end(error)

    async def _receive(self, message: Json) -> None:
        if "event" in message:
            self._events.put_nowait((message["event"], message["data"]))
        elif message.get("method") == "ping":
            await self._send({"id": message["id"], "data": {}})
        elif "id" in message:
            reply = self._replies.pop(message["id"], None)
            if reply is None or reply.done():
                return
            if "error" in message:
                reply.set_exception(refused(message["error"]))
            else:
                reply.set_result(message["data"])
        elif "error" in message:
            raise refused(message["error"])

    def _end(self, error: Optional[WeirError]) -> None:
        self._error = error or WeirError("closed", "You left the room.")
        for reply in self._replies.values():
            if not reply.done():
                reply.set_exception(self._error)
        self._error = error
        self._events.put_nowait(None)


def refused(error: Json) -> WeirError:
    """What an error of the protocol says."""
    return WeirError(error["code"], error["message"], error.get("reason"))


def closed(error: ConnectionClosed) -> WeirError:
    """Why a connection was closed."""
    name = error.rcvd.reason if error.rcvd else ""
    lost = f"The connection was closed: {name}." if name else "The connection was lost."
    return WeirError("closed", CLOSE_REASONS.get(name, lost), name or None)
