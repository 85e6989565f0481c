"""Data messages through the server: three data channels on a transport of their own, opened with the first message."""

from __future__ import annotations

import asyncio
from itertools import count
from typing import Any, Callable, Dict, Iterable, Iterator, Optional

from aiortc import RTCDataChannel, RTCDataChannelParameters, RTCSctpCapabilities, RTCSctpTransport

from . import frame
from .errors import WeirError
from .signalling import Json
from .transport import Request, Transport

# Negotiated by both ends beforehand: RFC 8832 is not used. `bulk` is for files.
CHANNELS: Dict[str, Dict[str, Any]] = {
    "reliable": {"id": 0, "ordered": True},
    "lossy": {"id": 1, "ordered": False, "maxRetransmits": 0},
    "bulk": {"id": 2, "ordered": True},
}
# How long the channels may take to open, in seconds.
OPEN_TIMEOUT = 15
# A sender waits while more than this is to be sent, in bytes.
MAX_BUFFERED = 262_144


class SfuData:
    """The data channels of this client, in both directions."""

    def __init__(self, request: Request, on_frame: Callable[[str, frame.DataFrame], None]) -> None:
        self._request = request
        self._on_frame = on_frame
        self._opening = asyncio.Lock()
        self._transport: Optional[Transport] = None
        self._sctp: Optional[RTCSctpTransport] = None
        self._channels: Dict[str, RTCDataChannel] = {}
        self._sequences: Dict[str, Iterator[int]] = {}

    async def open(self) -> None:
        """Opens the channels, unless they are open. Raises `WeirError`, such as `forbidden`."""
        async with self._opening:
            if self._transport:
                return
            self._transport = Transport()
            try:
                await self._open(self._transport)
            except BaseException:
                await self.close()
                raise

    async def send(self, channel: str, data: bytes, topic: str, to: Iterable[str]) -> None:
        """Sends a message; returns when there is room for another one."""
        await self.open()
        message = frame.encode(frame.DataFrame(next(self._sequences[channel]), data, topic, tuple(to)))
        await send(self._channels[channel], message)

    async def close(self) -> None:
        """Closes the channels; the next message opens them again."""
        transport, sctp = self._transport, self._sctp
        self._transport = self._sctp = None
        self._channels = {}
        if sctp:
            await sctp.stop()
        if transport:
            await transport.close()

    async def _open(self, transport: Transport) -> None:
        reply = await self._request(
            "openTransport", {"direction": "data", "dtlsParameters": transport.parameters}
        )
        info: Json = reply["transport"]
        await transport.connect(info)
        self._sctp = sctp = RTCSctpTransport(transport.dtls)
        opened = []
        for label, options in CHANNELS.items():
            channel = RTCDataChannel(sctp, RTCDataChannelParameters(label=label, negotiated=True, **options))
            is_open = asyncio.Event()
            channel.on("open", is_open.set)
            channel.on("message", lambda message, label=label: self._receive(label, message))
            opened.append(is_open.wait())
            self._channels[label] = channel
            self._sequences[label] = count()
        parameters = info["sctpParameters"]
        await sctp.start(RTCSctpCapabilities(parameters["maxReceiveMessageSize"]), parameters["port"])
        try:
            await asyncio.wait_for(asyncio.gather(*opened), OPEN_TIMEOUT)
        except asyncio.TimeoutError as error:
            raise WeirError("timeout", "The data channels did not open in time.") from error

    def _receive(self, label: str, message: object) -> None:
        received = frame.decode_or_none(message)
        if received:
            # Not from within aiortc, whose connection an error of the application would end.
            asyncio.get_running_loop().call_soon(self._on_frame, label, received)


async def send(channel: RTCDataChannel, message: bytes) -> None:
    """Sends bytes, and waits while too many are to be sent already."""
    if channel.readyState != "open":
        raise WeirError("closed", "The data channel is closed.")
    channel.send(message)
    if channel.bufferedAmount > MAX_BUFFERED:
        is_low = asyncio.Event()
        channel.bufferedAmountLowThreshold = MAX_BUFFERED // 2
        channel.once("bufferedamountlow", is_low.set)
        channel.once("close", is_low.set)
        await is_low.wait()
