"""load: clients submit at times chosen beforehand, however long answers take, and hold the system to what it promised.

A warm-up and a steady phase at --rate, an overload at --overload-rate, and a phase at --rate in which the system must
recover; or, with --soak N, N jobs at --rate, after which nothing may have grown beyond what is kept for these jobs.
Prints a report; fails if an accepted job was lost, wrong, failed or not finished, if a refusal has no Retry-After, if
the overload is not refused or not recovered from, or if growth exceeds its bound.
"""
import argparse
import asyncio
import pathlib
import resource
import shutil
import signal
import sys
import tempfile
import time

TOP = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(1, str(TOP / "tests/chaos"))  # the fixtures of the service

from cases import Phase, arrivals, make_cases  # noqa: E402
from http_client import Unanswered  # noqa: E402
from processes import adopt_orphans  # noqa: E402
from report import Run, draw_run, write_report  # noqa: E402
from sampling import Sampler  # noqa: E402
from submitters import Attempt, Submitter, Tally  # noqa: E402
from system_under_load import LoadedDistributed, LoadedServe, add_tokens  # noqa: E402

SYSTEMS = {"serve": LoadedServe, "distributed": LoadedDistributed}
SETTLE_S = 300          # from the last arrival until every accepted job must be over


def parse_options():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("program", type=pathlib.Path, help="the tessera command")
    options.add_argument("--scope", choices=SYSTEMS, default="distributed")
    options.add_argument("--submitters", type=int, default=1000, help="clients with connections of their own")
    options.add_argument("--owners", type=int, default=50, help="whose tokens the clients have")
    options.add_argument("--seed", type=int, default=1, help="of the arrivals and of what is submitted")
    options.add_argument("--rate", type=float, default=15, help="jobs/s that arrive")
    options.add_argument("--warm-up-seconds", type=float, default=15)
    options.add_argument("--seconds", type=float, default=60, help="of the steady phase")
    options.add_argument("--overload-rate", type=float, default=150, help="jobs/s that arrive in the overload")
    options.add_argument("--overload-seconds", type=float, default=15, help="0: no overload")
    options.add_argument("--after-seconds", type=float, default=120, help="of the phase after the overload")
    options.add_argument("--soak", type=int, default=0, help="this number of jobs at --rate in place of the phases")
    options.add_argument("--max-queued", type=int, default=500, help="jobs that may wait before more are refused")
    options.add_argument("--max-events", type=int, default=20000, help="events that are kept")
    options.add_argument("--give-up-seconds", type=float, default=300, help="how long a client tries again")
    options.add_argument("--ranks", type=int, default=2, help="of the node")
    options.add_argument("--big-width", type=int, default=6000, help="pixels of the big images, three to two")
    options.add_argument("--report", type=pathlib.Path, help="a Markdown file for the report")
    options.add_argument("--plot", type=pathlib.Path, help="an SVG file for the plot")
    options.add_argument("--keep", action="store_true", help="keep the folder with the logs")
    return options.parse_args()


def phases_of(options):
    if options.soak:
        return [Phase("soak", options.rate, options.soak / options.rate)]
    phases = [Phase("warm-up", options.rate, options.warm_up_seconds), Phase("steady", options.rate, options.seconds)]
    if options.overload_seconds:
        phases += [Phase("overload", options.overload_rate, options.overload_seconds),
                   Phase("after", options.rate, options.after_seconds)]
    return phases


async def connect_all(submitters):
    """All connections and streams of events, some at a time."""
    places = asyncio.Semaphore(50)

    async def connect(submitter):
        async with places:
            await submitter.connect()
    await asyncio.gather(*(connect(submitter) for submitter in submitters))


async def submit_all(plan, submitters, tally, start):
    """Begins each job at its time; ends when all are over, or SETTLE_S after the last arrival."""
    start[0] = time.monotonic()
    tasks = []
    for scheduled_s, phase, number, case in plan:
        ahead_s = scheduled_s - (time.monotonic() - start[0])
        if ahead_s > 0:
            await asyncio.sleep(ahead_s)
        attempt = Attempt(phase.name, case.size_class, case, scheduled_s)
        tally.attempts.append(attempt)
        tasks.append(asyncio.create_task(submitters[number].work(attempt)))
    _, pending = await asyncio.wait(tasks, timeout=SETTLE_S)
    for task in pending:
        task.cancel()
    for outcome in await asyncio.gather(*tasks, return_exceptions=True):
        if isinstance(outcome, Exception):
            tally.note(f"a submitter failed: {outcome!r}")
            tally.broken += 1


async def ask_for_unheard(gateway, token, tally):
    """What became of accepted jobs whose end nobody has told: (lost, done unheard of, not over)."""
    lost, unheard, stuck = [], [], []
    for attempt in tally.attempts:
        if not attempt.job or attempt.end:
            continue
        try:
            answer = await gateway.request("GET", f"/v1/jobs/{attempt.job}", {"Authorization": f"Bearer {token}"})
        except Unanswered:
            stuck.append(attempt.job)
            continue
        if answer.status == 404:
            lost.append(attempt.job)
        elif answer.status == 200 and answer.json()["state"] in ("done", "failed", "cancelled"):
            unheard.append(attempt.job)
        else:
            stuck.append(attempt.job)
    return lost, unheard, stuck


async def drive(system, plan, tokens, options, tally, start):
    gateway_port, events_port = system.ports_of_clients
    submitters = [Submitter(number, tokens[number % options.owners], gateway_port, events_port, tally, start,
                            options.give_up_seconds, options.seed) for number in range(options.submitters)]
    try:
        await connect_all(submitters)
        print(f"{len(submitters)} submitters are connected; {len(plan)} jobs will arrive within {plan[-1][0]:.0f} s",
              file=sys.stderr, flush=True)
        sampler = Sampler(system, tokens[-1], start, 30 if options.soak else 5,
                          lambda: sum(attempt.accepted_s is not None for attempt in tally.attempts))
        start[0] = time.monotonic()
        sampler.start()
        await submit_all(plan, submitters, tally, start)
        end_s = time.monotonic() - start[0]
        unheard = await ask_for_unheard(submitters[0].gateway, system.token, tally)
        sampler.over.set()
        sampler.join()
        return sampler.samples, unheard, end_s
    finally:
        await asyncio.gather(*(submitter.close() for submitter in submitters))


def main():
    options = parse_options()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    if hard < 4 * options.submitters + 200:
        sys.exit(f"load: {options.submitters} submitters need more than the {hard} files that this process may open.")
    adopt_orphans()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("load: told to stop"))
    folder = pathlib.Path(tempfile.mkdtemp(prefix=f"tessera-load-{options.scope}-"))
    (folder / "cases").mkdir()
    program, tally, start = options.program.resolve(), Tally(), [time.monotonic()]
    cases = make_cases(program, TOP / "examples/photos", folder / "cases", options.big_width)
    phases = phases_of(options)
    plan = arrivals(phases, cases, options.submitters, options.seed)
    system = SYSTEMS[options.scope](program, folder, options)
    try:
        system.start()
        tokens = add_tokens(system, [f"owner{number}" for number in range(options.owners)], "submit,read")
        tokens += add_tokens(system, ["monitoring"], "metrics")
        samples, (lost, unheard, stuck), end_s = asyncio.run(drive(system, plan, tokens, options, tally, start))
    finally:
        ended = system.stop()
    run = Run(options, phases, tally, samples, lost, unheard, stuck, end_s,
              [name for name, seconds in ended.items() if seconds is None])
    text, violations = write_report(run)
    print(text)
    if options.report:
        options.report.write_text(text + "\n")
    if options.plot:
        options.plot.write_text(draw_run(run))
    if options.keep or violations:
        print(f"logs: {folder}", file=sys.stderr)
    else:
        shutil.rmtree(folder)
    sys.exit(1 if violations else 0)


main()
