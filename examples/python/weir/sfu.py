"""Media through the server: what is published goes up by one transport, what others publish comes down by another."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from itertools import count
from typing import Dict, List, Optional, Tuple

from aiortc import MediaStreamTrack, RTCRtpReceiver, RTCRtpSender

from . import ortc
from .errors import WeirError
from .signalling import Json
from .sources import Tap
from .transport import Request, Transport


@dataclass
class Consumer:
    """A track of another peer, on its way through the server."""

    info: Json
    receiver: RTCRtpReceiver


@dataclass
class Producer:
    """A track that is published."""

    sender: RTCRtpSender
    tap: Tap


class Sfu:
    """Both transports, what is sent over the one, and what is received over the other."""

    def __init__(self, request: Request, server: Json, cname: str) -> None:
        self._request = request
        self._server = server
        self._cname = cname
        self._mids = count()
        self._send: Optional[Transport] = None
        self._recv: Optional[Transport] = None
        self._producers: Dict[str, Producer] = {}
        self._consumers: Dict[str, Consumer] = {}

    async def open(self, transports: Json) -> None:
        """Connects the transports that the server has created."""
        # A server whose rooms have no media, as those of the policy `p2p`, creates none.
        pending = []
        if "send" in transports:
            self._send = Transport()
            pending.append(self._connect(self._send, transports["send"]))
        if "recv" in transports:
            self._recv = Transport()
            pending.append(self._connect(self._recv, transports["recv"]))
        await asyncio.gather(*pending)

    async def publish(self, source: str, track: MediaStreamTrack, size: Optional[Tuple[int, int]]) -> None:
        """Sends a track; `size` is that of a video, in pixels."""
        if self._send is None:
            raise WeirError("forbidden", "You may not publish in this room.")
        tap = Tap(track)
        sender = RTCRtpSender(tap, self._send.dtls)
        parameters = ortc.producer_parameters(
            track, ortc.ssrc_of(sender), str(next(self._mids)), self._cname, self._server
        )
        self._producers[source] = Producer(sender, tap)
        try:
            await self._request("produce", {"source": source, "rtpParameters": parameters, **size_field(size)})
        except WeirError:
            del self._producers[source]
            raise
        await sender.send(ortc.send_parameters(parameters))

    def set_subscribed_layers(self, source: str, layer: int) -> None:
        """Encodes nothing of a source while nobody subscribes to it, which the layer -1 says."""
        producer = self._producers.get(source)
        if producer:
            producer.tap.enabled = layer >= 0

    async def consume(self, infos: List[Json]) -> List[Consumer]:
        """Receives what the server has prepared, and tells it to begin."""
        if self._recv is None or not infos:
            return []
        consumers = []
        for info in infos:
            receiver = ortc.create_receiver(info["kind"], self._recv.dtls)
            await receiver.receive(ortc.receive_parameters(info["rtpParameters"]))
            consumers.append(Consumer(info, receiver))
            self._consumers[info["consumerId"]] = consumers[-1]
        try:
            await self._request("resumeConsumers", {"consumerIds": [info["consumerId"] for info in infos]})
        except WeirError as error:
            # One has closed meanwhile; the next event says so.
            if error.code != "notFound":
                raise
        return consumers

    async def close_consumers(self, consumer_ids: List[str]) -> None:
        """Stops receivers, which ends their tracks."""
        for consumer_id in consumer_ids:
            consumer = self._consumers.pop(consumer_id, None)
            if consumer:
                await consumer.receiver.stop()

    async def close(self) -> None:
        for producer in self._producers.values():
            await producer.sender.stop()
        self._producers.clear()
        await self.close_consumers(list(self._consumers))
        for transport in (self._send, self._recv):
            if transport:
                await transport.close()

    async def _connect(self, transport: Transport, info: Json) -> None:
        # The server answers the checks of ICE already, and begins DTLS as soon as it has our parameters.
        await asyncio.gather(
            self._request(
                "connectTransport", {"transportId": info["transportId"], "dtlsParameters": transport.parameters}
            ),
            transport.connect(info),
        )


def size_field(size: Optional[Tuple[int, int]]) -> Json:
    return {"size": {"width": size[0], "height": size[1]}} if size else {}
