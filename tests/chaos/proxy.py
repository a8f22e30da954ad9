"""A TCP proxy between a process and the nodes of a server, which can refuse, cut, freeze or slow down its connections."""
import socket
import threading
import time

SLOW_S = 0.25  # what each piece of a slow connection waits


class Proxy:
    PASS, REFUSE, FREEZE, SLOW = range(4)

    def __init__(self, port, target_ports, address="127.0.0.1"):
        """Connections go to the first of the ports that answers, as a load balancer's do."""
        self.target_ports = target_ports
        self.mode = self.PASS
        self.flow = threading.Event()
        self.flow.set()
        self.lock = threading.Lock()
        self.connections = set()
        self.listener = socket.create_server((address, port), backlog=128)
        threading.Thread(target=self._accept, daemon=True).start()

    def set_mode(self, mode):
        """PASS: all goes through. REFUSE: connections are cut, new ones closed. FREEZE: nothing moves, nothing ends.
        SLOW: each piece of at most 64 KiB waits."""
        with self.lock:
            self.mode = mode
            if mode == self.FREEZE:
                self.flow.clear()
            else:
                self.flow.set()
            if mode == self.REFUSE:
                for connection in self.connections:
                    try:
                        connection.shutdown(socket.SHUT_RDWR)
                    except OSError:
                        pass

    def cut(self):
        """Ends the connections that there are; new ones pass."""
        self.set_mode(self.REFUSE)
        self.set_mode(self.PASS)

    def _accept(self):
        while True:
            client, _ = self.listener.accept()
            if self.mode == self.REFUSE:
                client.close()
                continue
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _connect(self):
        for port in self.target_ports:
            try:
                server = socket.create_connection(("127.0.0.1", port), timeout=30)
                server.settimeout(None)
                return server
            except OSError:
                pass
        return None

    def _serve(self, client):
        self.flow.wait()
        server = self._connect()
        if server is None:
            client.close()
            return
        with self.lock:
            self.connections |= {client, server}
        threads = [threading.Thread(target=self._pump, args=pair, daemon=True)
                   for pair in ((client, server), (server, client))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        with self.lock:
            self.connections -= {client, server}
        client.close()
        server.close()

    def _pump(self, source, target):
        try:
            while data := source.recv(65536):
                self.flow.wait()
                if self.mode == self.SLOW:
                    time.sleep(SLOW_S)
                target.sendall(data)
        except OSError:
            pass
        for end in (source, target):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
