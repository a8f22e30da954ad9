"""A server that is told how jobs ended, and which fails, hangs or closes when a schedule says so."""
import base64
import hashlib
import hmac
import http.server
import json
import ssl
import threading

FINAL_TYPES = {"tessera.job.done": "done", "tessera.job.failed": "failed", "tessera.job.cancelled": "cancelled"}


class Endpoint:
    TAKE, FAIL, HANG, CLOSE = "takes", "fails", "hangs", "closes"
    PATH = "/jobs"

    def __init__(self, certificates):
        self.mode = self.TAKE
        self.secret = "a secret between chaos and the service"
        self.lock = threading.Lock()
        self.taken = {}  # job -> states that were told and taken
        self.calls = 0   # also those that were not taken
        self.wrong = []
        self.healed = threading.Event()
        self.healed.set()
        endpoint = self

        class Handler(http.server.BaseHTTPRequestHandler):
            timeout = 20  # seconds, for a client that stands still

            def do_POST(self):
                endpoint.answer(self)

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 64

            def finish_request(self, request, address):  # in the thread of the connection
                try:
                    with context.wrap_socket(request, server_side=True) as connection:
                        super().finish_request(connection, address)
                except OSError:
                    pass  # the client went away, or did not know the certificate

        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificates.certificate, certificates.key)
        self.server = Server(("127.0.0.1", 0), Handler)
        self.url = f"https://127.0.0.1:{self.server.server_port}{self.PATH}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def request(self):
        """What a submission says to have its jobs told here."""
        return {"url": self.url, "secret": self.secret}

    def set_mode(self, mode):
        self.mode = mode
        if mode == self.HANG:
            self.healed.clear()
        else:
            self.healed.set()

    def answer(self, request):
        mode = self.mode
        if mode == self.CLOSE:
            request.close_connection = True
            return
        body = request.rfile.read(int(request.headers.get("Content-Length", 0)))
        job, state = self.check(request.path, request.headers, body)
        if mode == self.HANG:
            self.healed.wait(60)
            request.close_connection = True
            return
        if mode == self.FAIL:
            request.send_error(500)
            return
        with self.lock:
            self.taken.setdefault(job, set()).add(state)
        request.send_response(204)
        request.end_headers()

    def check(self, path, headers, body):
        """The job and its state; notes what is not as it was promised."""
        mark, time = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
        signed = hmac.digest(self.secret.encode(), f"{mark}.{time}.".encode() + body, hashlib.sha256)
        right = "v1," + base64.b64encode(signed).decode()
        problem, job, state = "", "", ""
        try:
            event = json.loads(body)
            job, state = event["data"]["job"]["id"], event["data"]["job"]["state"]
            if FINAL_TYPES.get(event["type"]) != state or event["id"] != mark or event["subject"] != job:
                problem = f"says {event['type']} of {event['subject']}, with the id {event['id']} ({mark})"
        except (ValueError, KeyError) as error:
            problem = f"cannot be read: {error!r}"
        if path != self.PATH or not hmac.compare_digest(headers.get("webhook-signature", "").encode(), right.encode()):
            problem = "is not signed as it should be"
        with self.lock:
            self.calls += 1
            if problem:
                self.wrong.append(f"a call about {job or 'nothing'} {problem}")
        return job, state

    def missing(self, records, wanted):
        """Of the jobs `wanted`, those whose last state was not told."""
        with self.lock:
            return [job for job in wanted if job in records and records[job]["state"] not in self.taken.get(job, ())]

    def stop(self):
        self.set_mode(self.CLOSE)
        self.server.shutdown()
        self.server.server_close()
