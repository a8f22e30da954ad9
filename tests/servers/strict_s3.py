#!/usr/bin/env python3
"""A small server of the S3 protocol that takes it at its word: every request must be signed as botocore, Amazon's own
library, signs it. Objects live in memory.

Buckets are addressed in one style, as in a path (http://HOST:PORT/BUCKET/KEY) or in the host's name
(http://BUCKET.s3.localhost:PORT/KEY). With a session token, the keys are good with it only, in a signed header or in a
link's signed query. With --identities there are no keys but those that aws_identities.py gives out, on the same port.

For tests: POST /-/expire-session lets the session, or all keys given so far, expire; POST /-/identities?life_s=N&fault=STATUS
says how long new keys live and that none are given; GET /-/identities tells how many were. GET /-/requests lists what
was asked for, a line each: method, path, and the number of the connection it came by."""
import argparse
import datetime
import hashlib
import itertools
import threading
import urllib.parse
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from xml.sax.saxutils import escape

from aws_identities import Identities
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from part_uploads import PartError, PartUploads

parser = argparse.ArgumentParser()
parser.add_argument("port", type=int)
parser.add_argument("access_key")
parser.add_argument("secret_key")
parser.add_argument("bucket")
parser.add_argument("--style", choices=["path", "virtual"], default="path")
parser.add_argument("--session-token", default="")
parser.add_argument("--address", default="127.0.0.1")
parser.add_argument("--identities", nargs=2, metavar=("CONTAINER_TOKEN", "WEB_TOKEN"))
settings = parser.parse_args()
identities = Identities(*settings.identities) if settings.identities else None
VIRTUAL_DOMAIN = f".s3.localhost:{settings.port}"
lock = threading.Lock()
session_expired = threading.Event()
objects = {}  # key: (bytes, content type, time)
uploads = PartUploads()
requests = []  # "METHOD PATH CONNECTION"
connections = itertools.count(1)


class Signer(SigV4Auth):
    """Signs what was sent, as it was sent: botocore would take the time from the clock and escape the path again."""

    def _normalize_url_path(self, path):
        return path

    def _get_canonical_query_string(self, parts):
        pairs = [pair.partition("=")[::2] for pair in parts.query.split("&") if pair]
        return "&".join(f"{name}={value}" for name, value in sorted(pairs) if name != "X-Amz-Signature")


class Refusal(Exception):
    """As Amazon S3 words it; `more` are further elements of the document."""

    def __init__(self, status, code, message, **more):
        super().__init__(message)
        self.status, self.code, self.more = status, code, more

    def document(self, resource):
        elements = {"Code": self.code, "Message": str(self), **self.more, "Resource": resource,
                    "RequestId": "4442587FB7D0A2F9"}
        text = "".join(f"<{name}>{escape(value)}</{name}>" for name, value in elements.items())
        return f'<?xml version="1.0" encoding="UTF-8"?>\n<Error>{text}</Error>'.encode()


def unknown_key(access_key):
    return Refusal(403, "InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist in our records.",
                   AWSAccessKeyId=access_key)


def secret_of(access_key, token):
    """Of keys that are good with that token."""
    if identities:
        with identities.lock:
            secret, expected, expired = identities.keys.get(access_key, ("", "", False))
    else:
        expected, expired = settings.session_token, session_expired.is_set()
        secret = settings.secret_key if access_key == settings.access_key else ""
    if not secret or (expected and not token):  # a temporary key is not known without its token
        raise unknown_key(access_key)
    if token != expected:
        raise Refusal(400, "InvalidToken", "The provided token is malformed or otherwise invalid.", **{"Token-0": token})
    if expired:
        raise Refusal(400, "ExpiredToken", "The provided token has expired.", **{"Token-0": token})
    return secret


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def setup(self):
        super().setup()
        self.connection_number = next(connections)

    def log_message(self, *arguments):
        pass

    def answer(self, status, body=b"", headers=None):
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        if "Content-Length" not in (headers or {}):
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def check_signature(self, body):
        parts = urllib.parse.urlsplit(self.path)
        query = urllib.parse.parse_qs(parts.query, keep_blank_values=True)
        presigned = "X-Amz-Signature" in query
        if presigned:
            credential, names = query["X-Amz-Credential"][0], query["X-Amz-SignedHeaders"][0]
            date, given, payload = query["X-Amz-Date"][0], query["X-Amz-Signature"][0], "UNSIGNED-PAYLOAD"
            token = query.get("X-Amz-Security-Token", [""])[0]
            begin = datetime.datetime.strptime(date, "%Y%m%dT%H%M%SZ")
            if datetime.datetime.utcnow() > begin + datetime.timedelta(seconds=int(query["X-Amz-Expires"][0])):
                raise Refusal(403, "AccessDenied", "Request has expired")
        else:
            fields = dict(part.strip().split("=", 1)
                          for part in self.headers.get("Authorization", "x a=").split(" ", 1)[1].split(","))
            if "Signature" not in fields:
                raise Refusal(403, "AccessDenied", "Access Denied")
            credential, names, given = fields["Credential"], fields["SignedHeaders"], fields["Signature"]
            date, payload = self.headers["x-amz-date"], self.headers["x-amz-content-sha256"]
            token = self.headers.get("x-amz-security-token", "")
            if payload != hashlib.sha256(body).hexdigest():
                raise Refusal(400, "XAmzContentSHA256Mismatch",
                              "The provided 'x-amz-content-sha256' header does not match what was computed.")
        signed = names.split(";")
        unsigned = [name.lower() for name in self.headers
                    if (name.lower() == "host" or name.lower().startswith("x-amz-")) and name.lower() not in signed]
        if unsigned:
            raise Refusal(403, "AccessDenied", "There were headers present in the request which were not signed",
                          HeadersNotSigned=", ".join(unsigned))
        access_key, _, scope = credential.partition("/")
        if scope != f"{date[:8]}/us-east-1/s3/aws4_request":
            raise unknown_key(access_key)
        signer = Signer(Credentials(access_key, secret_of(access_key, token)), "s3", "us-east-1")
        request = AWSRequest(method=self.command, url=f"http://{self.headers['Host']}{self.path}")
        request.context["timestamp"] = date
        for name in signed:
            request.headers[name] = self.headers[name]
        signer.payload = lambda _: payload
        headers = {name: " ".join(request.headers[name].split()) for name in signed}
        canonical = "\n".join([self.command, parts.path, signer._get_canonical_query_string(parts),
                               "".join(f"{name}:{headers[name]}\n" for name in sorted(headers)), names, payload])
        expected = signer.signature(signer.string_to_sign(request, canonical), request)
        if given != expected:
            raise Refusal(403, "SignatureDoesNotMatch",
                          "The request signature we calculated does not match the signature you provided. "
                          "Check your key and signing method.", StringToSign=signer.string_to_sign(request, canonical))

    def place(self, path):
        """Bucket and key."""
        if settings.style == "path":
            return path[1:].partition("/")[::2]
        host = self.headers["Host"]
        if not host.endswith(VIRTUAL_DOMAIN):
            raise Refusal(301, "PermanentRedirect",
                          "The bucket you are attempting to access must be addressed using the specified endpoint. "
                          "Please send all future requests to this endpoint.",
                          Endpoint=settings.bucket + VIRTUAL_DOMAIN, Bucket=settings.bucket)
        return host.removesuffix(VIRTUAL_DOMAIN), path[1:]

    def serve(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        parts = urllib.parse.urlsplit(self.path)
        if self.command == "POST" and parts.path == "/-/expire-session":
            session_expired.set()
            if identities:
                identities.expire()
            return self.answer(204)
        if parts.path == "/-/identities":
            identities.set(dict(urllib.parse.parse_qsl(parts.query)))
            return self.answer(200, str(identities.given).encode())
        if parts.path == "/-/requests":
            with lock:
                return self.answer(200, "".join(line + "\n" for line in requests).encode())
        if identities and (given := identities.answer(self.command, parts.path, self.headers, body)):
            status, kind, text = given
            return self.answer(status, text.encode(), {"Content-Type": kind})
        with lock:
            requests.append(f"{self.command} {urllib.parse.unquote(parts.path)} {self.connection_number}")
        try:
            bucket, key = self.place(urllib.parse.unquote(parts.path))
            self.check_signature(body)
            query = {name: values[0] for name, values in
                     urllib.parse.parse_qs(parts.query, keep_blank_values=True).items()}
            if bucket != settings.bucket:
                raise Refusal(404, "NoSuchBucket", "The specified bucket does not exist", BucketName=bucket)
            getattr(self, self.command.lower())(key, query, body)
        except PartError as error:
            refusal = Refusal(error.status, error.code, str(error))
            self.answer(refusal.status, refusal.document(parts.path), {"Content-Type": "application/xml"})
        except Refusal as refusal:
            self.answer(refusal.status, refusal.document(parts.path), {"Content-Type": "application/xml"})

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = serve

    def get(self, key, query, _):
        if not key and "uploads" in query:
            return self.answer(200, uploads.list_uploads(query.get("prefix", "")).encode(), {"Content-Type": "application/xml"})
        if not key:
            return self.list(query)
        if "uploadId" in query:
            text = uploads.list(query["uploadId"], key, int(query.get("part-number-marker", 0)), int(query.get("max-parts", 1000)))
            return self.answer(200, text.encode(), {"Content-Type": "application/xml"})
        with lock:
            if key not in objects:
                raise Refusal(404, "NoSuchKey", "The specified key does not exist.", Key=key)
            content, kind, time = objects[key]
        tag = f'"{hashlib.md5(content).hexdigest()}"'
        if self.headers.get("If-Match", tag) != tag:
            raise Refusal(412, "PreconditionFailed", "At least one of the pre-conditions you specified did not hold")
        headers = {"Content-Type": query.get("response-content-type", kind), "ETag": tag,
                   "Last-Modified": formatdate(time, usegmt=True)}
        if "response-content-disposition" in query:
            headers["Content-Disposition"] = query["response-content-disposition"]
        wanted = self.headers.get("Range")
        if wanted and self.command == "GET":
            first, _, last = wanted[len("bytes="):].partition("-")
            first, last = int(first), min(int(last or len(content) - 1), len(content) - 1)
            if first >= len(content):
                raise Refusal(416, "InvalidRange", "The requested range is not satisfiable")
            headers["Content-Range"] = f"bytes {first}-{last}/{len(content)}"
            return self.answer(206, content[first:last + 1], headers)
        headers["Content-Length"] = str(len(content))
        self.answer(200, content, headers)

    head = get

    def list(self, query):
        limit = int(query.get("max-keys", 1000))
        with lock:
            keys = sorted((key for key in objects if key.startswith(query.get("prefix", ""))
                           and key > query.get("start-after", "")), key=lambda key: key.encode())
            entries = [(key, len(objects[key][0]), objects[key][2]) for key in keys[:limit]]
        text = f"<ListBucketResult><IsTruncated>{str(len(keys) > limit).lower()}</IsTruncated>"
        for key, size, time in entries:
            stamp = datetime.datetime.utcfromtimestamp(time).strftime("%Y-%m-%dT%H:%M:%S.000Z")
            text += (f"<Contents><Key>{escape(key)}</Key><Size>{size}</Size>"
                     f"<LastModified>{stamp}</LastModified></Contents>")
        self.answer(200, (text + "</ListBucketResult>").encode(), {"Content-Type": "application/xml"})

    def store(self, key, content, kind):
        with lock:
            objects[key] = (content, kind, datetime.datetime.now().timestamp())

    def put(self, key, query, body):
        if "uploadId" in query:
            uploads.put(query["uploadId"], key, int(query["partNumber"]), body)
        else:
            self.store(key, body, self.headers.get("Content-Type", "binary/octet-stream"))
        self.answer(200, headers={"ETag": f'"{hashlib.md5(body).hexdigest()}"'})

    def post(self, key, query, body):
        if "uploads" in query:
            text = uploads.begin(key, self.headers.get("Content-Type", ""))
        else:
            self.store(key, *uploads.complete(query["uploadId"], key, body))
            text = "<CompleteMultipartUploadResult/>"
        self.answer(200, text.encode(), {"Content-Type": "application/xml"})

    def delete(self, key, query, _):
        if "uploadId" in query:
            uploads.abort(query["uploadId"], key)
        else:
            with lock:
                objects.pop(key, None)
        self.answer(204)


ThreadingHTTPServer.request_queue_size = 128
ThreadingHTTPServer((settings.address, settings.port), Handler).serve_forever()
