"""The systems that are loaded: on the servers of the fault tests, without proxies, with a limit on what may wait."""
import concurrent.futures
import subprocess

import servers
from client import Api
from processes import Process, descendants, free_port


class System:
    """What both have in common."""

    def __init__(self, program, folder):
        self.program, self.folder = program, folder
        self.scratch = folder / "scratch"
        self.scratch.mkdir()

    def ours(self, name, words, environment=None, port=None):
        return Process(name, [self.program, name, *words, "--log-format", "json"], environment or {},
                       self.folder / f"{name}.log", port)

    def api(self):
        return Api([self.ports_of_clients[0]], self.token)


class LoadedServe(System):
    def __init__(self, program, folder, options):
        super().__init__(program, folder)
        self.port, self.data = free_port(), folder / "data"
        self.main = self.ours("serve", ["--data", self.data, "--listen", f"127.0.0.1:{self.port}", "--ranks",
                                        str(options.ranks), "--threads", "1", "--scratch", self.scratch, "--drain-limit",
                                        "10", "--max-queued", str(options.max_queued), "--max-events",
                                        str(options.max_events)], port=self.port)
        self.state_url = f"sqlite:///{self.data / 'state.db'}"
        self.redis_port = None
        self.stores = {"data": self.data, "scratch": self.scratch}
        self.ports_of_clients = self.port, self.port

    def start(self):
        self.main.start()
        self.token = (self.data / "token").read_text().strip()

    def components(self):
        """Name -> processes, as they are now."""
        return {"serve": [self.main.pid], "ranks": descendants(self.main.pid)}

    def stop(self):
        return {"serve": self.main.terminate(20)} if self.main.alive() else {}


class LoadedDistributed(System):
    """One process of each kind; each talks to the servers itself."""

    def __init__(self, program, folder, options):
        super().__init__(program, folder)
        self.brokers = servers.Brokers(folder, 1, None)
        self.redis, self.s3 = servers.redis(folder, None), servers.s3(folder, None)
        self.state_url = f"redis://127.0.0.1:{self.redis.port}/0"
        environment = {"TESSERA_QUEUE": f"amqp://guest:guest@127.0.0.1:{self.brokers.ports[0]}/?heartbeat=10",
                       "TESSERA_STATE": self.state_url,
                       "TESSERA_STORE": f"s3://tessera?endpoint=http://127.0.0.1:{self.s3.port}",
                       "AWS_ACCESS_KEY_ID": "S3RVER", "AWS_SECRET_ACCESS_KEY": "S3RVER"}
        events = ["--max-events", str(options.max_events)]
        gateway_port, notifier_port = free_port(), free_port()
        self.gateway = self.ours("gateway", ["--listen", f"127.0.0.1:{gateway_port}", "--notifier-url",
                                             f"http://127.0.0.1:{notifier_port}", "--max-queued",
                                             str(options.max_queued), *events], environment, gateway_port)
        self.notifier = self.ours("notifier", ["--listen", f"127.0.0.1:{notifier_port}"], environment, notifier_port)
        self.node = self.ours("node", ["--ranks", str(options.ranks), "--threads", "1", "--scratch", self.scratch,
                                       "--drain-limit", "10", *events], environment)
        self.redis_port = self.redis.port
        self.stores = {"s3": folder / "s3", "redis": folder / "redis", "rabbitmq": folder / "rabbitmq",
                       "scratch": self.scratch}
        self.ports_of_clients = gateway_port, notifier_port

    def start(self):
        self.redis.start()
        self.s3.start()
        self.brokers.start()
        self.token = add_tokens(self, ["administrator"], "submit,read,admin")[0]
        for process in (self.gateway, self.notifier, self.node):
            process.start()

    def components(self):
        broker = self.brokers.nodes[0].pid
        return {"gateway": [self.gateway.pid], "notifier": [self.notifier.pid], "node": [self.node.pid],
                "ranks": descendants(self.node.pid), "rabbitmq": [broker, *descendants(broker)],
                "redis": [self.redis.pid], "s3": [self.s3.pid]}

    def stop(self):
        seconds = {process.name: process.terminate(20) for process in (self.gateway, self.notifier, self.node)
                   if process.alive()}
        for process in (*self.brokers.nodes, self.redis, self.s3, self.brokers.mapper):
            if process.alive():
                process.kill(tree=True)
        return seconds


def add_tokens(system, owners, scopes):
    """A token for each owner, by the command that operators use."""
    def add(owner):
        return subprocess.run([system.program, "token", "--state", system.state_url, "add", owner, "--scope", scopes],
                              check=True, capture_output=True, text=True).stdout.split()[-1]
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        return list(pool.map(add, owners))
