"""Large files on their way to the service, in parts and several at a time."""
from __future__ import annotations

import concurrent.futures
import os
from collections.abc import Callable
from typing import Any, BinaryIO

from tessera._errors import InputOutputError
from tessera._http import Http

#: Files from this size on go in parts, if the service wants that.
LARGE_BYTES = 64 << 20
CONNECTIONS = 4
LINKS_AT_A_TIME = 100

#: Sends a JSON request: method, path, body.
Ask = Callable[[str, str, Any], Any]


class PartOfFile:
    """A part of a file, as http.client reads bodies."""

    def __init__(self, descriptor: int, offset: int, size_bytes: int) -> None:
        self._descriptor, self._at, self._end = descriptor, offset, offset + size_bytes

    def read(self, size: int = -1) -> bytes:
        left = self._end - self._at
        taken = os.pread(self._descriptor, left if size < 0 else min(size, left), self._at)
        self._at += len(taken)
        return taken


def send_parts(http: Http, ask: Ask, source: BinaryIO, place: dict[str, Any]) -> str:
    """Sends the file that POST /v1/uploads answered `place` for; returns the object's name."""
    parts = place["parts"]
    part_bytes = parts["part_bytes"]
    named = {"object": place["object"], "upload": parts["upload"], "size_bytes": parts["size_bytes"]}
    descriptor = source.fileno()
    before = os.fstat(descriptor)

    def send(link: dict[str, Any]) -> None:
        headers = {"Content-Length": str(link["size_bytes"])}
        http.send("PUT", link["url"], lambda: headers,
                  lambda: PartOfFile(descriptor, (link["number"] - 1) * part_bytes, link["size_bytes"]))

    with concurrent.futures.ThreadPoolExecutor(CONNECTIONS) as senders:
        links = parts["links"]
        for first in range(1, parts["count"] + 1, LINKS_AT_A_TIME):
            if first > 1:
                numbers = list(range(first, min(first + LINKS_AT_A_TIME, parts["count"] + 1)))
                links = ask("POST", "/v1/uploads/links", {**named, "parts": numbers})["links"]
            for _ in senders.map(send, links):
                pass
    after = os.fstat(descriptor)
    if (after.st_size, after.st_mtime_ns) != (before.st_size, before.st_mtime_ns):
        raise InputOutputError(f"'{source.name}' changed while it was uploaded: submit it again.", source.name)
    ask("POST", "/v1/uploads/complete", named)
    return str(place["object"])
