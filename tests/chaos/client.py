"""Clients of the service: they submit, cancel, retry, follow events, and write down what they were told."""
import http.client
import itertools
import json
import random
import threading
import time
import uuid


class Away(Exception):
    """The service did not answer, or answered that it cannot now."""


class Api:
    """HTTP with a token, at one address or several in turn. Every call opens a connection of its own, as clients of a
    service that is restarted do."""

    def __init__(self, ports, token, context=None, timeout_s=30):
        """`context`: of TLS; without one, connections are plain."""
        self.ports, self.token, self.context, self.timeout_s = ports, token, context, timeout_s
        self.turn = itertools.count()

    def connect(self, timeout_s=None):
        """A connection to the next of the addresses; it is made when it is used."""
        port = self.ports[next(self.turn) % len(self.ports)]
        return self.connect_to(f"{'http' if self.context is None else 'https'}://127.0.0.1:{port}", timeout_s)

    def connect_to(self, url, timeout_s=None):
        scheme, _, rest = url.partition("://")
        host, timeout_s = rest.partition("/")[0], timeout_s or self.timeout_s
        if scheme == "https":
            return http.client.HTTPSConnection(host, timeout=timeout_s, context=self.context)
        return http.client.HTTPConnection(host, timeout=timeout_s)

    def request(self, method, path, body=None, headers=None):
        """(status, headers, body). Raises Away if there is no answer."""
        headers = dict(headers or {})
        if self.token:
            headers["Authorization"] = "Bearer " + self.token
        if isinstance(body, (dict, list)):
            body = json.dumps(body).encode()
            headers["Content-Type"] = "application/json"
        connection = self.connect()
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read()
        except (OSError, http.client.HTTPException) as error:
            raise Away(str(error)) from error
        finally:
            connection.close()

    def json(self, method, path, body=None, headers=None):
        status, _, text = self.request(method, path, body, headers)
        if status in (408, 425, 429) or status >= 500:
            raise Away(f"{status}: {text[:200]}")
        return status, json.loads(text) if text else None

    def until_answered(self, method, path, body=None, headers=None, deadline=None):
        """Repeats the call until it is answered. Raises Away at the deadline."""
        while True:
            try:
                return self.json(method, path, body, headers)
            except Away:
                if deadline is not None and time.monotonic() > deadline:
                    raise
                time.sleep(0.3)


def path_of(url):
    return "/" + url.partition("://")[2].partition("/")[2]


def download(api, url_or_path):
    """Follows one redirect, as a browser does."""
    status, headers, body = api.request("GET", url_or_path)
    if status in (302, 303, 307):
        connection = api.connect_to(headers["Location"])
        try:
            connection.request("GET", path_of(headers["Location"]))
            answer = connection.getresponse()
            return answer.status, answer.read()
        except (OSError, http.client.HTTPException) as error:
            raise Away(str(error)) from error
        finally:
            connection.close()
    return status, body


class History:
    """What clients were promised, by job id. Safe to use from many threads."""

    def __init__(self):
        self.lock = threading.Lock()
        self.jobs = {}  # id -> {"case", "batch", "cancelled", "retried"}
        self.attempted = 0
        self.twice = 0  # requests that were repeated with their key and done anew
        self.refused = []  # for good, though nothing was wrong with them
        self.notes = []

    def accepted(self, batch, cases, webhook):
        with self.lock:
            for job, case in zip(batch["jobs"], cases):
                known = self.jobs.setdefault(job["id"], {"case": case, "batch": batch["id"], "cancelled": False,
                                                         "webhook": webhook})
                if known["case"] != case:
                    self.note(f"{job['id']} was given to two submissions")

    def note(self, sentence):
        self.notes.append(sentence)


class Submitter(threading.Thread):
    """Submits batches until told to stop; repeats each with its Idempotency-Key until it is answered."""

    def __init__(self, api, cases, history, seed, stop, endpoint=None, storm=False):
        """`endpoint`: where some submissions want to be told of their jobs."""
        super().__init__(daemon=True)
        self.api, self.cases, self.history, self.stop, self.endpoint = api, cases, history, stop, endpoint
        self.random = random.Random(seed)
        self.storm = storm

    def run(self):
        while not self.stop.is_set():
            try:
                self.submit()
            except Away as error:
                self.history.note(f"a submission was never answered: {error}")
            self.stop.wait(self.random.uniform(0.1, 0.8))

    def submit(self):
        deadline = time.monotonic() + 300
        weights = [case.weight for case in self.cases]
        chosen = self.random.choices(self.cases, weights, k=self.random.choice([1, 1, 1, 2, 4]))
        key = {"Idempotency-Key": uuid.UUID(int=self.random.getrandbits(128)).hex}
        form = self.random.random() < 0.3
        if form:
            chosen = chosen[:1]
        self.history.attempted += len(chosen)
        webhook = {}
        if self.random.random() < 0.3 and self.endpoint is not None:
            webhook = {"webhook": self.endpoint.request()}
        if form:
            batch = self.submit_form(chosen[0], webhook, key, deadline)
        else:
            items = [{"object": self.upload(case, deadline), "name": case.name, "pipeline": case.pipeline,
                      "output": {"format": case.format}, "priority": self.random.choice(["interactive", "bulk"])}
                     for case in chosen]
            status, batch = self.api.until_answered("POST", "/v1/jobs", {"items": items, **webhook}, key, deadline)
            if status != 202:
                self.history.refused.append(f"{status} {batch}")
                return
            if self.random.random() < 0.2:
                _, again = self.api.until_answered("POST", "/v1/jobs", {"items": items, **webhook}, key, deadline)
                if again.get("id") != batch["id"]:
                    self.history.twice += 1
                    self.history.note(f"a repeated submission gave another batch: {batch['id']} {again}")
        if batch is None:
            return
        self.history.accepted(batch, chosen, bool(webhook))
        if self.storm and self.random.random() < 0.5:
            self.cancel_and_retry(batch["jobs"][0]["id"], deadline)
        elif self.random.random() < 0.05:
            job = batch["jobs"][0]["id"]
            _, after = self.api.until_answered("DELETE", f"/v1/jobs/{job}", deadline=deadline)
            self.history.jobs[job]["cancelled"] = True

    def upload(self, case, deadline):
        while True:
            _, place = self.api.until_answered("POST", "/v1/uploads", {}, deadline=deadline)
            upload = place["upload"]
            if self.random.random() < 0.05:
                self.break_off(case)
            connection = self.api.connect_to(upload["url"])
            try:
                connection.request("PUT", path_of(upload["url"]), case.content, upload["headers"])
                if connection.getresponse().status in (200, 201, 204):
                    return place["object"]
            except (OSError, http.client.HTTPException):
                pass
            finally:
                connection.close()
            if time.monotonic() > deadline:
                raise Away("an upload was never taken")
            time.sleep(0.3)

    def break_off(self, case):
        """Half of an upload to another place, which no job will use."""
        _, other = self.api.until_answered("POST", "/v1/uploads", {}, deadline=time.monotonic() + 300)
        upload = other["upload"]
        connection = self.api.connect_to(upload["url"])
        try:
            connection.putrequest("PUT", path_of(upload["url"]))
            for name, value in {**upload["headers"], "Content-Length": str(len(case.content))}.items():
                connection.putheader(name, value)
            connection.endheaders(case.content[:len(case.content) // 2])
        except (OSError, http.client.HTTPException):
            pass
        finally:
            connection.close()

    def submit_form(self, case, webhook, key, deadline):
        boundary = "chaos" + uuid.UUID(int=self.random.getrandbits(128)).hex
        request = json.dumps({"pipeline": case.pipeline, "output": {"format": case.format}, **webhook})
        body = (f"--{boundary}\r\nContent-Disposition: form-data; name=\"request\"\r\n"
                f"Content-Type: application/json\r\n\r\n{request}\r\n"
                f"--{boundary}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{case.name}\"\r\n\r\n"
                ).encode() + case.content + f"\r\n--{boundary}--\r\n".encode()
        headers = {**key, "Content-Type": f"multipart/form-data; boundary={boundary}"}
        status, batch = self.api.until_answered("POST", "/v1/jobs", body, headers, deadline)
        if status != 202:
            self.history.refused.append(f"a form: {status} {batch}")
            return None
        return batch

    def cancel_and_retry(self, job, deadline):
        for _ in range(self.random.randint(1, 6)):
            self.api.until_answered("DELETE", f"/v1/jobs/{job}", deadline=deadline)
            self.stop.wait(self.random.uniform(0, 0.4))
            self.api.until_answered("POST", f"/v1/jobs/{job}/retry", deadline=deadline)


class Follower(threading.Thread):
    """Follows all events, hangs up now and then, and comes back with the id of the last it has seen."""

    def __init__(self, api, seed, stop):
        super().__init__(daemon=True)
        self.api, self.stop = api, stop
        self.random = random.Random(seed)
        self.seen = []  # (id, data): a power cut may give an id to another event
        self.last = None
        self.resets = 0

    def run(self):
        while not self.stop.is_set():
            try:
                self.follow(time.monotonic() + self.random.uniform(3, 15))
            except (OSError, http.client.HTTPException):
                self.stop.wait(0.2)

    def follow(self, until):
        connection = self.api.connect(timeout_s=5)
        headers = {"Accept": "text/event-stream"}
        if self.api.token:
            headers["Authorization"] = "Bearer " + self.api.token
        if self.last is not None:
            headers["Last-Event-ID"] = self.last
        try:
            connection.request("GET", "/v1/events", headers=headers)
            answer = connection.getresponse()
            if answer.status != 200:
                self.stop.wait(0.3)
                return
            event = {}
            while time.monotonic() < until and not self.stop.is_set():
                try:
                    line = answer.readline()
                except TimeoutError:
                    return
                if not line:
                    return
                line = line.decode().rstrip("\r\n")
                if line:
                    field, _, value = line.partition(":")
                    event[field] = value.strip()
                    continue
                if "id" in event:
                    self.last = event["id"]
                if event.get("event") == "reset":
                    self.resets += 1
                elif "data" in event and "id" in event:
                    self.seen.append((event["id"], event["data"]))
                event = {}
        finally:
            connection.close()
