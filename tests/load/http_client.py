"""HTTP/1.1 for many connections in one process: requests, answers, and streams of events."""
import asyncio
import json
import urllib.parse


class Unanswered(Exception):
    """There was no connection, or it ended before the whole answer."""


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    def json(self):
        return json.loads(self.body) if self.body else None


class Connection:
    """One connection, one request at a time."""

    def __init__(self, host, port):
        self.host, self.port = host, port
        self.reader = self.writer = None

    async def open(self):
        try:
            self.reader, self.writer = await asyncio.open_connection(self.host, self.port, limit=1 << 20)
        except OSError as error:
            raise Unanswered(str(error)) from error

    @property
    def is_open(self):
        return self.writer is not None and not self.reader.at_eof() and not self.writer.is_closing()

    def close(self):
        if self.writer is not None:
            self.writer.close()
            self.writer = None

    def send(self, method, path, headers, body):
        lines = [f"{method} {path} HTTP/1.1", f"Host: {self.host}:{self.port}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        if body is not None or method in ("POST", "PUT"):
            lines.append(f"Content-Length: {len(body or b'')}")
        self.writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + (body or b""))

    async def head(self):
        """(status, headers) of the answer that comes."""
        status_line = await self.reader.readline()
        if not status_line:
            raise Unanswered("the connection ended before the answer")
        headers = {}
        while line := (await self.reader.readline()).strip():
            name, _, value = line.partition(b":")
            headers[name.decode().lower()] = value.strip().decode()
        return int(status_line.split()[1]), headers

    async def chunk(self):
        """The next chunk; empty at the end."""
        size = int((await self.reader.readline()).split(b";")[0] or b"0", 16)
        content = await self.reader.readexactly(size)
        await self.reader.readline()
        return content

    async def request(self, method, path, headers, body=None):
        try:
            self.send(method, path, headers, body)
            status, answered = await self.head()
            while status == 100:
                status, answered = await self.head()
            if answered.get("transfer-encoding") == "chunked":
                parts = []
                while part := await self.chunk():
                    parts.append(part)
                content = b"".join(parts)
            elif "content-length" in answered:
                content = await self.reader.readexactly(int(answered["content-length"]))
            elif status in (204, 304):
                content = b""
            else:
                content = await self.reader.read()
            if answered.get("connection", "").lower() == "close":
                self.close()
            return Answer(status, answered, content)
        except (OSError, asyncio.IncompleteReadError, ValueError, IndexError) as error:
            self.close()
            raise Unanswered(f"{method} {path}: {error!r}") from error
        except BaseException:
            self.close()
            raise


class Pool:
    """A client's connections to one server: an idle one is used again, a busy one is never waited for."""

    def __init__(self, port, host="127.0.0.1"):
        self.host, self.port = host, port
        self.idle = []

    async def connect(self):
        connection = Connection(self.host, self.port)
        await connection.open()
        self.idle.append(connection)

    async def request(self, method, path, headers, body=None):
        while self.idle:
            connection = self.idle.pop()
            if not connection.is_open:
                connection.close()
                continue
            try:
                return await self.through(connection, method, path, headers, body)
            except Unanswered:
                break  # The server may have closed an idle connection just then: once more, on a new one.
        connection = Connection(self.host, self.port)
        await connection.open()
        return await self.through(connection, method, path, headers, body)

    async def through(self, connection, method, path, headers, body):
        answer = await connection.request(method, path, headers, body)
        if connection.is_open:
            self.idle.append(connection)
        return answer

    def close(self):
        for connection in self.idle:
            connection.close()
        self.idle.clear()


async def request_once(method, url, headers, body=None):
    """A request on a connection of its own."""
    parts = urllib.parse.urlsplit(url)
    connection = Connection(parts.hostname, parts.port)
    await connection.open()
    try:
        path = parts.path + ("?" + parts.query if parts.query else "")
        return await connection.request(method, path, {**headers, "Connection": "close"}, body)
    finally:
        connection.close()


async def follow_events(port, token, last_id, on_open, take):
    """Follows the events until the stream ends. take(id, type, data) is called for each; type and data are bytes."""
    connection = Connection("127.0.0.1", port)
    await connection.open()
    try:
        headers = {"Authorization": f"Bearer {token}", "Accept": "text/event-stream"}
        if last_id is not None:
            headers["Last-Event-ID"] = last_id
        connection.send("GET", "/v1/events", headers, None)
        status, _ = await connection.head()
        if status != 200:
            raise Unanswered(f"GET /v1/events: {status}")
        on_open()
        left = b""
        while chunk := await connection.chunk():
            *events, left = (left + chunk).split(b"\n\n")
            for event in events:
                fields = dict(line.split(b": ", 1) for line in event.split(b"\n") if b": " in line)
                if b"id" in fields:
                    take(fields[b"id"].decode(), fields.get(b"event", b""), fields.get(b"data", b""))
    except (OSError, asyncio.IncompleteReadError, ValueError) as error:
        raise Unanswered(f"events: {error!r}") from error
    finally:
        connection.close()
