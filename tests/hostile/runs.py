"""Runs the command on one file, under limits, in folders of its own, and says what came of it."""
import dataclasses
import hashlib
import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import threading

# The limits of a service, so that the command and the service judge alike.
SERVICE_LIMITS = ("--max-bytes", "4G", "--max-pixels", "500000000", "--max-buffered", "2147483648", "--max-output-bytes", "1G")


@dataclasses.dataclass
class Outcome:
    """What one run of the command did."""
    command: str
    exit_code: int = 0         # negative: ended by that signal
    stderr: bytes = b""
    warnings: tuple = ()
    reported_error: str = ""   # the sentence of the JSON report
    told: str = ""             # the report in words
    digest: str = ""           # SHA-256 of the result
    left: tuple = ()           # files that should not be there
    seconds: float = 0
    peak_memory_bytes: int = 0
    timed_out: bool = False

    @property
    def sentence(self):
        return self.stderr.decode(errors="replace").rstrip("\n").removeprefix("tessera: ")


def run_limited(command, folder, time_limit_s):
    """(exit code, seconds of processors, peak memory in bytes, timed out). stdout and stderr go to files of `folder`."""
    scratch = folder / "scratch"
    scratch.mkdir()
    environment = {**os.environ, "TMPDIR": str(scratch), "XDG_CONFIG_HOME": str(folder / "none"), "LC_ALL": "C.UTF-8"}
    with open(folder / "stdout", "wb") as out, open(folder / "stderr", "wb") as err:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=err, env=environment,
                                   start_new_session=True)
    timed_out = threading.Event()

    def end():
        timed_out.set()
        os.killpg(process.pid, signal.SIGKILL)

    timer = threading.Timer(time_limit_s, end)
    timer.start()
    # The usage covers the process and what it has waited for: with --ranks also mpirun and the ranks.
    _, status, usage = os.wait4(process.pid, 0)
    timer.cancel()
    process.returncode = os.waitstatus_to_exitcode(status)
    return process.returncode, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024, timed_out.is_set()


def apply(program, file, pipeline, threads, ranks, time_limit_s, report=("--quiet", "--json")):
    """Runs `tessera apply` once. With report=() it says in words what it did, which is kept as `told`."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="tessera-hostile-"))
    try:
        result = folder / "results" / "result.png"
        result.parent.mkdir()
        options = ["--threads", str(threads), *(("--ranks", str(ranks)) if ranks > 1 else ())]
        exit_code, seconds, memory, timed_out = run_limited(
            [program, "apply", pipeline, file, "-o", result, *report, *options, *SERVICE_LIMITS], folder, time_limit_s)
        outcome = Outcome(f"apply '{pipeline}' {' '.join(options)}", exit_code, (folder / "stderr").read_bytes(),
                          seconds=seconds, peak_memory_bytes=memory, timed_out=timed_out)
        told = (folder / "stdout").read_bytes()
        if report:
            read_report(told, outcome)
        else:
            outcome.told = told.decode(errors="replace")
        expected = set()
        if exit_code == 0 and result.exists():
            outcome.digest = hashlib.sha256(result.read_bytes()).hexdigest()
            expected = {result}
        outcome.left = tuple(str(path.relative_to(folder)) for place in ("results", "scratch")
                             for path in (folder / place).rglob("*") if path not in expected)
        return outcome
    finally:
        shutil.rmtree(folder)


def read_report(text, outcome):
    try:
        image = json.loads(text)["images"][0]
        outcome.warnings = tuple(image.get("warnings", ()))
        outcome.reported_error = image.get("error", {}).get("message", "")
    except (ValueError, LookupError):
        outcome.reported_error = "no report"


def explain(program, file, pipeline, time_limit_s):
    """Runs `tessera explain`, which reads the header only."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="tessera-hostile-"))
    try:
        exit_code, seconds, memory, timed_out = run_limited(
            [program, "explain", pipeline, file, "--threads", "1", *SERVICE_LIMITS], folder, time_limit_s)
        left = tuple(str(path.relative_to(folder)) for path in (folder / "scratch").rglob("*"))
        return Outcome(f"explain '{pipeline}'", exit_code, (folder / "stderr").read_bytes(), seconds=seconds,
                       peak_memory_bytes=memory, timed_out=timed_out, left=left)
    finally:
        shutil.rmtree(folder)
