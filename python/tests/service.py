"""A real 'tessera serve' in a folder of its own, and a proxy that cuts connections."""
import os
import random
import socket
import subprocess
import threading
import time


def free_port():
    """A free port of 127.0.0.1, outside of the range that outgoing connections take theirs from."""
    while True:
        port = random.SystemRandom().randint(12000, 31999)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue


class Service:
    def __init__(self, program, folder):
        self.program, self.folder = program, folder
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.state_home = folder / "state"
        self.log = folder / "serve.log"

    def __enter__(self):
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                [self.program, "serve", "--data", self.folder / "data", "--listen", f"127.0.0.1:{self.port}",
                 "--ranks", "1", "--threads", "1", "--drain-limit", "1"],
                env={**os.environ, "XDG_STATE_HOME": str(self.state_home)}, stdin=subprocess.DEVNULL, stdout=log,
                stderr=log)
        deadline = time.monotonic() + 120
        while not self._listens():
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.__exit__()
                raise RuntimeError(f"'tessera serve' does not listen on {self.port}:\n{self.log.read_text()}")
            time.sleep(0.05)
        return self

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def _listens(self):
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            return True
        except OSError:
            return False

    @property
    def token(self):
        return (self.folder / "data/token").read_text().strip()


class CuttingProxy:
    """Hands bytes through to a port, until cut() ends all connections there are. Later ones are handed through again."""

    def __init__(self, to_port):
        self.to_port = to_port
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        self.lock = threading.Lock()
        self.open = []
        self.requests = []  # the first bytes of each connection

    def __enter__(self):
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.listener.close()
        self.cut()

    def cut(self):
        with self.lock:
            for connection in self.open:
                try:
                    connection.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass
            self.open.clear()

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            server = socket.create_connection(("127.0.0.1", self.to_port))
            with self.lock:
                self.open += [client, server]
            threading.Thread(target=self._hand_on, args=(client, server, True), daemon=True).start()
            threading.Thread(target=self._hand_on, args=(server, client, False), daemon=True).start()

    def _hand_on(self, source, target, keep_first):
        try:
            while part := source.recv(1 << 16):
                if keep_first:
                    self.requests.append(part)
                    keep_first = False
                target.sendall(part)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            pass
