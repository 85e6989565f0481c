"""One direct connection to another peer: an RTCPeerConnection, its negotiation, and its data channels.

As in web/client/p2p: each end offers what it sends as transceivers of its own, and says in `sources` which m-line
carries which source. The end with the smaller peer id is the polite one (perfect negotiation of W3C webrtc-pc).
"""

from __future__ import annotations

import asyncio
import json
from collections import deque
from itertools import count
from typing import Any, Deque, Dict, List, Optional, Protocol

from aiortc import (
    MediaStreamTrack,
    RTCConfiguration,
    RTCDataChannel,
    RTCIceServer,
    RTCPeerConnection,
    RTCRtpSender,
    RTCRtpTransceiver,
    RTCSessionDescription,
)
from aiortc.rtcicetransport import parse_stun_turn_uri
from aiortc.sdp import candidate_from_sdp

from . import frame
from .data import CHANNELS, send
from .errors import WeirError
from .numbers import renumber
from .signalling import Json

# What both ends say to each other beside the media: JSON, such as {"type": "ping"}.
CONTROL = {"control": {"id": 3, "ordered": True}}
SENT = {"audio": "audio/opus", "video": "video/VP8"}
# How long it may take to connect, in seconds.
CONNECT_TIMEOUT = 15
# aiortc cannot take back an offer, and Chromium takes back its own incompletely: offers that cross fail. But for the
# first one, an offer waits until the other end has described nothing for so long, in seconds.
QUIET = 0.5


class Listener(Protocol):
    """Who is told what happens to a connection."""

    def on_signal(self, connection: DirectConnection, signal: Json) -> None: ...

    def on_tracks(self, connection: DirectConnection) -> None: ...

    def on_frame(self, connection: DirectConnection, channel: str, received: frame.DataFrame) -> None: ...

    def on_failed(self, connection: DirectConnection, why: str) -> None: ...


class DirectConnection:
    """One negotiation with one peer. Signals and offers are handled one after another."""

    def __init__(
        self, listener: Listener, peer: Json, *, polite: bool, receive: bool, ice_servers: List[Json]
    ) -> None:
        self.peer_id: str = peer["peerId"]
        self.negotiation: int = peer["negotiation"]
        self.connected = False
        # What arrives, by source.
        self.tracks: Dict[str, MediaStreamTrack] = {}
        self._listener = listener
        self._polite = polite
        self._receive = receive
        # The polite one makes no offer before the other end has made one.
        self._may_offer = not polite
        self._connection = RTCPeerConnection(RTCConfiguration(iceServers=usable(ice_servers)))
        self._connection.on("connectionstatechange", self._on_state)
        self._channels: Dict[str, RTCDataChannel] = {}
        self._sequences = {label: count() for label in CHANNELS}
        for label, options in {**CHANNELS, **CONTROL}.items():
            self._open_channel(label, options)
        # Tracks that are not offered yet, and transceivers that are, by source.
        self._waiting: Dict[str, MediaStreamTrack] = {}
        self._sending: Dict[str, RTCRtpTransceiver] = {}
        self._sources: Dict[str, str] = {}
        self._failed = False
        self._quiet_at = 0.0
        self._work: asyncio.Queue[Optional[Json]] = asyncio.Queue()
        # None stands for a look whether there is something to offer.
        self._work.put_nowait(None)
        self._worker = asyncio.create_task(self._run())
        self._timer = asyncio.get_running_loop().call_later(CONNECT_TIMEOUT, self._fail, "It did not connect in time.")

    def publish(self, source: str, track: MediaStreamTrack) -> None:
        """Sends a track to the other end."""
        self._waiting[source] = track
        self._work.put_nowait(None)

    def receive_signal(self, signal: Json) -> None:
        self._work.put_nowait(signal)

    async def send(self, label: str, data: bytes, topic: str) -> None:
        """Sends a data message, if the channel is open."""
        if self._channels[label].readyState != "open":
            return
        await send(self._channels[label], frame.encode(frame.DataFrame(next(self._sequences[label]), data, topic)))

    def send_done(self) -> None:
        """Says that nothing of this connection is used any more."""
        self._send_control({"type": "done"})

    async def close(self) -> None:
        self._timer.cancel()
        self._worker.cancel()
        await self._connection.close()

    async def _run(self) -> None:
        # aiortc forgets what is negotiated while it connects, so that waits; candidates, which it needs, do not.
        later: Deque[Optional[Json]] = deque()
        try:
            while True:
                if later and not self._is_connecting:
                    signal = later.popleft()
                else:
                    signal = await self._work.get()
                    if (later or self._is_connecting) and not (signal and "candidate" in signal):
                        later.append(signal)
                        continue
                if signal is None:
                    await self._offer()
                elif "description" in signal:
                    await self._receive_description(signal)
                elif signal["candidate"]:
                    await self._receive_candidate(signal["candidate"])
        except Exception as error:  # Whatever aiortc raises over what the other end sends.
            self._fail(f"{type(error).__name__}: {error}")

    async def _offer(self) -> None:
        connection = self._connection
        is_first = connection.localDescription is None
        if not self._may_offer or connection.signalingState != "stable" or not (self._waiting or is_first):
            return
        loop = asyncio.get_running_loop()
        if loop.time() < self._quiet_at:
            loop.call_at(self._quiet_at, self._work.put_nowait, None)
            return
        for source, track in self._waiting.items():
            # Not made before: aiortc would take it for the first m-line of this kind that the other end offers.
            transceiver = connection.addTransceiver(track, "sendonly")
            capabilities = RTCRtpSender.getCapabilities(track.kind).codecs
            transceiver.setCodecPreferences([one for one in capabilities if one.mimeType == SENT[track.kind]])
            self._sending[source] = transceiver
        self._waiting.clear()
        former = None if is_first else connection.localDescription.sdp
        offer = await connection.createOffer()
        await connection.setLocalDescription(RTCSessionDescription(renumber(offer.sdp, former), "offer"))
        self._send_description()

    async def _receive_description(self, signal: Json) -> None:
        connection = self._connection
        description = signal["description"]
        is_offer = description["type"] == "offer"
        self._quiet_at = asyncio.get_running_loop().time() + QUIET
        if is_offer and connection.signalingState == "have-local-offer":
            if not self._polite:
                # The other end takes its offer back, and makes it again later.
                return
            raise WeirError("conflict", "Both ends made an offer at once, and aiortc cannot take back its own.")
        await connection.setRemoteDescription(RTCSessionDescription(description["sdp"], description["type"]))
        self._may_offer = True
        self._sources = {one["mid"]: one["source"] for one in signal["sources"]}
        if is_offer:
            for transceiver in connection.getTransceivers():
                if transceiver.mid in self._sources and not self._receive:
                    transceiver.direction = "inactive"
            await connection.setLocalDescription(await connection.createAnswer())
            self._send_description()
        self._update_tracks()
        await self._offer()

    async def _receive_candidate(self, candidate: Json) -> None:
        _, _, text = candidate["candidate"].partition(":")
        if not text:
            return
        parsed = candidate_from_sdp(text)
        parsed.sdpMid = candidate["sdpMid"]
        await self._connection.addIceCandidate(parsed)

    def _send_description(self) -> None:
        description = self._connection.localDescription
        sources = [{"mid": one.mid, "source": source} for source, one in self._sending.items()]
        self._listener.on_signal(
            self, {"description": {"type": description.type, "sdp": description.sdp}, "sources": sources}
        )

    def _update_tracks(self) -> None:
        for transceiver in self._connection.getTransceivers():
            source = self._sources.get(transceiver.mid or "")
            if source and transceiver.currentDirection in ("recvonly", "sendrecv"):
                self.tracks[source] = transceiver.receiver.track
        self._listener.on_tracks(self)

    def _open_channel(self, label: str, options: Dict[str, Any]) -> None:
        channel = self._connection.createDataChannel(label, negotiated=True, **options)
        channel.on("message", lambda message: self._on_message(label, message))
        self._channels[label] = channel

    def _on_message(self, label: str, message: object) -> None:
        if label == "control":
            if isinstance(message, str) and '"ping"' in message:
                self._send_control({"type": "pong"})
            return
        received = frame.decode_or_none(message)
        if received:
            if label != "lossy":
                # The other end keeps messages until they are acknowledged.
                self._send_control({"type": "acknowledge", "channel": label, "sequence": received.sequence})
            # Not from within aiortc, whose connection an error of the application would end.
            asyncio.get_running_loop().call_soon(self._listener.on_frame, self, label, received)

    def _send_control(self, message: Json) -> None:
        channel = self._channels["control"]
        if channel.readyState == "open":
            channel.send(json.dumps(message))

    @property
    def _is_connecting(self) -> bool:
        connection = self._connection
        return not self.connected and connection.signalingState == "stable" and connection.remoteDescription is not None

    def _on_state(self) -> None:
        if self._connection.connectionState == "connected":
            self.connected = True
            self._timer.cancel()
            self._work.put_nowait(None)
            self._listener.on_tracks(self)
        elif self._connection.connectionState == "failed":
            self._fail("The connection is lost.")

    def _fail(self, why: str) -> None:
        self._timer.cancel()
        if self._failed:
            return
        self._failed = True
        self.connected = False
        self._listener.on_failed(self, why)


def usable(ice_servers: List[Json]) -> List[RTCIceServer]:
    """The STUN and TURN servers whose addresses aiortc can read: it has no literal IPv6."""
    servers = []
    for server in ice_servers:
        urls = [url for url in server["urls"] if is_readable(url)]
        if urls:
            servers.append(RTCIceServer(urls, server.get("username"), server.get("credential")))
    return servers


def is_readable(url: str) -> bool:
    try:
        return bool(parse_stun_turn_uri(url))
    except ValueError:
        return False
