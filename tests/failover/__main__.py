# SPDX-License-Identifier: Apache-2.0
"""More than one of each: three brokers, a primary of Redis with two replicas and three sentinels, two gateways and two
notifiers behind nginx, two nodes. While clients submit and follow, one of a kind is killed at a time; the service goes on
without it, and when it is back and all is over, what clients were promised is held against what came of it."""
import argparse
import json
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

TOP = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "tests/chaos"))
import check  # noqa: E402
import servers  # noqa: E402
from cases import make_cases  # noqa: E402
from client import Api, Away, Follower, History, Submitter  # noqa: E402
from processes import Process, adopt_orphans, free_port, start_together  # noqa: E402

WAIT_S = 300  # longer than anything takes on a slow machine
CLIENTS, FOLLOWERS = 3, 2
QUEUES = ("tessera.interactive", "tessera.bulk", "tessera.dead")

NGINX = """\
daemon off; pid {folder}/nginx.pid; error_log stderr warn; worker_processes 1;
events {{}}
http {{
  access_log off;
  client_body_temp_path {folder}/1; proxy_temp_path {folder}/2; fastcgi_temp_path {folder}/3; uwsgi_temp_path {folder}/4;
  scgi_temp_path {folder}/5;
  upstream gateways {{ {gateways} }}
  upstream notifiers {{ {notifiers} }}
  proxy_http_version 1.1; proxy_set_header Host $http_host; proxy_set_header Connection "";
  proxy_request_buffering off; client_max_body_size 0;
  server {{ listen 127.0.0.1:{port}; location / {{ proxy_pass http://gateways; }}
            location /v1/events {{ proxy_pass http://notifiers; }} }}
}}
"""


def wait_for(holds, what):
    deadline = time.monotonic() + WAIT_S
    while not holds():
        assert time.monotonic() < deadline, f"after {WAIT_S} s: {what}"
        time.sleep(0.2)


class System:
    def __init__(self, program, folder):
        self.folder = folder
        self.brokers = servers.Brokers(folder, 3, None)
        self.redis = servers.SentinelGroup(folder)
        self.s3 = servers.s3(folder, None)
        self.environment = {"AWS_ACCESS_KEY_ID": "S3RVER", "AWS_SECRET_ACCESS_KEY": "S3RVER",
                            "TESSERA_QUEUE": self.brokers.url(), "TESSERA_STATE": self.redis.url(),
                            "TESSERA_STORE": f"s3://tessera?endpoint=http://127.0.0.1:{self.s3.port}"}
        self.program = program
        self.gateways = [self.front("gateway", number) for number in (1, 2)]
        self.notifiers = [self.front("notifier", number) for number in (1, 2)]
        self.nodes = [Process(f"node{number}", [program, "node", "--ranks", "1", "--threads", "1", "--drain-limit", "10"],
                              self.environment, folder / f"node{number}.log") for number in (1, 2)]
        self.nginx = self.front_door()

    def front(self, kind, number):
        port = free_port()
        return Process(f"{kind}{number}", [self.program, kind, "--listen", f"127.0.0.1:{port}"], self.environment,
                       self.folder / f"{kind}{number}.log", port)

    def front_door(self):
        own, port = self.folder / "nginx", free_port()
        own.mkdir()
        own.chmod(0o777)  # of its worker, which has another user if this is root
        upstreams = {kind: " ".join(f"server 127.0.0.1:{front.port} max_fails=1 fail_timeout=1s;" for front in fronts)
                     for kind, fronts in (("gateways", self.gateways), ("notifiers", self.notifiers))}
        (own / "nginx.conf").write_text(NGINX.format(folder=own, port=port, **upstreams))
        return Process("nginx", ["/usr/sbin/nginx", "-p", own, "-c", own / "nginx.conf"], {}, self.folder / "nginx.log", port)

    def start(self):
        start_together([*self.redis.servers, *self.redis.sentinels, self.s3])
        self.brokers.start()
        wait_for(self.brokers_are_complete, "three brokers in a cluster")
        wait_for(self.redis.complete, "a primary, two replicas and three sentinels that know each other")
        added = subprocess.run([self.program, "token", "add", "failover", "--scope", "submit,read,admin"], check=True,
                               capture_output=True, text=True, env={**self.gateways[0].environment})
        self.token = added.stdout.split()[-1]
        start_together([*self.gateways, *self.notifiers, *self.nodes])
        self.nginx.start()
        wait_for(lambda: self.ready(self.gateways), "gateways that are ready")
        wait_for(self.queues_are_complete, "queues with three replicas")

    def asked_broker(self):
        return next(node for node in self.brokers.nodes if node.alive())

    def brokers_are_complete(self):
        said = self.brokers.control(self.asked_broker(), "cluster_status", "--formatter", "json")
        return len(json.loads(said)["running_nodes"]) == len(self.brokers.nodes)

    def queues_are_complete(self):
        """Whether each queue has a replica on every broker, and they all run."""
        said = self.brokers.control(self.asked_broker(), "list_queues", "--quiet", "name", "members", "online")
        lines = [line for line in said.splitlines() if line.startswith(QUEUES)]
        return len(lines) == len(QUEUES) and all(line.count("@localhost") == 6 for line in lines)

    def ready(self, fronts):
        def is_ready(front):
            try:
                return Api([front.port], self.token).request("GET", "/readyz")[0] == 200
            except Away:
                return False
        return all(is_ready(front) for front in fronts)

    def api(self):
        return Api([self.nginx.port], self.token)

    def events_of_all(self):
        return Api([self.notifiers[0].port], self.token)

    def results(self):
        folder, suffix = self.folder / "s3/tessera/results", "._S3rver_object"
        return {"results/" + str(file.relative_to(folder))[:-len(suffix)] for file in folder.rglob("*" + suffix)}

    def everything(self):
        ours = [self.nginx, *self.gateways, *self.notifiers, *self.nodes]
        return [*ours, *self.redis.sentinels, *self.redis.servers, self.s3, *self.brokers.nodes, self.brokers.mapper]


def expect_progress(system, history, count=6):
    """Jobs that are accepted from now on end."""
    before = set(history.jobs)
    api, ended = system.api(), set()

    def holds():
        for job in [job for job in list(history.jobs) if job not in before and job not in ended]:
            try:
                if api.json("GET", f"/v1/jobs/{job}")[1]["state"] in check.FINAL:
                    ended.add(job)
            except Away:
                pass
        return len(ended) >= count
    wait_for(holds, f"only {len(ended)} new jobs have ended")


def fail_redis(system, history):
    """The primary is killed; a replica takes its place. Then the new one hangs, and the service leaves it."""
    old = system.redis.primary()
    old.kill()
    wait_for(lambda: system.redis.primary() not in (None, old), "the sentinels choose another primary")
    expect_progress(system, history)
    old.start()
    wait_for(system.redis.complete, "the old primary is a replica")
    hung = system.redis.primary()
    hung.signal(signal.SIGSTOP)
    try:
        wait_for(lambda: system.redis.primary() not in (None, hung), "the sentinels choose another primary")
        expect_progress(system, history)
    finally:
        hung.signal(signal.SIGCONT)
    wait_for(system.redis.complete, "the primary that hung is a replica")


def fail_brokers(system, history):
    """Each is killed in turn, so whichever clients are connected to is among them."""
    for node in system.brokers.nodes:
        node.kill(tree=True)
        expect_progress(system, history)
        node.start()
        wait_for(system.brokers_are_complete, f"{node.name} is in the cluster again")
        wait_for(system.queues_are_complete, f"{node.name} has its replicas again")


def fail_fronts(system, history):
    """A gateway and a notifier at a time; those behind the same address go on."""
    for pair in zip(system.gateways, system.notifiers):
        for process in pair:
            process.kill()
        expect_progress(system, history)
        start_together(pair)
        wait_for(lambda: system.ready(system.gateways), "gateways that are ready")


FAULTS = {"redis": fail_redis, "brokers": fail_brokers, "fronts": fail_fronts}


def run(system, cases, chosen):
    history, stop, followers_stop = History(), threading.Event(), threading.Event()
    submitters = [Submitter(system.api(), cases, history, f"failover {number}", stop) for number in range(CLIENTS)]
    followers = [Follower(system.api(), f"failover {number}", followers_stop) for number in range(FOLLOWERS)]
    for thread in (*submitters, *followers):
        thread.start()
    try:
        expect_progress(system, history)
        for name in chosen:
            begin = time.monotonic()
            FAULTS[name](system, history)
            print(f"{name}: the service went on; {time.monotonic() - begin:.0f} s", flush=True)
    finally:
        stop.set()
    for thread in submitters:
        thread.join(WAIT_S + 10)
    records, lost, stuck = check.wait_for_end(system.api(), history, WAIT_S)
    failed, wrong = check.check_records(system.api(), history, records)
    log = check.full_log(system.events_of_all())
    newest = log[-1][0]
    wait_for(lambda: all(follower.last is not None and number_of(follower.last) >= number_of(newest) for follower in followers),
             "followers have seen the newest event")
    followers_stop.set()
    for thread in followers:
        thread.join(30)
    missed, twice, disordered = check.check_events(log, followers)
    resets = sum(follower.resets for follower in followers)
    orphans = check.find_orphans(system.results(), records)
    found = {"refused": history.refused, "lost": lost, "stuck": stuck, "failed": failed, "wrong": wrong, "orphans": orphans,
             "done twice": history.twice, "events missed": missed, "events twice": twice, "events disordered": disordered,
             "resets": resets, "notes": history.notes}
    bad = {name: what for name, what in found.items() if what}
    assert not bad, bad
    assert all(follower.seen for follower in followers)
    print(f"{len(history.jobs)} jobs accepted, all ended as they should; {len(log)} events, each seen once.")


def check_cluster_is_refused(program, folder):
    """By each program when it starts, with a sentence: it would only fail later."""
    redis = servers.redis(folder, None, "redis-cluster")
    redis.command += ["--cluster-enabled", "yes", "--cluster-port", str(free_port())]
    redis.start()
    try:
        for kind in ("gateway", "notifier", "node"):
            words = [program, kind, "--queue", f"sqlite://{folder}/queue.db", "--store", f"file://{folder}/objects", "--state",
                     f"redis://127.0.0.1:{redis.port}/0"]
            listen = [] if kind == "node" else ["--listen", f"127.0.0.1:{free_port()}"]
            done = subprocess.run([*words, *listen], capture_output=True, text=True, timeout=WAIT_S)
            assert done.returncode == 2 and "is a node of a Redis Cluster" in done.stderr, (kind, done)
    finally:
        redis.kill()
    print("a Redis Cluster: refused by gateway, notifier and node.", flush=True)


def number_of(event):
    return tuple(int(part) for part in event.split("-"))


def main():
    parser = argparse.ArgumentParser(prog="tests/failover", description=__doc__)
    parser.add_argument("program", type=pathlib.Path)
    parser.add_argument("--only", choices=FAULTS, action="append", help="default: all")
    parser.add_argument("--keep", action="store_true", help="keep the folder")
    chosen = parser.parse_args()
    adopt_orphans()
    program = chosen.program.resolve()
    with tempfile.TemporaryDirectory(prefix="tessera-failover-") as name:
        folder = pathlib.Path(name)
        folder.chmod(0o755)
        check_cluster_is_refused(program, folder)
        cases = make_cases(program, folder)
        system = System(program, folder)
        try:
            system.start()
            run(system, cases, chosen.only or FAULTS)
        except BaseException:
            for log in sorted(folder.glob("*.log")):
                print(f"--- {log.name}\n{log.read_text(errors='replace')[-1500:]}", file=sys.stderr)
            if chosen.keep:
                print("kept:", shutil.copytree(folder, tempfile.mkdtemp(prefix="tessera-failover-kept-"), dirs_exist_ok=True,
                                               ignore=shutil.ignore_patterns("mnesia", "s3")), file=sys.stderr)
            raise
        finally:
            for process in system.everything():
                if process.alive():
                    process.signal(signal.SIGCONT, tree=True)
                    process.kill(tree=True)


main()
