"""A small client of Weir for Python, on aiortc: a room, with the tracks and data messages of those in it."""

import sys

try:
    import aiortc  # noqa: F401
    import websockets  # noqa: F401
except ImportError as error:
    raise ImportError(
        f"{error.name} is missing for {sys.executable}.\n"
        "On Debian and Ubuntu: sudo apt-get install python3-aiortc python3-websockets, then use /usr/bin/python3.\n"
        "Elsewhere: pip install aiortc websockets"
    ) from error

from .client import DataMessage, Peer, Room, Track
from .errors import WeirError

__all__ = ["DataMessage", "Peer", "Room", "Track", "WeirError"]
