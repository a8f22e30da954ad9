"""Uploads in parts, as the servers of tests/servers have them."""
import datetime
import hashlib
import itertools
import re
import threading
from xml.sax.saxutils import escape

MIN_PART_BYTES = 5 << 20
MAX_LISTED = 1000


class PartError(Exception):
    def __init__(self, status, code, message):
        super().__init__(message)
        self.status, self.code = status, code


class PartUploads:
    def __init__(self):
        self.lock = threading.Lock()
        self.uploads = {}  # id: {"key", "type", "begun", "parts": {number: bytes}}
        self.numbers = itertools.count(1)

    def find(self, upload, key):
        found = self.uploads.get(upload)
        if found is None or found["key"] != key:
            raise PartError(404, "NoSuchUpload", "The specified multipart upload does not exist.")
        return found

    def begin(self, key, kind):
        with self.lock:
            upload = f"upload-{next(self.numbers)}"
            self.uploads[upload] = {"key": key, "type": kind, "begun": datetime.datetime.utcnow(), "parts": {}}
        return (f"<InitiateMultipartUploadResult><Key>{escape(key)}</Key><UploadId>{upload}</UploadId>"
                "</InitiateMultipartUploadResult>")

    def put(self, upload, key, number, body):
        if not 1 <= number <= 10000:
            raise PartError(400, "InvalidArgument", "Part number must be an integer between 1 and 10000, inclusive")
        with self.lock:
            self.find(upload, key)["parts"][number] = body
        return f'"{hashlib.md5(body).hexdigest()}"'

    def list(self, upload, key, marker, limit):
        with self.lock:
            parts = sorted(self.find(upload, key)["parts"].items())
        rest = [(number, body) for number, body in parts if number > marker]
        shown = rest[:min(limit, MAX_LISTED)]
        more = len(rest) > len(shown)
        text = f"<ListPartsResult><IsTruncated>{str(more).lower()}</IsTruncated>"
        if more:
            text += f"<NextPartNumberMarker>{shown[-1][0]}</NextPartNumberMarker>"
        for number, body in shown:
            text += (f"<Part><PartNumber>{number}</PartNumber><ETag>\"{hashlib.md5(body).hexdigest()}\"</ETag>"
                     f"<Size>{len(body)}</Size></Part>")
        return text + "</ListPartsResult>"

    def complete(self, upload, key, body):
        """Content and type of the object."""
        wanted = re.findall(r'<Part><PartNumber>(\d+)</PartNumber><ETag>"?([^"<]*)"?</ETag></Part>', body.decode())
        with self.lock:
            found = self.find(upload, key)
            numbers = [int(number) for number, _ in wanted]
            if not wanted or numbers != sorted(set(numbers)):
                raise PartError(400, "InvalidPartOrder", "The list of parts was not in ascending order.")
            for index, (number, tag) in enumerate(wanted):
                part = found["parts"].get(int(number))
                if part is None or hashlib.md5(part).hexdigest() != tag:
                    raise PartError(400, "InvalidPart", f"Part {number} is not the one that was stored")
                if index + 1 < len(wanted) and len(part) < MIN_PART_BYTES:
                    raise PartError(400, "EntityTooSmall", "Your proposed upload is smaller than the minimum allowed size")
            del self.uploads[upload]
        return b"".join(found["parts"][number] for number in numbers), found["type"]

    def abort(self, upload, key):
        with self.lock:
            self.find(upload, key)
            del self.uploads[upload]

    def list_uploads(self, prefix):
        text = "<ListMultipartUploadsResult><IsTruncated>false</IsTruncated>"
        with self.lock:
            for upload, found in self.uploads.items():
                if found["key"].startswith(prefix):
                    text += (f"<Upload><Key>{escape(found['key'])}</Key><UploadId>{upload}</UploadId>"
                             f"<Initiated>{found['begun'].strftime('%Y-%m-%dT%H:%M:%S.%f')[:-3]}Z</Initiated></Upload>")
        return text + "</ListMultipartUploadsResult>"
