"""What the machine lets this program do apart from everything else on it: mounts, networks, libraries loaded before others.

The program runs itself again in mount and network namespaces of its own, as root or in a user namespace, so that small
disks, an authority's certificate among the system's and addresses of hosts are seen by its own processes alone, and are
gone when it ends.
"""
import ctypes
import os
import pathlib
import subprocess
import sys

INSIDE = "TESSERA_CHAOS_ISOLATED"
MS_REMOUNT, MS_BIND = 32, 4096
WAYS = (["unshare", "--mount", "--net", "--propagation", "private"],
        ["unshare", "--user", "--map-current-user", "--keep-caps", "--mount", "--net", "--propagation", "private"])

libc = ctypes.CDLL(None, use_errno=True)


def enter():
    """Returns why this machine does not allow it, or nothing when the program runs apart."""
    if INSIDE in os.environ:
        if not os.environ[INSIDE]:
            subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        return os.environ[INSIDE]
    reasons = []
    for way in WAYS:
        try:
            trial = subprocess.run([*way, "ip", "link", "set", "lo", "up"], capture_output=True, text=True)
        except FileNotFoundError as error:
            return str(error)
        if trial.returncode == 0:
            os.environ[INSIDE] = ""
            os.execvp(way[0], [*way, sys.executable, *sys.argv])
        reasons.append(trial.stderr.strip())
    return "; ".join(reasons)


def _mount(source, place, kind, flags, options):
    if libc.mount(source.encode(), str(place).encode(), kind.encode(), flags, options.encode()) != 0:
        error = ctypes.get_errno()
        raise OSError(error, f"mount {place}: {os.strerror(error)}")


def show_as(file, place):
    """Processes of this program find `file` at `place`."""
    _mount(str(file), place, "none", MS_BIND, "")


class Disk:
    """A file system in memory whose size can be changed while it is used."""
    SIZE_BYTES = 6 << 30

    def __init__(self, place):
        self.place = pathlib.Path(place)
        self.place.mkdir(exist_ok=True)
        _mount("tmpfs", self.place, "tmpfs", 0, f"size={self.SIZE_BYTES},mode=700")

    def fill(self, free_bytes):
        """Leaves about that number of bytes free."""
        status = os.statvfs(self.place)
        used = (status.f_blocks - status.f_bfree) * status.f_frsize
        for slack in range(0, 64 << 20, 1 << 20):  # more may be in use by now
            try:
                _mount("tmpfs", self.place, "tmpfs", MS_REMOUNT, f"size={max(used, 4096) + free_bytes + slack}")
                return
            except OSError:
                pass
        raise OSError(f"{self.place} cannot be made small")

    def empty(self):
        _mount("tmpfs", self.place, "tmpfs", MS_REMOUNT, f"size={self.SIZE_BYTES}")

    def remove(self):
        libc.umount2(str(self.place).encode(), 2)  # MNT_DETACH


def compile_library(source, folder):
    """The C file beside this one as a library to be loaded before others."""
    library = pathlib.Path(folder) / (source.removesuffix(".c") + ".so")
    subprocess.run([os.environ.get("CC", "gcc"), "-shared", "-fPIC", "-O2", "-Wall", "-Werror", "-pthread", "-o", library,
                    pathlib.Path(__file__).with_name(source), "-ldl"], check=True)
    return library


class Certificates:
    """An authority, and a certificate of 127.0.0.1 that it has signed. Valid long before and after now."""

    def __init__(self, folder, clock_library):
        self.folder = pathlib.Path(folder)
        self.authority = self.folder / "authority.pem"
        self.certificate, self.key = self.folder / "server.pem", self.folder / "server-key.pem"
        # Made by a clock that is days behind, so that they are valid for one that is stepped back.
        clock = self.folder / "past"
        clock.write_bytes((-5 * 86400 * 10**9).to_bytes(8, sys.byteorder, signed=True))
        self.environment = {**os.environ, "LD_PRELOAD": str(clock_library), "TESSERA_CHAOS_CLOCK": str(clock)}
        self._openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-subj", "/CN=chaos authority",
                      "-keyout", self.folder / "authority-key.pem", "-out", self.authority)
        request, names = self.folder / "request.pem", self.folder / "names"
        names.write_text("subjectAltName=IP:127.0.0.1,DNS:localhost\n")
        self._openssl("req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=127.0.0.1", "-keyout", self.key, "-out", request)
        self._openssl("x509", "-req", "-in", request, "-CA", self.authority, "-CAkey", self.folder / "authority-key.pem",
                      "-CAcreateserial", "-days", "30", "-extfile", names, "-out", self.certificate)

    def _openssl(self, *words):
        subprocess.run(["openssl", *words], check=True, env=self.environment, capture_output=True)

    def show_to_all(self):
        """Puts the authority among those of the system, for the processes of this program."""
        system = pathlib.Path("/etc/ssl/certs/ca-certificates.crt")
        both = self.folder / "authorities.pem"
        both.write_text(system.read_text() + self.authority.read_text())
        show_as(both, system)
