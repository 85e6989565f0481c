"""Publishes a file, or a test pattern with a tone, to a room, and sends a data message every second."""

from __future__ import annotations

import argparse
import asyncio
import sys
from typing import Optional, Tuple

try:
    import weir
except ImportError as missing:
    sys.exit(str(missing))

from aiortc import MediaStreamTrack
from aiortc.contrib.media import MediaPlayer
from av.error import FFmpegError
from weir import cli
from weir.sources import TestPattern, Tone


def size(text: str) -> Tuple[int, int]:
    """A size such as `640x360`."""
    width, height = (int(side) for side in text.split("x"))
    if width % 2 or height % 2 or not (16 <= width <= 4096 and 16 <= height <= 4096):
        raise ValueError
    return width, height


def open_tracks(options: argparse.Namespace) -> Tuple[Optional[MediaStreamTrack], Optional[MediaStreamTrack]]:
    """What to publish: a video and a sound, each if there is one."""
    if not options.file:
        return TestPattern(*options.size, options.rate), Tone(options.tone)
    try:
        player = MediaPlayer(options.file)
    except (FFmpegError, OSError) as error:
        raise weir.WeirError("badRequest", f"{options.file} cannot be played: {error}") from error
    return player.video, player.audio


async def say_hello(room: weir.Room, name: str) -> None:
    """Sends a message to everyone, each second."""
    number = 0
    while True:
        await room.send_data(f"hello {number} from {name}".encode(), topic="greeting")
        number += 1
        await asyncio.sleep(1)


async def main(options: argparse.Namespace) -> None:
    video, audio = open_tracks(options)
    room = weir.Room(options.url)
    room.on("peer_joined", lambda peer: print(f"{peer.name} has joined", flush=True))
    room.on("peer_left", lambda peer: print(f"{peer.name} has left", flush=True))
    room.on("warning", lambda text: print(text, flush=True))
    await room.join(
        options.room,
        name=options.name,
        token=cli.token(),
        receive=False,
        direct=options.direct,
        policy=options.policy,
    )
    try:
        if video:
            await room.publish("camera", video, None if options.file else options.size)
        if audio:
            await room.publish("microphone", audio)
        print(f"publishing to {options.room} as {options.name}", flush=True)
        hello = asyncio.create_task(say_hello(room, options.name))
        ended = asyncio.Event()
        for track in (video, audio):
            if track:
                track.on("ended", ended.set)
        waits = [asyncio.create_task(ended.wait()), asyncio.create_task(room.closed()), hello]
        done, pending = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for task in pending:
            task.cancel()
        for task in done:
            task.result()
    finally:
        await room.leave()


if __name__ == "__main__":
    arguments = cli.parser(__doc__ or "", "Publisher")
    arguments.add_argument("--file", help="what to play, once, instead of the test pattern")
    arguments.add_argument("--size", type=size, default="640x360", help="of the test pattern")
    arguments.add_argument("--rate", type=int, default=24, help="frames per second of the test pattern")
    arguments.add_argument("--tone", type=float, default=440, help="hertz of the tone")
    chosen = arguments.parse_args()
    cli.run(lambda: main(chosen), chosen.seconds)
