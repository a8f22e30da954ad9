# SPDX-License-Identifier: Apache-2.0
"""Backup and restore as docs/operations.md describes them: a service with finished and queued jobs is backed up while it runs,
loses everything, and is restored. Finished results answer as before, and the queued jobs end with the right bytes."""
import argparse
import filecmp
import json
import os
import pathlib
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time

TOP = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "tests/chaos"))
import servers  # noqa: E402
from processes import Process, free_port, start_together  # noqa: E402

PIPELINE = "gaussian-blur sigma=2 | otsu"
PHOTOS = sorted((TOP / "examples/photos").glob("*.png"))
# Ends by itself only after the tests are over; a backup is made meanwhile.
LONG_PIPELINE = "resize scale=6 | non-local-means search-radius=20"
WAIT_S = 300


class Client:
    """The commands of users."""

    def __init__(self, program, port, token):
        self.program = program
        self.environment = {**os.environ, "TESSERA_SERVER": f"http://127.0.0.1:{port}", "TESSERA_TOKEN": token}

    def __call__(self, *words):
        done = subprocess.run([self.program, *words], env=self.environment, capture_output=True, text=True, timeout=WAIT_S)
        assert done.returncode == 0, f"tessera {' '.join(map(str, words))}: {done.stderr}"
        return done.stdout.strip()

    def submit(self, pipeline, photos):
        """The batch's identifier."""
        return self("submit", "--no-wait", pipeline, *photos)

    def states(self, batch):
        return [job["state"] for job in json.loads(self("status", "--json", batch))["jobs"]]

    def wait_for(self, batch, holds, what):
        deadline = time.monotonic() + WAIT_S
        while not holds(states := self.states(batch)):
            assert time.monotonic() < deadline, f"{what}: {states}"
            time.sleep(0.1)

    def check_results(self, batch, folder, expected):
        self("watch", "--quiet", batch)
        self("get", batch, "-o", folder)
        results = sorted(folder.iterdir())
        assert len(results) == len(expected), f"results of {batch}: {results}"
        for result, right in zip(results, expected):
            assert filecmp.cmp(result, right, shallow=False), f"{result} is not what 'tessera apply' makes"


def make_expected(program, folder):
    """In the order of the names of results, which begin with those of the photographs."""
    folder.mkdir()
    for photo in PHOTOS:
        subprocess.run([program, "apply", PIPELINE, photo, "-o", folder / photo.name, "--quiet"], check=True)
    return sorted(folder.iterdir())


def end(processes):
    """As a machine that is lost."""
    for process in processes:
        if process.alive():
            process.signal(signal.SIGKILL, tree=True)
            process.process.wait()


def check_serve(program, folder, expected):
    data, port = folder / "data", free_port()
    serve = Process("serve", [program, "serve", "--data", data, "--listen", f"127.0.0.1:{port}", "--ranks", "1", "--threads", "1"],
                    {}, folder / "serve.log", port)
    try:
        serve.start()
        client = Client(program, port, (data / "token").read_text().strip())
        finished = client.submit(PIPELINE, PHOTOS)
        client("watch", "--quiet", finished)
        # Its only rank has this in hand, so what comes after it waits: in the queue, or fetched by the node.
        long = client.submit(LONG_PIPELINE, PHOTOS[:1])
        client.wait_for(long, lambda states: states == ["running"], "the long job does not begin")
        queued = client.submit(PIPELINE, PHOTOS)
        assert "done" not in client.states(queued), client.states(queued)

        backup = folder / "backup"
        backup.mkdir()
        for name in ("state.db", "queue.db"):  # what 'sqlite3 FILE ".backup COPY"' does
            with sqlite3.connect(data / name) as source, sqlite3.connect(backup / name) as copy:
                source.backup(copy)
        shutil.copytree(data / "objects", backup / "objects")
        for name in ("link-secret", "token"):
            shutil.copy2(data / name, backup / name)
        end([serve])
        shutil.rmtree(data)

        shutil.copytree(backup, data)
        serve.start()
        client("cancel", long)
        client.check_results(finished, folder / "finished", expected)
        client.check_results(queued, folder / "queued", expected)
    except BaseException:
        print(serve.log.read_text()[-3000:] if serve.log.exists() else "", file=sys.stderr)
        raise
    finally:
        end([serve])
    print("serve: restored, finished results answer, queued jobs end.")


def check_distributed(program, folder, expected):
    folder.mkdir()
    brokers, redis, s3 = servers.Brokers(folder, 1, None), servers.redis(folder, None), servers.s3(folder, None)
    urls = {"AWS_ACCESS_KEY_ID": "S3RVER", "AWS_SECRET_ACCESS_KEY": "S3RVER",
            "TESSERA_QUEUE": f"amqp://guest:guest@127.0.0.1:{brokers.ports[0]}/",
            "TESSERA_STATE": f"redis://127.0.0.1:{redis.port}/0",
            "TESSERA_STORE": f"s3://tessera?endpoint=http://127.0.0.1:{s3.port}"}
    port = free_port()
    gateway = Process("gateway", [program, "gateway", "--listen", f"127.0.0.1:{port}", "--requeue-after", "2"], urls,
                      folder / "gateway.log", port)
    node = Process("node", [program, "node", "--ranks", "1", "--threads", "1"], urls, folder / "node.log")
    everything = [gateway, node, redis, s3, *brokers.nodes, brokers.mapper]
    try:
        start_together([redis, s3])
        brokers.start()
        token = subprocess.run([program, "token", "add", "backup", "--scope", "submit,read,admin"], check=True,
                               capture_output=True, text=True, env={**os.environ, **urls}).stdout.split()[-1]
        start_together([gateway, node])
        client = Client(program, port, token)
        finished = client.submit(PIPELINE, PHOTOS)
        client("watch", "--quiet", finished)
        assert node.terminate(WAIT_S) is not None, "the node does not end"
        queued = client.submit(PIPELINE, PHOTOS)
        assert set(client.states(queued)) == {"queued"}, client.states(queued)

        dump = folder / "dump.rdb"
        subprocess.run(["redis-cli", "-p", str(redis.port), "--rdb", dump], check=True, capture_output=True)
        # State and queue are lost; the bucket is the provider's to keep.
        end([gateway, node, redis, *brokers.nodes])
        shutil.rmtree(folder / "redis")
        for one in brokers.nodes:
            shutil.rmtree(one.folder / "mnesia")

        subprocess.run([TOP / "deploy/redis/restore", dump, folder / "redis"], check=True)
        redis.start()
        brokers.nodes[0].start()
        start_together([gateway, node])
        client.check_results(finished, folder / "finished", expected)
        client.check_results(queued, folder / "queued", expected)
    except BaseException:
        for log in sorted(folder.glob("*.log")):
            print(f"--- {log.name}\n{log.read_text()[-1500:]}", file=sys.stderr)
        raise
    finally:
        end([process for process in everything if process.process is not None])
    print("Redis and RabbitMQ: restored, finished results answer, queued jobs end.")


def main():
    parser = argparse.ArgumentParser(prog="tests/backup", description=__doc__)
    parser.add_argument("program", type=pathlib.Path)
    program = parser.parse_args().program.resolve()
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        expected = make_expected(program, folder / "expected")
        (folder / "serve").mkdir()
        check_serve(program, folder / "serve", expected)
        check_distributed(program, folder / "distributed", expected)


main()
