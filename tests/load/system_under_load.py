"""The systems that are loaded: those of the fault tests, without proxies, with a limit on what may wait."""
import concurrent.futures
import subprocess

from processes import Process, descendants
from system import Distributed, Serve


class LoadedServe(Serve):
    def __init__(self, program, folder, options):
        super().__init__(program, folder, 1)
        self.main.command += ["--max-queued", str(options.max_queued), "--max-events", str(options.max_events)]
        self.state_url = f"sqlite:///{self.data / 'state.db'}"
        self.redis_port = None
        self.stores = {"data": self.data, "scratch": self.scratch}

    @property
    def ports_of_clients(self):
        return self.port, self.port

    def components(self):
        """Name -> processes, as they are now."""
        return {"serve": [self.main.pid], "ranks": descendants(self.main.pid)}


class LoadedDistributed(Distributed):
    """One node; every process talks to the servers themselves."""

    def __init__(self, program, folder, options):
        super().__init__(program, folder, 1)
        events = ["--max-events", str(options.max_events)]
        self.gateway.command += ["--max-queued", str(options.max_queued), *events]
        self.nodes = [Process("node", [program, "node", "--ranks", str(options.ranks), "--threads", "1", "--scratch",
                                       folder / "scratch1", "--drain-limit", "10", "--log-format", "json", *events],
                              self.settings("node"), folder / "node.log")]
        self.processes = [self.gateway, self.notifier, *self.nodes]
        self.state_url = f"redis://127.0.0.1:{self.ports['redis']}/0"
        self.redis_port = self.ports["redis"]
        self.stores = {"s3": folder / "s3", "redis": folder / "redis", "rabbitmq": folder / "rabbitmq",
                       "scratch": folder / "scratch1"}

    def settings(self, name):
        return {"TESSERA_QUEUE": f"amqp://guest:guest@127.0.0.1:{self.ports['rabbitmq']}/?heartbeat=10",
                "TESSERA_STATE": f"redis://127.0.0.1:{self.ports['redis']}/0",
                "TESSERA_STORE": f"s3://tessera?endpoint=http://127.0.0.1:{self.ports['s3']}",
                "AWS_ACCESS_KEY_ID": "S3RVER", "AWS_SECRET_ACCESS_KEY": "S3RVER"}

    @property
    def ports_of_clients(self):
        return self.ports["gateway"], self.ports["notifier"]

    def components(self):
        node = self.nodes[0].pid
        return {"gateway": [self.gateway.pid], "notifier": [self.notifier.pid], "node": [node],
                "ranks": descendants(node), "rabbitmq": [self.rabbitmq.pid, *descendants(self.rabbitmq.pid)],
                "redis": [self.redis.pid], "s3": [self.s3.pid]}


def add_tokens(system, owners, scopes):
    """A token for each owner, by the command that operators use."""
    def add(owner):
        return subprocess.run([system.program, "token", "--state", system.state_url, "add", owner, "--scope", scopes],
                              check=True, capture_output=True, text=True).stdout.split()[-1]
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        return list(pool.map(add, owners))
