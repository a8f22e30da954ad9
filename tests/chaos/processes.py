"""Processes under test: started, killed, stopped and restarted by the schedule of faults."""
import ctypes
import os
import random
import signal
import socket
import subprocess
import time

PR_SET_CHILD_SUBREAPER = 36


def adopt_orphans():
    """Processes that lose their parent become children of this one, so that none is leaked unseen."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


given_ports = set()


def free_port():
    """A free port of 127.0.0.1, outside of the range that outgoing connections take theirs from, and never given before."""
    while True:
        port = random.SystemRandom().randint(12000, 31999)
        if port in given_ports:
            continue
        given_ports.add(port)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue


def listens(port):
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
        return True
    except OSError:
        return False


def parent_of(pid):
    try:
        with open(f"/proc/{pid}/stat") as file:
            return int(file.read().rpartition(")")[2].split()[1])
    except (OSError, IndexError, ValueError):
        return 0


def state_of(pid):
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0]
    except (OSError, IndexError):
        return "X"


def all_pids():
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def descendants(pid):
    """All processes below `pid`, parents first."""
    children = {}
    for process in all_pids():
        children.setdefault(parent_of(process), []).append(process)
    found, left = [], [pid]
    while left:
        for child in children.get(left.pop(), []):
            found.append(child)
            left.append(child)
    return found


def command_of(pid):
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            return file.read().split(b"\0")
    except OSError:
        return []


def start_together(processes):
    for process in processes:
        process.begin()
    for process in processes:
        process.wait_until_there()


class Process:
    """A program that is started again after each fault, with the same arguments."""

    def __init__(self, name, command, environment, log, port=None, folder=None):
        self.name, self.command, self.log, self.port, self.folder = name, command, log, port, folder
        self.environment = {**os.environ, **environment}
        self.process = None

    def start(self, timeout_s=240):
        self.begin()
        self.wait_until_there(timeout_s)

    def begin(self):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(self.command, env=self.environment, stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=log, cwd=self.folder, start_new_session=True)

    def wait_until_there(self, timeout_s=240):
        """Until it listens, if it does that."""
        deadline = time.monotonic() + timeout_s
        while self.port is not None and not listens(self.port):
            if self.process.poll() is not None:
                raise RuntimeError(f"{self.name} ended with {self.process.returncode}; see {self.log}")
            if time.monotonic() > deadline:
                raise RuntimeError(f"{self.name} does not listen on {self.port} after {timeout_s} s; see {self.log}")
            time.sleep(0.05)

    @property
    def pid(self):
        return self.process.pid

    def alive(self):
        return self.process is not None and self.process.poll() is None

    def kill(self, tree=False):
        """SIGKILL to the process; with `tree` to all below it too, as when a machine loses its power."""
        for pid in ([*descendants(self.pid), self.pid] if tree else [self.pid]):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.process.wait()

    def terminate(self, timeout_s):
        """SIGTERM; returns the seconds until it has ended, or None if it has not within the timeout."""
        begin = time.monotonic()
        self.process.terminate()
        try:
            self.process.wait(timeout_s)
            return time.monotonic() - begin
        except subprocess.TimeoutExpired:
            return None

    def signal(self, number, tree=False):
        for pid in ([self.pid, *descendants(self.pid)] if tree else [self.pid]):
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                pass

    def ranks(self):
        """Its workers: processes below it whose command is 'tessera worker'."""
        return [pid for pid in descendants(self.pid) if b"worker" in command_of(pid)[1:2]]
