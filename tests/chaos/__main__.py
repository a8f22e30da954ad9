"""chaos: puts seeded faults into a running service and holds what its clients were promised against what came of it.

The schedule of faults is a function of the seed; what meets what is not, so a seed repeats the schedule, not every race.
Prints a row for each seed and writes them as Markdown; fails if a counter is not zero.
"""
import argparse
import dataclasses
import hashlib
import os
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time

import check
import faults
from client import Follower, History, Submitter
from processes import adopt_orphans, command_of, descendants, state_of
from system import Distributed, Serve

SYSTEMS = {"serve": Serve, "distributed": Distributed}
SETTLE_S = 180  # from the last fault's end until every job must be over


@dataclasses.dataclass
class Case:
    """An input, what is asked of it, and what must come of it."""
    name: str
    content: bytes
    pipeline: str
    format: str
    expected: bytes = b""  # SHA-256 of the result
    fails_with: str = ""   # or the code of its failure


def picture(width, height, seed):
    return b"P6\n%d %d\n255\n" % (width, height) + random.Random(seed).randbytes(width * height * 3)


def make_cases(program, folder):
    cases = [
        Case("small.ppm", picture(61, 47, 1), "invert", "png"),
        Case("blur.ppm", picture(301, 203, 2), "gaussian-blur sigma=2 | otsu", "png"),
        Case("photo.ppm", picture(900, 700, 3), "resize width=400 | unsharp-mask", "jpg"),
        Case("statistics.ppm", picture(640, 480, 4), "clahe | median size=5", "tif"),
        Case("slow.ppm", picture(500, 400, 5), "non-local-means search-radius=10", "png"),
        Case("large.ppm", picture(3000, 2000, 6), "gaussian-blur sigma=5 | canny", "png"),
        Case("short.ppm", picture(80, 60, 7)[:5000], "invert", "png", fails_with="damaged-input"),
        Case("empty-crop.ppm", picture(40, 30, 8), "crop x=90", "png", fails_with="bad-parameter"),
    ]
    for case in cases:
        if case.fails_with:
            continue
        source, result = folder / case.name, folder / (case.name + "." + case.format)
        source.write_bytes(case.content)
        subprocess.run([program, "apply", case.pipeline, source, "-o", result, "--quiet"], check=True)
        case.expected = hashlib.sha256(result.read_bytes()).digest()
    return cases


def run_seed(program, scope, seed, seconds, keep):
    folder = pathlib.Path(tempfile.mkdtemp(prefix=f"tessera-chaos-{scope}-{seed}-"))
    (folder / "cases").mkdir()
    cases = make_cases(program, folder / "cases")
    system = SYSTEMS[scope](program, folder, seed)
    counters = dict.fromkeys(check.COUNTERS, 0)
    details, log_of_faults = [], []
    others_before = set(descendants(os.getpid()))
    try:
        system.start()
        history, stop = History(), threading.Event()
        followers_stop = threading.Event()
        submitters = [Submitter(system.api(), cases, history, f"{seed} {number}", stop, storm=seed % 3 == 0)
                      for number in range(6)]
        followers = [Follower(system.events_api(), f"{seed} {number}", followers_stop) for number in range(2)]
        for thread in (*submitters, *followers):
            thread.start()
        end = time.monotonic() + seconds
        for pause, name, act in faults.schedule(scope, seed, system):
            time.sleep(pause)
            if time.monotonic() > end:
                break
            log_of_faults.append(name)
            act(time.sleep)
        stop.set()
        for thread in submitters:
            thread.join(310)
        settled = time.monotonic()
        records, lost, stuck = check.wait_for_end(system.api(), history, SETTLE_S)
        settled = time.monotonic() - settled
        failed, wrong = check.check_records(system.api(), history, records)
        log = check.full_log(system.events_api())
        followers_stop.set()
        for thread in followers:
            thread.join(30)
        missed, twice, disordered = check.check_events(log, followers)
        known = {record["result"]["object"] for record in records.values() if "object" in record.get("result", {})}
        counters.update(lost=len(lost), twice=history.twice, stuck=len(stuck), failed_without_fault=len(failed), wrong=len(wrong),
                        events_missed=missed, events_twice=twice, events_disordered=disordered,
                        notes=len(history.notes))
        details += [f"lost: {job}" for job in lost] + [f"stuck: {job}" for job in stuck] + failed + wrong
        details += history.notes
        done = sum(record["state"] == "done" for record in records.values())
        # A result for each job that is done, and none for any other.
        counters["orphans"] = max(0, len(system.results()) - done)
        ended = system.stop()
        details += [f"{name} had not ended 20 s after SIGTERM" for name, time_s in ended.items() if time_s is None]
        counters["notes"] += sum(time_s is None for time_s in ended.values())
        # What was killed and lost its parent is dead, but its entry is this process's to take away.
        left = [pid for pid in descendants(os.getpid()) if pid not in others_before and state_of(pid) not in "ZX"]
        counters["leaked_processes"] = len(left)
        details += [f"left: {pid} {b' '.join(command_of(pid)).decode(errors='replace')}" for pid in left]
        scratch = system.scratch_left()
        counters["leaked_scratch"] = len(scratch)
        details += [f"left: {path}" for path in scratch]
        row = {"run": f"{scope}-{seed}", "attempted": history.attempted, "accepted": len(history.jobs), "done": done,
               "faults": len(log_of_faults), "events": sum(len(follower.seen) for follower in followers),
               "settled_s": round(settled, 1), **counters}
    finally:
        for pid in descendants(os.getpid()):
            if pid not in others_before:
                try:
                    os.kill(pid, 9)
                except ProcessLookupError:
                    pass
    if keep or any(counters.values()):
        details.append(f"logs: {folder}")
    else:
        shutil.rmtree(folder)
    return row, log_of_faults, details


def table(rows):
    columns = list(rows[0])
    lines = ["| " + " | ".join(columns) + " |", "|" + "---|" * len(columns)]
    lines += ["| " + " | ".join(str(row[column]) for column in columns) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("program", type=pathlib.Path, help="the tessera command")
    options.add_argument("--scope", choices=SYSTEMS, action="append", help="default: all")
    options.add_argument("--seeds", type=int, default=1, help="how many, from --first on")
    options.add_argument("--first", type=int, default=1)
    options.add_argument("--seconds", type=float, default=60, help="of faults, each seed")
    options.add_argument("--report", type=pathlib.Path, help="a Markdown file for the table")
    options.add_argument("--keep", action="store_true", help="keep the folders of runs in which nothing was found")
    chosen = options.parse_args()
    adopt_orphans()
    rows, bad = [], False
    for scope in chosen.scope or SYSTEMS:
        for seed in range(chosen.first, chosen.first + chosen.seeds):
            row, log_of_faults, details = run_seed(chosen.program.resolve(), scope, seed, chosen.seconds, chosen.keep)
            rows.append(row)
            print(row, flush=True)
            found = any(row[counter] for counter in check.COUNTERS)
            bad |= found
            if found:
                print("faults: " + ", ".join(log_of_faults))
                print("\n".join("  " + detail for detail in details[:40]), flush=True)
    if chosen.report:
        chosen.report.write_text(table(rows))
    sys.exit(1 if bad else 0)


main()
