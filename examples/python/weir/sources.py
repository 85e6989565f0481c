"""Tracks to publish: a test pattern, a tone, and one that can be shut off."""

from __future__ import annotations

import asyncio
import fractions
import time

import numpy
from aiortc import MediaStreamTrack
from aiortc.mediastreams import MediaStreamError
from av import AudioFrame, VideoFrame

SAMPLE_RATE = 48_000
# 20 ms.
SAMPLES = 960
VIDEO_CLOCK = 90_000
# A clock that is so far behind, in seconds, begins anew instead of catching up.
MAX_DELAY = 0.5

# Luma and chroma of the bars: white, yellow, cyan, green, magenta, red, blue, black.
BARS = (
    *((235, 128, 128), (210, 16, 146), (170, 166, 16), (145, 54, 34)),
    *((106, 202, 222), (81, 90, 240), (41, 240, 110), (16, 128, 128)),
)


class Clock:
    """Waits for the time of each frame."""

    def __init__(self, interval: float) -> None:
        self._interval = interval
        self._next = time.monotonic()

    async def tick(self) -> None:
        self._next += self._interval
        wait = self._next - time.monotonic()
        if wait < -MAX_DELAY:
            self._next = time.monotonic()
        await asyncio.sleep(max(0, wait))


class TestPattern(MediaStreamTrack):
    """Colour bars that move to the left by two pixels a frame."""

    kind = "video"

    def __init__(self, width: int, height: int, rate: int) -> None:
        super().__init__()
        columns = numpy.arange(width) * len(BARS) // width
        luma, blue, red = (numpy.array([bar[plane] for bar in BARS], numpy.uint8)[columns] for plane in range(3))
        self._rows = numpy.tile(luma, 2), numpy.tile(blue[::2], 2), numpy.tile(red[::2], 2)
        self._width = width
        self._height = height
        self._rate = rate
        self._clock = Clock(1 / rate)
        self._count = 0

    async def recv(self) -> VideoFrame:
        if self.readyState != "live":
            raise MediaStreamError
        await self._clock.tick()
        shift = self._count % (self._width // 2)
        halves = [row[shift : shift + self._width // 2] for row in self._rows[1:]]
        planes = [numpy.tile(self._rows[0][2 * shift : 2 * shift + self._width], (self._height, 1))]
        planes += [numpy.tile(half, (self._height // 2, 1)) for half in halves]
        picture = numpy.concatenate([plane.reshape(-1) for plane in planes]).reshape(-1, self._width)
        frame = VideoFrame.from_ndarray(picture, format="yuv420p")
        frame.pts = self._count * VIDEO_CLOCK // self._rate
        frame.time_base = fractions.Fraction(1, VIDEO_CLOCK)
        self._count += 1
        return frame


class Tone(MediaStreamTrack):
    """A sine, in both channels."""

    kind = "audio"

    def __init__(self, hertz: float) -> None:
        super().__init__()
        self._hertz = hertz
        self._clock = Clock(SAMPLES / SAMPLE_RATE)
        self._samples = 0

    async def recv(self) -> AudioFrame:
        if self.readyState != "live":
            raise MediaStreamError
        await self._clock.tick()
        times = (self._samples + numpy.arange(SAMPLES)) / SAMPLE_RATE
        wave = (8000 * numpy.sin(2 * numpy.pi * self._hertz * times)).astype(numpy.int16)
        frame = AudioFrame.from_ndarray(numpy.repeat(wave, 2).reshape(1, -1), format="s16", layout="stereo")
        frame.sample_rate = SAMPLE_RATE
        frame.pts = self._samples
        frame.time_base = fractions.Fraction(1, SAMPLE_RATE)
        self._samples += SAMPLES
        return frame


class Tap(MediaStreamTrack):
    """Another track, whose frames are dropped while it is not enabled: a sender encodes nothing then."""

    def __init__(self, source: MediaStreamTrack) -> None:
        super().__init__()
        self.kind = source.kind
        self.enabled = True
        self._source = source

    async def recv(self) -> VideoFrame | AudioFrame:
        while True:
            try:
                frame = await self._source.recv()
            except MediaStreamError:
                self.stop()
                raise
            if self.enabled:
                return frame

    def stop(self) -> None:
        super().stop()
        self._source.stop()
