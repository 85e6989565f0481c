"""The error that everything in this package raises."""

from __future__ import annotations

from typing import Optional


class WeirError(Exception):
    """Something that the server refused, or that could not be done; its text can be shown to people.

    `code` and `reason` are those of docs/protocol.md, such as `roomFull`, or `unauthorized` with the reason `expired`.
    """

    def __init__(self, code: str, message: str, reason: Optional[str] = None) -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason
