"""The servers that the distributed system stands on: RabbitMQ, Redis and an S3 server, with or without TLS; Redis also as a
primary with replicas that sentinels watch."""
import pathlib
import subprocess

from processes import Process, free_port, start_together

TOP = pathlib.Path(__file__).resolve().parents[2]
RABBITMQ = "/usr/lib/rabbitmq/bin/rabbitmq-server"
RABBITMQCTL = "/usr/lib/rabbitmq/bin/rabbitmqctl"


class Brokers:
    """RabbitMQ, of one node or of several that form a cluster."""

    def __init__(self, folder, number, certificates):
        self.folder = folder / "rabbitmq"
        self.folder.mkdir()
        (self.folder / "plugins").write_text("[].\n")
        self.mapper_port = free_port()
        self.mapper = Process("epmd", ["epmd", "-address", "127.0.0.1", "-port", str(self.mapper_port)], {},
                              folder / "epmd.log", self.mapper_port)
        self.ports = [free_port() for _ in range(number)]
        names = [f"tessera-chaos-{port}@localhost" for port in self.ports]
        settings = (TOP / "deploy/rabbitmq/rabbitmq.conf").read_text()
        if number > 1:
            settings += "cluster_formation.peer_discovery_backend = classic_config\n"
            settings += "".join(f"cluster_formation.classic_config.nodes.{place} = {name}\n"
                                for place, name in enumerate(names, 1))
            settings += "cluster_formation.randomized_startup_delay_range.min = 0\n"
            settings += "cluster_formation.randomized_startup_delay_range.max = 1\n"
        if certificates is not None:
            settings += "listeners.tcp = none\n"
            settings += (f"ssl_options.cacertfile = {certificates.authority}\n"
                         f"ssl_options.certfile = {certificates.certificate}\nssl_options.keyfile = {certificates.key}\n")
        self.nodes = [self._node(folder, place, name, settings, certificates) for place, name in enumerate(names)]

    def _node(self, folder, place, name, settings, certificates):
        port, own = self.ports[place], self.folder / f"node{place + 1}"
        own.mkdir()
        if certificates is not None:
            settings += f"listeners.ssl.1 = 127.0.0.1:{port}\n"
        (own / "rabbitmq.conf").write_text(settings)
        environment = {
            "HOME": str(self.folder), "RABBITMQ_NODENAME": name, "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODE_PORT": str(port), "RABBITMQ_DIST_PORT": str(free_port()),
            "RABBITMQ_MNESIA_BASE": str(own / "mnesia"), "RABBITMQ_LOG_BASE": str(own), "RABBITMQ_LOGS": "-",
            "RABBITMQ_CONFIG_FILE": str(own / "rabbitmq.conf"), "RABBITMQ_CONF_ENV_FILE": "/dev/null",
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self.folder / "plugins"), "ERL_EPMD_PORT": str(self.mapper_port),
            "ERL_EPMD_ADDRESS": "127.0.0.1", "RUNNING_UNDER_SYSTEMD": "true", "NOTIFY_SOCKET": "",
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS":
                "-start_epmd false -kernel inet_dist_use_interface {127,0,0,1} +sbwt none"}
        log = "rabbitmq" if len(self.ports) == 1 else f"rabbitmq{place + 1}"
        return Process(log, [RABBITMQ], environment, folder / f"{log}.log", port, own)

    def start(self):
        self.mapper.start()
        self.nodes[0].start()  # it makes the cookie and the cluster
        start_together(self.nodes[1:])


    def url(self):
        hosts = ",".join(f"127.0.0.1:{port}" for port in self.ports)
        return f"amqp://guest:guest@{hosts}/?heartbeat=2"

    def control(self, node, *words):
        """What `rabbitmqctl WORDS` says on a node."""
        done = subprocess.run([RABBITMQCTL, *words], env=node.environment, capture_output=True, text=True, timeout=300)
        if done.returncode != 0:
            raise RuntimeError(f"rabbitmqctl {' '.join(words)}: {done.stderr}")
        return done.stdout


class SentinelGroup:
    """A primary, two replicas and three sentinels, with the settings of deploy/redis/sentinel.conf."""

    NAME = "tessera"

    def __init__(self, folder):
        self.folder = folder
        self.servers = [redis(folder, None, f"redis{number}") for number in (1, 2, 3)]
        first = self.servers[0].port
        for replica in self.servers[1:]:
            replica.command += ["--replicaof", "127.0.0.1", str(first), "--repl-diskless-sync-delay", "0"]
        self.sentinels = [self._sentinel(number, first) for number in (1, 2, 3)]

    def _sentinel(self, number, primary_port):
        port, own = free_port(), self.folder / f"sentinel{number}"
        own.mkdir()
        settings = (TOP / "deploy/redis/sentinel.conf").read_text()
        for shown, real in (("port 26379", f"port {port}\nbind 127.0.0.1\ndir {own}"),
                            ("127.0.0.1 6379", f"127.0.0.1 {primary_port}")):
            assert settings.count(shown) == 1, shown
            settings = settings.replace(shown, real)
        (own / "sentinel.conf").write_text(settings)
        return Process(f"sentinel{number}", ["redis-server", own / "sentinel.conf", "--sentinel"], {},
                       self.folder / f"sentinel{number}.log", port)

    def start(self):
        start_together([*self.servers, *self.sentinels])

    def url(self):
        hosts = ",".join(f"127.0.0.1:{sentinel.port}" for sentinel in self.sentinels)
        return f"redis+sentinel://{hosts}/{self.NAME}/0?replicas=1"

    @staticmethod
    def ask(process, *words):
        """The lines of the reply; none if it does not answer."""
        done = subprocess.run(["redis-cli", "-p", str(process.port), *words], capture_output=True, text=True, timeout=60)
        return done.stdout.splitlines() if done.returncode == 0 else []

    def primary(self):
        """The process that the first sentinel names."""
        named = self.ask(self.sentinels[0], "sentinel", "get-master-addr-by-name", self.NAME)
        return next((server for server in self.servers if [str(server.port)] == named[1:2]), None)

    def complete(self):
        """Whether the primary has two replicas that have all, and each sentinel knows the others and the replicas."""
        primary = self.primary()
        if primary is None or self.ask(primary, "wait", "2", "1000")[:1] != ["2"]:
            return False
        for sentinel in self.sentinels:
            lines = self.ask(sentinel, "sentinel", "master", self.NAME)
            known = dict(zip(lines[::2], lines[1::2]))
            if (known.get("num-other-sentinels"), known.get("num-slaves"), known.get("flags")) != ("2", "2", "master"):
                return False
        return True


def redis(folder, certificates, name="redis"):
    (folder / name).mkdir()
    port = free_port()
    where = ["--port", str(port)]
    if certificates is not None:
        where = ["--port", "0", "--tls-port", str(port), "--tls-cert-file", certificates.certificate, "--tls-key-file",
                 certificates.key, "--tls-ca-cert-file", certificates.authority, "--tls-auth-clients", "no"]
    return Process(name, ["redis-server", *where, "--bind", "127.0.0.1", "--dir", folder / name, "--appendonly", "yes",
                          "--appendfsync", "always", "--save", ""], {}, folder / f"{name}.log", port)


def s3(folder, certificates):
    (folder / "s3").mkdir()
    port = free_port()
    words = ["node", TOP / "build/tools/node_modules/s3rver/bin/s3rver.js", "--directory", folder / "s3", "--address",
             "127.0.0.1", "--port", str(port), "--silent", "--configure-bucket", "tessera"]
    if certificates is not None:
        words += ["--key", certificates.key, "--cert", certificates.certificate]
    return Process("s3", words, {"NODE_OPTIONS": "--openssl-legacy-provider"}, folder / "s3.log", port)
