"""One 'tessera serve': everything in one process group, data in a folder on a disk of its own."""
import errno

from client import Api
from clocks import Clock, preload
from power import PoweredFolder
from processes import Process, free_port
from webhook import Endpoint


class Serve:
    def __init__(self, program, folder, seed, machine):
        self.program, self.folder, self.machine = program, folder, machine
        self.port = free_port()
        place, self.data_disk = machine.disk(folder / "disk")
        self.scratch, self.scratch_disk = machine.disk(folder / "scratch")
        self.disks = {"the data folder": self.data_disk, "the scratch folder": self.scratch_disk}
        self.data = place / "data"
        self.power = self.durable = None
        libraries = []
        if "power cut" not in machine.left_out:
            _, self.durable = machine.disk(folder / "durable")
            self.power = PoweredFolder(self.data_disk, self.durable.place / "kept", machine.power_library)
            libraries.append(self.power)
        self.clocks = {"serve": None}
        if "clock step" not in machine.left_out:
            self.clocks = {"serve": Clock(folder / "clock", machine.clock_library)}
            libraries.append(self.clocks["serve"])
        self.endpoint = Endpoint(machine.certificates) if machine.certificates else None
        self.main = Process("serve", [program, "serve", "--data", self.data, "--listen", f"127.0.0.1:{self.port}",
                                      "--ranks", str(1 + seed % 2), "--threads", "1", "--scratch", self.scratch,
                                      "--drain-limit", "10", "--private-webhooks", "--log-format", "json"],
                            preload(*libraries), folder / "serve.log", self.port)
        self.processes = [self.main]
        self.nodes = [self.main]

    def start(self):
        self.main.start()
        self.token = (self.data / "token").read_text().strip()

    def api(self):
        return Api([self.port], self.token)

    events_api = api

    def hide_store(self):
        (self.data / "objects").rename(self.data / "objects-away")

    def show_store(self):
        """Who was about to put something there may have made empty folders in its place."""
        place = self.data / "objects"
        while True:
            for folder in sorted(place.rglob("*"), reverse=True) + [place]:
                if folder.exists():
                    folder.rmdir()
            try:
                (self.data / "objects-away").rename(place)
                return
            except OSError as error:
                if error.errno != errno.ENOTEMPTY:
                    raise

    def results(self):
        """The store keeps an object as the file NAME%o."""
        folder = self.data / "objects/objects/results"
        return {"results/" + str(file.relative_to(folder)).removesuffix("%o") for file in folder.rglob("*%o")}

    def scratch_left(self):
        return [path for path in self.scratch.iterdir() if path.name.startswith("tessera-node-")]

    def stop(self):
        seconds = {"serve": self.main.terminate(20)} if self.main.alive() else {}
        if self.endpoint is not None:
            self.endpoint.stop()
        return seconds

    def remove_disks(self):
        for disk in (self.data_disk, self.scratch_disk, self.durable):
            if disk is not None:
                disk.remove()
