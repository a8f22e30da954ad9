"""The faults of a seed: what happens to whom, when, and for how long. Each is healed before the next begins."""
import os
import random
import signal

from processes import state_of
from proxy import Proxy


def schedule(scope, seed, system):
    """Endless (pause_s, name, action). An action takes sleep(seconds) and returns when its fault is healed."""
    pick = random.Random(f"{scope} {seed}")
    kinds = {"serve": serve_faults, "distributed": distributed_faults}[scope](pick, system)
    while True:
        yield pick.uniform(1, 6), *pick.choice(kinds)()


def killed(process, tree):
    def act(sleep):
        process.kill(tree)
        sleep(0.2)
        process.start()
    return act


def terminated(process):
    def act(sleep):
        if process.terminate(20) is None:  # its drain limit is 10 s
            raise AssertionError(f"{process.name} had not ended 20 s after SIGTERM")
        process.start()
    return act


def suspended(process, seconds, tree):
    def act(sleep):
        process.signal(signal.SIGSTOP, tree)
        sleep(seconds)
        process.signal(signal.SIGCONT, tree=True)
    return act


def rank_signalled(process, number, number_after, seconds, choose):
    def act(sleep):
        ranks = process.ranks()
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


def of_process(pick, process):
    """Faults of one of our processes."""
    return [
        lambda: (f"kill {process.name}", killed(process, False)),
        lambda: (f"kill {process.name} and all below it", killed(process, True)),
        lambda: (f"SIGTERM {process.name}", terminated(process)),
        lambda: (lambda seconds: (f"suspend {process.name} for {seconds:.0f} s",
                                  suspended(process, seconds, False)))(pick.uniform(1, 20)),
    ]


def of_ranks(pick, node):
    return [
        lambda: (f"kill a rank of {node.name}", rank_signalled(node, signal.SIGKILL, None, 0.1, pick.randrange(8))),
        lambda: (lambda seconds: (f"suspend a rank of {node.name} for {seconds:.0f} s",
                                  rank_signalled(node, signal.SIGSTOP, signal.SIGCONT, seconds, pick.randrange(8))))(
                                      pick.uniform(1, 25)),
    ]


def serve_faults(pick, system):
    def store_away():
        seconds = pick.uniform(1, 60)

        def act(sleep):
            system.hide_store()
            sleep(seconds)
            system.show_store()
        return f"store away for {seconds:.0f} s", act
    return of_process(pick, system.main) + of_ranks(pick, system.main) + [store_away]


def distributed_faults(pick, system):
    kinds = []
    for process in system.processes:
        kinds += of_process(pick, process)
    for node in system.nodes:
        kinds += of_ranks(pick, node)
    for server in system.servers:
        kinds += [
            lambda server=server: (f"kill {server.name}", killed(server, True)),
            lambda server=server: (lambda seconds: (f"suspend {server.name} for {seconds:.0f} s",
                                                    suspended(server, seconds, True)))(pick.uniform(1, 20)),
        ]

    def network():
        key = pick.choice(sorted(system.proxies))
        proxy = system.proxies[key]
        mode, word = pick.choice([(Proxy.REFUSE, "refused"), (Proxy.FREEZE, "frozen"), (None, "cut")])
        seconds = pick.uniform(1, 90) if mode is not None else 0

        def act(sleep):
            if mode is None:
                proxy.cut()
                return
            proxy.set_mode(mode)
            sleep(seconds)
            proxy.set_mode(Proxy.PASS)
        return f"{key[0]} to {key[1]} {word}" + (f" for {seconds:.0f} s" if seconds else ""), act
    return kinds + [network] * 8
