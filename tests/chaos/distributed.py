"""RabbitMQ, Redis, an S3 server, gateways, notifiers and two nodes. Each of ours reaches each server by a proxy."""
import os
import ssl
import subprocess

import servers
from client import Api
from clocks import Clock, preload
from processes import Process, free_port, start_together
from proxy import Proxy
from webhook import Endpoint


class Distributed:
    FRONTS = 2
    NODES = 2

    def __init__(self, program, folder, seed, machine):
        """Odd seeds have a cluster of three brokers, even ones TLS everywhere."""
        self.program, self.folder, self.seed, self.machine = program, folder, seed, machine
        self.proxies, self.clocks, self.disks, self.scratches, self.mounted = {}, {}, {}, [], []
        self.certificates = machine.certificates if self.with_tls() else None
        self.brokers = servers.Brokers(folder, 3 if self.with_cluster() else 1, self.certificates)
        self.redis = servers.redis(folder, self.certificates)
        self.s3 = servers.s3(folder, self.certificates)
        self.servers = [*self.brokers.nodes, self.redis, self.s3]
        self.server_ports = {"rabbitmq": self.brokers.ports, "redis": [self.redis.port], "s3": [self.s3.port]}
        self.endpoint = Endpoint(machine.certificates) if machine.certificates else None
        self.gateways, self.notifiers = [], []
        for number in range(1, self.FRONTS + 1):
            suffix = str(number) if self.FRONTS > 1 else ""
            self.notifiers.append(self.front("notifier" + suffix, []))
            self.gateways.append(self.front("gateway" + suffix, ["--notifier-url", self.url(self.notifiers[-1])]))
        self.nodes = [self.node(number) for number in range(1, self.NODES + 1)]
        self.processes = [*self.gateways, *self.notifiers, *self.nodes]

    def pairs(self):
        """What can take each other's place."""
        return [pair for pair in (self.gateways, self.notifiers, self.nodes) if len(pair) > 1]

    def with_tls(self):
        return self.seed % 2 == 0

    def with_cluster(self):
        return self.seed % 2 == 1

    def url(self, process):
        return f"{'http' if self.certificates is None else 'https'}://127.0.0.1:{process.port}"

    def front(self, name, words):
        port = free_port()
        if self.certificates is not None:
            words = [*words, "--certificate", self.certificates.certificate, "--key", self.certificates.key]
        kind = name.rstrip("123456789")
        return Process(name, [self.program, kind, "--listen", f"127.0.0.1:{port}", "--private-webhooks", "--log-format",
                              "json", *words], self.settings(name), self.folder / f"{name}.log", port)

    def node(self, number):
        scratch, disk = self.machine.disk(self.folder / f"scratch{number}")
        self.scratches.append(scratch)
        self.mounted += [disk] if disk is not None else []
        if number == 1:
            self.disks["the scratch folder of node1"] = disk
        return Process(f"node{number}", [self.program, "node", "--ranks", str(1 + (self.seed + number) % 2), "--threads", "1",
                                         "--scratch", scratch, "--drain-limit", "10", "--log-format", "json"],
                       self.settings(f"node{number}"), self.folder / f"node{number}.log")

    def proxy_address(self, _name):
        """Where the proxies of one of ours listen."""
        return "127.0.0.1"

    def settings(self, name):
        """The environment of one of ours: proxies of its own to each server, a clock of its own."""
        via, address = {}, self.proxy_address(name)
        for server, ports in self.server_ports.items():
            port = free_port()
            # Each begins with another of the brokers.
            first = len(self.proxies) % len(ports)
            self.proxies[name, server] = Proxy(port, ports[first:] + ports[:first], address)
            via[server] = f"{address}:{port}"
        environment = {"AWS_ACCESS_KEY_ID": "S3RVER", "AWS_SECRET_ACCESS_KEY": "S3RVER"}
        self.clocks[name] = None
        if "clock step" not in self.machine.left_out:
            self.clocks[name] = Clock(self.folder / f"clock-{name}", self.machine.clock_library)
            environment |= preload(self.clocks[name])
        if self.certificates is None:
            return environment | {"TESSERA_QUEUE": f"amqp://guest:guest@{via['rabbitmq']}/?heartbeat=2",
                                  "TESSERA_STATE": f"redis://{via['redis']}/0",
                                  "TESSERA_STORE": f"s3://tessera?endpoint=http://{via['s3']}"}
        authority = f"cacertfile={self.certificates.authority}"
        return environment | {"TESSERA_QUEUE": f"amqps://guest:guest@{via['rabbitmq']}/?heartbeat=2&{authority}",
                              "TESSERA_STATE": f"rediss://{via['redis']}/0?{authority}",
                              "TESSERA_STORE": f"s3://tessera?endpoint=https://{via['s3']}"}

    def start(self):
        start_together([self.redis, self.s3])
        self.brokers.start()
        state = {"TESSERA_STATE": self.gateways[0].environment["TESSERA_STATE"]}
        self.token = subprocess.run([self.program, "token", "add", "chaos", "--scope", "submit,read,admin"], check=True,
                                    capture_output=True, text=True, env={**os.environ, **state}).stdout.split()[-1]
        start_together(self.processes)

    def api_of(self, fronts):
        context = None
        if self.certificates is not None:
            context = ssl.create_default_context(cafile=self.certificates.authority)
        return Api([front.port for front in fronts], self.token, context)

    def api(self):
        return self.api_of(self.gateways)

    def events_api(self):
        return self.api_of(self.notifiers)

    def results(self):
        folder = self.folder / "s3/tessera/results"
        suffix = "._S3rver_object"
        return {"results/" + str(file.relative_to(folder))[:-len(suffix)]
                for file in folder.rglob("*" + suffix)} if folder.exists() else set()

    def scratch_left(self):
        return [path for scratch in self.scratches for path in scratch.iterdir() if path.name.startswith("tessera-node-")]

    def stop(self):
        seconds = {process.name: process.terminate(20) for process in self.processes if process.alive()}
        for process in (*self.servers, self.brokers.mapper):
            if process.alive():
                process.kill(tree=True)
        if self.endpoint is not None:
            self.endpoint.stop()
        return seconds

    def remove_disks(self):
        for disk in self.mounted:
            disk.remove()
