"""What the example programs have in common: their arguments, how they end, and what they say when they fail."""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
from typing import Awaitable, Callable

from .errors import WeirError


def parser(about: str, name: str) -> argparse.ArgumentParser:
    """The arguments of all programs."""
    arguments = argparse.ArgumentParser(description=about, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    arguments.add_argument("--url", default="http://localhost:3000", help="address of the server")
    arguments.add_argument("--room", default="lobby", help="name of the room")
    arguments.add_argument("--name", default=name, help="name that others see")
    arguments.add_argument("--direct", action="store_true", help="go directly where the room's policy asks for it")
    arguments.add_argument("--policy", choices=("sfu", "auto", "p2p"), help="of the room, if it is opened by this")
    arguments.add_argument("--seconds", type=float, help="leave after so many seconds; without it, at Ctrl-C")
    return arguments


def token() -> str | None:
    """The token: from the environment, since arguments can be read by all users of a machine."""
    return os.environ.get("WEIR_TOKEN")


def run(program: Callable[[], Awaitable[None]], seconds: float | None) -> None:
    """Runs a program until it ends, its time is over, or Ctrl-C or SIGTERM comes."""

    async def until_stopped() -> None:
        task = asyncio.ensure_future(program())
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, task.cancel)
        try:
            await asyncio.wait_for(task, seconds)
        except (asyncio.TimeoutError, asyncio.CancelledError):
            pass

    try:
        asyncio.run(until_stopped())
    except WeirError as error:
        sys.exit(str(error))
