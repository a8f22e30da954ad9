#!/usr/bin/env python3
"""A small Google Cloud Storage that takes its protocol at its word: the XML API, the OAuth token server, the metadata
server of a machine and IAM's signBlob, on one port. Every request must carry a token that was given out here, an HMAC
signature, or the signature of a link; all are checked with Python's own means from what arrives, sharing nothing with
the code under test. Objects live in memory.

Argument: a JSON file with port, bucket, email, key_id, private_key (a PEM file), access_id and secret.

For tests: POST /faults takes a list of {"on", "do", "times", "skip", ...} of what is to go wrong; GET /log tells what was
asked and answered; POST /expire makes all tokens void."""
import base64
import datetime
import hashlib
import hmac
import json
import secrets
import sys
import threading
import time
import urllib.parse
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from xml.sax.saxutils import escape

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from part_uploads import PartError, PartUploads

with open(sys.argv[1]) as file:
    CONFIG = json.load(file)
with open(CONFIG["private_key"], "rb") as file:
    KEY = load_pem_private_key(file.read(), None)
PORT, BUCKET, EMAIL = CONFIG["port"], CONFIG["bucket"], CONFIG["email"]
ORIGIN = f"http://127.0.0.1:{PORT}"
CHUNK_UNIT = 256 << 10
METADATA = "/computeMetadata/v1/instance/service-accounts/default/"

lock = threading.RLock()
objects = {}  # key: {"content", "type", "time", "generation"}
parts = PartUploads()
sessions = {}  # id: {"key", "type", "content", "generation" once it is finished}
tokens = {}  # token: when it expires
faults = []
log = []
generation = int(time.time() * 1000000)


class Refusal(Exception):
    def __init__(self, status, code, message):
        super().__init__(message)
        self.status, self.code = status, code


class Cut(Exception):
    """The connection is to be closed without another byte."""


def from_base64_url(text):
    if "=" in text:
        raise Refusal(400, "invalid_grant", "A JWT has no padding")
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def verify_rsa(signature, text):
    try:
        KEY.public_key().verify(signature, text.encode(), padding.PKCS1v15(), hashes.SHA256())
        return True
    except InvalidSignature:
        return False


def give_token():
    token = "ya29." + secrets.token_urlsafe(24)
    seconds = CONFIG.get("token_seconds", 3600)
    with lock:
        tokens[token] = time.time() + seconds
    return {"access_token": token, "expires_in": seconds, "token_type": "Bearer"}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1

    def handle_expect_100(self):
        self.send_response_only(100)
        self.end_headers()
        self.wfile.flush()
        return True

    def log_message(self, *arguments):
        pass

    def answer(self, status, body=b"", headers=None, cut_at=None):
        """With cut_at only so many bytes of the body are sent."""
        with lock:
            log.append({"on": self.kind, "status": status, "range": self.headers.get("Range", ""),
                        "content_range": self.headers.get("Content-Range", ""), "key": self.key})
        self.send_response(status)
        headers = dict(headers or {})
        headers.setdefault("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body if cut_at is None else body[:cut_at])
        self.wfile.flush()
        if cut_at is not None:
            raise Cut

    def answer_json(self, status, value, headers=None):
        self.answer(status, json.dumps(value).encode(), {"Content-Type": "application/json", **(headers or {})})

    def fault(self, *actions):
        """The next fault for this kind of request that is one of the actions, taken off its list."""
        with lock:
            for fault in faults:
                if fault["on"] == self.kind and fault["do"] in actions and fault.get("times", 1) > 0:
                    if fault.get("skip", 0) > 0:
                        fault["skip"] -= 1
                        continue
                    fault["times"] = fault.get("times", 1) - 1
                    return fault
        return None

    # Who asks

    def canonical(self, query, signed, payload):
        """As the documentation has it: the path and the query as they came, the headers trimmed."""
        pairs = sorted(pair for pair in query.split("&") if pair and not pair.startswith("X-Goog-Signature="))
        headers = {}
        for name in signed.split(";"):
            value = self.headers.get(name)
            if value is None:
                raise Refusal(400, "MissingSecurityHeader", f"The header {name} is signed but was not sent")
            headers[name] = " ".join(value.split())
        if "host" not in headers:
            raise Refusal(400, "MissingSecurityHeader", "The host is not signed")
        headers["host"] = headers["host"].partition(":")[0]
        for name in self.headers.keys():
            if name.lower().startswith("x-goog-") and name.lower() not in headers:
                raise Refusal(400, "MissingSecurityHeader", f"The header {name} was sent but is not signed")
        if signed != ";".join(sorted(headers)):
            raise Refusal(400, "InvalidSignature", "The signed headers are not in order")
        path = self.path.partition("?")[0]
        text = "".join(f"{name}:{headers[name]}\n" for name in sorted(headers))
        return f"{self.command}\n{path}\n{'&'.join(pairs)}\n{text}\n{signed}\n{payload}"

    def check_signature(self, algorithm, credential, date, canonical, signature):
        signer, day, region, service, terminator = credential.rsplit("/", 4)
        if (day, service, terminator) != (date[:8], "storage", "goog4_request") or not region:
            raise Refusal(400, "InvalidSignature", "The scope of the credential is not right")
        scope = f"{day}/{region}/{service}/{terminator}"
        text = f"{algorithm}\n{date}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
        if algorithm == "GOOG4-RSA-SHA256" and signer == EMAIL:
            right = verify_rsa(bytes.fromhex(signature), text)
        elif algorithm == "GOOG4-HMAC-SHA256" and signer == CONFIG["access_id"]:
            key = ("GOOG4" + CONFIG["secret"]).encode()
            for part in (day, region, service, terminator, text):
                key = hmac.new(key, part.encode(), hashlib.sha256).digest()
            right = hmac.compare_digest(key.hex(), signature)
        else:
            raise Refusal(403, "AccessDenied", f"Nobody called {signer} is known who signs so")
        if not right:
            raise Refusal(403, "SignatureDoesNotMatch", "The signature is another than that of the request")

    def check_access(self, query, body):
        fields = {name: values[0] for name, values in urllib.parse.parse_qs(query, keep_blank_values=True).items()}
        given = self.headers.get("Authorization", "")
        if "X-Goog-Signature" in fields:
            date, seconds = fields["X-Goog-Date"], int(fields["X-Goog-Expires"])
            begin = datetime.datetime.strptime(date + "+0000", "%Y%m%dT%H%M%SZ%z").timestamp()
            if not 1 <= seconds <= 604800:
                raise Refusal(400, "InvalidArgument", "A link lives one second to seven days")
            if time.time() > begin + seconds:
                raise Refusal(400, "ExpiredToken", "The link has expired")
            if begin > time.time() + 900:
                raise Refusal(403, "AccessDenied", "The link is not valid yet")
            payload = self.headers.get("x-goog-content-sha256", "UNSIGNED-PAYLOAD")
            canonical = self.canonical(query, fields["X-Goog-SignedHeaders"], payload)
            self.check_signature(fields["X-Goog-Algorithm"], fields["X-Goog-Credential"], date, canonical,
                                 fields["X-Goog-Signature"])
        elif given.startswith("Bearer "):
            with lock:
                if tokens.get(given[len("Bearer "):], 0) < time.time():
                    raise Refusal(401, "AuthenticationRequired", "The token is not known or has expired")
        elif given.startswith("GOOG4-HMAC-SHA256 "):
            parts = dict(part.strip().split("=", 1) for part in given.split(" ", 1)[1].split(","))
            payload = self.headers["x-goog-content-sha256"]
            if payload != hashlib.sha256(body).hexdigest():
                raise Refusal(400, "ContentSHA256Mismatch", "The body is not the one that was signed")
            date = self.headers["x-goog-date"]
            begin = datetime.datetime.strptime(date + "+0000", "%Y%m%dT%H%M%SZ%z").timestamp()
            if abs(begin - time.time()) > 900:
                raise Refusal(403, "RequestTimeTooSkewed", "The clocks differ by more than 15 minutes")
            self.check_signature("GOOG4-HMAC-SHA256", parts["Credential"], date,
                                 self.canonical(query, parts["SignedHeaders"], payload), parts["Signature"])
        else:
            raise Refusal(401, "AuthenticationRequired", "The request has neither token nor signature")

    # Serving

    def classify(self, path, fields):
        if path in ("/token", "/faults", "/expire", "/log"):
            return path[1:]
        if path.startswith(METADATA):
            return "metadata"
        if path.endswith(":signBlob"):
            return "signblob"
        if "upload_id" in fields:
            if self.command == "DELETE":
                return "withdraw"
            return "status" if self.headers.get("Content-Range") == "bytes */*" else "chunk"
        if "uploads" in fields:
            return "begin_parts" if self.command == "POST" else "list_uploads"
        if "uploadId" in fields:
            return {"GET": "list_parts", "PUT": "put_part", "POST": "complete_parts", "DELETE": "abort_parts"}[self.command]
        if path.rstrip("/").count("/") <= 1:
            return "list"
        return {"GET": "get", "HEAD": "head", "DELETE": "delete", "PUT": "put", "POST": "start"}[self.command]

    def serve(self):
        path, _, query = self.path.partition("?")
        fields = {name: values[0] for name, values in urllib.parse.parse_qs(query, keep_blank_values=True).items()}
        self.key = ""
        self.kind = self.classify(path, fields)
        length = int(self.headers.get("Content-Length", 0))
        try:
            if self.kind == "chunk" and (fault := self.fault("cut-upload")):
                body = self.rfile.read(min(length, fault["bytes"]))
                self.append(fields["upload_id"], body[:len(body) // CHUNK_UNIT * CHUNK_UNIT])
                raise Cut
            body = self.rfile.read(length)
            if self.command == "POST" and path == "/faults":
                faults.extend(json.loads(body))
                return self.answer(204)
            if self.command == "POST" and path == "/expire":
                tokens.clear()
                return self.answer(204)
            if self.command == "GET" and path == "/log":
                return self.answer_json(200, log)
            if fault := self.fault("status"):
                headers = {"Retry-After": str(fault["retry_after"])} if "retry_after" in fault else {}
                return self.answer(fault["status"], fault.get("body", "").encode(), headers)
            if self.fault("cut"):
                raise Cut
            if self.kind in ("token", "metadata", "signblob"):
                return getattr(self, self.kind)(path, body)
            if self.kind in ("chunk", "status", "withdraw"):
                return self.session(fields["upload_id"], body)
            self.check_access(query, body)
            bucket, _, self.key = urllib.parse.unquote(path)[1:].partition("/")
            if bucket != BUCKET:
                raise Refusal(404, "NoSuchBucket", "The bucket does not exist")
            try:
                getattr(self, self.kind)(self.key, fields, body)
            except PartError as error:
                raise Refusal(error.status, error.code, str(error)) from error
        except Cut:
            self.wfile.flush()
            self.close_connection = True
        except Refusal as refusal:
            if self.kind in ("token", "metadata"):
                return self.answer_json(refusal.status, {"error": refusal.code, "error_description": str(refusal)})
            if self.kind == "signblob":
                return self.answer_json(refusal.status, {"error": {"code": refusal.status, "message": str(refusal)}})
            text = f"<Error><Code>{refusal.code}</Code><Message>{escape(str(refusal))}</Message></Error>"
            self.answer(refusal.status, text.encode(), {"Content-Type": "application/xml"})

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = serve

    # Tokens and signatures

    def token(self, _, body):
        form = {name: values[0] for name, values in urllib.parse.parse_qs(body.decode()).items()}
        if form.get("grant_type") != "urn:ietf:params:oauth:grant-type:jwt-bearer":
            raise Refusal(400, "unsupported_grant_type", "Only assertions are taken")
        parts = form["assertion"].split(".")
        header, claims = (json.loads(from_base64_url(part)) for part in parts[:2])
        if header != {"alg": "RS256", "typ": "JWT", "kid": CONFIG["key_id"]}:
            raise Refusal(400, "invalid_grant", "The header of the JWT is not right")
        if not verify_rsa(from_base64_url(parts[2]), f"{parts[0]}.{parts[1]}"):
            raise Refusal(400, "invalid_grant", "Invalid JWT Signature.")
        if claims["iss"] != EMAIL or claims["aud"] != ORIGIN + "/token":
            raise Refusal(400, "invalid_grant", "The JWT is of or for somebody else")
        if claims["scope"] != "https://www.googleapis.com/auth/devstorage.read_write":
            raise Refusal(400, "invalid_scope", "The scope is not that of objects")
        if not (abs(claims["iat"] - time.time()) < 300 and claims["iat"] < claims["exp"] <= claims["iat"] + 3600):
            raise Refusal(400, "invalid_grant", "The JWT is too old, of the future or lives too long")
        self.answer_json(200, give_token())

    def metadata(self, path, _):
        flavor = {"Metadata-Flavor": "Google", "Server": "Metadata Server for VM"}
        if self.headers.get("Metadata-Flavor") != "Google":
            raise Refusal(403, "forbidden", "Metadata-Flavor is missing")
        if path == METADATA + "token":
            return self.answer_json(200, give_token(), flavor)
        if path == METADATA + "email":
            return self.answer(200, EMAIL.encode(), {"Content-Type": "application/text", **flavor})
        raise Refusal(404, "not_found", "There is no such value")

    def signblob(self, path, body):
        given = self.headers.get("Authorization", "")
        with lock:
            if not given.startswith("Bearer ") or tokens.get(given[len("Bearer "):], 0) < time.time():
                raise Refusal(401, "unauthenticated", "The token is not known or has expired")
        if urllib.parse.unquote(path) != f"/v1/projects/-/serviceAccounts/{EMAIL}:signBlob":
            raise Refusal(403, "permission_denied", "Permission 'iam.serviceAccounts.signBlob' denied")
        payload = base64.b64decode(json.loads(body)["payload"], validate=True)
        signature = KEY.sign(payload, padding.PKCS1v15(), hashes.SHA256())
        self.answer_json(200, {"keyId": "of-google", "signedBlob": base64.b64encode(signature).decode()})

    # Objects

    def find(self, key):
        with lock:
            if key not in objects:
                raise Refusal(404, "NoSuchKey", "The specified key does not exist.")
            found = dict(objects[key])
        wanted = self.headers.get("x-goog-if-generation-match")
        if wanted is not None and int(wanted) != found["generation"]:
            raise Refusal(412, "PreconditionFailed", "The object is another generation")
        return found

    def store(self, key, content, kind):
        global generation
        with lock:
            generation += 1
            objects[key] = {"content": content, "type": kind, "time": time.time(), "generation": generation}
            return generation

    def get(self, key, query, _):
        found = self.find(key)
        content = found["content"]
        headers = {"Content-Type": query.get("response-content-type", found["type"]),
                   "Last-Modified": formatdate(found["time"], usegmt=True),
                   "x-goog-generation": str(found["generation"]),
                   "x-goog-stored-content-length": str(len(content)),
                   "ETag": f'"{hashlib.md5(content).hexdigest()}"'}
        if "response-content-disposition" in query:
            headers["Content-Disposition"] = query["response-content-disposition"]
        if self.command == "HEAD":
            return self.answer(200, headers={**headers, "Content-Length": str(len(content))})
        status = 200
        if wanted := self.headers.get("Range"):
            first, _, last = wanted[len("bytes="):].partition("-")
            first, last = int(first), min(int(last or len(content) - 1), len(content) - 1)
            if first >= len(content):
                raise Refusal(416, "InvalidRange", "The range is not there")
            headers["Content-Range"] = f"bytes {first}-{last}/{len(content)}"
            status, content = 206, content[first:last + 1]
        fault = self.fault("cut-download")
        if fault and fault.get("replace"):
            self.store(key, found["content"], found["type"])
        self.answer(status, content, headers, cut_at=fault["bytes"] if fault else None)

    head = get

    def list(self, _, query, __):
        if query.get("list-type") != "2":
            raise Refusal(400, "InvalidArgument", "Only the second version of listings is known")
        limit = int(query.get("max-keys", 1000))
        if fault := self.fault("empty-page"):
            limit = 0
        after = query.get("start-after", "")
        if "continuation-token" in query:
            after = base64.b64decode(query["continuation-token"]).decode()[1:]
        with lock:
            keys = sorted((key for key in objects if key.startswith(query.get("prefix", "")) and
                           key.encode() > after.encode()), key=lambda key: key.encode())
            entries = [(key, objects[key]) for key in keys[:limit]]
        more = len(keys) > limit
        text = "<?xml version='1.0' encoding='UTF-8'?><ListBucketResult xmlns='http://doc.s3.amazonaws.com/2006-03-01'>"
        text += f"<Name>{BUCKET}</Name><IsTruncated>{str(more).lower()}</IsTruncated>"
        if more:
            last = entries[-1][0] if entries else after
            text += f"<NextContinuationToken>{base64.b64encode(b'>' + last.encode()).decode()}</NextContinuationToken>"
        for key, found in entries:
            stamp = datetime.datetime.utcfromtimestamp(found["time"]).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
            text += (f"<Contents><Key>{escape(key)}</Key><Generation>{found['generation']}</Generation>"
                     f"<LastModified>{stamp}</LastModified><Size>{len(found['content'])}</Size></Contents>")
        self.answer(200, (text + "</ListBucketResult>").encode(), {"Content-Type": "application/xml"})

    def put(self, key, query, body):
        number = self.store(key, body, self.headers.get("Content-Type", "application/octet-stream"))
        self.answer(200, headers={"x-goog-generation": str(number)})

    def delete(self, key, query, _):
        self.find(key)
        with lock:
            objects.pop(key, None)
        if self.fault("cut-after"):
            raise Cut
        if self.fault("replace-and-status"):
            self.store(key, b"newer", "text/plain")
            return self.answer(503)
        self.answer(204)

    # Uploads in parts

    def answer_xml(self, text):
        self.answer(200, text.encode(), {"Content-Type": "application/xml"})

    def begin_parts(self, key, query, body):
        self.answer_xml(parts.begin(key, self.headers.get("Content-Type", "application/octet-stream")))

    def put_part(self, key, query, body):
        self.answer(200, headers={"ETag": parts.put(query["uploadId"], key, int(query["partNumber"]), body)})

    def list_parts(self, key, query, body):
        marker, limit = int(query.get("part-number-marker", 0)), int(query.get("max-parts", 1000))
        self.answer_xml(parts.list(query["uploadId"], key, marker, limit))

    def complete_parts(self, key, query, body):
        self.store(key, *parts.complete(query["uploadId"], key, body))
        self.answer_xml("<CompleteMultipartUploadResult/>")

    def abort_parts(self, key, query, body):
        parts.abort(query["uploadId"], key)
        self.answer(204)

    def list_uploads(self, _, query, body):
        self.answer_xml(parts.list_uploads(query.get("prefix", "")))

    # Resumable uploads

    def start(self, key, query, body):
        if self.headers.get("x-goog-resumable") != "start" or body:
            raise Refusal(400, "InvalidArgument", "A POST to an object begins a resumable upload, without a body")
        name = secrets.token_urlsafe(16)
        with lock:
            sessions[name] = {"key": key, "type": self.headers.get("Content-Type", ""), "content": bytearray()}
        path = self.path.partition("?")[0]
        self.answer(201, headers={"Location": f"{ORIGIN}{path}?upload_id={name}"})

    def append(self, name, body):
        with lock:
            begin = int(self.headers["Content-Range"].removeprefix("bytes ").partition("-")[0])
            content = sessions[name]["content"]
            if begin > len(content):
                raise Refusal(400, "InvalidArgument", "There is a gap before the chunk")
            content += body[len(content) - begin:]

    def session(self, name, body):
        if self.fault("lose-session"):
            with lock:
                sessions.pop(name, None)
        with lock:
            session = sessions.get(name)
        if session is None:
            raise Refusal(410, "UploadGone", "The session is not known")
        self.key = session["key"]
        if self.command == "DELETE":
            with lock:
                sessions.pop(name)
            return self.answer(499)
        if "generation" in session:
            return self.answer(200, headers={"x-goog-generation": str(session["generation"])})
        total = self.headers["Content-Range"].rpartition("/")[2]
        if self.kind == "chunk":
            span = self.headers["Content-Range"].removeprefix("bytes ").partition("/")[0]
            if span != "*":
                first, last = map(int, span.split("-"))
                if last - first + 1 != len(body):
                    raise Refusal(400, "InvalidArgument", "The range is not that of the body")
                if total == "*" and len(body) % CHUNK_UNIT:
                    raise Refusal(400, "InvalidArgument", "A chunk that is not the last must be a multiple of 256 KiB")
                if fault := self.fault("take-part"):
                    body, total = body[:fault["bytes"]], "*"
                self.append(name, body)
            if total != "*" and len(session["content"]) == int(total):
                with lock:
                    session["generation"] = self.store(session["key"], bytes(session["content"]), session["type"])
                if self.fault("cut-after"):
                    raise Cut
                return self.answer(200, headers={"x-goog-generation": str(session["generation"])})
        size = len(session["content"])
        self.answer(308, headers={"Range": f"bytes=0-{size - 1}"} if size else {})


ThreadingHTTPServer.request_queue_size = 128
ThreadingHTTPServer(("127.0.0.1", PORT), Handler).serve_forever()
