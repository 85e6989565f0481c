"""A room: joins it, publishes and receives tracks, sends and receives data, and says what happens there."""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import dataclass, field
from typing import Dict, Iterable, List, Optional, Tuple

from aiortc import MediaStreamTrack
from aiortc.contrib.media import MediaRelay
from pyee.asyncio import AsyncIOEventEmitter

from . import ortc
from .data import SfuData
from .errors import WeirError
from .frame import DataFrame
from .mesh import DirectMesh
from .sfu import Sfu
from .signalling import Json, Signalling


@dataclass
class Peer:
    """Another one in the room. `sources` are what it publishes, each `live` or `paused`."""

    peer_id: str
    name: str
    sources: Dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Track:
    """A track of another peer. Read it with `await track.media.recv()`, and do so all the time: aiortc keeps every
    frame until it is read. `peer` is missing for an audio slot, which carries whoever speaks in a large room. A source
    may come a second time as a `direct` track; the one through the server then pauses."""

    source: str
    media: MediaStreamTrack
    peer: Optional[Peer]
    direct: bool


@dataclass(frozen=True)
class DataMessage:
    """What somebody sent; `peer` is missing where the sender is hidden."""

    data: bytes
    topic: str
    reliable: bool
    peer: Optional[Peer]


class Room(AsyncIOEventEmitter):
    """Events, for `room.on(...)`; listen before `join`:

    `track` (Track), `data` (DataMessage), `peer_joined` (Peer), `peer_left` (Peer), and `warning` (str): something that
    the server tells this client, such as data that was refused.
    """

    def __init__(self, url: str) -> None:
        super().__init__()
        self.peer_id = ""
        self.peers: Dict[str, Peer] = {}
        self._url = url
        self._signalling: Optional[Signalling] = None
        self._sfu: Optional[Sfu] = None
        self._data: Optional[SfuData] = None
        self._mesh: Optional[DirectMesh] = None
        # Whether media, and with it data, goes directly only.
        self._is_p2p = False
        self._relay = MediaRelay()
        self._session: Optional[asyncio.Task[None]] = None

    async def join(
        self,
        room: str,
        *,
        name: str,
        token: Optional[str] = None,
        publish: bool = True,
        receive: bool = True,
        direct: bool = False,
        policy: Optional[str] = None,
    ) -> None:
        """Joins a room; returns when its media to and from the server is connected.

        `publish` and `receive` say what to connect. With `direct`, media goes directly to and from other peers where
        the policy of the room asks for it, which shows each the IP address of the other; `policy` (`sfu`, `auto`,
        `p2p`) is that of the room if this join opens it. Raises `WeirError`, such as `roomFull` and `unauthorized`.
        """
        self._signalling = signalling = await Signalling.open(self._url)
        try:
            server = signalling.welcome["rtpCapabilities"]
            reply = await signalling.request(
                "join",
                {
                    "room": room,
                    "name": name,
                    "rtpCapabilities": ortc.receive_capabilities(server),
                    "transports": {"send": publish, "recv": receive},
                    **({"token": token} if token else {}),
                    **({"direct": True} if direct else {}),
                    **({"policy": policy} if policy else {}),
                },
            )
            self.peer_id = reply["peerId"]
            self.peers = {peer["peerId"]: peer_of(peer) for peer in reply["peers"]}
            self._data = SfuData(signalling.request, self._on_frame)
            self._sfu = Sfu(signalling.request, server, uuid.uuid4().hex)
            await self._sfu.open(reply["transports"])
            self._is_p2p = reply["policy"] == "p2p"
            self._mesh = DirectMesh(
                self,
                signalling.request,
                self.peer_id,
                receive=receive,
                with_sfu=not self._is_p2p,
                subscribe=self._subscribe,
            )
            self._mesh.set_peers(reply["directPeers"])
            await self._consume(reply["consumers"])
            self._warn_of_codecs(reply["unsupportedCodecs"])
        except BaseException:
            await self.leave()
            raise
        self._session = asyncio.create_task(self._run(signalling))

    async def publish(self, source: str, track: MediaStreamTrack, size: Optional[Tuple[int, int]] = None) -> None:
        """Publishes a track as `camera`, `microphone`, `screen` or `screenAudio`; `size` of a video is in pixels."""
        if self._sfu is None or self._mesh is None or self._signalling is None:
            raise WeirError("notJoined", "Join a room first.")
        if self._is_p2p:
            await self._signalling.request("produce", {"source": source})
        else:
            await self._sfu.publish(source, self._subscribe(track), size)
        self._mesh.publish(source, track)

    async def send_data(self, data: bytes, *, topic: str = "", reliable: bool = True, to: Iterable[str] = ()) -> None:
        """Sends a message to all, or to the peers with these ids; at most 64 KiB."""
        if self._data is None or self._mesh is None:
            raise WeirError("notJoined", "Join a room first.")
        # Under other policies data goes through the server, so that it stays in order when media changes its way.
        carrier = self._mesh if self._is_p2p else self._data
        await carrier.send("reliable" if reliable else "lossy", data, topic, to)

    async def closed(self) -> None:
        """Waits until the server ends the session, and raises why."""
        if self._session:
            await asyncio.shield(self._session)

    async def leave(self) -> None:
        """Leaves the room and closes everything; may be called at any time and again."""
        signalling, self._signalling = self._signalling, None
        if signalling is None:
            return
        if self._session:
            self._session.cancel()
            await asyncio.gather(self._session, return_exceptions=True)
        try:
            await signalling.request("leave", {})
        except WeirError:
            # It is closed already.
            pass
        await signalling.close()
        if self._mesh:
            await self._mesh.close()
        if self._data:
            await self._data.close()
        if self._sfu:
            await self._sfu.close()

    def _subscribe(self, track: MediaStreamTrack) -> MediaStreamTrack:
        # A picture that could not be encoded in time is left out; sound is not.
        return self._relay.subscribe(track, buffered=track.kind == "audio")

    async def _run(self, signalling: Signalling) -> None:
        async for name, data in signalling.events():
            await self._handle(name, data)

    async def _handle(self, name: str, data: Json) -> None:
        if self._sfu is None or self._data is None or self._mesh is None:
            return
        if name == "newPeer":
            self.peers[data["peerId"]] = peer_of(data)
            self.emit("peer_joined", self.peers[data["peerId"]])
        elif name == "peerClosed":
            peer = self.peers.pop(data["peerId"], None)
            if peer:
                self.emit("peer_left", peer)
        elif name == "peerSources":
            peer = self.peers.get(data["peerId"])
            if peer:
                peer.sources = data["sources"]
        elif name == "newConsumers":
            await self._consume(data["consumers"])
        elif name == "consumersClosed":
            await self._sfu.close_consumers(data["consumerIds"])
        elif name == "subscribedLayers":
            self._sfu.set_subscribed_layers(data["source"], data["maxSpatialLayer"])
        elif name == "unsupportedCodec":
            self._warn_of_codecs([data])
        elif name == "directPeers":
            self._mesh.set_peers(data)
        elif name == "directSignal":
            self._mesh.receive_signal(data)
        elif name == "dataPending":
            await self._data.open()
        elif name == "dataClosed":
            await self._data.close()
            self.emit("warning", data["error"]["message"])
        elif name == "dataRefused":
            self.emit("warning", data["error"]["message"])

    async def _consume(self, infos: List[Json]) -> None:
        if self._sfu:
            for consumer in await self._sfu.consume(infos):
                peer = self.peers.get(consumer.info.get("peerId", ""))
                self.emit("track", Track(consumer.info["source"], consumer.receiver.track, peer, direct=False))

    def on_direct_track(self, peer_id: str, source: str, media: MediaStreamTrack) -> None:
        self.emit("track", Track(source, media, self.peers.get(peer_id), direct=True))

    def on_direct_frame(self, peer_id: str, channel: str, frame: DataFrame) -> None:
        self.emit("data", DataMessage(frame.data, frame.topic, channel != "lossy", self.peers.get(peer_id)))

    def on_direct_failed(self, peer_id: str, why: str) -> None:
        peer = self.peers.get(peer_id)
        self.emit("warning", f"The direct connection with {peer.name if peer else 'a peer'} has failed: {why}")

    def _on_frame(self, channel: str, frame: DataFrame) -> None:
        peer = self.peers.get(frame.peer_ids[0]) if frame.peer_ids else None
        self.emit("data", DataMessage(frame.data, frame.topic, channel != "lossy", peer))

    def _warn_of_codecs(self, codecs: List[Json]) -> None:
        for codec in codecs:
            peer = self.peers.get(codec["peerId"])
            name = peer.name if peer else "Somebody"
            self.emit("warning", f"{name}'s {codec['source']} is {codec['mimeType']}, which aiortc cannot decode.")


def peer_of(info: Json) -> Peer:
    return Peer(info["peerId"], info["name"], info["sources"])
