"""Holds what clients were promised against what the service says and stores when all faults are healed."""
import collections
import hashlib
import re
import time

from client import Away, download

FINAL = ("done", "failed", "cancelled")
COUNTERS = ("refused", "lost", "wrong", "twice", "failed_without_fault", "stuck", "events_missed", "events_twice",
            "events_disordered", "webhooks_missed", "webhooks_wrong", "orphans", "leaked_processes", "leaked_scratch",
            "notes")


def wait_for_end(api, history, timeout_s):
    """The final record of each job, those that are not there, and those that are not over when none has ended for so long:
    a slow machine does not make a job stuck."""
    records, lost, stuck = {}, [], []
    deadline = time.monotonic() + timeout_s
    open_ids = set(history.jobs)
    while open_ids:
        for job in sorted(open_ids):
            try:
                status, record = api.json("GET", f"/v1/jobs/{job}")
            except Away:
                continue
            if status == 404:
                lost.append(job)
                open_ids.discard(job)
            elif record["state"] in FINAL:
                records[job] = record
                open_ids.discard(job)
                deadline = time.monotonic() + timeout_s
        if time.monotonic() > deadline and open_ids:
            stuck = sorted(open_ids)
            break
        if open_ids:
            time.sleep(0.3)
    return records, lost, stuck


def find_orphans(results, records):
    """Of the names of results: there is one for each job that is done, and none for others. Except: a node that is killed
    between storing the result of a job and learning of its cancellation leaves that to the gateway's sweep of results
    that no job names, which takes those older than a day (ReconcilerTest). So a cancelled job may have one, and a job that
    was retried after that has a later generation."""
    found = []
    of_job = collections.defaultdict(list)
    for name in sorted(results):
        match = re.search(r"/(job_[0-9a-z]{26})\.(\d+)\.", name)
        job, generation = (match.group(1), int(match.group(2))) if match else (name, 0)
        if job not in records or generation >= records[job]["generation"]:
            of_job[job].append(name)
    for job, names in of_job.items():
        state = records[job]["state"] if job in records else "unknown"
        if state not in ("done", "cancelled") or (state == "done" and len(names) > 1):
            found.append(f"{', '.join(names)}: the job is {state}")
    found += [f"{job} is done, without a result in the store"
              for job, record in records.items() if record["state"] == "done" and job not in of_job]
    return found


def check_records(api, history, records):
    failed, wrong = [], []
    for job, record in records.items():
        case = history.jobs[job]["case"]
        if record["state"] == "failed":
            if record["failure"]["code"] != case.fails_with:
                failed.append(f"{job} ({case.name}): {record['failure']}")
        elif record["state"] == "done":
            if case.fails_with:
                wrong.append(f"{job} ({case.name}) is done, but should fail with {case.fails_with}")
                continue
            status, body = 0, b""
            for _ in range(20):
                try:
                    status, body = download(api, f"/v1/jobs/{job}/result")
                    if status < 500:
                        break
                except Away:
                    pass
                time.sleep(0.5)
            if status != 200:
                wrong.append(f"{job} is done, but its result answers {status}")
            elif hashlib.sha256(body).digest() != case.expected:
                wrong.append(f"{job} ({case.name}): {len(body)} bytes that differ from what 'tessera apply' writes")
    return failed, wrong


def wait_for_webhooks(endpoint, history, records, timeout_s):
    """The jobs whose end was not told where they wanted it; a call that failed comes again after a while."""
    wanted = [job for job, promised in history.jobs.items() if promised["webhook"]]
    missing, deadline = wanted, time.monotonic() + timeout_s
    while missing and time.monotonic() < deadline:
        left = endpoint.missing(records, wanted)
        if len(left) < len(missing):
            deadline = time.monotonic() + timeout_s
        missing = left
        time.sleep(0.5)
    return missing


def full_log(events_api, silence_s=5):
    """(id, data) of all events of the log, in order: read from its beginning until nothing comes any more."""
    connection = events_api.connect(silence_s)
    headers = {"Authorization": "Bearer " + events_api.token} if events_api.token else {}
    connection.request("GET", "/v1/events?after=0", headers=headers)
    answer = connection.getresponse()
    log, event = [], {}
    try:
        while line := answer.readline().decode():
            field, _, value = line.rstrip("\r\n").partition(":")
            if field:
                event[field] = value.strip()
            elif line.strip() == "" and event:
                if "id" in event and "data" in event:
                    log.append((event["id"], event["data"]))
                event = {}
    except TimeoutError:
        pass
    finally:
        connection.close()
    return log


def check_events(log, followers):
    """A follower has seen all of the log from its first event on, in order, once. What it saw and a power cut has undone
    is not in the log."""
    place = {event: number for number, event in enumerate(log)}
    missed = twice = disordered = 0
    for follower in followers:
        seen = [event for event in follower.seen if event in place]
        counts = collections.Counter(seen)
        twice += sum(count - 1 for count in counts.values())
        places = [place[event] for event in seen]
        disordered += sum(b < a for a, b in zip(places, places[1:]))
        if places:
            missed += max(places) - min(places) + 1 - len(counts)
    return missed, twice, disordered
