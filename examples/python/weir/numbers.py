"""Gives an offer of aiortc the numbers that the connection uses already.

aiortc numbers payload types and header extensions anew in each offer, and uses one id for two extensions. Within a
bundle each number has one meaning (RFC 8843): browsers refuse such an offer, or send what no receiver expects.
"""

from __future__ import annotations

from typing import Dict, List, Optional, Set

from aiortc.sdp import MediaDescription, SessionDescription

PAYLOAD_TYPES = range(96, 128)
# Of one-byte headers (RFC 8285).
EXTENSION_IDS = range(1, 15)
SCTP_PORT = 5000


def renumber(sdp: str, former: Optional[str]) -> str:
    """The offer `sdp` as it can be sent; `former` is the last description of this end."""
    offer = SessionDescription.parse(sdp)
    before = SessionDescription.parse(former).media if former else []
    known = {media.rtp.muxId: media for media in before}
    payload_types = Numbers(PAYLOAD_TYPES)
    extensions = Numbers(EXTENSION_IDS)
    for media in before:
        for codec in media.rtp.codecs:
            payload_types.keep(codec.mimeType.lower(), codec.payloadType)
        for extension in media.rtp.headerExtensions:
            extensions.keep(extension.uri, extension.id)
    for media in offer.media:
        former_media = known.get(media.rtp.muxId)
        if media.kind == "application":
            name_data(media)
        elif former_media:
            media.fmt = former_media.fmt
            media.rtp.codecs = former_media.rtp.codecs
            media.rtp.headerExtensions = former_media.rtp.headerExtensions
        else:
            for codec in media.rtp.codecs:
                codec.payloadType = payload_types.number(codec.mimeType.lower(), codec.payloadType)
            media.fmt = [codec.payloadType for codec in media.rtp.codecs]
            for extension in media.rtp.headerExtensions:
                extension.id = extensions.number(extension.uri, extension.id)
    return str(offer)


def name_data(media: MediaDescription) -> None:
    """Describes data channels as RFC 8841 does; aiortc offers the form of a draft before it."""
    media.profile = "UDP/DTLS/SCTP"
    media.fmt = ["webrtc-datachannel"]
    media.sctpmap = {}
    media.sctp_port = SCTP_PORT


class Numbers:
    """Which number each name has."""

    def __init__(self, allowed: range) -> None:
        self._allowed: List[int] = list(allowed)
        self._numbers: Dict[str, int] = {}
        self._used: Set[int] = set()

    def keep(self, name: str, number: int) -> None:
        """Notes a number that is in use; of several for one name the first one counts."""
        self._numbers.setdefault(name, number)
        self._used.add(number)

    def number(self, name: str, wanted: int) -> int:
        """The number of a name: the one that it has, else `wanted`, or the first free one."""
        if name not in self._numbers:
            free = [wanted, *self._allowed]
            self.keep(name, next(number for number in free if number not in self._used))
        return self._numbers[name]
