"""hostile: every file goes through the command and through the service, and must be done or refused as documented.

Files are all that lie below the folders, and damaged copies of the sound ones below tests/data/codec, as a function of the
seed. Prints what was found by outcome, and each violation; fails if there is one.
"""
import argparse
import collections
import concurrent.futures
import dataclasses
import hashlib
import os
import pathlib
import random
import shutil
import signal
import sys
import tempfile
import time

TOP = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(1, str(TOP / "tests/chaos"))  # the fixtures of the service

import checks  # noqa: E402
import damage  # noqa: E402
import runs  # noqa: E402
from processes import adopt_orphans, command_of, descendants, state_of  # noqa: E402
from service import HostileService  # noqa: E402

PIPELINES = ("invert | invert", "gaussian-blur sigma=1.5 | unsharp-mask", "rotate angle=33 | resize width=97")
THREADS = (1, 2, 3)


@dataclasses.dataclass
class Verdict:
    """What the command did with a file."""
    file: pathlib.Path
    complaints: dict  # what is wrong -> the runs that have shown it
    outcomes: dict    # pipeline -> with one thread
    seconds: float = 0
    peak_memory_bytes: int = 0

    def add(self, command, complaints):
        for complaint in complaints:
            self.complaints.setdefault(complaint, []).append(command)

    def lines(self):
        """Printable: names of files may hold anything."""
        return [f"{str(self.file)!r}: {complaint} [{commands[0]}" + (f", and {len(commands) - 1} other runs]"
                                                                     if len(commands) > 1 else "]")
                for complaint, commands in self.complaints.items()]


def find_files(folders):
    """All files below the folders, each content and name once."""
    seen, files = set(), []
    for folder in folders:
        for file in sorted(folder.rglob("*")) if folder.is_dir() else [folder]:
            if not file.is_file():
                continue
            key = (file.name, hashlib.sha256(file.read_bytes()).digest())
            if key not in seen:
                seen.add(key)
                files.append(file)
    return files


def examine(program, file, codes, with_ranks, options):
    """Runs the command on the file in every way."""
    verdict = Verdict(file, {}, {})
    memory_limit_bytes = options.memory_limit << 20
    for pipeline in PIPELINES:
        ways = [(threads, 1) for threads in THREADS] + ([(1, 2)] if with_ranks else [])
        outcomes = [runs.apply(program, file, pipeline, threads, ranks, options.time_limit) for threads, ranks in ways]
        for outcome in outcomes:
            verdict.add(outcome.command, checks.check_outcome(outcome, file, codes, memory_limit_bytes))
            verdict.add(outcome.command, checks.check_apply(outcome))
            verdict.seconds = max(verdict.seconds, outcome.seconds)
            verdict.peak_memory_bytes = max(verdict.peak_memory_bytes, outcome.peak_memory_bytes)
        verdict.add(f"apply '{pipeline}'", checks.check_alike(outcomes))
        verdict.outcomes[pipeline] = outcomes[0]
    first = verdict.outcomes[PIPELINES[0]]
    in_words = runs.apply(program, file, PIPELINES[0], 1, 1, options.time_limit, report=())
    verdict.add(in_words.command + " without --quiet", checks.check_words(in_words))
    if in_words.exit_code != first.exit_code:
        verdict.add(in_words.command + " without --quiet", [f"exit code {in_words.exit_code}, else {first.exit_code}"])
    explained = runs.explain(program, file, PIPELINES[0], options.time_limit)
    verdict.add(explained.command, checks.check_outcome(explained, file, codes, memory_limit_bytes))
    if explained.exit_code > 0 and first.exit_code == 0:
        verdict.add(explained.command, [f"explain fails, apply succeeds: {explained.sentence[:300]!r}"])
    return verdict


def outcome_table(verdicts):
    """Markdown: runs with one thread by exit code, with an example of each."""
    by_code = collections.defaultdict(list)
    for verdict in verdicts:
        for outcome in verdict.outcomes.values():
            by_code[outcome.exit_code].append((verdict.file.name, outcome))
    lines = ["| exit code | runs | for example |", "|---|---|---|"]
    for code, examples in sorted(by_code.items()):
        name, outcome = examples[0]
        text = outcome.sentence[:160].replace("|", "\\|") if code else name
        lines.append(f"| {code} | {len(examples)} | {text!r} |")
    return "\n".join(lines)


def examine_all(program, files, codes, options):
    chosen = random.Random(options.seed)
    with_ranks = {file for file in files if chosen.random() < options.ranks_share}
    verdicts, told = [], time.monotonic()
    pool = concurrent.futures.ThreadPoolExecutor(options.jobs)
    pending = [pool.submit(examine, program, file, codes, file in with_ranks, options) for file in files]
    try:
        for number, future in enumerate(concurrent.futures.as_completed(pending)):
            verdict = future.result()
            verdicts.append(verdict)
            for line in verdict.lines():
                print(line, flush=True)
            if time.monotonic() - told > 30:
                told = time.monotonic()
                print(f"... {number + 1} of {len(files)} files", file=sys.stderr, flush=True)
    finally:
        pool.shutdown(cancel_futures=True)
    return sorted(verdicts, key=lambda verdict: str(verdict.file))


def through_service(program, folder, verdicts, options):
    service = HostileService(program, folder, PIPELINES)
    outcomes = {(verdict.file, pipeline): outcome for verdict in verdicts
                for pipeline, outcome in verdict.outcomes.items()}
    service.start()
    try:
        for verdict in verdicts:
            service.submit(verdict.file)
        service.check_verdicts(outcomes, options.time_limit * 3)
        service.complaints += [f"service: {text}" for text in service.check_health(options.memory_limit << 20)]
    finally:
        service.complaints += [f"service: {text}" for text in service.stop()]
    for complaint in service.complaints:
        print(complaint, flush=True)
    ends = collections.Counter(record["state"] for record in service.endings.records.values())
    ends["refused at once"] = len(service.refused)
    return service.complaints, ends


def parse_options():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("program", type=pathlib.Path, help="the tessera command")
    options.add_argument("folders", type=pathlib.Path, nargs="*", help="folders of files (default: tests/data)")
    options.add_argument("--seed", type=int, default=1, help="of the damage, and of what is chosen by chance")
    options.add_argument("--jobs", type=int, default=2, help="files at a time")
    options.add_argument("--damage", type=int, default=6, help="damaged copies of each sound file")
    options.add_argument("--sample", type=int, default=0, help="only this number of files, chosen by the seed, and the odd ones")
    options.add_argument("--ranks-share", type=float, default=0.1, help="share of the files that two ranks try as well")
    options.add_argument("--time-limit", type=float, default=60, help="seconds for a run")
    options.add_argument("--memory-limit", type=int, default=2048, help="MiB for a process")
    options.add_argument("--no-service", action="store_true", help="only the command")
    options.add_argument("--report", type=pathlib.Path, help="a Markdown file for what was found")
    return options.parse_args()


def main():
    options = parse_options()
    program = options.program.resolve()
    adopt_orphans()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("hostile: told to stop"))
    folder = pathlib.Path(tempfile.mkdtemp(prefix="tessera-hostile-files-"))
    try:
        (folder / "damaged").mkdir()
        (folder / "service").mkdir()
        odd = damage.make_odd_files(folder / "damaged")
        sound = [file for file in (TOP / "tests/data/codec").iterdir() if file.suffix != ".md"]
        made = damage.make_damage(sound, folder / "damaged", options.seed, options.damage)
        files = find_files(options.folders or [TOP / "tests/data"]) + made
        if options.sample:
            files = random.Random(options.seed).sample(files, min(options.sample, len(files)))
        files += odd
        codes = checks.documented_codes(program)
        verdicts = examine_all(program, files, codes, options)
        violations = [line for verdict in verdicts for line in verdict.lines()]
        for pid in descendants(os.getpid()):
            if state_of(pid) not in "ZX":
                violations.append(f"left: process {pid} {b' '.join(command_of(pid)).decode(errors='replace')}")
        ends = {}
        if not options.no_service:
            found, ends = through_service(program, folder / "service", verdicts, options)
            violations += found
        longest = max(verdicts, key=lambda verdict: verdict.seconds)
        largest = max(verdicts, key=lambda verdict: verdict.peak_memory_bytes)
        report = "\n".join([
            f"{len(files)} files, {len(PIPELINES)} pipelines, seed {options.seed}", "", outcome_table(verdicts), "",
            "Service: " + ", ".join(f"{count} {end}" for end, count in sorted(ends.items())), "",
            f"Longest run: {longest.seconds:.1f} s of processors ({longest.file.name}); most memory: "
            f"{largest.peak_memory_bytes / 2**20:.0f} MiB ({largest.file.name}).", "",
            f"Violations: {len(violations)}", "", *(f"- {violation}" for violation in violations)])
        print("\n" + report[:20000])
        if options.report:
            options.report.write_text(report + "\n")
    finally:
        shutil.rmtree(folder)
    sys.exit(1 if violations else 0)


main()
