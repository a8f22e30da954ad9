"""The token of a service that the same user runs on the same machine, found as Tessera's commands find it: the service
leaves a note about itself in the user's state folder and holds a lock on it while it runs. A note that nobody holds is of a
service that has ended: then another may listen on its port, and must not get the token."""
from __future__ import annotations

import fcntl
import os
import pathlib
import urllib.parse


def notes_folder() -> pathlib.Path | None:
    for name, below in (("XDG_STATE_HOME", "tessera/services"), ("HOME", ".local/state/tessera/services")):
        folder = os.environ.get(name, "")
        if folder.startswith("/"):
            return pathlib.Path(folder) / below
    return None


def note_names(url: str) -> list[str]:
    """Names of the notes of services that answer at this URL."""
    parts = urllib.parse.urlsplit(url)
    host = parts.hostname or ""
    port = parts.port or (443 if parts.scheme == "https" else 80)
    if host == "localhost":
        addresses = ["127.0.0.1", "::1"]
    elif host == "::1" or host.startswith("127."):
        addresses = [host]
    else:
        return []  # by another machine's name, or one that leads elsewhere tomorrow
    return [f"{address}:{port}" for address in (*addresses, "0.0.0.0", "::")]


def _read_note(file: pathlib.Path) -> str | None:
    """What a note says, if its service runs."""
    try:
        descriptor = os.open(file, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:
        return None
    try:
        if os.fstat(descriptor).st_uid != os.geteuid():
            return None
        try:
            # Refused while the service holds its own lock.
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
            return None
        except BlockingIOError:
            return os.read(descriptor, 4096).decode().strip("\n")
    finally:
        os.close(descriptor)


def local_service_token(url: str) -> str | None:
    """The token for the service at `url`, if this user runs it on this machine."""
    folder = notes_folder()
    if folder is None:
        return None
    for name in note_names(url):
        token_file = _read_note(folder / name)
        if token_file is None:
            continue
        try:
            return pathlib.Path(token_file).read_text(encoding="utf-8").strip()
        except OSError:
            return None  # it was removed; the server says what it needs
    return None
