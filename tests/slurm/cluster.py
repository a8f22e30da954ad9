# SPDX-License-Identifier: Apache-2.0
"""A Slurm cluster of two nodes on this machine: munged, slurmctld and two slurmd with ports, keys and state of their own."""
import os
import pathlib
import re
import signal
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "chaos"))
from processes import Process, free_port  # noqa: E402

START_S = 60


class Cluster:
    NODES = ("near", "far")

    def __init__(self, folder, program):
        self.folder = folder / "slurm"
        for name in ("state", "munge", *(f"spool-{node}" for node in self.NODES)):
            (self.folder / name).mkdir(parents=True)
        self.munge = self.folder / "munge/socket"
        key = self.folder / "munge/key"
        key.write_bytes(os.urandom(128))
        key.chmod(0o400)
        self.folder.chmod(0o755)
        host = os.uname().nodename
        ports = {name: free_port() for name in ("controller", *self.NODES)}
        nodes = "".join(f"NodeName={name} NodeHostname={host} NodeAddr=127.0.0.1 Port={ports[name]} CPUs={os.cpu_count()} "
                        "RealMemory=1000 State=UNKNOWN\n" for name in self.NODES)
        self.configuration = self.folder / "slurm.conf"
        self.configuration.write_text(f"""
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ports['controller']}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
CryptoType=crypto/munge
AuthInfo=socket={self.munge}
StateSaveLocation={self.folder}/state
SlurmdSpoolDir={self.folder}/spool-%n
SlurmctldPidFile={self.folder}/controller.pid
SlurmdPidFile={self.folder}/%n.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
MpiDefault=none
ReturnToService=2
KillWait=10
InactiveLimit=0
MinJobAge=600
SchedulerParameters=sched_interval=1,batch_sched_delay=0
JobCompType=jobcomp/none
AccountingStorageType=accounting_storage/none
{nodes}PartitionName=all Nodes={','.join(self.NODES)} Default=YES MaxTime=INFINITE State=UP OverSubscribe=FORCE:4
""")
        # Batch scripts find the program in the PATH.
        self.environment = {"SLURM_CONF": str(self.configuration), "PATH": f"{pathlib.Path(program).parent}:{os.environ['PATH']}"}
        munged = ["/usr/sbin/munged", "--foreground", "--force", f"--socket={self.munge}", f"--key-file={key}",
                  f"--pid-file={self.folder}/munge/pid", f"--log-file={self.folder}/munge/log", f"--seed-file={self.folder}/munge/seed"]
        self.processes = [Process("munged", munged, {}, self.folder / "munged.log")]
        self.processes.append(Process("slurmctld", ["/usr/sbin/slurmctld", "-D", "-f", self.configuration], self.environment,
                                      self.folder / "slurmctld.log", ports["controller"]))
        self.processes += [Process(name, ["/usr/sbin/slurmd", "-D", "-N", name, "-f", self.configuration], self.environment,
                                   self.folder / f"slurmd-{name}.log", ports[name]) for name in self.NODES]

    def start(self):
        self.processes[0].start()
        self.wait(self.munge.exists, "munged makes no socket")
        for process in self.processes[1:]:
            process.start()
        self.wait(lambda: self.run("sinfo", "-h", "-o", "%T %D") == f"idle {len(self.NODES)}\n", "the nodes do not become idle")

    def wait(self, condition, what, timeout_s=START_S):
        deadline = time.monotonic() + timeout_s
        while not condition():
            if time.monotonic() > deadline:
                logs = "".join(f"--- {log.name}\n{log.read_text(errors='replace')[-1500:]}" for log in self.folder.glob("*.log"))
                raise AssertionError(f"{what}\n{logs}")
            time.sleep(0.2)

    def run(self, *command, **variables):
        for _ in range(3):
            done = subprocess.run(command, capture_output=True, text=True, cwd=self.folder,
                                  env={**os.environ, **self.environment, **variables})
            # Slurm's commands end by SIGPIPE now and then, when munged closes a connection under load.
            if done.returncode != -signal.SIGPIPE:
                break
            time.sleep(0.5)
        if done.returncode != 0 and command[0] != "sinfo":
            raise AssertionError(f"{command} ended with {done.returncode}: {done.stderr}")
        return done.stdout

    def submit(self, *words, **variables):
        """The number of the job."""
        return re.search(r"(\d+)", self.run("sbatch", "--parsable", *map(str, words), **variables)).group(1)

    def field(self, job, name):
        return re.search(rf"\b{name}=(\S+)", self.run("scontrol", "show", "job", job)).group(1)

    def until(self, job, states, timeout_s):
        self.wait(lambda: self.field(job, "JobState") in states, f"job {job} does not become {states}, but is "
                  f"{self.field(job, 'JobState')}", timeout_s)
        return self.field(job, "JobState")

    def stop(self):
        for process in reversed(self.processes):
            if process.process is not None and process.alive():
                process.kill(tree=True)


__all__ = ["Cluster", "Process", "free_port"]
