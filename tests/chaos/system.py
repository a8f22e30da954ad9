"""The systems that faults are put into: one 'tessera serve', or gateway, notifier and two nodes on real servers."""
import pathlib
import subprocess

from client import Api
from processes import Process, free_port
from proxy import Proxy


def first_token(data):
    file = data / "token"
    return file.read_text().strip() if file.exists() else ""


class Serve:
    """Everything in one process group, data in a folder."""

    def __init__(self, program, folder, seed):
        self.program, self.folder = program, folder
        self.port = free_port()
        self.data = folder / "data"
        self.scratch = folder / "scratch"
        self.scratch.mkdir()
        self.main = Process("serve", [program, "serve", "--data", self.data, "--listen", f"127.0.0.1:{self.port}",
                                      "--ranks", str(1 + seed % 2), "--threads", "1", "--scratch", self.scratch,
                                      "--drain-limit", "10", "--log-format", "json"],
                            {}, folder / "serve.log", self.port)
        self.processes = [self.main]
        self.nodes = [self.main]
        self.proxies = {}

    def start(self):
        self.main.start()
        self.token = first_token(self.data)

    def api(self):
        return Api(self.port, self.token)

    def events_api(self):
        return Api(self.port, self.token)

    def hide_store(self):
        (self.data / "objects").rename(self.data / "objects-away")

    def show_store(self):
        (self.data / "objects-away").rename(self.data / "objects")

    def results(self):
        folder = self.data / "objects" / "results"
        return {"results/" + str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file()}

    def scratch_left(self):
        return [path for path in self.scratch.iterdir() if path.name.startswith("tessera-node-")]

    def stop(self):
        return {"serve": self.main.terminate(20)} if self.main.alive() else {}


class Distributed:
    """RabbitMQ, Redis, an S3 server, gateway, notifier and two nodes. Each of ours reaches each server by a proxy."""

    def __init__(self, program, folder, seed):
        self.program, self.folder = program, folder
        self.ports = {name: free_port() for name in ("rabbitmq", "mapper", "distribution", "redis", "s3", "gateway",
                                                     "notifier")}
        self.proxies = {}
        top = pathlib.Path(__file__).resolve().parents[2]
        for name in ("rabbitmq", "redis", "s3"):
            (folder / name).mkdir()
        (folder / "rabbitmq/plugins").write_text("[].\n")
        rabbitmq = folder / "rabbitmq"
        self.mapper = Process("epmd", ["epmd", "-address", "127.0.0.1", "-port", str(self.ports["mapper"])], {},
                              folder / "epmd.log", self.ports["mapper"])
        self.rabbitmq = Process(
            "rabbitmq", ["/usr/lib/rabbitmq/bin/rabbitmq-server"],
            {"HOME": str(rabbitmq), "RABBITMQ_NODENAME": f"tessera-chaos-{self.ports['rabbitmq']}@localhost",
             "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1", "RABBITMQ_NODE_PORT": str(self.ports["rabbitmq"]),
             "RABBITMQ_DIST_PORT": str(self.ports["distribution"]), "RABBITMQ_MNESIA_BASE": str(rabbitmq / "mnesia"),
             "RABBITMQ_LOG_BASE": str(rabbitmq), "RABBITMQ_LOGS": "-",
             "RABBITMQ_CONFIG_FILE": str(top / "deploy/rabbitmq/rabbitmq.conf"), "RABBITMQ_CONF_ENV_FILE": "/dev/null",
             "RABBITMQ_ENABLED_PLUGINS_FILE": str(rabbitmq / "plugins"), "ERL_EPMD_PORT": str(self.ports["mapper"]),
             "ERL_EPMD_ADDRESS": "127.0.0.1", "RUNNING_UNDER_SYSTEMD": "true", "NOTIFY_SOCKET": "",
             "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS":
                 "-start_epmd false -kernel inet_dist_use_interface {127,0,0,1} +sbwt none"},
            folder / "rabbitmq.log", self.ports["rabbitmq"], rabbitmq)
        self.redis = Process("redis", ["redis-server", "--port", str(self.ports["redis"]), "--bind", "127.0.0.1",
                                       "--dir", folder / "redis", "--appendonly", "yes", "--appendfsync", "always",
                                       "--save", ""], {}, folder / "redis.log", self.ports["redis"])
        self.s3 = Process("s3", ["node", top / "build/tools/node_modules/s3rver/bin/s3rver.js", "--directory",
                                 folder / "s3", "--address", "127.0.0.1", "--port", str(self.ports["s3"]), "--silent",
                                 "--configure-bucket", "tessera"],
                          {"NODE_OPTIONS": "--openssl-legacy-provider"}, folder / "s3.log", self.ports["s3"])
        self.servers = [self.rabbitmq, self.redis, self.s3]
        self.gateway = Process("gateway", [program, "gateway", "--listen", f"127.0.0.1:{self.ports['gateway']}",
                                           "--notifier-url", f"http://127.0.0.1:{self.ports['notifier']}",
                                           "--log-format", "json"],
                               self.settings("gateway"), folder / "gateway.log", self.ports["gateway"])
        self.notifier = Process("notifier", [program, "notifier", "--listen", f"127.0.0.1:{self.ports['notifier']}",
                                             "--log-format", "json"],
                                self.settings("notifier"), folder / "notifier.log", self.ports["notifier"])
        self.nodes = []
        for number in (1, 2):
            scratch = folder / f"scratch{number}"
            scratch.mkdir()
            self.nodes.append(Process(f"node{number}", [program, "node", "--ranks", str(1 + (seed + number) % 2),
                                                        "--threads", "1", "--scratch", scratch, "--drain-limit", "10",
                                                        "--log-format", "json"],
                                      self.settings(f"node{number}"), folder / f"node{number}.log"))
        self.processes = [self.gateway, self.notifier, *self.nodes]

    def settings(self, name):
        """The environment of one of ours, with proxies of its own to each server."""
        via = {}
        for server in ("rabbitmq", "redis", "s3"):
            via[server] = free_port()
            self.proxies[name, server] = Proxy(via[server], self.ports[server])
        return {"TESSERA_QUEUE": f"amqp://guest:guest@127.0.0.1:{via['rabbitmq']}/?heartbeat=2",
                "TESSERA_STATE": f"redis://127.0.0.1:{via['redis']}/0",
                "TESSERA_STORE": f"s3://tessera?endpoint=http://127.0.0.1:{via['s3']}",
                "AWS_ACCESS_KEY_ID": "S3RVER", "AWS_SECRET_ACCESS_KEY": "S3RVER"}

    def start(self):
        self.mapper.start()
        for process in self.servers:
            process.start()
        self.token = subprocess.run([self.program, "token", "--state", f"redis://127.0.0.1:{self.ports['redis']}/0",
                                     "add", "chaos", "--scope", "submit,read,admin"],
                                    check=True, capture_output=True, text=True).stdout.split()[-1]
        for process in self.processes:
            process.start()

    def api(self):
        return Api(self.ports["gateway"], self.token)

    def events_api(self):
        return Api(self.ports["notifier"], self.token)

    def results(self):
        folder = self.folder / "s3/tessera/results"
        suffix = "._S3rver_object"
        return {"results/" + str(file.relative_to(folder))[:-len(suffix)]
                for file in folder.rglob("*" + suffix)} if folder.exists() else set()

    def scratch_left(self):
        return [path for number in (1, 2) for path in (self.folder / f"scratch{number}").iterdir()
                if path.name.startswith("tessera-node-")]

    def stop(self):
        seconds = {process.name: process.terminate(20) for process in self.processes if process.alive()}
        for process in (*self.servers, self.mapper):
            if process.alive():
                process.kill(tree=True)
        return seconds
