"""Sends every file through a running service and holds its verdicts against the command's."""
import hashlib
import http.client
import json
import os
import re
import threading
import time

import checks
from client import Api, Away, download
from processes import Process, command_of, descendants, free_port, state_of

FINAL = ("done", "failed", "cancelled")


class Endings(threading.Thread):
    """Follows all events and keeps the last record of each job that has ended."""

    def __init__(self, api):
        super().__init__(daemon=True)
        self.api = api
        self.records = {}
        self.changed = threading.Condition()
        self.last_id = None
        self.open = threading.Event()
        self.over = threading.Event()

    def run(self):
        while not self.over.is_set():
            try:
                self.follow()
            except (OSError, http.client.HTTPException):
                pass
            self.over.wait(0.5)  # before it comes back to a service that has hung up

    def follow(self):
        connection = self.api.connect(timeout_s=60)
        headers = {"Authorization": "Bearer " + self.api.token}
        if self.last_id is not None:
            headers["Last-Event-ID"] = self.last_id
        connection.request("GET", "/v1/events", headers=headers)
        answer = connection.getresponse()
        while line := answer.readline():
            field, _, value = line.decode().rstrip("\r\n").partition(": ")
            if field == "id":
                self.last_id = value
                self.open.set()
            elif field == "data":
                self.take(json.loads(value))

    def take(self, record):
        if record.get("state") in FINAL:
            with self.changed:
                self.records[record["id"]] = record
                self.changed.notify_all()

    def wait_for(self, jobs, timeout_s):
        """Waits until all have ended, or nothing has ended for so long. Returns those that have not."""
        with self.changed:
            while not self.records.keys() >= jobs:
                if not self.changed.wait(timeout_s):
                    break
            return jobs - self.records.keys()


def upload(api, content):
    """The object that holds the content, or the (status, problem) of a refusal."""
    _, place = api.until_answered("POST", "/v1/uploads", {}, deadline=time.monotonic() + 60)
    host, _, path = place["upload"]["url"].partition("://")[2].partition("/")
    connection = http.client.HTTPConnection(host, timeout=60)
    try:
        connection.request("PUT", "/" + path, content, place["upload"]["headers"])
        answer = connection.getresponse()
        text = answer.read()
    finally:
        connection.close()
    if answer.status not in (200, 201, 204):
        return None, json.loads(text)
    return place["object"], None


class HostileService:
    """A `tessera serve` with its defaults, and what was sent to it."""

    def __init__(self, program, folder, pipelines):
        self.port, self.data, self.scratch = free_port(), folder / "data", folder / "scratch"
        self.scratch.mkdir()
        self.main = Process("serve", [program, "serve", "--data", self.data, "--listen", f"127.0.0.1:{self.port}",
                                      "--ranks", "2", "--threads", "1", "--scratch", self.scratch, "--drain-limit", "10",
                                      "--log-format", "json"], {}, folder / "serve.log", self.port)
        self.pipelines = pipelines
        self.jobs = {}      # id -> (file, pipeline)
        self.refused = {}   # (file, pipeline) -> problem
        self.complaints = []

    def start(self):
        self.others = set(descendants(os.getpid()))
        self.main.start()
        self.api = Api([self.port], (self.data / "token").read_text().strip(), timeout_s=120)
        self.endings = Endings(self.api)
        self.endings.start()
        if not self.endings.open.wait(60):
            raise RuntimeError("the service's stream of events does not begin")

    def submit(self, file):
        try:
            place, problem = upload(self.api, file.read_bytes())
            if problem is None:
                # The same as on command lines: bytes that are no UTF-8 cannot stand in JSON.
                name = os.fsencode(file.name).decode(errors="replace")
                items = [{"object": place, "name": name, "pipeline": pipeline, "output": {"format": "png"}}
                         for pipeline in self.pipelines]
                status, batch = self.api.until_answered("POST", "/v1/jobs", {"items": items},
                                                        deadline=time.monotonic() + 120)
                problem = None if status == 202 else batch
        except (Away, OSError, http.client.HTTPException) as error:
            self.complaints.append(f"{str(file)!r}: the service does not answer: {error}")
            return
        for number, pipeline in enumerate(self.pipelines):
            if problem is not None:
                self.refused[file, pipeline] = problem
            else:
                self.jobs[batch["jobs"][number]["id"]] = (file, pipeline)

    def check_verdicts(self, outcomes, time_limit_s):
        """Waits for the end of all jobs. `outcomes`: (file, pipeline) -> what the command did with one thread."""
        for job in sorted(self.endings.wait_for(set(self.jobs), time_limit_s)):
            file, pipeline = self.jobs[job]
            self.complaints.append(f"{str(file)!r}: service, '{pipeline}': {job} does not end")
        for job, record in sorted(self.endings.records.items()):
            if job not in self.jobs:
                continue
            file, pipeline = self.jobs[job]
            found = judge(record, outcomes[file, pipeline], file)
            if not found and record["state"] == "done":
                found = self.check_result(job, outcomes[file, pipeline])
            for complaint in found:
                self.complaints.append(f"{str(file)!r}: service, '{pipeline}': {complaint}")
        for (file, pipeline), problem in self.refused.items():
            outcome = outcomes[file, pipeline]
            if outcome.exit_code == 0:
                self.complaints.append(f"{str(file)!r}: service, '{pipeline}': refused ({problem.get('detail')}), but the "
                                       "command succeeds")
            elif strange := checks.strange_characters(problem.get("detail", "")):
                self.complaints.append(f"{str(file)!r}: service, '{pipeline}': the refusal has control characters: {strange}")

    def check_result(self, job, outcome):
        status, content = download(self.api, f"/v1/jobs/{job}/result")
        if status != 200:
            return [f"done, but its result answers {status}"]
        if outcome.digest and hashlib.sha256(content).hexdigest() != outcome.digest:
            return [f"its result of {len(content)} bytes differs from the command's"]
        return []

    def check_health(self, memory_limit_bytes):
        """Complaints about the service itself, after all jobs."""
        complaints = []
        if not self.main.alive():
            return [f"the service has ended with {self.main.process.returncode}"]
        # As of some seconds ago: what was away before is not asked again immediately.
        deadline = time.monotonic() + 30
        while (status := self.api.request("GET", "/readyz")[0]) != 200 and time.monotonic() < deadline:
            time.sleep(0.5)
        if status != 200:
            complaints.append(f"/readyz answers {status} after it all")
        nodes = self.api.json("GET", "/v1/nodes")[1]["nodes"]
        for node in nodes:
            details = node["details"]
            if details["state"] != "ready":
                complaints.append(f"the node is {details['state']}")
            if details["restarts"]:
                complaints.append(f"the node has started its ranks {details['restarts']} times again")
        if len(nodes) != 1:
            complaints.append(f"{len(nodes)} nodes in place of one")
        for pid in [self.main.pid, *descendants(self.main.pid)]:
            if (peak := peak_memory_bytes(pid)) > memory_limit_bytes:
                name = b" ".join(command_of(pid)[:2]).decode(errors="replace")
                complaints.append(f"{name} has taken {peak / 2**20:.0f} MiB of memory")
        return complaints

    def stop(self):
        """Complaints about how it ends."""
        self.endings.over.set()
        complaints = []
        if self.main.alive() and self.main.terminate(20) is None:
            complaints.append("it had not ended 20 s after SIGTERM")
        for pid in descendants(os.getpid()):
            if pid not in self.others and state_of(pid) not in "ZX":
                complaints.append(f"left: process {pid} {b' '.join(command_of(pid)).decode(errors='replace')}")
                os.kill(pid, 9)
        return complaints + [f"left: {path}" for path in self.scratch.glob("tessera-node-*")]


def peak_memory_bytes(pid):
    try:
        with open(f"/proc/{pid}/status") as status:
            found = re.search(r"VmHWM:\s+(\d+) kB", status.read())
    except OSError:
        return 0
    return int(found.group(1)) * 1024 if found else 0


def judge(record, outcome, file):
    """Complaints about a job's end, against what the command did with the same file and pipeline."""
    complaints = []
    if record["attempt"] > 1:
        complaints.append(f"it took {record['attempt']} attempts: its ranks have ended under it")
    if outcome.timed_out or outcome.exit_code < 0:
        return complaints
    if record["state"] == "done":
        if outcome.exit_code != 0:
            complaints.append(f"done, but the command fails: {outcome.sentence[:300]!r}")
        return complaints
    if record["state"] != "failed":
        return [*complaints, f"it is {record['state']}"]
    sentence = record["failure"]["sentence"]
    if strange := checks.strange_characters(sentence):
        complaints.append(f"its sentence has control characters ({' '.join(strange)}): {sentence[:300]!r}")
    if outcome.exit_code == 0:
        complaints.append(f"failed, but the command succeeds: {sentence[:300]!r}")
        return complaints
    expected = outcome.sentence.replace(str(file), file.name)
    # The command puts the file's name before sentences that do not have it.
    if sentence not in (expected, expected.removeprefix(f"{file.name}: ")):
        complaints.append(f"its sentence is {sentence[:300]!r}, the command's {expected[:300]!r}")
    return complaints
