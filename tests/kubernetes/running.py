# SPDX-License-Identifier: Apache-2.0
"""Starts the programs of rendered pods with the very command lines, environments and files that the pods would have, on real
servers: RabbitMQ, Redis and an S3 server. Only addresses and the places of volumes are those of this machine."""
import filecmp
import os
import pathlib
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
TOP = HERE.parents[1]
sys.path.insert(0, str(TOP / "tests/chaos"))
import servers  # noqa: E402
from processes import Process, free_port, start_together  # noqa: E402

READY_S, PIPELINE = 120, "gaussian-blur sigma=2 | otsu"


def status_of(url):
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return None


class Servers:
    def __init__(self, folder):
        self.brokers, self.redis, self.s3 = servers.Brokers(folder, 1, None), servers.redis(folder, None), servers.s3(folder, None)

    def start(self):
        start_together([self.redis, self.s3])
        self.brokers.start()

    def queues(self):
        """The names of the broker's queues."""
        node = self.brokers.nodes[0].environment
        done = subprocess.run(["/usr/lib/rabbitmq/bin/rabbitmqctl", "-q", "-n", node["RABBITMQ_NODENAME"], "list_queues", "name"],
                              capture_output=True, text=True, env={**os.environ, "HOME": node["HOME"],
                                                                   "ERL_EPMD_PORT": node["ERL_EPMD_PORT"]})
        assert done.returncode == 0, done.stdout + done.stderr
        return set(done.stdout.split())

    def stop(self):
        for process in [self.s3, self.redis, *self.brokers.nodes, self.brokers.mapper]:
            if process.process is not None:
                process.kill(tree=True)


class Pod:
    """The container of a Deployment as a process."""

    def __init__(self, documents, deployment, program, folder, secrets, identity, shared):
        """`secrets`: values by (Secret, key); `identity`: environment that the platform gives; `shared`: folder of claims."""
        pod = deployment["spec"]["template"]["spec"]
        [self.container] = pod["containers"]
        self.name, self.grace = self.container["name"], pod["terminationGracePeriodSeconds"]
        self.port, self.folder = free_port(), folder / self.name
        self.folder.mkdir()
        places = {}
        volumes = {volume["name"]: volume for volume in pod["volumes"]}
        for mount in self.container["volumeMounts"]:
            volume = volumes[mount["name"]]
            place = shared if "persistentVolumeClaim" in volume else self.folder / mount["name"]
            place.mkdir(exist_ok=True)
            for item in volume.get("secret", {}).get("items", []):
                (place / item["path"]).write_text(secrets[volume["secret"]["secretName"], item["key"]] + "\n")
            places[mount["mountPath"]] = place
        [port] = self.container["ports"]

        def here(text):
            paths = "|".join(map(re.escape, places))
            text = re.sub(rf"(^|=|file://)({paths})(?=/|$)", lambda found: f"{found[1]}{places[found[2]]}", text)
            return text.replace(f"0.0.0.0:{port['containerPort']}", f"127.0.0.1:{self.port}")

        self.environment = {name: here(value) for name, value in documents.values(self.container).items()}
        for variable in self.container["env"]:
            if reference := variable.get("valueFrom", {}).get("secretKeyRef"):
                self.environment[variable["name"]] = secrets[reference["name"], reference["key"]]
        self.environment |= identity | {"PATH": os.environ["PATH"], "TMPDIR": str(places["/tmp"])}
        variables = [f"{name}={value}" for name, value in self.environment.items()]
        self.words = [here(word) for word in self.container["args"]]
        self.process = Process(self.name, ["env", "-i", *variables, program, *self.words], {}, folder / f"{self.name}.log", self.port)

    def probe(self, name):
        return status_of(f"http://127.0.0.1:{self.port}{self.container[name]['httpGet']['path']}")

    def wait_until_ready(self):
        deadline = time.monotonic() + READY_S
        for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
            while (status := self.probe(probe)) != 200:
                assert self.process.alive() and time.monotonic() < deadline, \
                    f"{self.name}: the {probe} is answered {status}:\n{self.process.log.read_text()[-2000:]}"
                time.sleep(0.2)

    def end(self):
        seconds = self.process.terminate(self.grace)
        assert seconds is not None, f"{self.name} has not ended within {self.grace} s"
        assert self.process.process.returncode == 0, f"{self.name} ended with {self.process.process.returncode}"
        return seconds


def ingress(folder, port, gateway, notifier):
    """nginx as an ingress controller, with the paths of the chart's."""
    where = folder / "ingress"
    where.mkdir()
    (where / "nginx.conf").write_text(f"""
pid {where}/pid; error_log {where}/error.log; daemon off; worker_processes 1;
events {{}}
http {{
  access_log off; client_body_temp_path {where}/body; proxy_temp_path {where}/proxy; fastcgi_temp_path {where}/fastcgi;
  uwsgi_temp_path {where}/uwsgi; scgi_temp_path {where}/scgi; client_max_body_size 0; proxy_request_buffering off;
  server {{
    listen 127.0.0.1:{port};
    proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $http_host;
    location /v1/events {{ proxy_pass http://127.0.0.1:{notifier}; }}
    location / {{ proxy_pass http://127.0.0.1:{gateway}; }}
  }}
}}
""")
    return Process("nginx", ["/usr/sbin/nginx", "-c", where / "nginx.conf", "-e", where / "error.log"], {}, folder / "nginx.log", port)


def use(program, folder, url, token, photo):
    """A client's journey; the result must be what the command makes."""
    environment = {**os.environ, "TESSERA_TOKEN": token}
    subprocess.run([program, "submit", "--server", url, PIPELINE, photo, "-o", folder / "results"], check=True, timeout=180,
                   env=environment, capture_output=True)
    expected = folder / "expected.png"
    subprocess.run([program, "apply", PIPELINE, photo, "-o", expected, "--ranks", "1", "--quiet"], check=True)
    results = list((folder / "results").iterdir())
    assert len(results) == 1 and filecmp.cmp(results[0], expected, shallow=False), f"results: {results}"


def run(documents, program, folder, backends, public_port, url, shared):
    """The pods of one set of values: ready, used, ended. Returns the seconds that each took to end."""
    secrets = {("tessera", key): backends["queue"] for key in ("queue-url", "amqp")}
    secrets |= {("tessera", key): backends["state"] for key in ("state-url", "redis")}
    secrets |= {("tessera", "link-secret"): "0123456789abcdef" * 4, ("tessera", "id"): "S3RVER", ("bucket", "secret"): "S3RVER"}
    names = {variable["name"] for one in documents.of("Deployment") for variable in one["spec"]["template"]["spec"]["containers"][0]["env"]}
    identity = {} if "AWS_ACCESS_KEY_ID" in names else {"AWS_ACCESS_KEY_ID": "S3RVER", "AWS_SECRET_ACCESS_KEY": "S3RVER"}
    pods = {pod.name: pod for pod in
            (Pod(documents, one, program, folder, secrets, identity, shared) for one in documents.of("Deployment"))}
    proxy = ingress(folder, public_port, pods["gateway"].port, pods["notifier"].port)
    try:
        for pod in pods.values():
            pod.process.begin()
        for pod in pods.values():
            pod.wait_until_ready()
        proxy.start()
        # As NOTES.txt says: with the gateway's environment.
        token = subprocess.run([program, "token", "add", "admin", "--scope", "admin,submit,read"], check=True, capture_output=True,
                               text=True, env=pods["gateway"].environment).stdout.split()[-1]
        use(program, folder, url, token, TOP / "examples/photos/parrots.png")
        return {name: pod.end() for name, pod in pods.items()}
    except BaseException:
        for log in folder.glob("*.log"):
            print(f"--- {log.name}\n{log.read_text()[-1500:]}", file=sys.stderr)
        raise
    finally:
        for process in [proxy, *(pod.process for pod in pods.values())]:
            if process.alive():
                process.signal(signal.SIGKILL, tree=True)
                process.process.wait()


def check_strictness(program, documents, folder, backends):
    """A command line with a misspelt option must not start, or nothing is proven by those that do."""
    secrets = {("tessera", "queue-url"): backends["queue"], ("tessera", "state-url"): backends["state"]}
    for deployment in documents.of("Deployment"):
        pod = Pod(documents, deployment, program, folder, secrets, {}, folder / "shared")
        done = subprocess.run([program, *pod.words, "--max-quued=1"], env=pod.environment, capture_output=True, text=True, timeout=60)
        assert done.returncode == 2 and "max-quued" in done.stderr, f"{pod.name}: {done.returncode} {done.stderr}"
