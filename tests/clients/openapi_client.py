"""A client that is made of nothing but an OpenAPI document and the standard library: a method for each operation, by its
operationId, with its parameters by their names. What the document does not tell cannot be asked for."""
import json
import urllib.error
import urllib.parse
import urllib.request

import jsonschema


class Problem(Exception):
    def __init__(self, status, body):
        super().__init__(body["detail"])
        self.status, self.type = status, body["type"]


class Operation:
    def __init__(self, client, method, path, told):
        self.client, self.method, self.path, self.told = client, method, path, told
        self.parameters = {parameter["name"]: parameter for parameter in told["parameters"]}

    def __call__(self, body=None, **given):
        """Returns the JSON of an answer, or its bytes."""
        for name in given:
            if name not in self.parameters:
                raise TypeError(f"{self.told['operationId']} has no parameter '{name}'")
        for name, parameter in self.parameters.items():
            if parameter.get("required") and name not in given:
                raise TypeError(f"{self.told['operationId']} needs '{name}'")
        path, query, headers = self.path, {}, {"Authorization": f"Bearer {self.client.token}"}
        for name, value in given.items():
            text = json.dumps(value) if isinstance(value, bool) else str(value)
            match self.parameters[name]["in"]:
                case "path":
                    path = path.replace("{" + name + "}", urllib.parse.quote(text, safe=""))
                case "query":
                    query[name] = text
                case "header":
                    headers[name] = text
        data = None
        if body is not None:
            self.client.check(body, self.told["requestBody"]["content"]["application/json"]["schema"])
            data = json.dumps(body).encode()
            headers["Content-Type"] = "application/json"
        url = self.client.server + path + ("?" + urllib.parse.urlencode(query) if query else "")
        request = urllib.request.Request(url, data, headers, method=self.method.upper())
        try:
            with urllib.request.urlopen(request) as response:
                return self.answer(response)
        except urllib.error.HTTPError as error:
            raise Problem(error.code, self.answer(error)) from None

    def answer(self, response):
        told = self.told["responses"].get(str(response.status), self.told["responses"]["default"])
        if "$ref" in told:
            told = self.client.resolve(told["$ref"])
        kind = response.headers.get_content_type()
        if "json" not in kind:
            return response.read()
        value = json.load(response)
        self.client.check(value, told["content"][kind]["schema"])
        return value


class Client:
    def __init__(self, document, server, token):
        self.document, self.server, self.token = document, server, token
        for path, methods in document["paths"].items():
            for method, told in methods.items():
                setattr(self, told["operationId"], Operation(self, method, path, told))

    def resolve(self, reference):
        found = self.document
        for part in reference.removeprefix("#/").split("/"):
            found = found[part]
        return found

    def check(self, value, schema):
        jsonschema.Draft202012Validator({**schema, "components": self.document["components"]}).validate(value)
