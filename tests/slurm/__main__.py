# SPDX-License-Identifier: Apache-2.0
"""Runs the batch scripts of deploy/slurm on a real Slurm of two nodes on this machine: 'apply' across both, and nodes of the
service that drain before their allocation ends while jobs are waiting."""
import argparse
import filecmp
import json
import os
import pathlib
import shutil
import subprocess
import tempfile

from cluster import HERE, Cluster, Process, free_port

import servers  # of tests/chaos

TOP = HERE.parents[1]
SCRIPTS = TOP / "deploy/slurm"
PHOTO = TOP / "examples/photos/parrots.png"
QUICK, SLOW = "gaussian-blur sigma=2 | otsu", "resize scale=2 | non-local-means search-radius=9 | otsu"
AS_ROOT = {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}
ENDED = ("COMPLETED", "FAILED", "TIMEOUT", "CANCELLED", "NODE_FAIL")


def expected(program, folder, pipeline):
    result = folder / "expected.png"
    subprocess.run([program, "apply", pipeline, PHOTO, "-o", result, "--ranks", "1", "--quiet", "--force"], check=True)
    return result


def check_apply(cluster, program, folder):
    for hosts in (1, 2):
        result = folder / f"result-{hosts}.png"
        job = cluster.submit(f"--nodes={hosts}", SCRIPTS / "apply.sbatch", QUICK, PHOTO, "-o", result, "-v", **AS_ROOT)
        state = cluster.until(job, ENDED, 90)
        log = (cluster.folder / f"tessera-apply-{job}.log").read_text()
        assert state == "COMPLETED", f"{state}: {log}"
        assert log.count("runs on") == hosts, log
        assert filecmp.cmp(result, expected(program, folder, QUICK), shallow=False)
    job = cluster.submit(SCRIPTS / "apply.sbatch", "no-such-operator", PHOTO, "-o", folder / "none.png")
    assert cluster.until(job, ENDED, 60) == "FAILED" and cluster.field(job, "ExitCode") == "3:0"
    print("apply.sbatch: the right bytes from one host and from two; a wrong pipeline fails with the command's exit code.")


class Service:
    """Servers and a gateway; nodes come by Slurm."""

    def __init__(self, program, folder):
        self.program, self.folder, self.port = program, folder, free_port()
        self.brokers, self.redis, self.s3 = servers.Brokers(folder, 1, None), servers.redis(folder, None), servers.s3(folder, None)
        self.keys = {"AWS_ACCESS_KEY_ID": "S3RVER", "AWS_SECRET_ACCESS_KEY": "S3RVER"}
        self.urls = {"queue": f"amqp://guest:guest@127.0.0.1:{self.brokers.ports[0]}/", "state": f"redis://127.0.0.1:{self.redis.port}/0",
                     "store": f"s3://tessera?endpoint=http://127.0.0.1:{self.s3.port}"}
        self.settings = folder / "settings"
        self.settings.mkdir()
        for name, url in self.urls.items():
            (self.settings / f"{name}-url").write_text(url + "\n")
        variables = {f"TESSERA_{name.upper()}": url for name, url in self.urls.items()} | self.keys
        self.gateway = Process("gateway", [program, "gateway", "--listen", f"127.0.0.1:{self.port}"], variables, folder / "gateway.log",
                               self.port)
        self.processes = [self.redis, self.s3, self.brokers.mapper, *self.brokers.nodes, self.gateway]

    def start(self):
        self.redis.start()
        self.s3.start()
        self.brokers.start()
        token = subprocess.run([self.program, "token", "add", "admin", "--scope", "admin,submit,read"], check=True, capture_output=True,
                               text=True, env={**os.environ, "TESSERA_STATE": self.urls["state"]}).stdout.split()[-1]
        self.client = {**os.environ, "TESSERA_SERVER": f"http://127.0.0.1:{self.port}", "TESSERA_TOKEN": token}
        self.gateway.start()

    def call(self, *words):
        done = subprocess.run([self.program, *words], env=self.client, capture_output=True, text=True, timeout=600)
        assert done.returncode == 0, f"{words}: {done.stderr}"
        return done.stdout

    def states(self, batch):
        return [job["state"] for job in json.loads(self.call("status", "--json", batch))["jobs"]]

    def ids(self, batch, state):
        return [job["id"] for job in json.loads(self.call("status", "--json", batch))["jobs"] if job["state"] == state]

    def stop(self):
        for process in reversed(self.processes):
            if process.process is not None and process.alive():
                process.kill(tree=True)


def check_nodes(cluster, service, program, folder):
    """An allocation that is too short for all the jobs, and one after it."""
    variables = {"TESSERA_SETTINGS": str(service.settings), "TESSERA_DRAIN_LIMIT": "5", "TESSERA_THREADS": "1", **AS_ROOT, **service.keys}
    wanted = expected(program, folder, SLOW)
    count = 200  # more than what is done in the first allocation: each takes a second or so
    batch = service.call("submit", "--no-wait", SLOW, *[str(PHOTO)] * count).split()[-1]
    # A minute is the shortest limit of Slurm's, and it sends the signal up to a minute early.
    first = cluster.submit("--time=1", "--signal=B:TERM@25", SCRIPTS / "node.sbatch", "--spreading", "farm", **variables)
    cluster.wait(lambda: "running" in service.states(batch), "no node takes a job", 60)
    state = cluster.until(first, ENDED, 120)
    log = (cluster.folder / f"tessera-node-{first}.log").read_text()
    left = service.states(batch)
    assert state == "COMPLETED" and cluster.field(first, "ExitCode") == "0:0", f"the first allocation ended as {state}: {log}"
    assert "draining" in log and '"ended"' in log, log
    assert "failed" not in left and left.count("done") < count, left
    print(f"node.sbatch: the first allocation drained before its limit and ended as {state}, with "
          f"{left.count('done')} of {count} jobs done and the others in the queue.", flush=True)
    # Some of those that are left, so that the test ends soon on a slow machine too.
    waiting = service.ids(batch, "queued")
    service.call("cancel", *waiting[6:])
    second = cluster.submit("--time=10", "--signal=B:TERM@25", SCRIPTS / "node.sbatch", "--spreading", "farm", **variables)
    cluster.wait(lambda: set(service.states(batch)) <= {"done", "cancelled", "failed"}, "jobs are left", 300)
    done = service.ids(batch, "done")
    assert set(waiting[:6]) <= set(done) and not service.ids(batch, "failed"), service.states(batch)
    (folder / "results").mkdir()
    for job in done:
        service.call("get", job, "-o", str(folder / "results" / job))
    results = [file for file in (folder / "results").rglob("*") if file.is_file()]
    assert len(results) == len(done) and all(filecmp.cmp(result, wanted, shallow=False) for result in results)
    cluster.run("scancel", "--batch", "--signal=TERM", second)
    assert cluster.until(second, ENDED, 60) == "COMPLETED"
    print(f"node.sbatch: all {len(done)} results are there and right after the second allocation, which was ended early by scancel.")


def check_two_hosts(cluster, service, program, folder):
    """A node whose ranks are on both hosts of its allocation."""
    variables = {"TESSERA_SETTINGS": str(service.settings), "TESSERA_DRAIN_LIMIT": "5", **AS_ROOT, **service.keys}
    # Both of Slurm's hosts are this machine, so its name does for either.
    job = cluster.submit("--nodes=2", SCRIPTS / "node.sbatch", "--spreading", "split", "--threads", "1", **variables)
    batch = service.call("submit", QUICK, str(PHOTO), "-o", str(folder / "wide"))
    [result] = (folder / "wide").iterdir()
    assert filecmp.cmp(result, expected(program, folder, QUICK), shallow=False), batch
    cluster.run("scancel", "--batch", "--signal=TERM", job)
    assert cluster.until(job, ENDED, 60) == "COMPLETED"
    log = (cluster.folder / f"tessera-node-{job}.log").read_text()
    assert "with 2 ranks" in log, log
    print("node.sbatch: a node with ranks on two hosts did its job.")


def main():
    parser = argparse.ArgumentParser(prog="tests/slurm", description=__doc__)
    parser.add_argument("program", type=pathlib.Path, help="the tessera program")
    program = parser.parse_args().program.resolve()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="tessera-slurm-"))
    folder.chmod(0o755)
    cluster = Cluster(folder, program)
    service = Service(program, folder)
    try:
        cluster.start()
        check_apply(cluster, program, folder)
        service.start()
        check_two_hosts(cluster, service, program, folder)
        check_nodes(cluster, service, program, folder)
    except BaseException:
        for log in [*cluster.folder.glob("tessera-*.log"), service.gateway.log]:
            if log.exists():
                print(f"--- {log.name}\n{log.read_text(errors='replace')[-1500:]}")
        raise
    finally:
        cluster.stop()
        service.stop()
        shutil.rmtree(folder, ignore_errors=True)


main()
