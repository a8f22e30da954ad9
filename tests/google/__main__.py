# SPDX-License-Identifier: Apache-2.0
"""Checks the Terraform files of deploy/google against the provider's definitions, and runs the scripts of its instances: on fake
metadata, Secret Manager and Monitoring servers, with the real program in place of the container. Nothing is applied."""
import argparse
import base64
import http.server
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
TOP = HERE.parents[1]
FILES = TOP / "deploy/google"
sys.path.insert(0, str(TOP / "tests/chaos"))
import servers  # noqa: E402
from processes import adopt_orphans, descendants, free_port, start_together  # noqa: E402

WAIT_S = 120
MISTAKES = {  # of the Terraform files: each must be found
    "an unknown argument": ("compute.tf", "machine_type = each.value.machine_type", "machine_typ = each.value.machine_type"),
    "a missing argument": ("loadbalancer.tf", "  url_map          = google_compute_url_map.front.id\n", ""),
    "an unknown variable": ("data.tf", "var.redis_gb", "var.redis_gib"),
    "an unknown resource": ("loadbalancer.tf", "google_compute_ssl_policy.front.id", "google_compute_ssl_policy.back.id"),
    "an unknown attribute": ("data.tf", "google_redis_instance.state.auth_string", "google_redis_instance.state.password"),
    "an attribute for a block": ("identity.tf", "    auto {}\n", "    auto = true\n"),
    "an unknown kind of resource": ("network.tf", '"google_compute_router_nat"', '"google_compute_router_nut"'),
}


def schema(tools, folder):
    return subprocess.run(["node", HERE / "schema.mjs", tools, folder], capture_output=True, text=True)


def check_files(program, tools, folder):
    done = schema(tools, FILES)
    assert done.returncode == 0, done.stderr
    print(done.stdout.strip())
    for what, (file, right, wrong) in MISTAKES.items():
        copy = folder / "mistake"
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(FILES, copy)
        text = (copy / file).read_text()
        assert right in text, f"{file} has no '{right}'"
        (copy / file).write_text(text.replace(right, wrong, 1))
        assert schema(tools, copy).returncode == 1, f"{what} was not found"
    print(f"{len(MISTAKES)} mistakes were found.")
    if shutil.which("terraform"):
        done = subprocess.run(["terraform", f"-chdir={FILES}", "fmt", "-check", "-diff"], capture_output=True, text=True)
        assert done.returncode == 0, done.stdout
    else:
        print("terraform is not installed: the files' layout was not checked.")
    # What instances are told is what their scripts and the program ask for.
    files = "".join(file.read_text() for file in FILES.glob("*.tf"))
    for script in (FILES / "scripts").iterdir():
        for name in re.findall(r"(?:attribute \"?|attributes/)((?:tessera|broker)-[a-z-]+[a-z])", script.read_text()):
            assert re.search(rf'\b{name}\b', files), f"{script.name}: no instance has the metadata '{name}'"
    for command, block in re.findall(r"^    (gateway|notifier|node) = \{\n((?:      TESSERA.*\n)+)", files, re.MULTILINE):
        known = subprocess.run([program, command, "--help"], check=True, capture_output=True, text=True).stdout
        for variable in [*re.findall(r"(TESSERA_\w+)", block), "TESSERA_QUEUE_FILE", "TESSERA_STATE_FILE", "TESSERA_STORE"]:
            assert f"(Env:{variable})" in known, f"'{command}' has no variable {variable}"


class Google(http.server.ThreadingHTTPServer):
    """Metadata, Secret Manager and Monitoring on one port. What is written to Monitoring is in `written`."""
    daemon_threads = True

    def __init__(self, attributes, secrets):
        self.attributes, self.secrets, self.written, self.preempted = attributes, secrets, [], threading.Event()
        super().__init__(("127.0.0.1", free_port()), Handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Handler(http.server.BaseHTTPRequestHandler):
    def answer(self, text, status=200):
        body = (json.dumps(text, indent=1) if isinstance(text, dict) else text).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        path, _, query = self.path.partition("?")
        if path.startswith("/computeMetadata/v1/"):
            if self.headers["Metadata-Flavor"] != "Google":
                return self.answer("no flavour", 403)
            return self.metadata(path.removeprefix("/computeMetadata/v1/"), query)
        secret = re.fullmatch(r"/v1/projects/the-project/secrets/([\w-]+)/versions/latest:access", path)
        if self.headers["Authorization"] != "Bearer an-access-token" or not secret or secret[1] not in self.server.secrets:
            return self.answer({"error": {"code": 403}}, 403)
        data = base64.b64encode(self.server.secrets[secret[1]].encode()).decode()
        return self.answer({"name": path, "payload": {"data": data, "dataCrc32c": "1"}})

    def metadata(self, path, query):
        known = {"project/project-id": "the-project", "instance/zone": "projects/1/zones/europe-west1-b", "instance/id": "42",
                 "instance/hostname": "one.zone.c.the-project.internal",
                 "instance/service-accounts/default/token": {"access_token": "an-access-token", "expires_in": 3599, "token_type": "Bearer"}}
        known |= {f"instance/attributes/{name}": text for name, text in self.server.attributes.items()}
        if path == "instance/preempted":
            if "wait_for_change=true" in query:
                self.server.preempted.wait(2)  # a timeout of the server's own
            return self.answer("TRUE" if self.server.preempted.is_set() else "FALSE")
        return self.answer(known[path]) if path in known else self.answer("", 404)

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path != "/v3/projects/the-project/timeSeries" or self.headers["Authorization"] != "Bearer an-access-token":
            return self.answer({}, 403)
        self.server.written.append(body)
        return self.answer({})

    def log_message(self, *_):
        pass


class Instance:
    """An instance that runs deploy/google/scripts."""

    def __init__(self, folder, program, attributes, secrets):
        self.folder = folder
        (folder / "bin").mkdir(parents=True)
        self.google = Google(attributes, secrets)
        shutil.copy(HERE / "docker.py", folder / "bin/docker")
        stubs = {"systemd-run": 'while [ "${1#--}" != "$1" ]; do shift; done; exec setsid "$@" >>"$TESSERA_STUB_FOLDER/helper.log" 2>&1 &',
                 "docker-credential-gcr": 'echo "$@" >"$TESSERA_STUB_FOLDER/credentials"', "chown": ":", "blkid": "exit 2",
                 "mountpoint": "exit 1", "mkfs.ext4": 'echo "$@" >"$TESSERA_STUB_FOLDER/mkfs"', "mount": 'echo "$@" >"$TESSERA_STUB_FOLDER/mount"'}
        for name, text in stubs.items():
            (folder / "bin" / name).write_text(f"#!/bin/sh\n{text}\n")
        for file in (folder / "bin").iterdir():
            file.chmod(0o755)
        port = self.google.server_address[1]
        self.environment = {**os.environ, "PATH": f"{folder / 'bin'}:{os.environ['PATH']}", "GCE_METADATA_HOST": f"127.0.0.1:{port}",
                            "SECRET_MANAGER_ENDPOINT": f"http://127.0.0.1:{port}", "MONITORING_ENDPOINT": f"http://127.0.0.1:{port}",
                            "TESSERA_FOLDER": str(folder / "run"), "TESSERA_STUB_FOLDER": str(folder), "TESSERA_STUB_PROGRAM": str(program),
                            "AWS_ACCESS_KEY_ID": "S3RVER", "AWS_SECRET_ACCESS_KEY": "S3RVER", "INTERVAL_S": "1"}

    def boot(self, script="start", **variables):
        done = subprocess.run(["bash", FILES / "scripts" / script], env=self.environment | variables, capture_output=True, text=True,
                              timeout=WAIT_S)
        assert done.returncode == 0, done.stderr

    def log(self, name="log"):
        file = self.folder / name
        return file.read_text(errors="replace") if file.exists() else ""

    def until(self, condition, what):
        deadline = time.monotonic() + WAIT_S
        while not condition():
            assert time.monotonic() < deadline, f"{what}\n{self.log()[-2000:]}\n{self.log('helper.log')}"
            time.sleep(0.1)


def attributes_of(role, store, port, more):
    return {"tessera-role": role, "tessera-image": "europe-west1-docker.pkg.dev/p/r/tessera:1", "tessera-queue-url-secret": "t-queue-url",
            "tessera-state-url-secret": "t-state-url", "tessera-metrics-token-secret": "t-metrics-token", "tessera-state-authority": "",
            "tessera-environment": f"TESSERA_STORE={store}\nTESSERA_LOG_FORMAT=json\n" + more.replace("PORT", str(port))}


def run_scripts(program, folder):
    brokers, redis, s3 = servers.Brokers(folder, 1, None), servers.redis(folder, None), servers.s3(folder, None)
    state, store = f"redis://127.0.0.1:{redis.port}/0", f"s3://tessera?endpoint=http://127.0.0.1:{s3.port}"
    secrets = {"t-queue-url": f"amqp://guest:guest@127.0.0.1:{brokers.ports[0]}/", "t-state-url": state}
    try:
        start_together([redis, s3])
        brokers.start()
        secrets["t-metrics-token"] = subprocess.run([program, "token", "add", "autoscaler", "--scope", "metrics"], check=True, text=True,
                                                    capture_output=True, env={**os.environ, "TESSERA_STATE": state}).stdout.strip()
        # A gateway, whose count of waiting jobs reaches Monitoring.
        port = free_port()
        attributes = attributes_of("gateway", store, port, "TESSERA_LISTEN=127.0.0.1:PORT\n")
        attributes |= {"tessera-stop-timeout": "20", "tessera-helpers": "queue-depth",
                       "tessera-queue-depth": (FILES / "scripts/queue-depth").read_text()}
        gateway = Instance(folder / "gateway", program, attributes, secrets)
        gateway.boot(TESSERA_GATEWAY=f"http://127.0.0.1:{port}")
        gateway.until(lambda: gateway.google.written, "nothing is written to Monitoring")
        [series] = gateway.google.written[0]["timeSeries"]
        assert series["metric"]["type"] == "custom.googleapis.com/tessera/queue_depth" and series["points"][0]["value"] == {"int64Value": "0"}
        assert series["resource"]["labels"] == {"project_id": "the-project", "instance_id": "42", "zone": "europe-west1-b"}
        assert gateway.log("credentials").strip() == "configure-docker --registries=europe-west1-docker.pkg.dev"
        mode = (gateway.folder / "run/secrets/queue-url").stat().st_mode & 0o777
        assert mode == 0o600, oct(mode)
        print("start, queue-depth: a gateway runs on secrets of Secret Manager, and its queue's depth is in Monitoring.")

        # A node on a spot instance that is taken away.
        port = free_port()
        attributes = attributes_of("node", store, port, "TESSERA_METRICS_LISTEN=127.0.0.1:PORT\nTESSERA_DRAIN_LIMIT=15\nTESSERA_RANKS=1\n"
                                   "TESSERA_THREADS=1\nTESSERA_SCRATCH=/data\n")
        attributes |= {"tessera-stop-timeout": "25", "tessera-helpers": "drain-on-preemption",
                       "tessera-drain-on-preemption": (FILES / "scripts/drain-on-preemption").read_text()}
        node = Instance(folder / "node", program, attributes, secrets)
        node.boot()
        node.until(lambda: "ranks are ready" in node.log(), "the node does not become ready")
        assert "draining" not in node.log()
        node.google.preempted.set()
        node.until(lambda: (node.folder / "stopped").exists(), "the node is not stopped")
        assert not (node.folder / "killed").exists() and "draining" in node.log() and '"ended"' in node.log(), node.log()
        print(f"drain-on-preemption: after the notice the node drained and ended within {float(node.log('stopped')):.1f} s of 30 s.")

        # A secret that its account may not read.
        other = Instance(folder / "other", program, {**attributes, "tessera-queue-url-secret": "somebody-elses"}, secrets)
        done = subprocess.run(["bash", FILES / "scripts/start"], env=other.environment, capture_output=True, text=True,
                              timeout=WAIT_S)
        assert done.returncode != 0 and not (other.folder / "pid").exists(), "an instance starts without its secrets"

        # A broker: its configuration and its container's options.
        attributes = {"broker-image": "rabbitmq:3.13", "broker-secret": "t-broker",
                      "broker-peers": "one.internal two.internal three.internal",
                      "broker-configuration": (TOP / "deploy/rabbitmq/rabbitmq.conf").read_text()}
        broker = Instance(folder / "broker", "/bin/true", attributes, {"t-broker": "a-password a-cookie"})
        broker.boot("start-broker", BROKER_DATA=str(folder / "broker/data"))
        configuration = broker.log("run/rabbitmq.conf")
        assert "default_pass = a-password\n" in configuration and "nodes.3 = rabbit@three.internal\n" in configuration, configuration
        assert configuration.startswith(attributes["broker-configuration"]), "the last line of one file runs into the first of the other"
        assert broker.log("data/.erlang.cookie") == "a-cookie" and broker.log("mkfs") and broker.log("mount")
        print("start-broker: a new disk is formatted and mounted, and the configuration has the peers and the password.")
    finally:
        for process in [s3, redis, *brokers.nodes, brokers.mapper]:
            if process.process is not None:
                process.kill(tree=True)


def main():
    parser = argparse.ArgumentParser(prog="tests/google", description=__doc__)
    parser.add_argument("program", type=pathlib.Path, help="the tessera program")
    parser.add_argument("tools", type=pathlib.Path, help="folder with node_modules and google (./run installs it)")
    arguments = parser.parse_args()
    program, tools = arguments.program.resolve(), arguments.tools.resolve()
    adopt_orphans()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="tessera-google-"))
    try:
        check_files(program, tools, folder)
        run_scripts(program, folder)
    finally:
        for pid in descendants(os.getpid()):  # programs and helpers of the instances
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        shutil.rmtree(folder, ignore_errors=True)


main()
