"""The servers that the distributed system stands on: RabbitMQ, Redis and an S3 server, with or without TLS."""
import pathlib

from processes import Process, free_port, start_together

TOP = pathlib.Path(__file__).resolve().parents[2]
RABBITMQ = "/usr/lib/rabbitmq/bin/rabbitmq-server"


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


def redis(folder, certificates):
    (folder / "redis").mkdir()
    port = free_port()
    where = ["--port", str(port)]
    if certificates is not None:
        where = ["--port", "0", "--tls-port", str(port), "--tls-cert-file", certificates.certificate, "--tls-key-file",
                 certificates.key, "--tls-ca-cert-file", certificates.authority, "--tls-auth-clients", "no"]
    return Process("redis", ["redis-server", *where, "--bind", "127.0.0.1", "--dir", folder / "redis", "--appendonly", "yes",
                             "--appendfsync", "always", "--save", ""], {}, folder / "redis.log", port)


def s3(folder, certificates):
    (folder / "s3").mkdir()
    port = free_port()
    words = ["node", TOP / "build/tools/node_modules/s3rver/bin/s3rver.js", "--directory", folder / "s3", "--address",
             "127.0.0.1", "--port", str(port), "--silent", "--configure-bucket", "tessera"]
    if certificates is not None:
        words += ["--key", certificates.key, "--cert", certificates.certificate]
    return Process("s3", words, {"NODE_OPTIONS": "--openssl-legacy-provider"}, folder / "s3.log", port)
