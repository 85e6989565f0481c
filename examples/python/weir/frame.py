"""The binary frame of a data message, the same through the server and directly: a small header, then the payload.

All integers are unsigned and big-endian: version (1 byte), sequence number (4), length of the topic (1), number of
peer ids (1), then each peer id with its length before it (1), the topic, and the payload. Ids and topic are UTF-8.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import Optional, Tuple

from .errors import WeirError

VERSION = 1
HEADER = struct.Struct("!BIBB")
MAX_DATA_BYTES = 65_536
# In UTF-16 code units.
MAX_TOPIC = 64
MAX_PEERS = 100


@dataclass(frozen=True)
class DataFrame:
    """`sequence` counts the messages of a sender on one channel. `peer_ids` says to the server whom the message is
    for (nobody: everyone), and from the server who sent it; between two clients it is empty."""

    sequence: int
    data: bytes
    topic: str = ""
    peer_ids: Tuple[str, ...] = field(default=())


def encode(frame: DataFrame) -> bytes:
    """Raises `WeirError` `badRequest` if the message is too large."""
    if len(frame.data) > MAX_DATA_BYTES:
        size = len(frame.data)
        raise WeirError("badRequest", f"The data message has {size} bytes; at most {MAX_DATA_BYTES} are allowed.")
    if len(frame.topic.encode("utf-16-le")) > 2 * MAX_TOPIC:
        raise WeirError("badRequest", f"The topic of a data message may have {MAX_TOPIC} characters.")
    if len(frame.peer_ids) > MAX_PEERS:
        raise WeirError("badRequest", f"A data message may name {MAX_PEERS} peers.")
    topic = frame.topic.encode()
    ids = [peer_id.encode() for peer_id in frame.peer_ids]
    parts = [HEADER.pack(VERSION, frame.sequence, len(topic), len(ids))]
    parts += [bytes([len(peer_id)]) + peer_id for peer_id in ids]
    return b"".join([*parts, topic, frame.data])


def decode(message: bytes) -> DataFrame:
    """Raises `WeirError` `badMessage` if it is malformed."""
    try:
        version, sequence, topic_length, peers = HEADER.unpack_from(message)
        if version != VERSION:
            raise ValueError(f"version {version} is unknown")
        offset = HEADER.size
        ids = []
        for _ in range(peers):
            end = offset + 1 + message[offset]
            ids.append(message[offset + 1 : end].decode())
            offset = end
        end = offset + topic_length
        if end > len(message):
            raise ValueError("it ends within its header")
        return DataFrame(sequence, message[end:], message[offset:end].decode(), tuple(ids))
    except (struct.error, IndexError, ValueError) as error:
        raise WeirError("badMessage", f"A data message is malformed: {error}.") from error


def decode_or_none(message: object) -> Optional[DataFrame]:
    """A frame, or nothing for what is none."""
    try:
        return decode(message) if isinstance(message, bytes) else None
    except WeirError:
        return None
