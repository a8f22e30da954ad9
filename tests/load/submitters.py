"""Clients that submit at times chosen beforehand, follow their jobs by events, and download the results."""
import asyncio
import dataclasses
import hashlib
import json
import random
import time
import uuid

from http_client import Pool, Unanswered, follow_events, request_once

ENDS = {b"done": "done", b"failed": "failed", b"cancelled": "cancelled"}
LARGEST_FORM_BYTES = 100_000  # what is bigger is uploaded by a link


@dataclasses.dataclass
class Attempt:
    """A job that somebody wanted done. Times are seconds since the start of the run."""
    phase: str
    size_class: str
    case: object
    scheduled_s: float
    begun_s: float = 0
    accepted_s: float | None = None
    heard_s: float | None = None       # when the event of its end came
    downloaded_s: float | None = None
    job: str = ""
    end: str = ""                      # done, failed, cancelled
    wrong: str = ""
    given_up: bool = False

    @property
    def latency_s(self):
        """From the time at which the upload was to begin until the result is here."""
        return None if self.downloaded_s is None else self.downloaded_s - self.scheduled_s


@dataclasses.dataclass
class Tally:
    """What all submitters have met."""
    attempts: list = dataclasses.field(default_factory=list)
    refusals: list = dataclasses.field(default_factory=list)  # (seconds, status)
    refused_without_time: int = 0
    unanswered: int = 0
    store_unanswered: int = 0  # by the object store, which is not ours
    broken: int = 0            # submitters that met what they cannot handle
    streams_broken: int = 0
    notes: list = dataclasses.field(default_factory=list)

    def note(self, sentence):
        if len(self.notes) < 1000:
            self.notes.append(sentence)


class Submitter:
    """One client: connections and a stream of events of its own. Many of its jobs may be under way at once."""

    def __init__(self, number, token, gateway_port, events_port, tally, start, give_up_s, seed):
        self.token, self.tally, self.start, self.give_up_s = token, tally, start, give_up_s
        self.events_port = events_port
        self.gateway = Pool(gateway_port)
        self.random = random.Random(f"{seed} {number}")
        self.headers = {"Authorization": f"Bearer {token}"}
        self.waiting = {}   # job -> future of its end
        self.heard = {}     # job -> (end, seconds): of jobs whose 202 is still on its way, or of others of the owner
        self.last_id = None
        self.following = None
        self.stream_open = asyncio.Event()

    def now_s(self):
        return time.monotonic() - self.start[0]

    # ---- Events

    async def connect(self):
        await self.gateway.connect()
        self.following = asyncio.create_task(self.follow())
        await self.stream_open.wait()

    async def follow(self):
        while True:
            try:
                await follow_events(self.events_port, self.token, self.last_id, self.stream_open.set, self.take)
            except Unanswered as error:
                self.tally.note(f"a stream of events ended: {error}")
            self.tally.streams_broken += 1
            await asyncio.sleep(self.random.uniform(0.5, 1.5))

    def take(self, event_id, kind, data):
        self.last_id = event_id
        if kind not in ENDS:
            return
        job = data[:100].partition(b'"id":"')[2].partition(b'"')[0].decode()
        end = (ENDS[kind], self.now_s())
        future = self.waiting.pop(job, None)
        if future is None:
            self.heard[job] = end
        elif not future.done():
            future.set_result(end)

    async def end_of(self, job):
        if job in self.heard:
            return self.heard.pop(job)
        self.waiting[job] = asyncio.get_running_loop().create_future()
        return await self.waiting[job]

    async def close(self):
        if self.following is not None:
            self.following.cancel()
            await asyncio.gather(self.following, return_exceptions=True)
        self.gateway.close()

    # ---- Jobs

    async def work(self, attempt):
        """From the upload to the downloaded result."""
        attempt.begun_s = self.now_s()
        case = attempt.case
        key = {"Idempotency-Key": uuid.UUID(int=self.random.getrandbits(128)).hex}
        request = {"pipeline": case.pipeline, "output": {"format": case.format}}
        if len(case.content) <= LARGEST_FORM_BYTES:
            boundary = "load" + key["Idempotency-Key"]
            body = form(boundary, request, case)
            headers = {**key, "Content-Type": f"multipart/form-data; boundary={boundary}"}
        else:
            place = await self.until_taken(attempt, "POST", "/v1/uploads", {"Content-Type": "application/json"}, b"{}")
            if place is None:
                return
            upload = place.json()["upload"]
            if await self.until_taken(attempt, "PUT", upload["url"], upload["headers"], case.content) is None:
                return
            body = json.dumps({"items": [{**request, "object": place.json()["object"], "name": case.name}]}).encode()
            headers = {**key, "Content-Type": "application/json"}
        accepted = await self.until_taken(attempt, "POST", "/v1/jobs", headers, body)
        if accepted is None:
            return
        attempt.accepted_s = self.now_s()
        attempt.job = accepted.json()["jobs"][0]["id"]
        attempt.end, attempt.heard_s = await self.end_of(attempt.job)
        if attempt.end == "done":
            await self.download(attempt)

    async def until_taken(self, attempt, method, path, headers, body):
        """Repeats a request as a client should, until it is taken or its time is over (None)."""
        while True:
            pause_s = 1.0
            try:
                if path.startswith("/"):
                    answer = await self.gateway.request(method, path, {**self.headers, **headers}, body)
                else:
                    answer = await request_once(method, path, headers, body)
                if answer.status < 300:
                    return answer
                if answer.status in (429, 503):
                    self.tally.refusals.append((self.now_s(), answer.status))
                    if self.is_ours(path) and "retry-after" not in answer.headers:
                        self.tally.refused_without_time += 1
                        self.tally.note(f"{method} {path}: {answer.status} without Retry-After")
                    pause_s = float(answer.headers.get("retry-after", 1))
                else:
                    self.tally.note(f"{method} {path}: {answer.status} {answer.body[:200]!r}")
                    attempt.given_up = True
                    attempt.wrong = f"answered {answer.status}"
                    return None
            except Unanswered as error:
                self.unanswered(self.is_ours(path), error)
            # Not all at the same moment again.
            pause_s += self.random.uniform(0, 0.25 * pause_s)
            if self.now_s() + pause_s > attempt.scheduled_s + self.give_up_s:
                attempt.given_up = True
                return None
            await asyncio.sleep(pause_s)

    def is_ours(self, place):
        """Whether Tessera answers there. The object store's own server has promised nothing."""
        return place.startswith("/") or f":{self.gateway.port}/" in place

    def unanswered(self, ours, error):
        if ours:
            self.tally.unanswered += 1
        else:
            self.tally.store_unanswered += 1
        self.tally.note(str(error))

    async def download(self, attempt):
        """Takes the result by its link, and compares it with what `tessera apply` writes."""
        for _ in range(30):
            place = f"/v1/jobs/{attempt.job}/result"
            try:
                answer = await self.gateway.request("GET", place, self.headers)
                if answer.status == 307:
                    place = answer.headers["location"]
                    answer = await request_once("GET", place, {})
                if answer.status == 200:
                    attempt.downloaded_s = self.now_s()
                    if hashlib.sha256(answer.body).digest() != attempt.case.result_digest:
                        attempt.wrong = f"{len(answer.body)} bytes that differ from what 'tessera apply' writes"
                    return
                if answer.status not in (429, 503):
                    attempt.wrong = f"done, but its result answers {answer.status}"
                    return
                self.tally.refusals.append((self.now_s(), answer.status))
                await asyncio.sleep(float(answer.headers.get("retry-after", 1)) * self.random.uniform(1, 1.25))
            except Unanswered as error:
                self.unanswered(self.is_ours(place), error)
                await asyncio.sleep(1)
        attempt.wrong = "done, but its result could not be downloaded"


def form(boundary, request, case):
    return (f"--{boundary}\r\nContent-Disposition: form-data; name=\"request\"\r\n"
            f"Content-Type: application/json\r\n\r\n{json.dumps(request)}\r\n"
            f"--{boundary}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{case.name}\"\r\n\r\n"
            ).encode() + case.content + f"\r\n--{boundary}--\r\n".encode()
