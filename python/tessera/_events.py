"""Streams of events that come back by themselves, without a gap, when the connection breaks."""
from __future__ import annotations

import http.client
import json
import socket
import threading
import time
import urllib.parse
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from tessera._errors import ForbiddenError, UnavailableError
from tessera._http import Backoff, Http, broken, parts_of, plain_origin, problem_of, retry_after_s
from tessera._jobs import FINAL_STATES, Event, Job

#: Heartbeats come every 15 s.
LONGEST_SILENCE_S = 45.0
#: A server that has been away for so long is given up.
LONGEST_ABSENCE_S = 60.0
LONGEST_LINE_BYTES = 16 << 20


class Message(NamedTuple):
    id: str
    type: str
    data: str


def messages_of(lines: Iterator[bytes]) -> Iterator[Message]:
    """Server-Sent Events (HTML Living Standard, section 9.2); those without data have an id only."""
    last_id, kind = "", ""
    data: list[str] = []
    for line in lines:
        text = line.decode("utf-8", "replace").rstrip("\r\n")
        if not text:
            yield Message(last_id, kind or "message", "\n".join(data))
            kind, data = "", []
            continue
        field, _, value = text.partition(":")
        value = value.removeprefix(" ")
        if field == "id":
            last_id = value
        elif field == "event":
            kind = value
        elif field == "data":
            data.append(value)


class EventStream(Iterator[Event]):
    """Iterates over events; it is connected when it is made, so that what happens from then on is told.

    close(), from any thread, ends it; so does the end of a `with` block.
    """

    def __init__(self, requests: Http, url: str, token: Callable[[], str | None], stream_token: Callable[[], str],
                 last_event_id: str | None, until_ended: set[str] | None) -> None:
        """`until_ended`: ends by itself when these jobs have ended. `stream_token` makes a token for events alone."""
        self._requests, self._url, self._token, self._stream_token = requests, url, token, stream_token
        self._open_jobs = until_ended
        self._closed = threading.Event()
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None
        self._heard_s = time.monotonic()
        self._backoff = Backoff(most_s=5.0)
        #: Of the last that came; events(last_event_id=...) goes on behind it.
        self.last_event_id = last_event_id or ""
        self._events = self._follow()
        next(self._events, None)  # up to the first message

    def __next__(self) -> Event:
        while (event := next(self._events)) is None:
            pass
        return event

    def __enter__(self) -> EventStream:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._closed.set()
        with self._lock:
            if self._socket is not None:
                try:
                    self._socket.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass  # it has ended already

    def _follow(self) -> Iterator[Event | None]:
        """Events; None where a connection has brought its first message."""
        elsewhere = None
        while not self._closed.is_set():
            pause_s = 0.0
            try:
                url, headers = self._request(elsewhere)
                connection, answer = self._requests.open("GET", url, headers, timeout_s=LONGEST_SILENCE_S)
                try:
                    location = answer.headers.get("Location")
                    if answer.status == 307 and elsewhere is None and location:
                        elsewhere = urllib.parse.urljoin(url, location)  # the notifier is another server
                        continue
                    if answer.status not in (200, 429, 503):
                        raise problem_of(answer.status, b"".join(parts_of(answer, url)), url)
                    if answer.status == 200:
                        yield from self._events_of(connection, answer, url)
                        if self._open_jobs is not None and not self._open_jobs:
                            return
                        reason = "the connection ended"
                    else:
                        reason = f"it answers with status {answer.status}"
                        pause_s = retry_after_s(answer)
                finally:
                    with self._lock:
                        self._socket = None
                    connection.close()
            except UnavailableError as error:
                reason = str(error)
            elsewhere = None  # the next time it may be elsewhere
            if self._closed.is_set():
                return
            if time.monotonic() - self._heard_s > LONGEST_ABSENCE_S:
                raise UnavailableError(f"The server has been away for {LONGEST_ABSENCE_S:.0f} s: {reason}")
            self._closed.wait(max(pause_s, self._backoff.next()))

    def _request(self, elsewhere: str | None) -> tuple[str, dict[str, str]]:
        url, headers, token = elsewhere or self._url, {"Accept": "text/event-stream"}, self._token()
        if self.last_event_id:
            headers["Last-Event-ID"] = self.last_event_id
        if token and plain_origin(url) == plain_origin(self._url):
            headers["Authorization"] = f"Bearer {token}"
        elif token:
            if self._url.startswith("https:") and not url.startswith("https:"):
                raise ForbiddenError(
                    f"The server sends its clients to '{plain_origin(url)}' for events, which is not encrypted as the "
                    "server itself is: start its gateway with a --notifier-url of https://.")
            # Another server gets no more than what it needs: a token for events alone, good for a few minutes.
            query = urllib.parse.urlencode({"token": self._stream_token()})
            url += ("&" if "?" in url else "?") + query
        return url, headers

    def _events_of(self, connection: http.client.HTTPConnection, answer: http.client.HTTPResponse,
                   url: str) -> Iterator[Event | None]:
        with self._lock:
            self._socket = connection.sock
        if self._closed.is_set():
            return
        for number, message in enumerate(messages_of(self._lines(answer, url))):
            if number == 0:
                yield None
            if message.id:
                self.last_event_id = message.id
            if not message.data or message.type == "reset":
                continue
            job: Any = json.loads(message.data)
            yield Event(message.id, message.type, Job(job))
            if self._open_jobs is not None and job.get("state") in FINAL_STATES:
                self._open_jobs.discard(job["id"])
                if not self._open_jobs:
                    return

    def _lines(self, answer: http.client.HTTPResponse, url: str) -> Iterator[bytes]:
        self._heard_s = time.monotonic()
        while not self._closed.is_set():
            try:
                line = answer.readline(LONGEST_LINE_BYTES)
            except (OSError, http.client.HTTPException, ValueError) as error:
                raise broken(url, error) from error
            if not line:
                return
            if not line.endswith(b"\n"):
                raise broken(url, ValueError("it brought a line without an end"))
            self._heard_s = time.monotonic()
            self._backoff.reset()
            yield line
