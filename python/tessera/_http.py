"""HTTP requests with the standard library: retries, and the service's problems as exceptions."""
from __future__ import annotations

import email.utils
import http.client
import json
import random
import socket
import ssl
import time
import urllib.parse
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from tessera._errors import Error, UnavailableError, UsageError, error_of, printable

MAX_ATTEMPTS = 5
FIRST_BACKOFF_S = 0.1
MAX_BACKOFF_S = 10.0
MAX_RETRY_AFTER_S = 60.0
#: Answers to which the same request may be answered otherwise later.
PASSING = frozenset({408, 425, 429, 502, 503, 504})


class Backoff:
    """Waiting times that grow, with full jitter."""

    def __init__(self, first_s: float = FIRST_BACKOFF_S, most_s: float = MAX_BACKOFF_S) -> None:
        self.first_s, self.most_s, self.failures = first_s, most_s, 0

    def next(self) -> float:
        limit = min(self.most_s, self.first_s * 2 ** min(self.failures, 20))
        self.failures += 1
        return random.uniform(0, limit)

    def reset(self) -> None:
        self.failures = 0


def plain_origin(url: str) -> str:
    """Scheme, host and port, the usual port left out."""
    parts = urllib.parse.urlsplit(url)
    usual = {"http": 80, "https": 443}.get(parts.scheme)
    port = "" if parts.port in (None, usual) else f":{parts.port}"
    return f"{parts.scheme}://{(parts.hostname or '').lower()}{port}"


def shown(url: str) -> str:
    """Without password and query, which may hold secrets."""
    parts = urllib.parse.urlsplit(url)
    return f"{plain_origin(url)}{parts.path}"


def retry_after_s(answer: http.client.HTTPResponse) -> float:
    """How long the server asks to be left alone; 0 if it does not."""
    value = answer.headers.get("Retry-After", "")
    if value.isdecimal():
        return min(float(value), MAX_RETRY_AFTER_S)
    try:
        at = email.utils.parsedate_to_datetime(value).timestamp()
    except (TypeError, ValueError):
        return 0.0
    return min(max(0.0, at - time.time()), MAX_RETRY_AFTER_S)


def problem_of(status: int, body: bytes, url: str) -> Error:
    """The exception for an answer that is not a success."""
    try:
        problem = json.loads(body)
    except ValueError:
        problem = None
    if not isinstance(problem, dict) or "detail" not in problem:
        return error_of(_code_of(status), f"'{shown(url)}' answers with status {status}. Is that a Tessera server?")
    # A problem that the library has no code for is of the kind that its status says.
    name = str(problem.get("type", "")).rpartition("/")[2]
    sentence = printable(str(problem["detail"]))
    error = error_of(name, sentence)
    if type(error) is Error:
        error = error_of(_code_of(status), sentence)
        error.code = name or error.code
    return error


def _code_of(status: int) -> str:
    return "unavailable" if status >= 500 else {429: "busy", 409: "conflict"}.get(status, "usage")


class Http:
    """Requests, each on a connection of its own."""

    def __init__(self, ca_file: str | None, timeout_s: float) -> None:
        self.ca_file, self.timeout_s = ca_file, timeout_s

    def connect(self, url: str, timeout_s: float | None = None) -> http.client.HTTPConnection:
        parts = urllib.parse.urlsplit(url)
        timeout_s = timeout_s or self.timeout_s
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise UsageError(f"'{shown(url)}' is not an address of a service: it begins with http:// or https://.")
        try:
            if parts.scheme == "https":
                context = ssl.create_default_context(cafile=self.ca_file or None)
                connection: http.client.HTTPConnection = http.client.HTTPSConnection(
                    parts.hostname, parts.port, timeout=timeout_s, context=context)
            else:
                connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=timeout_s)
            connection.connect()
        except OSError as error:
            raise UnavailableError(f"Cannot connect to '{plain_origin(url)}': {reason_of(error)}.") from error
        return connection

    def open(self, method: str, url: str, headers: Mapping[str, str], body: Any = None,
             timeout_s: float | None = None) -> tuple[http.client.HTTPConnection, http.client.HTTPResponse]:
        """Sends a request once; the caller reads the answer and closes the connection."""
        connection = self.connect(url, timeout_s)
        parts = urllib.parse.urlsplit(url)
        target = urllib.parse.urlunsplit(("", "", parts.path or "/", parts.query, ""))
        try:
            try:
                connection.request(method, target, body, dict(headers))
            except (BrokenPipeError, ConnectionResetError):
                pass  # the server may have refused the body, and said why
            return connection, connection.getresponse()
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            raise broken(url, error) from error
        except BaseException:
            connection.close()
            raise

    def send(self, method: str, url: str, headers: Callable[[], Mapping[str, str]],
             body: Callable[[], Any] = lambda: None,
             take: Callable[[Iterator[bytes]], Any] = b"".join) -> Any:
        """What `take` makes of the parts of a successful answer's body. What may pass is tried again, with a new body."""
        backoff = Backoff()
        for attempt in range(1, MAX_ATTEMPTS + 1):
            pause_s = 0.0
            try:
                connection, answer = self.open(method, url, headers(), body())
                try:
                    if 200 <= answer.status < 300:
                        return take(parts_of(answer, url))
                    text = b"".join(parts_of(answer, url))
                finally:
                    connection.close()
            except UnavailableError as error:
                failure: Error = error
            else:
                failure = problem_of(answer.status, text, url)
                if answer.status not in PASSING:
                    raise failure
                pause_s = retry_after_s(answer)
            if attempt == MAX_ATTEMPTS:
                raise failure
            time.sleep(max(pause_s, backoff.next()))
        raise AssertionError("unreachable")


def parts_of(answer: http.client.HTTPResponse, url: str) -> Iterator[bytes]:
    """The body as it comes."""
    while True:
        try:
            part = answer.read(1 << 18)
        except (OSError, http.client.HTTPException) as error:
            raise broken(url, error) from error
        if not part:
            return
        yield part


def broken(url: str, error: BaseException) -> UnavailableError:
    return UnavailableError(f"The connection to '{plain_origin(url)}' broke: {reason_of(error)}.")


def reason_of(error: BaseException) -> str:
    if isinstance(error, socket.timeout):
        return "it did not answer in time"
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
