"""What the system takes while it is loaded: memory, descriptors and processors by /proc, the queue by
/metrics, disks by du."""
import dataclasses
import os
import re
import socket
import subprocess
import threading
import time

from client import Api, Away

PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
TICKS_PER_S = os.sysconf("SC_CLK_TCK")
EVERY_S = 1.0


@dataclasses.dataclass
class Sample:
    time_s: float
    memory_bytes: dict      # component -> RSS
    descriptors: dict
    processor_s: dict       # since the component's start
    queued: int | None = None
    under_way: int | None = None
    redis_keys: int | None = None
    redis_bytes: int | None = None
    disk_bytes: dict = dataclasses.field(default_factory=dict)
    accepted: int = 0


def usage(pid):
    """(RSS in bytes, descriptors, processor seconds); zeros if it has ended."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            fields = file.read().rpartition(")")[2].split()
        return (int(fields[21]) * PAGE_BYTES, len(os.listdir(f"/proc/{pid}/fd")),
                (int(fields[11]) + int(fields[12])) / TICKS_PER_S)
    except OSError:
        return 0, 0, 0.0


def ask_redis(port):
    """(keys, bytes in use)."""
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        connection.sendall(b"DBSIZE\r\nINFO memory\r\nQUIT\r\n")
        text = b""
        while part := connection.recv(65536):
            text += part
    return int(re.match(rb":(\d+)", text).group(1)), int(re.search(rb"\nused_memory:(\d+)", text).group(1))


def disk_usage(folders):
    text = subprocess.run(["du", "-s", "--block-size=1", *folders.values()], capture_output=True, text=True).stdout
    used = {line.split("\t")[1]: int(line.split("\t")[0]) for line in text.splitlines()}
    return {name: used.get(str(folder), 0) for name, folder in folders.items()}


class Sampler(threading.Thread):
    def __init__(self, system, metrics_token, start, disk_every_s, accepted):
        super().__init__(daemon=True)
        self.system, self.start_time, self.disk_every_s, self.accepted = system, start, disk_every_s, accepted
        self.metrics = Api([system.ports_of_clients[0]], metrics_token, timeout_s=5)
        self.samples = []
        self.over = threading.Event()

    def run(self):
        next_disk = time.monotonic()
        while not self.over.wait(EVERY_S):
            sample = self.take()
            if time.monotonic() >= next_disk:
                sample.disk_bytes = disk_usage(self.system.stores)
                if self.system.redis_port is not None:
                    sample.redis_keys, sample.redis_bytes = ask_redis(self.system.redis_port)
                next_disk = time.monotonic() + self.disk_every_s
            self.samples.append(sample)

    def take(self):
        components = {**self.system.components(), "load program": [os.getpid()]}
        sample = Sample(time.monotonic() - self.start_time[0], {}, {}, {}, accepted=self.accepted())
        for name, pids in components.items():
            used = [usage(pid) for pid in pids]
            sample.memory_bytes[name] = sum(memory for memory, _, _ in used)
            sample.descriptors[name] = sum(descriptors for _, descriptors, _ in used)
            sample.processor_s[name] = sum(seconds for _, _, seconds in used)
        try:
            status, _, text = self.metrics.request("GET", "/metrics")
        except Away:
            return sample
        if status == 200:
            jobs = dict(re.findall(rb'^tessera_jobs\{state="(\w+)"\} (\d+)', text, re.MULTILINE))
            sample.queued = int(jobs.get(b"queued", 0))
            sample.under_way = int(jobs.get(b"running", 0)) + int(jobs.get(b"storing", 0))
        return sample
