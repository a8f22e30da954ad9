"""One seed: starts the system, lets clients and faults loose on it, heals it, and counts what went wrong."""
import collections
import os
import pathlib
import shutil
import tempfile
import threading
import time
import traceback

import check
import faults
from client import Follower, History, Submitter
from distributed import Distributed
from hosts import Hosts
from processes import command_of, descendants, state_of
from serve import Serve

SYSTEMS = {"serve": Serve, "distributed": Distributed, "hosts": Hosts}
SETTLE_S = 180    # from the last fault's end until every job must be over
WEBHOOKS_S = 300  # until every call must have come; a host that was silent rests for minutes
CLIENTS, FOLLOWERS = 4, 2


class Seed:
    def __init__(self, program, scope, number, cases, machine):
        self.scope, self.number = scope, number
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix=f"{scope}-{number}-", dir=machine.folder))
        self.cases, self.machine = cases, machine
        self.others_before = set(descendants(os.getpid()))
        self.counters = dict.fromkeys(check.COUNTERS, 0)
        self.sizes = dict.fromkeys(("accepted", "done", "events", "webhooks", "settled_s"), 0)
        self.details, self.faults, self.kinds = [], [], collections.Counter()
        self.system = SYSTEMS[scope](program, self.folder, number, machine)

    def run(self, seconds, only, keep):
        """The row of the table."""
        try:
            self.system.start()
            self.put_under_faults(seconds, only)
        except Exception:  # one seed that cannot be run to its end must not hide the others
            self.count("notes", [traceback.format_exc()])
        finally:
            self.kill_what_is_left()
            found = any(self.counters.values())
            if keep or found:
                self.details.append(f"logs: {self.keep_folder()}")
            self.system.remove_disks()
            shutil.rmtree(self.folder, ignore_errors=True)
        return {"run": f"{self.scope}-{self.number}", "faults": len(self.faults), **self.sizes, **self.counters}

    def put_under_faults(self, seconds, only):
        system, history = self.system, History()
        stop, followers_stop = threading.Event(), threading.Event()
        submitters = [Submitter(system.api(), self.cases, history, f"{self.number} {client}", stop, system.endpoint,
                                storm=self.number % 3 == 0) for client in range(CLIENTS)]
        followers = [Follower(system.events_api(), f"{self.number} {client}", followers_stop) for client in range(FOLLOWERS)]
        for thread in (*submitters, *followers):
            thread.start()
        end = time.monotonic() + seconds
        for pause_s, kind, name, act in faults.schedule(self.scope, self.number, system, only):
            time.sleep(pause_s)
            if time.monotonic() > end:
                break
            if act is not None:
                self.faults.append(name)
                self.kinds[kind] += 1
                act(time.sleep)
        stop.set()
        for thread in submitters:
            thread.join(310)
        healed = time.monotonic()
        records, lost, stuck = check.wait_for_end(system.api(), history, SETTLE_S)
        settled_s = time.monotonic() - healed
        self.count("refused", history.refused)
        self.count("lost", lost)
        self.count("stuck", stuck)
        failed, wrong = check.check_records(system.api(), history, records)
        self.count("failed_without_fault", failed)
        self.count("wrong", wrong)
        if system.endpoint is not None:
            self.count("webhooks_missed", check.wait_for_webhooks(system.endpoint, history, records, WEBHOOKS_S))
            self.count("webhooks_wrong", system.endpoint.wrong)
        log = check.full_log(system.events_api())
        followers_stop.set()
        for thread in followers:
            thread.join(30)
        missed, twice, disordered = check.check_events(log, followers)
        self.counters.update(twice=history.twice, events_missed=missed, events_twice=twice, events_disordered=disordered)
        done = sum(record["state"] == "done" for record in records.values())
        self.count("orphans", check.find_orphans(system.results(), records))
        self.count("notes", history.notes)
        self.sizes = {"accepted": len(history.jobs), "done": done, "events": sum(len(follower.seen) for follower in followers),
                      "webhooks": len(system.endpoint.taken) if system.endpoint else 0, "settled_s": round(settled_s, 1)}
        self.end_system()

    def count(self, counter, found):
        self.counters[counter] += len(found)
        self.details += [f"{counter}: {item}" for item in found]

    def end_system(self):
        ended = self.system.stop()
        self.count("notes", [f"{name} had not ended 20 s after SIGTERM" for name, time_s in ended.items() if time_s is None])
        # What was killed and lost its parent is dead, but its entry is this process's to take away.
        left = [pid for pid in descendants(os.getpid()) if pid not in self.others_before and state_of(pid) not in "ZX"]
        self.count("leaked_processes", [f"{pid} {b' '.join(command_of(pid)).decode(errors='replace')}" for pid in left])
        self.count("leaked_scratch", self.system.scratch_left())

    def kill_what_is_left(self):
        for pid in descendants(os.getpid()):
            if pid not in self.others_before:
                try:
                    os.kill(pid, 9)
                except ProcessLookupError:
                    pass

    def keep_folder(self):
        """A copy that stays; what lies on disks of this run would be gone."""
        kept = pathlib.Path(tempfile.mkdtemp(prefix=f"tessera-chaos-{self.scope}-{self.number}-"))
        shutil.copytree(self.folder, kept, dirs_exist_ok=True, symlinks=True, ignore_dangling_symlinks=True,
                        ignore=lambda _folder, names: [name for name in names
                                                       if name in ("durable", "objects", "s3", "mnesia")])
        return kept
