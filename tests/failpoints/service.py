"""A 'tessera serve' that is made to end at a failpoint, and what is known of it afterwards."""
import hashlib
import http.client
import http.server
import json
import os
import pathlib
import re
import signal
import sqlite3
import subprocess
import threading
import time

from client import Api, Away, download
from processes import Process, descendants, free_port, state_of

TOP = pathlib.Path(__file__).resolve().parents[2]
PIPELINE = "gaussian-blur sigma=2"
TIMEOUT_S = 120
KEY = {"Idempotency-Key": "key"}


def declared_failpoints():
    """The failpoints in src/ports/failpoint.hpp, in order, each a name, what comes before and what comes after it."""
    text = (TOP / "src/ports/failpoint.hpp").read_text()
    return re.findall(r'^\s*\{"([a-z-]+)", "([^"]+)", "([^"]+)"\}', text, re.MULTILINE)


def documented_failpoints():
    """The same from the table of docs/failpoints.md."""
    return re.findall(r"^\| `([a-z-]+)` \| (.+) \| (.+) \|$", (TOP / "docs/failpoints.md").read_text(), re.MULTILINE)


def picture():
    """A PGM of 64 x 48 pixels."""
    return b"P5\n64 48\n255\n" + bytes((x * 4 + y * 3) % 256 for y in range(48) for x in range(64))


def until(condition, what):
    """Waits for condition() to return something true, and returns it."""
    deadline = time.monotonic() + TIMEOUT_S
    while True:
        try:
            if result := condition():
                return result
        except Away:
            pass
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {TIMEOUT_S} s: {what}")
        time.sleep(0.05)


class Receiver:
    """An endpoint for webhooks that takes every call and writes down its id."""

    def __init__(self):
        ids = self.ids = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                self.rfile.read(int(self.headers["Content-Length"]))
                ids.append(self.headers["webhook-id"])
                self.send_response(204)
                self.end_headers()

            def log_message(self, *arguments):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


class Service:
    def __init__(self, program, folder):
        self.program, self.folder = program, folder
        self.port = free_port()
        self.data, self.scratch = folder / "data", folder / "scratch"
        self.scratch.mkdir()
        self.receiver = Receiver()
        self.promised = {}  # job id -> final state
        self.submission = None  # the request that is not answered yet, and the final state of its job
        self.requeue_after_s = 1
        self.input = folder / "picture.pgm"
        self.input.write_bytes(picture())
        output = folder / "expected.png"
        subprocess.run([program, "apply", PIPELINE, self.input, "-o", output], check=True, capture_output=True)
        self.expected = hashlib.sha256(output.read_bytes()).digest()
        self.process = None

    def start(self, failpoint=None, serves=True):
        """`serves`: False if the failpoint may be reached before it listens."""
        environment = {"TESSERA_FAILPOINT": failpoint} if failpoint else {}
        self.process = Process("serve", [self.program, "serve", "--data", self.data, "--listen",
                                         f"127.0.0.1:{self.port}", "--ranks", "1", "--threads", "1", "--scratch",
                                         self.scratch, "--requeue-after", str(self.requeue_after_s), "--drain-limit", "1",
                                         "--private-webhooks", "--log-format", "json"],
                               environment, self.folder / "serve.log", self.port if serves else None)
        self.process.start()
        self.api = Api([self.port], (self.data / "token").read_text().strip())

    def wait_for_kill(self):
        """Until the failpoint has ended the process."""
        code = self.process.process.wait(TIMEOUT_S)
        if code != -signal.SIGKILL:
            raise RuntimeError(f"the process ended with {code}, not at the failpoint")

    def stop(self):
        if self.process and self.process.alive() and self.process.terminate(30) is None:
            raise RuntimeError("SIGTERM does not end it within 30 s")

    def end(self):
        if self.process and self.process.alive():
            self.process.kill(tree=True)
        self.receiver.server.shutdown()

    # What clients do.

    def until_answered(self, method, path, body=None, headers=None):
        return self.api.until_answered(method, path, body, headers, time.monotonic() + TIMEOUT_S)[1]

    def status_of(self, path):
        return self.api.until_answered("GET", path, None, None, time.monotonic() + TIMEOUT_S)[0]

    def upload(self, content=None):
        place = self.until_answered("POST", "/v1/uploads", {})
        host, _, path = place["upload"]["url"].partition("://")[2].partition("/")
        connection = http.client.HTTPConnection(host, timeout=30)
        connection.request("PUT", "/" + path, content or picture(), place["upload"]["headers"])
        status = connection.getresponse().status
        connection.close()
        if status not in (200, 201, 204):
            raise RuntimeError(f"the upload answered {status}")
        return place["object"]

    def submit(self, content=None, webhook=False, becomes="done"):
        """One job, submitted until it is answered; returns its id."""
        request = self.request(self.upload(content), webhook)
        return self.accept(self.until_answered("POST", "/v1/jobs", request, KEY), becomes)

    def submit_once(self, content=None, webhook=False, becomes="done"):
        """One job whose submission the failpoint may leave without an answer: a node can take a job before its client
        is answered. `submitted_job` sends it again then."""
        self.submission = self.request(self.upload(content), webhook), becomes
        answer = self.try_once("POST", "/v1/jobs", self.submission[0], KEY)
        if answer and answer[0] < 300:
            self.submitted_job(json.loads(answer[2]))

    def submitted_job(self, batch=None):
        """The id of the job of `submit_once`."""
        if self.submission:
            request, becomes = self.submission
            self.submitted = self.accept(batch or self.until_answered("POST", "/v1/jobs", request, KEY), becomes)
            self.submission = None
        return self.submitted

    def request(self, uploaded, webhook=False):
        request = {"object": uploaded, "name": "picture.pgm", "pipeline": PIPELINE, "output": {"format": "png"}}
        if webhook:
            request = {"items": [request], "webhook": {"url": self.receiver.url, "secret": "x" * 32}}
        return request

    def accept(self, batch, becomes="done"):
        (job,) = batch["jobs"]
        self.promised[job["id"]] = becomes
        return job["id"]

    def try_once(self, method, path, body=None, headers=None):
        """A call that the failpoint may leave without an answer."""
        try:
            return self.api.request(method, path, body, headers)
        except Away:
            return None

    def job(self, job):
        return self.api.json("GET", f"/v1/jobs/{job}")[1]

    def wait_for(self, job, state):
        until(lambda: self.job(job)["state"] == state, f"{job} is {state}")

    # The node takes no jobs while its scratch folder is away.

    def hide_scratch(self):
        # A node that is starting would make the folder again.
        until(lambda: [node["details"]["state"] for node in self.api.json("GET", "/v1/nodes")[1]["nodes"]] == ["ready"],
              "the node is ready")
        self.scratch.rename(self.folder / "scratch-away")

    def show_scratch(self):
        (self.folder / "scratch-away").rename(self.scratch)

    def sql(self, statement, *values):
        """In whichever database of the data folder has the table."""
        for file in sorted(self.data.glob("*.db")):
            with sqlite3.connect(file, timeout=30) as database:
                try:
                    return database.execute(statement, values).fetchall()
                except sqlite3.OperationalError as error:
                    if "no such table" not in str(error):
                        raise
        raise RuntimeError(f"no database for: {statement}")

    def stored_results(self):
        return [file for file in (self.data / "objects/objects/results").rglob("*") if file.is_file()]

    # What was promised.

    def problems(self):
        """Starts it without a failpoint if it is not running, and checks everything."""
        if not self.process.alive():
            self.start()
        if self.submission:
            self.submitted_job()
        found = []
        for job, state in self.promised.items():
            until(lambda: self.job(job)["state"] in ("done", "failed", "cancelled"), f"{job} is over")
            record = self.job(job)
            if record["state"] != state:
                found.append(f"{job} is {record['state']}, not {state}: {record.get('failure')}")
            if record["state"] == "done":
                status, body = download(self.api, f"/v1/jobs/{job}/result")
                if status != 200 or hashlib.sha256(body).digest() != self.expected:
                    found.append(f"the result of {job} answers {status} with {len(body)} bytes that are not right")
            generation = record["generation"]
            ends = [kind for kind, data in self.sql("SELECT type, data FROM state_events WHERE job_id=?", job)
                    if json.loads(data)["generation"] == generation and kind in ("done", "failed", "cancelled")]
            if ends != [record["state"]]:
                found.append(f"{job} ended with these events: {ends}")
        _, page = self.api.json("GET", "/v1/jobs?limit=500")
        if {job["id"] for job in page["jobs"]} != set(self.promised):
            found.append(f"there are {len(page['jobs'])} jobs, {len(self.promised)} were accepted")
        results = self.stored_results()
        named = sum(state == "done" for state in self.promised.values())
        if len(results) != named:
            found.append(f"{len(results)} results are stored for {named} jobs that are done")
        until(lambda: self.sql("SELECT count(*) FROM queue_messages")[0][0] == 0, "the queue is empty")
        self.stop()
        # This process has adopted what was orphaned.
        until(lambda: all(state_of(pid) == "Z" for pid in descendants(os.getpid())), "no process is left behind")
        return found
