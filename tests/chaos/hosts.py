"""The distributed system with nodes whose ranks run on several hosts: network namespaces joined by a bridge."""
import os
import signal
import subprocess

from distributed import Distributed
from processes import Process, all_pids

SUBNET, BRIDGE, BRIDGE_ADDRESS = "10.214.0.0/24", "chaos", "10.214.0.254"


def ip(words, host=None):
    subprocess.run([*(host.way_in() if host else []), "ip", *words.split()], check=True, capture_output=True, text=True)


class Host:
    """A process that holds network and host name namespaces, with a cable to the bridge."""

    def __init__(self, number):
        self.name, self.address, self.cable = f"host{number}", f"10.214.0.{number}", f"cable{number}"
        self.holder = subprocess.Popen(["unshare", "--net", "--uts", "sh", "-c",
                                        f"hostname {self.name}; echo up; exec sleep infinity"], stdout=subprocess.PIPE)
        self.holder.stdout.readline()
        ip(f"link add {self.cable} type veth peer name eth0 netns {self.holder.pid}")
        ip(f"link set {self.cable} master {BRIDGE}")
        ip(f"link set {self.cable} up")
        ip("link set lo up", self)
        ip(f"addr add {self.address}/24 dev eth0", self)
        ip("link set eth0 up", self)

    def way_in(self):
        return ["nsenter", "--target", str(self.holder.pid), "--net", "--uts"]

    def processes(self):
        """All that run on it, but not what holds it."""
        def network(pid):
            try:
                return os.readlink(f"/proc/{pid}/ns/net")
            except OSError:
                return None
        own = network(self.holder.pid)
        return [pid for pid in all_pids() if pid != self.holder.pid and network(pid) == own]

    def kill_processes(self):
        for pid in self.processes():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass

    def set_cable(self, up):
        ip(f"link set {self.cable} {'up' if up else 'down'}")

    def slow_down(self):
        """Packets come late and some not at all; where the kernel cannot do that, there is room for few of them."""
        for discipline in ("netem delay 80ms 20ms loss 2%", "tbf rate 4mbit burst 32kb latency 100ms"):
            done = subprocess.run(["tc", "qdisc", "add", "dev", self.cable, "root", *discipline.split()], capture_output=True)
            if done.returncode == 0:
                return
        raise OSError(f"tc cannot slow down {self.cable}: {done.stderr.decode()}")

    def speed_up(self):
        subprocess.run(["tc", "qdisc", "del", "dev", self.cable, "root"], check=True, capture_output=True)

    def remove(self):
        self.holder.kill()
        self.holder.wait()
        subprocess.run(["ip", "link", "del", self.cable], capture_output=True)  # gone with the namespace, sooner or later


class Hosts(Distributed):
    """One gateway and notifier; each node has a host of its own and ranks on it and on another."""
    FRONTS = 1

    def __init__(self, program, folder, seed, machine):
        ip(f"link add {BRIDGE} type bridge")
        ip(f"addr add {BRIDGE_ADDRESS}/24 dev {BRIDGE}")
        ip(f"link set {BRIDGE} up")
        self.hosts = [Host(number) for number in range(1, 2 * self.NODES + 1)]
        self.agent = folder / "agent"  # in the place of ssh: HOST COMMAND...
        cases = " ".join(f"{host.address}) at={host.holder.pid};;" for host in self.hosts)
        self.agent.write_text(f"#!/bin/sh\nhost=$1; shift\ncase $host in {cases} *) exit 255;; esac\n"
                              'exec nsenter --target $at --net --uts sh -c "$*"\n')
        self.agent.chmod(0o700)
        super().__init__(program, folder, seed, machine)

    def with_tls(self):
        return False

    def with_cluster(self):
        return False

    def hosts_of(self, number):
        return self.hosts[2 * number - 2:2 * number]

    def node_of(self, host):
        """The node whose process runs there, or nothing."""
        place = self.hosts.index(host)
        return self.nodes[place // 2] if place % 2 == 0 else None

    def node(self, number):
        scratch, disk = self.machine.disk(self.folder / f"scratch{number}")
        self.scratches.append(scratch)
        self.mounted += [disk] if disk is not None else []
        own, other = self.hosts_of(number)
        hostfile = self.folder / f"hosts{number}"
        ranks = 2 + (self.seed + number) % 2
        hostfile.write_text(f"{own.address} slots=1\n{other.address} slots={ranks - 1}\n")
        environment = {"OMPI_MCA_plm_rsh_agent": str(self.agent), "OMPI_MCA_btl_tcp_if_include": SUBNET,
                       "OMPI_MCA_oob_tcp_if_include": SUBNET}
        return Process(f"node{number}", [*own.way_in(), self.program, "node", "--ranks", str(ranks), "--hostfile", hostfile,
                                         "--address", own.address, "--threads", "1", "--scratch", scratch,
                                         "--drain-limit", "10", "--log-format", "json"],
                       {**self.settings(f"node{number}"), **environment}, self.folder / f"node{number}.log")

    def proxy_address(self, name):
        return BRIDGE_ADDRESS if name.startswith("node") else "127.0.0.1"

    def stop(self):
        seconds = super().stop()
        for host in self.hosts:
            host.remove()
        return seconds

    def remove_disks(self):
        super().remove_disks()
        for host in self.hosts:
            if host.holder.poll() is None:
                host.remove()
        ip(f"link del {BRIDGE}")


def die(system, host):
    """The host has no power: what ran there is gone, and says nothing."""
    host.set_cable(False)
    host.kill_processes()
    node = system.node_of(host)
    if node is not None:
        node.process.wait()


def come_back(system, host):
    host.set_cable(True)
    node = system.node_of(host)
    if node is not None:
        node.start()


def host_faults(pick, system, lasting):
    def dead():
        host = pick.choice(system.hosts)
        return lasting(pick, 25, f"{host.name} dead", lambda: die(system, host), lambda: come_back(system, host))

    return [dead]


def link_faults(pick, system, lasting):
    def down():
        host = pick.choice(system.hosts)
        return lasting(pick, 30, f"cable of {host.name} pulled", lambda: host.set_cable(False), lambda: host.set_cable(True))

    def slow():
        host = pick.choice(system.hosts)
        return lasting(pick, 30, f"cable of {host.name} bad", host.slow_down, host.speed_up)
    return [down, slow]
