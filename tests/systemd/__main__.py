# SPDX-License-Identifier: Apache-2.0
"""Checks the units of deploy/systemd, and runs them as a systemd of its own starts them: with every restriction, on real
servers, with images that are decoded by sandboxed ranks."""
import argparse
import filecmp
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib

HERE = pathlib.Path(__file__).resolve().parent
TOP = HERE.parents[1]
sys.path.insert(0, str(TOP / "tests/chaos"))
import servers  # noqa: E402
from processes import free_port, listens, start_together  # noqa: E402
from booted_machine import UNITS, Machine, why_not  # noqa: E402

NAMES = ("gateway", "notifier", "node", "serve")
EXPOSURE_LIMIT = 15  # tenths of what 'systemd-analyze security' calls the exposure level
END_S = 10           # from the drain limit to the end of a node
PIPELINE = "gaussian-blur sigma=2 | otsu"
PHOTO = TOP / "examples/photos/parrots.png"


def check_units(program, folder):
    """Without starting them."""
    for name in NAMES:
        unit = UNITS / f"tessera-{name}.service"
        text = unit.read_text()
        copy = folder / unit.name
        copy.write_text(text.replace("/usr/bin/tessera", str(program)).replace(f"Documentation=man:tessera-{name}(1)\n", ""))
        done = subprocess.run(["systemd-analyze", "verify", copy], capture_output=True, text=True)
        assert done.returncode == 0 and not done.stderr, f"{unit.name}:\n{done.stderr}"
        done = subprocess.run(["systemd-analyze", "security", "--offline=true", f"--threshold={EXPOSURE_LIMIT}", copy],
                              capture_output=True, text=True)
        assert done.returncode == 0, f"{unit.name} exceeds {EXPOSURE_LIMIT / 10}:\n{done.stdout[-400:]}"
        print(re.search(r"Overall.*", done.stdout).group(0).split(":")[0].replace("Overall", "overall").capitalize(),
              re.search(r": ([0-9.]+)", done.stdout[done.stdout.index("Overall"):]).group(1), f"of {unit.name}")
        # The configuration that is installed, and the variables of the unit.
        known = subprocess.run([program, name, "--help"], check=True, capture_output=True, text=True).stdout
        configuration = tomllib.loads((UNITS / f"{name}.toml").read_text())
        commented = re.findall(r"^# ([a-z-]+) = ", (UNITS / f"{name}.toml").read_text(), re.MULTILINE)
        for option in [*configuration, *commented]:
            assert f"--{option} " in known, f"{name}.toml: no option '{option}'"
        for variable in re.findall(r"\b(TESSERA_\w+)=", text):
            assert f"(Env:{variable})" in known, f"{unit.name}: no variable {variable}"
        if "drain-limit" in configuration:
            limit = int(re.search(r"^TimeoutStopSec=(\d+)$", text, re.MULTILINE).group(1))
            assert configuration["drain-limit"] + END_S < limit, f"{unit.name}: TimeoutStopSec={limit}"
    loose = folder / "tessera-loose.service"
    loose.write_text("[Service]\nExecStart=/bin/true\n")
    assert subprocess.run(["systemd-analyze", "security", "--offline=true", f"--threshold={EXPOSURE_LIMIT}", loose],
                          capture_output=True).returncode != 0, "a unit without restrictions is not found"


def configure(etc, ports, backends):
    """/etc/tessera: what is installed, with other ports, and the sandbox required."""
    etc.mkdir(parents=True)
    for name in NAMES:
        text = (UNITS / f"{name}.toml").read_text()
        text = re.sub(r'^(listen|metrics-listen) = .*$', rf'\1 = "127.0.0.1:{ports[name]}"', text, flags=re.MULTILINE)
        text += {"gateway": f'notifier-url = "http://127.0.0.1:{ports["notifier"]}"\n', "notifier": "",
                 "node": 'sandbox = "require"\nthreads = 1\n', "serve": 'sandbox = "require"\nranks = 2\nthreads = 1\n'}[name]
        (etc / f"{name}.toml").write_text(text)
    for name, url in backends.items():
        (etc / name).write_text(url + "\n")
        (etc / name).chmod(0o600)
    (etc / "environment").write_text("AWS_ACCESS_KEY_ID=S3RVER\nAWS_SECRET_ACCESS_KEY=S3RVER\n")
    (etc / "environment").chmod(0o600)


def until(condition, what, machine, units, timeout_s=60):
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            logs = "".join(re.sub(r'.*"path":"/v1/nodes".*\n', '', machine.log(unit)) for unit in units)
            states = [machine.run("systemctl", "status", "--no-pager", "-l", unit).stdout for unit in units]
            raise AssertionError(f"{what}\n" + "\n".join(states) + logs + (machine.folder / "systemd.log").read_text()[-3000:])
        time.sleep(0.2)


def nodes_ready(program, url, token):
    done = subprocess.run([program, "nodes", "--json", "--server", url], capture_output=True, text=True,
                          env={**os.environ, "TESSERA_TOKEN": token})
    return done.returncode == 0 and '"ready"' in done.stdout


def check_restrictions(machine, unit):
    """That the kernel holds the process to what the unit says."""
    process = machine.main_process(unit)
    status = (process / "status").read_text()
    field = lambda name: re.search(rf"^{name}:\s+(\S+)", status, re.MULTILINE).group(1)  # noqa: E731
    assert int(field("CapBnd"), 16) == 0 and int(field("CapEff"), 16) == 0, status
    assert field("NoNewPrivs") == "1" and field("Seccomp") == "2", status
    assert field("Uid") != "0", status
    pid = re.search(r"^NSpid:.*?(\d+)$", status, re.MULTILINE).group(1)
    probe = "touch /etc/probe; touch /usr/probe; ls /root; cat /etc/tessera/queue-url; true"
    user = machine.property(unit, "User")
    done = machine.run("nsenter", "-t", pid, "-m", "setpriv", f"--reuid={user_id(process)}", "--clear-groups", "sh", "-c", probe)
    assert done.stderr.count("Read-only file system") == 2 and "amqp" not in done.stdout, f"{user}: {done.stdout} {done.stderr}"


def user_id(process):
    return process.stat().st_uid


def use(program, url, token, folder):
    """A job whose result must be that of the command."""
    subprocess.run([program, "submit", "--server", url, PIPELINE, PHOTO, "-o", folder / "results"], check=True, timeout=120,
                   capture_output=True, env={**os.environ, "TESSERA_TOKEN": token})
    [result] = (folder / "results").iterdir()
    subprocess.run([program, "apply", PIPELINE, PHOTO, "-o", folder / "expected.png", "--ranks", "1", "--quiet", "--force"], check=True)
    assert filecmp.cmp(result, folder / "expected.png", shallow=False)
    shutil.rmtree(folder / "results")


def run_units(program, folder):
    brokers, redis, s3 = servers.Brokers(folder, 1, None), servers.redis(folder, None), servers.s3(folder, None)
    ports = {name: free_port() for name in NAMES}
    state = f"redis://127.0.0.1:{redis.port}/0"
    configure(folder / "machine/etc", ports, {"queue-url": f"amqp://guest:guest@127.0.0.1:{brokers.ports[0]}/", "state-url": state,
                                              "store-url": f"s3://tessera?endpoint=http://127.0.0.1:{s3.port}"})
    machine = Machine(folder, program)
    try:
        start_together([redis, s3])
        brokers.start()
        token = subprocess.run([program, "token", "add", "admin", "--scope", "admin,submit,read"], check=True, capture_output=True,
                               text=True, env={**os.environ, "TESSERA_STATE": state}).stdout.split()[-1]
        machine.boot()
        distributed = [f"tessera-{name}.service" for name in ("gateway", "notifier", "node")]
        for unit in distributed:
            machine.start(unit)
        url = f"http://127.0.0.1:{ports['gateway']}"
        until(lambda: listens(ports["notifier"]) and nodes_ready(program, url, token), "the units do not become ready", machine,
              distributed)
        use(program, url, token, folder)
        for unit in distributed:
            check_restrictions(machine, unit)
        for unit in reversed(distributed):
            seconds, result = machine.stop(unit)
            assert result == "success", f"{unit}: {result}"
            print(f"{unit} did its work, kept its restrictions, and stopped in {seconds:.1f} s")

        machine.start("tessera-serve.service")
        inside = "/var/lib/private/tessera/token"
        until(lambda: machine.run("test", "-s", inside).returncode == 0, "serve makes no token", machine, ["tessera-serve.service"])
        token = machine.run("cat", inside).stdout.strip()
        url = f"http://127.0.0.1:{ports['serve']}"
        until(lambda: nodes_ready(program, url, token), "serve does not become ready", machine, ["tessera-serve.service"])
        use(program, url, token, folder)
        check_restrictions(machine, "tessera-serve.service")
        seconds, result = machine.stop("tessera-serve.service")
        assert result == "success", result
        print(f"tessera-serve.service did its work, kept its restrictions, and stopped in {seconds:.1f} s")

        # A configuration that is wrong ends in a failed unit, not in a loop of restarts.
        machine.run("sh", "-c", "echo 'max-queud = 1' >>/etc/tessera/gateway.toml")
        machine.start("tessera-gateway.service")
        until(lambda: machine.property("tessera-gateway.service", "ActiveState") == "failed", "a wrong configuration does not fail",
              machine, ["tessera-gateway.service"])
        time.sleep(3)  # longer than RestartSec
        assert machine.property("tessera-gateway.service", "NRestarts") == "0"
        print("A wrong configuration fails its unit.")
    finally:
        machine.end()
        for process in [s3, redis, *brokers.nodes, brokers.mapper]:
            if process.process is not None:
                process.kill(tree=True)


def main():
    parser = argparse.ArgumentParser(prog="tests/systemd", description=__doc__)
    parser.add_argument("program", type=pathlib.Path, help="the tessera program")
    program = parser.parse_args().program.resolve()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="tessera-systemd-", dir="/var/tmp"))
    try:
        check_units(program, folder)
        if reason := why_not():
            print(f"The units were checked, but not started: {reason}.")
        else:
            run_units(program, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


main()
