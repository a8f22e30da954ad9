"""What this machine allows the program to do to the service, found out once; and why it does not allow the rest."""
import subprocess

import isolation


class Machine:
    def __init__(self, folder, why_not_apart):
        """`why_not_apart`: why the program does not run apart, or nothing."""
        self.folder = folder
        self.apart = not why_not_apart
        self.left_out = {}  # kind of faults -> why
        if not self.apart:
            for kind in ("disk full", "power cut", "webhook", "host", "link"):
                self.left_out[kind] = why_not_apart
        try:
            self.clock_library = isolation.compile_library("clock.c", folder)
            self.power_library = isolation.compile_library("power.c", folder)
        except (OSError, subprocess.CalledProcessError) as error:
            self.clock_library = self.power_library = None
            for kind in ("clock step", "power cut", "webhook"):
                self.left_out[kind] = f"no library could be compiled: {error}"
        self.certificates = None
        if "webhook" not in self.left_out:
            self.certificates = isolation.Certificates(folder, self.clock_library)
            self.certificates.show_to_all()

    def disk(self, place):
        """A folder, on a disk of its own where that is possible; and the disk or nothing."""
        if self.apart:
            return place, isolation.Disk(place)
        place.mkdir()
        return place, None
