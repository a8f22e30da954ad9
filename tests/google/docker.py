#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""In place of docker on an instance: 'run' starts the real program with the options' environment and volumes, 'stop' ends it as
docker does. TESSERA_STUB_FOLDER has what is under way; TESSERA_STUB_PROGRAM is the program."""
import os
import pathlib
import re
import signal
import subprocess
import sys
import time

FOLDER = pathlib.Path(os.environ["TESSERA_STUB_FOLDER"])
WITH_VALUE = {"--name", "--restart", "--network", "--stop-timeout", "--user", "--cap-drop", "--security-opt", "--shm-size", "--ulimit",
              "--tmpfs", "--volume", "--env", "--env-file"}


def run(words):
    environment, volumes, options = {}, {}, {}
    while words and words[0].startswith("--"):
        word = words.pop(0)
        if word in ("--detach", "--read-only"):
            continue
        assert word in WITH_VALUE, f"docker has no {word}"
        value = words.pop(0)
        options.setdefault(word, []).append(value)
        if word == "--env":
            name, _, text = value.partition("=")
            environment[name] = text
        elif word == "--env-file":
            environment |= dict(line.split("=", 1) for line in pathlib.Path(value).read_text().splitlines() if line)
        elif word == "--volume":
            place, inside = value.split(":")[:2]
            volumes[inside] = place if place.startswith("/") else str(FOLDER / place)
            if not os.path.exists(volumes[inside]):
                os.mkdir(volumes[inside])
    (FOLDER / "image").write_text(words.pop(0))
    (FOLDER / "stop-timeout").write_text(options["--stop-timeout"][0])
    paths = "|".join(map(re.escape, volumes))
    environment = {name: re.sub(rf"^({paths})(?=/|$)", lambda found: volumes[found[1]], value) for name, value in environment.items()}
    keep = {name: os.environ[name] for name in ("PATH", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")}
    with open(FOLDER / "log", "ab") as log:
        process = subprocess.Popen([os.environ["TESSERA_STUB_PROGRAM"], *words], env=keep | environment, stdin=subprocess.DEVNULL,
                                   stdout=log, stderr=log, start_new_session=True)
    (FOLDER / "pid").write_text(str(process.pid))


def ended(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def stop(_words):
    pid, limit = int((FOLDER / "pid").read_text()), float((FOLDER / "stop-timeout").read_text())
    os.kill(pid, signal.SIGTERM)
    begin = time.monotonic()
    while not ended(pid):
        if time.monotonic() - begin > limit:
            os.kill(pid, signal.SIGKILL)
            (FOLDER / "killed").touch()
            break
        time.sleep(0.1)
    (FOLDER / "stopped").write_text(str(time.monotonic() - begin))


{"run": run, "stop": stop, "rm": lambda words: None}[sys.argv[1]](sys.argv[2:])
