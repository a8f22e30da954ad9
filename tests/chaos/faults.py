"""The faults of a seed: what happens to whom, when, and for how long. Each is healed before the next begins."""
import os
import random
import signal

from hosts import host_faults, link_faults
from processes import command_of, descendants, state_of
from proxy import Proxy
from webhook import Endpoint

# Every fault is of one of these kinds, which the report counts.
KINDS = ("kill", "stop", "suspend", "rank", "two at a time", "server", "broker", "network", "store away", "disk full",
         "clock step", "power cut", "webhook", "host", "link")


def schedule(scope, seed, system, only=()):
    """Endless (pause_s, kind, name, action). An action takes sleep(seconds) and returns when its fault is healed. What
    this machine does not allow is in the schedule all the same, with nothing as its action. `only`: of these kinds, if
    there are any."""
    pick = random.Random(f"{scope} {seed}")
    makers = {"serve": serve_faults, "distributed": distributed_faults, "hosts": hosts_faults}[scope](pick, system)
    left, kinds = [], sorted(makers.keys() & set(only) if only else makers)
    if not kinds:
        raise ValueError(f"the scope {scope} has no faults of the kinds {', '.join(only)}")
    while True:
        if not left:  # each kind has its turn before any comes again
            left = pick.sample(kinds, len(kinds))
        kind = left.pop()
        pause_s = pick.uniform(1, 5)
        name, act = pick.choice(makers[kind])()
        yield pause_s, kind, name, None if kind in system.machine.left_out else act


def duration(pick, most_s):
    """Seconds from 1 on; short ones are more frequent."""
    return most_s ** pick.random()


def lasting(pick, most_s, name, begin, heal):
    """A fault that is there for a while."""
    seconds = duration(pick, most_s)

    def act(sleep):
        begin()
        sleep(seconds)
        heal()
    return f"{name} for {seconds:.0f} s", act


def killed(process, tree):
    def act(sleep):
        process.kill(tree)
        sleep(0.2)
        process.start()
    return act


def terminated(process):
    def act(_sleep):
        if process.terminate(20) is None:  # its drain limit is 10 s
            raise AssertionError(f"{process.name} had not ended 20 s after SIGTERM")
        process.start()
    return act


def kills(process):
    return [lambda: (f"kill {process.name}", killed(process, False)),
            lambda: (f"kill {process.name} and all below it", killed(process, True))]


def stops(process):
    return [lambda: (f"SIGTERM {process.name}", terminated(process))]


def suspensions(pick, process):
    def suspend(tree):
        return lasting(pick, 20, f"suspend {process.name}" + (" and all below it" if tree else ""),
                       lambda: process.signal(signal.SIGSTOP, tree), lambda: process.signal(signal.SIGCONT, tree=True))
    return [lambda: suspend(False), lambda: suspend(True)]


def rank_faults(pick, node):
    def signalled(choose, number, number_after, seconds):
        def act(sleep):
            ranks = node.ranks()
            if not ranks:
                return
            rank = ranks[choose % len(ranks)]
            try:
                os.kill(rank, number)
                sleep(seconds)
                if number_after and state_of(rank) != "X":
                    os.kill(rank, number_after)
            except ProcessLookupError:
                pass
        return act

    def kill_starter():
        """mpirun, where there is one."""
        def act(_sleep):
            for pid in descendants(node.pid):
                if os.path.basename(command_of(pid)[0:1][0] if command_of(pid) else b"") in (b"mpirun", b"orterun"):
                    os.kill(pid, signal.SIGKILL)
                    return
        return f"kill mpirun of {node.name}", act

    def suspend():
        seconds = duration(pick, 25)
        return (f"suspend a rank of {node.name} for {seconds:.0f} s",
                signalled(pick.randrange(8), signal.SIGSTOP, signal.SIGCONT, seconds))
    return [lambda: (f"kill a rank of {node.name}", signalled(pick.randrange(8), signal.SIGKILL, None, 0.1)),
            suspend, kill_starter]


def disk_faults(pick, disks):
    def full():
        name = pick.choice(sorted(disks))
        free_bytes = pick.choice([0, 4 << 20, 24 << 20])  # the last is more than a node asks for before it begins
        return lasting(pick, 25, f"{name} has {free_bytes >> 20} MiB left", lambda: disks[name].fill(free_bytes),
                       lambda: disks[name].empty())
    return [full]


def clock_faults(pick, clocks):
    """Steps there and back, so that both directions are met by what was written before."""
    def step():
        name = pick.choice(sorted(clocks)) if clocks else "nothing"
        hours = pick.choice([-2, -0.5, 0.5, 2, 200])
        return lasting(pick, 15, f"clock of {name} {hours:+} h", lambda: clocks[name].step_to(hours * 3600),
                       lambda: clocks[name].step_to(0))
    return [step]


def webhook_faults(pick, endpoint):
    def away():
        mode = pick.choice([Endpoint.FAIL, Endpoint.HANG, Endpoint.CLOSE])
        return lasting(pick, 12, f"webhook {mode}", lambda: endpoint.set_mode(mode), lambda: endpoint.set_mode(Endpoint.TAKE))
    return [away]


def power_faults(pick, system):
    def cut():
        everything, seed = pick.random() < 0.5, pick.random()

        def act(_sleep):
            system.main.kill(tree=True)
            system.power.cut(random.Random(seed), everything)
            system.main.start()
        return "power cut that takes " + ("all that was not on the disk" if everything else "some of it"), act
    return [cut]


def serve_faults(pick, system):
    return {"kill": kills(system.main), "stop": stops(system.main), "suspend": suspensions(pick, system.main),
            "rank": rank_faults(pick, system.main),
            "store away": [lambda: lasting(pick, 60, "store away", system.hide_store, system.show_store)],
            "disk full": disk_faults(pick, system.disks), "clock step": clock_faults(pick, system.clocks),
            "webhook": webhook_faults(pick, system.endpoint), "power cut": power_faults(pick, system)}


def two_at_a_time(pick, pairs):
    """Both members of a pair are killed; one comes back immediately, the other after a while."""
    def both():
        one, other = pick.sample(pick.choice(pairs), 2)

        def begin():
            one.kill(tree=True)
            other.kill(tree=True)
            one.start()
        return lasting(pick, 10, f"kill {one.name} and {other.name}, which is away", begin, other.start)
    return [both]


def network_faults(pick, proxies):
    modes = {"refused": (Proxy.REFUSE, 60), "frozen": (Proxy.FREEZE, 60), "slow": (Proxy.SLOW, 20)}

    def network():
        key = pick.choice(sorted(proxies))
        word = pick.choice(["refused", "frozen", "slow", "cut"])
        name = f"{key[0]} to {key[1]} {word}"
        if word == "cut":
            return name, lambda _sleep: proxies[key].cut()
        mode, most_s = modes[word]
        return lasting(pick, most_s, name, lambda: proxies[key].set_mode(mode), lambda: proxies[key].set_mode(Proxy.PASS))
    return [network]


def server_faults(pick, servers):
    makers = []
    for server in servers:
        makers += [lambda server=server: (f"kill {server.name}", killed(server, True)),
                   lambda server=server: lasting(pick, 20, f"{server.name} away", lambda: server.kill(tree=True), server.start),
                   lambda server=server: suspensions(pick, server)[1]()]
    return makers


def common_faults(pick, system):
    makers = {"kill": [], "stop": [], "suspend": [], "rank": []}
    for process in system.processes:
        makers["kill"] += kills(process)
        makers["stop"] += stops(process)
        makers["suspend"] += suspensions(pick, process)
    for node in system.nodes:
        makers["rank"] += rank_faults(pick, node)
    return makers | {"server": server_faults(pick, [system.redis, system.s3]),
                     "broker": server_faults(pick, system.brokers.nodes),
                     "network": network_faults(pick, system.proxies),
                     "two at a time": two_at_a_time(pick, system.pairs()),
                     "disk full": disk_faults(pick, system.disks), "clock step": clock_faults(pick, system.clocks),
                     "webhook": webhook_faults(pick, system.endpoint)}


def distributed_faults(pick, system):
    return common_faults(pick, system)


def hosts_faults(pick, system):
    others = common_faults(pick, system)
    return {"host": host_faults(pick, system, lasting), "link": link_faults(pick, system, lasting)} | {
        kind: others[kind] for kind in ("kill", "stop", "rank", "network")}
