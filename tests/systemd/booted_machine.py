# SPDX-License-Identifier: Apache-2.0
"""A systemd of its own in namespaces, in which units are started as on a machine."""
import os
import pathlib
import re
import signal
import subprocess
import time

HERE = pathlib.Path(__file__).resolve().parent
UNITS = HERE.parents[1] / "deploy/systemd"
START_S = 60


def why_not():
    """What this machine lacks to start a systemd, or None."""
    if os.geteuid() != 0:
        return "starting units needs root"
    if not pathlib.Path("/lib/systemd/systemd").exists():
        return "there is no /lib/systemd/systemd"
    done = subprocess.run(["unshare", "-C", "-m", "-p", "-f", "true"], capture_output=True, text=True)
    return None if done.returncode == 0 else f"namespaces cannot be made: {done.stderr.strip()}"


def control_groups():
    """The hierarchies that systemd uses: version 2, or the two of a machine with both versions."""
    top = pathlib.Path("/sys/fs/cgroup")
    return [top] if (top / "cgroup.controllers").exists() else [top / "systemd", top / "unified"]


class Machine:
    def __init__(self, folder, program):
        """`folder` must hold machine/etc, what is to be in /etc/tessera."""
        self.folder, self.program, self.process, self.pid = folder, program, None, None
        units = folder / "machine/units"
        units.mkdir(parents=True)
        for unit in UNITS.glob("*.service"):
            # There is no network to wait for, no boot that they could be a part of, and no journal.
            text = re.sub(r"^(After|Wants)=.*\n", "", unit.read_text(), flags=re.MULTILINE)
            text = text.replace("[Unit]\n", "[Unit]\nDefaultDependencies=no\n")
            text = text.replace("[Service]\n", "[Service]\nStandardError=append:/run/log-%p\nStandardOutput=append:/run/log-%p\n")
            (units / unit.name).write_text(text)
        self.groups = [group / f"tessera-test-{os.getpid()}" for group in control_groups()]

    def boot(self):
        for group in self.groups:
            group.mkdir()
        enter = "".join(f"echo $$ >{group}/cgroup.procs; " for group in self.groups)
        with open(self.folder / "systemd.log", "wb") as log:
            self.process = subprocess.Popen(
                ["sh", "-c", f'{enter} exec unshare -C -m -p -f -u -i --kill-child "$@"', "sh", HERE / "boot", self.folder, self.program],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline:
            children = pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
            if children and self.run("systemctl", "is-system-running", pid=children[0]).stdout.strip() in ("running", "degraded"):
                self.pid = children[0]
                return
            assert self.process.poll() is None, (self.folder / "systemd.log").read_text()
            time.sleep(0.2)
        raise AssertionError("systemd has not started:\n" + (self.folder / "systemd.log").read_text())

    def run(self, *command, pid=None, **options):
        """Runs a command inside."""
        return subprocess.run(["nsenter", "-t", pid or self.pid, "-m", "-p", "-u", "-C", "-i", "-r", "-w", *command],
                              capture_output=True, text=True, **options)

    def start(self, unit):
        done = self.run("systemctl", "start", unit)
        assert done.returncode == 0, done.stderr

    def stop(self, unit):
        """Returns the seconds that it took, and how the main process ended."""
        begin = time.monotonic()
        done = self.run("systemctl", "stop", unit)
        assert done.returncode == 0, done.stderr
        return time.monotonic() - begin, self.property(unit, "Result")

    def log(self, unit):
        return self.run("tail", "-n", "400", f"/run/log-{unit.removesuffix('.service')}").stdout

    def property(self, unit, name):
        return self.run("systemctl", "show", "--value", "-p", name, unit).stdout.strip()

    def main_process(self, unit):
        """Its /proc folder outside."""
        inside = self.property(unit, "MainPID")
        for entry in pathlib.Path("/proc").glob("[0-9]*"):
            try:
                ids = re.search(r"^NSpid:\s+(.*)$", (entry / "status").read_text(), re.MULTILINE).group(1).split()
            except (OSError, AttributeError):
                continue
            if len(ids) > 1 and ids[-1] == inside and self.is_inside(int(ids[0])):
                return entry
        raise AssertionError(f"{unit} has no main process")

    def is_inside(self, pid):
        try:
            return os.readlink(f"/proc/{pid}/ns/cgroup") == os.readlink(f"/proc/{self.pid}/ns/cgroup")
        except OSError:
            return False

    def end(self):
        if self.process is not None and self.process.poll() is None:
            if self.pid is not None:
                os.kill(int(self.pid), signal.SIGKILL)  # and the kernel ends all that is inside
            self.process.kill()
        if self.process is not None:
            self.process.wait()
        for group in self.groups:
            for inner in sorted(group.rglob("*"), reverse=True) + [group]:
                for _ in range(50):
                    try:
                        if inner.is_dir():
                            inner.rmdir()
                        break
                    except OSError:
                        time.sleep(0.1)
