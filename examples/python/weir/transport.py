"""One transport between this client and the server: ICE and DTLS, over which RTP or SCTP goes."""

from __future__ import annotations

import asyncio
from typing import Awaitable, Callable

from aiortc import RTCDtlsFingerprint, RTCDtlsParameters, RTCIceCandidate, RTCIceParameters

from . import ortc
from .errors import WeirError
from .signalling import Json

Request = Callable[[str, Json], Awaitable[Json]]

# How long ICE and DTLS may take together, in seconds.
CONNECT_TIMEOUT = 15


class Transport:
    """The client's end of a `TransportInfo` of the protocol."""

    def __init__(self) -> None:
        self.dtls = ortc.create_transport()

    @property
    def parameters(self) -> Json:
        """The DTLS parameters that the server needs."""
        fingerprints = self.dtls.getLocalParameters().fingerprints
        return {
            "role": "server",
            "fingerprints": [{"algorithm": one.algorithm, "value": one.value} for one in fingerprints],
        }

    async def connect(self, info: Json) -> None:
        """Connects to the server's end, which has our DTLS parameters or is about to get them."""
        try:
            await asyncio.wait_for(self._connect(info), CONNECT_TIMEOUT)
        except asyncio.TimeoutError as error:
            message = "Media could not be connected in time: does a firewall block UDP?"
            raise WeirError("unavailable", message) from error

    async def close(self) -> None:
        await self.dtls.stop()
        await self.dtls.transport.stop()

    async def _connect(self, info: Json) -> None:
        ice = self.dtls.transport
        await ice.iceGatherer.gather()
        if not ice.iceGatherer.getLocalCandidates():
            raise WeirError("unavailable", "This machine has no network address; aiortc does not use that of loopback.")
        # aiortc has no ICE over TCP.
        for candidate in info["iceCandidates"]:
            if candidate["protocol"] == "udp":
                await ice.addRemoteCandidate(
                    RTCIceCandidate(
                        component=1,
                        foundation=candidate["foundation"],
                        ip=candidate["address"],
                        port=candidate["port"],
                        priority=candidate["priority"],
                        protocol="udp",
                        type=candidate["type"],
                    )
                )
        parameters = info["iceParameters"]
        await ice.start(RTCIceParameters(parameters["usernameFragment"], parameters["password"], iceLite=True))
        if ice.state != "completed":
            raise WeirError("unavailable", "The server cannot be reached by UDP: does a firewall block it?")
        fingerprints = info["dtlsParameters"]["fingerprints"]
        await self.dtls.start(
            RTCDtlsParameters([RTCDtlsFingerprint(one["algorithm"], one["value"]) for one in fingerprints])
        )
        if self.dtls.state != "connected":
            raise WeirError("unavailable", "The server could not be connected securely (DTLS).")
