#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""configuration.py PROGRAM: what deploy/containers, deploy/quadlet and deploy/monitoring give to programs is what those take.
Without containers; `./run test-containers` runs them."""
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile

DEPLOY = pathlib.Path(__file__).resolve().parents[2] / "deploy"
IMAGE_VARIABLES = {"TESSERA_HEALTH_URL"}  # of the images, not of a program
program = pathlib.Path(sys.argv[1]).resolve()


def help_of(name):
    return subprocess.run([program, name, "--help"], check=True, capture_output=True, text=True).stdout


helps = {name: help_of(name) for name in ("gateway", "notifier", "node")}


def check(place, words, variables):
    """A command line and the variables beside it."""
    name, *arguments = words
    for word in arguments:
        if word.startswith("--"):
            assert f"{word} " in helps[name], f"{place}: {name} has no option {word}"
    # Those that all programs of a file share may be another's.
    known = helps[name] if place.suffix == ".container" else "".join(helps.values())
    for variable in set(variables) - IMAGE_VARIABLES:
        assert f"(Env:{variable})" in known, f"{place}: no variable {variable}"


def check_quadlet():
    files = sorted((DEPLOY / "quadlet").glob("*.container"))
    assert len(files) == len(helps), files
    for file in files:
        text = file.read_text()
        variables = re.findall(r"^Environment=.*$", text, re.MULTILINE)
        names = [word.partition("=")[0] for line in variables for word in line.removeprefix("Environment=").split()]
        names += re.findall(r"^Secret=.*,target=(\w+)$", text, re.MULTILINE)
        check(file, shlex.split(re.search(r"^Exec=(.*)$", text, re.MULTILINE)[1]), names)
    node = (DEPLOY / "quadlet/tessera-node.container").read_text()
    limits = [int(re.search(pattern, node)[1]) for pattern in (r"--drain-limit (\d+)", r"--stop-timeout=(\d+)", r"TimeoutStopSec=(\d+)")]
    # A node ends at most ten seconds after its drain limit; podman waits longer, and systemd longer still.
    assert limits[0] + 10 < limits[1] < limits[2], limits


def check_compose():
    count = 0
    for file in sorted((DEPLOY / "containers").glob("compose*.yml")):
        text = file.read_text()
        variables = re.findall(r"^ +(TESSERA_\w+):", text, re.MULTILINE)
        for command in re.findall(r"^    command: \[(.*)\]$", text, re.MULTILINE):
            words = [word.strip().strip('"') for word in command.split(",")]
            if words[0] in helps:
                check(file, words, variables)
                count += 1
    assert count >= 3, f"only {count} command lines were found"


def check_monitoring():
    monitoring = DEPLOY / "monitoring"
    for file in ("prometheus.yml", "prometheus.containers.yml"):
        done = subprocess.run(["promtool", "check", "config", "--syntax-only", monitoring / file], capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
    with tempfile.TemporaryDirectory() as folder:  # it refuses what is not there at all
        wrong = pathlib.Path(folder) / "wrong.yml"
        wrong.write_text((monitoring / "prometheus.containers.yml").read_text().replace("dns_sd_configs", "dns_configs"))
        assert subprocess.run(["promtool", "check", "config", "--syntax-only", wrong], capture_output=True).returncode != 0
    # Grafana looks for dashboards where the container has them.
    [place] = re.findall(r"path: (\S+)", (monitoring / "grafana/dashboards/tessera.yml").read_text())
    compose = (DEPLOY / "containers/compose.monitoring.yml").read_text()
    assert f"grafana-dashboard.json:{place}/" in compose, f"no dashboard is put in {place}"
    assert "/monitoring/grafana:/etc/grafana/provisioning" in compose


check_quadlet()
check_compose()
check_monitoring()
print("Options, variables and configurations of the containers are what the programs take.")
