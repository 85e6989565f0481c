"""Joins a room, counts or saves the frames of everyone in it, and prints the data messages."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Dict, Optional, Set

try:
    import weir
except ImportError as missing:
    sys.exit(str(missing))

import av
import numpy
from aiortc.mediastreams import MediaStreamError
from weir import cli

# Seconds between two reports, and between two saved pictures of a video.
INTERVAL = 1


@dataclass
class Seen:
    """What has come of one track."""

    peer: str
    source: str
    direct: bool
    frames: int = 0
    width: int = 0
    height: int = 0
    # Of sound: the mean of the last frame, from 0 to 1.
    loudness: float = 0


class Viewer:
    """Reads every track of a room."""

    def __init__(self, options: argparse.Namespace) -> None:
        self._options = options
        self._seen: Dict[str, Seen] = {}
        self._readers: Set[asyncio.Task[None]] = set()

    def add(self, track: weir.Track) -> None:
        reader = asyncio.create_task(self._read(track))
        self._readers.add(reader)
        reader.add_done_callback(self._readers.discard)

    def show_data(self, message: weir.DataMessage) -> None:
        name = message.peer.name if message.peer else "somebody"
        text = message.data.decode(errors="replace")
        record = {"data": text, "topic": message.topic, "from": name}
        self._print(record, f"{name} says, about {message.topic!r}: {text}")

    async def report(self) -> None:
        """Prints what has come, again and again."""
        while True:
            await asyncio.sleep(INTERVAL)
            for seen in self._seen.values():
                detail = f"{seen.width}x{seen.height}" if seen.width else f"loudness {seen.loudness:.2f}"
                way = " directly" if seen.direct else ""
                text = f"{seen.peer}'s {seen.source}{way}: {seen.frames} frames, {detail}"
                self._print({"track": asdict(seen)}, text)

    async def close(self) -> None:
        for reader in list(self._readers):
            reader.cancel()

    async def _read(self, track: weir.Track) -> None:
        name = track.peer.name if track.peer else "speaker"
        key = f"{name}-{track.source}{'-direct' if track.direct else ''}"
        seen = self._seen.setdefault(key, Seen(name, track.source, track.direct))
        saved_at: Optional[float] = None
        while True:
            try:
                frame = await track.media.recv()
            except MediaStreamError:
                return
            seen.frames += 1
            if isinstance(frame, av.VideoFrame):
                seen.width, seen.height = frame.width, frame.height
                if self._options.save and (saved_at is None or frame.time - saved_at >= INTERVAL):
                    saved_at = frame.time
                    save(frame, Path(self._options.save) / f"{key.replace('/', '_')}-{seen.frames}.png")
            else:
                seen.loudness = float(numpy.abs(frame.to_ndarray().astype(float)).mean()) / 32768

    def _print(self, record: object, text: str) -> None:
        print(json.dumps(record) if self._options.json else text, flush=True)


def save(frame: av.VideoFrame, path: Path) -> None:
    """Saves a picture as PNG."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w", format="image2", options={"update": "1"}) as file:
        stream = file.add_stream("png", rate=1)
        stream.width, stream.height, stream.pix_fmt = frame.width, frame.height, "rgb24"
        picture = frame.reformat(format="rgb24")
        picture.pts = None
        file.mux([*stream.encode(picture), *stream.encode(None)])


async def main(options: argparse.Namespace) -> None:
    viewer = Viewer(options)
    room = weir.Room(options.url)
    room.on("track", viewer.add)
    room.on("data", viewer.show_data)
    room.on("warning", lambda text: print(text, flush=True))
    await room.join(
        options.room,
        name=options.name,
        token=cli.token(),
        publish=False,
        direct=options.direct,
        policy=options.policy,
    )
    report = asyncio.create_task(viewer.report())
    try:
        await room.closed()
    finally:
        report.cancel()
        await viewer.close()
        await room.leave()


if __name__ == "__main__":
    arguments = cli.parser(__doc__ or "", "Viewer")
    arguments.add_argument("--save", metavar="FOLDER", help="save a picture of each video every second")
    arguments.add_argument("--json", action="store_true", help="print JSON, one object a line")
    chosen = arguments.parse_args()
    cli.run(lambda: main(chosen), chosen.seconds)
