"""All direct connections of this client: begun, replaced and closed as the server asks."""

from __future__ import annotations

import asyncio
from typing import Awaitable, Callable, Dict, Iterable, List, Protocol, Set

from aiortc import MediaStreamTrack

from .direct import DirectConnection
from .errors import WeirError
from .frame import DataFrame
from .signalling import Json
from .transport import Request

# How long a connection that is not wanted any more goes on, in seconds, while the same media comes by the server again.
LINGER = 1


class MeshListener(Protocol):
    """Who is told what arrives."""

    def on_direct_track(self, peer_id: str, source: str, media: MediaStreamTrack) -> None: ...

    def on_direct_frame(self, peer_id: str, channel: str, received: DataFrame) -> None: ...

    def on_direct_failed(self, peer_id: str, why: str) -> None: ...


class DirectMesh:
    """The connections by peer. `subscribe` makes one more reader of a track that is published."""

    def __init__(
        self,
        listener: MeshListener,
        request: Request,
        peer_id: str,
        *,
        receive: bool,
        with_sfu: bool,
        subscribe: Callable[[MediaStreamTrack], MediaStreamTrack],
    ) -> None:
        self._listener = listener
        self._request = request
        self._peer_id = peer_id
        self._receive = receive
        self._with_sfu = with_sfu
        self._subscribe = subscribe
        self._connections: Dict[str, DirectConnection] = {}
        self._given: Set[MediaStreamTrack] = set()
        self._may_send: Set[str] = set()
        self._published: Dict[str, MediaStreamTrack] = {}
        self._direct_tracks: List[Json] = []
        self._tasks: Set[asyncio.Future[object]] = set()

    def set_peers(self, direct: Json) -> None:
        """Makes the connections those that the server asks for."""
        wanted = {peer["peerId"]: peer for peer in direct["peers"]}
        self._may_send = {peer_id for peer_id, peer in wanted.items() if peer.get("canPublishData", True)}
        for peer_id, connection in list(self._connections.items()):
            if wanted.get(peer_id, {}).get("negotiation") != connection.negotiation:
                del self._connections[peer_id]
                self._start(self._retire(connection))
        for peer_id, peer in wanted.items():
            if peer_id not in self._connections:
                self._begin(peer, direct["iceServers"])
        self._update_direct_tracks()

    def receive_signal(self, data: Json) -> None:
        connection = self._connections.get(data["peerId"])
        if connection and connection.negotiation == data["negotiation"]:
            connection.receive_signal(data["signal"])

    def publish(self, source: str, track: MediaStreamTrack) -> None:
        """Sends a track to all, also to those who come later."""
        self._published[source] = track
        for connection in self._connections.values():
            connection.publish(source, self._subscribe(track))

    async def send(self, channel: str, data: bytes, topic: str, to: Iterable[str]) -> None:
        """Sends a data message to those of these peers, or of all, to whom there is a connection."""
        chosen = set(to)
        await asyncio.gather(
            *(
                connection.send(channel, data, topic)
                for connection in self._connections.values()
                if connection.connected and (not chosen or connection.peer_id in chosen)
            )
        )

    async def close(self) -> None:
        connections = list(self._connections.values())
        self._connections.clear()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, *(connection.close() for connection in connections), return_exceptions=True)

    def on_signal(self, connection: DirectConnection, signal: Json) -> None:
        self._send_request(
            "sendDirectSignal",
            {"peerId": connection.peer_id, "negotiation": connection.negotiation, "signal": signal},
        )

    def on_tracks(self, connection: DirectConnection) -> None:
        if not connection.connected:
            return
        for source, media in connection.tracks.items():
            if media not in self._given:
                self._given.add(media)
                self._listener.on_direct_track(connection.peer_id, source, media)
        self._update_direct_tracks()

    def on_frame(self, connection: DirectConnection, channel: str, received: DataFrame) -> None:
        # No server looks at the grants of who sends directly.
        if connection.peer_id in self._may_send:
            self._listener.on_direct_frame(connection.peer_id, channel, received)

    def on_failed(self, connection: DirectConnection, why: str) -> None:
        if self._connections.get(connection.peer_id) is not connection:
            return
        self._listener.on_direct_failed(connection.peer_id, why)
        # The server then asks for a new negotiation, or sends the media itself.
        self._send_request(
            "reportDirectFailure", {"peerId": connection.peer_id, "negotiation": connection.negotiation}
        )

    def _begin(self, peer: Json, ice_servers: List[Json]) -> None:
        connection = DirectConnection(
            self, peer, polite=self._peer_id < peer["peerId"], receive=self._receive, ice_servers=ice_servers
        )
        self._connections[peer["peerId"]] = connection
        for source, track in self._published.items():
            connection.publish(source, self._subscribe(track))

    async def _retire(self, connection: DirectConnection) -> None:
        connection.send_done()
        try:
            await asyncio.sleep(LINGER)
        finally:
            await connection.close()

    def _update_direct_tracks(self) -> None:
        """Says to the server which tracks it need not send."""
        tracks = [
            {"peerId": connection.peer_id, "source": source}
            for connection in self._connections.values()
            if connection.connected
            for source in connection.tracks
        ]
        if self._with_sfu and tracks != self._direct_tracks:
            self._direct_tracks = tracks
            self._send_request("setDirectTracks", {"tracks": tracks})

    def _send_request(self, method: str, data: Json) -> None:
        async def send() -> None:
            try:
                await self._request(method, data)
            except WeirError:
                # The peer is not wanted any more, or the session has ended: events say so.
                pass

        self._start(send())

    def _start(self, work: Awaitable[object]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
