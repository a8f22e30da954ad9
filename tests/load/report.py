"""The report of a run: what was attempted and what came of it, latencies, what the system took, and violations."""
import collections
import dataclasses
import math

import figures
from plot import Panel, draw

LARGEST_LAG_S = 1.0  # of the load program, beyond which its arrivals are not those that were chosen
SHADES = {"warm-up": "#f4f4f4", "overload": "#fdeaea", "steady": "#ffffff", "after": "#eef6ee", "soak": "#ffffff"}


@dataclasses.dataclass
class Run:
    options: object
    phases: list
    tally: object
    samples: list
    lost: list
    unheard: list
    stuck: list
    end_s: float
    not_ended: list  # processes that SIGTERM did not end in time

    def phase(self, name):
        return next((phase for phase in self.phases if phase.name == name), None)

    def attempts_of(self, name):
        return [attempt for attempt in self.tally.attempts if attempt.phase == name]


def counts(run):
    """(what, number, whether any of it is a violation)."""
    attempts, tally = run.tally.attempts, run.tally
    accepted = [attempt for attempt in attempts if attempt.accepted_s is not None]
    return [
        ("attempted", len(attempts), False),
        ("accepted", len(accepted), False),
        ("refusals (429, 503) with Retry-After", len(tally.refusals) - tally.refused_without_time, False),
        ("refusals without Retry-After", tally.refused_without_time, True),
        ("requests that got no answer", tally.unanswered, True),
        ("requests that the object store did not answer", tally.store_unanswered, False),
        ("never accepted: given up after refusals", sum(attempt.accepted_s is None and not attempt.wrong
                                                          for attempt in attempts), False),
        ("finished", sum(attempt.end == "done" for attempt in attempts), False),
        ("downloaded and compared", sum(attempt.downloaded_s is not None for attempt in attempts), False),
        ("failed", sum(attempt.end in ("failed", "cancelled") for attempt in attempts), True),
        ("lost", len(run.lost), True),
        ("not over in time", len(run.stuck), True),
        ("over, but no event told so", len(run.unheard), True),
        ("wrong", sum(bool(attempt.wrong) for attempt in attempts), True),
        ("submitters that broke", tally.broken, True),
        ("streams of events that ended", tally.streams_broken, False),
        ("processes that SIGTERM did not end", len(run.not_ended), True),
    ]


def overload_lines(run, violations):
    """What the overload did, and when latency was normal again."""
    overload = run.phase("overload")
    if overload is None:
        return []
    early = sum(time_s < overload.begin_s for time_s, _ in run.tally.refusals)
    if early:
        violations.append(f"{early} refusals before the overload: --rate is beyond what this machine can do")
    refusals = [status for time_s, status in run.tally.refusals if overload.begin_s <= time_s]
    if not refusals:
        violations.append("nothing was refused in the overload: it was none; raise --overload-rate")
    normal_s = figures.normal_latency_s(run.attempts_of("steady"))
    recovery = figures.recovery_s([attempt for attempt in run.tally.attempts if attempt.phase == "after"],
                                  overload.end_s, normal_s)
    by_status = collections.Counter(refusals)
    lines = [f"Overload: {overload.rate_per_s:g} jobs/s for {overload.seconds:g} s; refusals from its beginning on: "
             + (", ".join(f"{count} times {status}" for status, count in sorted(by_status.items())) or "none") + "."]
    if recovery is None:
        violations.append(f"latency does not become normal again (90 % under {normal_s:.2f} s for 15 s)")
    else:
        lines.append(f"Latency is normal again (90 % of the jobs that arrive take less than {normal_s:.2f} s, for 15 s) "
                     f"{recovery:.0f} s after the end of the overload.")
    return lines


def growth_lines(run, violations):
    """How much the system grows by 1,000 jobs, after a fifth of them."""
    if not run.options.soak:
        return []
    cases = [attempt.case for attempt in run.tally.attempts]
    bytes_per_job = sum(len(case.content) + case.result_bytes for case in cases) / len(cases)
    rows = figures.growth(run.samples, run.options.soak / 5, bytes_per_job)
    for what, _, _, by_thousand, bound in rows:
        if by_thousand > bound:
            violations.append(f"{what}: grows by {by_thousand:.3g} for 1,000 jobs; at most {bound:.3g} are allowed")
    return ["", figures.table(("growth of", "after a fifth", "at the end", "by 1,000 jobs", "bound"), rows),
            "", f"Images and results of a job: {bytes_per_job / 1000:.0f} kB on the average; they are kept."]


def write_report(run):
    """(Markdown, violations)."""
    options, violations = run.options, []
    rows = counts(run)
    violations += [f"{name}: {count}" for name, count, bad in rows if bad and count]
    lag = [attempt.begun_s - attempt.scheduled_s for attempt in run.tally.attempts]
    if (late_s := figures.quantile(lag, 0.99)) > LARGEST_LAG_S:
        violations.append(f"the load program itself was late by {late_s:.1f} s at 99 %: latencies are not the system's alone")
    depth = [sample.queued for sample in run.samples if sample.queued is not None]
    lines = [f"Scope {options.scope}, {options.submitters} submitters, seed {options.seed}, at most {options.max_queued} "
             f"jobs may wait; {run.end_s:.0f} s.", "",
             figures.table(("jobs and requests", "number"), [row[:2] for row in rows]), "",
             figures.table(("phase", "arrivals/s", "jobs", "p50, s", "p90, s", "p99, s", "longest, s"),
                           figures.latency_rows(run.tally.attempts, run.phases)), "",
             "Latency: from the time at which the upload was to begin until the result is downloaded. The load program was "
             f"late by {figures.quantile(lag, 0.99) * 1000:.0f} ms at 99 %, {max(lag) * 1000:.0f} ms at most.",
             f"Queue: {figures.quantile(depth, 0.5)} jobs at the median, {max(depth, default=0)} at most.",
             *overload_lines(run, violations), "",
             figures.table(("process", "memory at first, MiB", "at most", "at the end", "descriptors, most", "at the end",
                            "cores, average"), figures.component_rows(run.samples)),
             *growth_lines(run, violations), "", f"Violations: {len(violations)}",
             *(f"- {violation}" for violation in violations)]
    if violations:
        lines += ["", "Notes:", *(f"- {note}" for note in list(dict.fromkeys(run.tally.notes))[:30])]
    return "\n".join(lines), violations


def draw_run(run):
    attempts, samples = run.tally.attempts, run.samples
    width_s = max(figures.WINDOW_S, run.end_s / 240)

    def rate(times):
        bins = collections.Counter(int(time_s / width_s) for time_s in times if time_s is not None)
        return [(number * width_s, bins[number] / width_s) for number in range(int(run.end_s / width_s) + 1)]

    by_window = figures.windows([attempt for attempt in attempts if attempt.latency_s is not None], width_s)

    def latency(share):
        return [(begin_s, figures.quantile(figures.finished(those), share)) for begin_s, those in by_window.items()]

    names = list(samples[0].memory_bytes)

    def processors(name):
        # What a process that has ended had used is gone from the sum.
        return [(b.time_s, max(0, b.processor_s[name] - a.processor_s[name]) / (b.time_s - a.time_s))
                for a, b in zip(samples[::3], samples[3::3])]

    panels = [
        Panel("Jobs a second", [("arrive", rate(attempt.scheduled_s for attempt in attempts)),
                                ("accepted", rate(attempt.accepted_s for attempt in attempts)),
                                ("done", rate(attempt.heard_s for attempt in attempts)),
                                ("refusals", rate(time_s for time_s, _ in run.tally.refusals))]),
        Panel("Latency by arrival, seconds", [("p50", latency(0.5)), ("p90", latency(0.9)), ("p99", latency(0.99)),
                                              ("longest", latency(1))], logarithmic=True),
        Panel("Jobs", [("queued", [(sample.time_s, sample.queued) for sample in samples]),
                       ("under way", [(sample.time_s, sample.under_way) for sample in samples])]),
        Panel("Memory, MiB", [(name, [(sample.time_s, sample.memory_bytes[name] / figures.MEBIBYTE)
                                      for sample in samples]) for name in names]),
        Panel("Descriptors", [(name, [(sample.time_s, sample.descriptors[name]) for sample in samples])
                              for name in names]),
        Panel("Processors, cores", [(name, processors(name)) for name in names]),
    ]
    if run.options.soak:
        panels.append(Panel("Keys of Redis", [("keys", [(sample.time_s, sample.redis_keys) for sample in samples])]))
        panels.append(Panel("Disk, MiB", [(name, [(sample.time_s, sample.disk_bytes[name] / figures.MEBIBYTE)
                                                  for sample in samples if name in sample.disk_bytes])
                                          for name in run.samples[0].disk_bytes or ()]))
    bands = [(phase.begin_s, phase.end_s, phase.name, SHADES[phase.name]) for phase in run.phases]
    return draw(panels, math.ceil(run.end_s), bands,
                f"Tessera under load: {run.options.scope}, {run.options.submitters} submitters, seed {run.options.seed}")
