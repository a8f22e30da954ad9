"""Who gives keys to Amazon's customers, as far as they are asked here, each as Amazon documents it: the metadata service
of an EC2 instance (version 2), the credentials endpoint of a container, and AssumeRoleWithWebIdentity of the Security
Token Service. Each time they give new keys, which the store that runs beside knows."""
import datetime
import json
import secrets
import threading
import time
import urllib.parse
from xml.sax.saxutils import escape

ROLE = "tessera-node"
ROLE_PATH = "/latest/meta-data/iam/security-credentials/"
CONTAINER_PATH = "/v2/credentials/of-this-task"


class Identities:
    """Safe to use from many threads."""

    def __init__(self, container_token, web_token):
        self.lock = threading.Lock()
        self.container_token, self.web_token = container_token, web_token
        self.keys = {}  # access key: (secret, session token, whether it has expired)
        self.sessions = set()  # of the metadata service
        self.life_s = 3600
        self.fault = 0  # a status that all who give keys answer with
        self.given = 0

    def expire(self):
        """All keys that were given so far."""
        with self.lock:
            self.keys = {name: (secret, token, True) for name, (secret, token, _) in self.keys.items()}

    def set(self, query):
        with self.lock:
            self.life_s = int(query.get("life_s", self.life_s))
            self.fault = int(query.get("fault", self.fault))

    def give(self):
        access_key, secret, token = "ASIA" + secrets.token_hex(8).upper(), secrets.token_urlsafe(30), secrets.token_urlsafe(60)
        with self.lock:
            self.keys[access_key] = (secret, token, False)
            self.given += 1
            expires = datetime.datetime.utcfromtimestamp(time.time() + self.life_s).strftime("%Y-%m-%dT%H:%M:%SZ")
        return {"AccessKeyId": access_key, "SecretAccessKey": secret, "Token": token, "Expiration": expires}

    def answer(self, method, path, headers, body):
        """Status, content type and body; None if the question is not for them."""
        if path.startswith("/latest/"):
            kind = self.of_machine
        elif path == CONTAINER_PATH:
            kind = self.of_container
        elif method == "POST" and headers.get("Content-Type") == "application/x-www-form-urlencoded":
            kind = self.of_web_identity
        else:
            return None
        if self.fault:
            return self.fault, "text/plain", "it is broken"
        return kind(method, path, headers, body)

    def of_machine(self, method, path, headers, _):
        if path == "/latest/api/token":
            life = headers.get("X-aws-ec2-metadata-token-ttl-seconds", "")
            if method != "PUT":
                return 405, "text/plain", ""
            if not life.isdigit() or not 1 <= int(life) <= 21600 or "X-Forwarded-For" in headers:
                return 400, "text/plain", ""
            session = secrets.token_urlsafe(42)
            with self.lock:
                self.sessions.add(session)
            return 200, "text/plain", session
        if headers.get("X-aws-ec2-metadata-token") not in self.sessions or method != "GET":
            return 401, "text/html", "<h1>401 - Unauthorized</h1>"
        if path == ROLE_PATH:
            return 200, "text/plain", ROLE
        if path == ROLE_PATH + ROLE:
            return 200, "text/plain", json.dumps({"Code": "Success", "Type": "AWS-HMAC",
                                                  "LastUpdated": "2026-11-24T04:05:06Z", **self.give()})
        return 404, "text/html", "<h1>404 - Not Found</h1>"

    def of_container(self, method, _, headers, __):
        if method != "GET" or headers.get("Authorization") != self.container_token:
            return 401, "application/json", json.dumps({"code": "Unauthorized", "message": "No such container."})
        return 200, "application/json", json.dumps({"RoleArn": "arn:aws:iam::123456789012:role/" + ROLE, **self.give()})

    def of_web_identity(self, _, path, __, body):
        fields = {name: values for name, values in urllib.parse.parse_qs(body.decode(), strict_parsing=True).items()}
        expected = {"Action": ["AssumeRoleWithWebIdentity"], "Version": ["2011-06-15"],
                    "RoleArn": ["arn:aws:iam::123456789012:role/" + ROLE]}
        wrong = [name for name, values in expected.items() if fields.get(name) != values]
        if path != "/" or wrong or not fields.get("RoleSessionName"):
            return 400, "text/xml", self.sts_error("ValidationError", f"Of another kind: {', '.join(wrong)}")
        if fields.get("WebIdentityToken") != [self.web_token]:
            return 400, "text/xml", self.sts_error("InvalidIdentityToken", "No OpenIDConnect provider found for this token")
        keys = self.give()
        keys["SessionToken"] = keys.pop("Token")
        text = "".join(f"<{name}>{escape(value)}</{name}>" for name, value in keys.items())
        return 200, "text/xml", ('<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">'
                                 "<AssumeRoleWithWebIdentityResult><SubjectFromWebIdentityToken>me"
                                 f"</SubjectFromWebIdentityToken><Credentials>{text}</Credentials>"
                                 "</AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>")

    @staticmethod
    def sts_error(code, message):
        return ('<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type>'
                f"<Code>{code}</Code><Message>{message}</Message></Error></ErrorResponse>")
