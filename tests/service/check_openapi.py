#!/usr/bin/env python3
"""check_openapi.py FILE: whether an OpenAPI document is one, and tells the truth about what a server answered.

FILE holds {"document": the document, "exchanges": [{"method", "path" (with its query), "sent" (JSON or null), "status",
"content_type", "body" (text)}]}. Prints a line for each thing that is wrong; the last line counts what was checked.
"""
import json
import re
import sys

from jsonschema import Draft202012Validator, FormatChecker

wrong = []


def complain(text):
    wrong.append(text)


def resolve(document, node):
    while isinstance(node, dict) and "$ref" in node:
        target = document
        for part in node["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        node = target
    return node


def validator(document, schema):
    # References are resolved against the whole document.
    return Draft202012Validator({**schema, "components": document["components"]}, format_checker=FormatChecker())


def check_document(document):
    if not re.fullmatch(r"3\.1\.\d+", document.get("openapi", "")):
        complain("'openapi' is not 3.1.x")
    for field in ("title", "version"):
        if not document["info"].get(field):
            complain(f"info has no {field}")
    text = json.dumps(document)
    for reference in set(re.findall(r'"\$ref": "([^"]+)"', text)):
        try:
            resolve(document, {"$ref": reference})
        except KeyError:
            complain(f"{reference} leads nowhere")
    for name, schema in document["components"]["schemas"].items():
        try:
            Draft202012Validator.check_schema(schema)
        except Exception as error:  # whatever the library calls it
            complain(f"schema {name}: {error}")
    ids = set()
    for path, item in document["paths"].items():
        for method, operation in item.items():
            where = f"{method} {path}"
            if operation["operationId"] in ids:
                complain(f"{where}: operationId {operation['operationId']} is there twice")
            ids.add(operation["operationId"])
            if not operation.get("summary"):
                complain(f"{where}: no summary")
            named = {p["name"] for p in operation["parameters"] if p["in"] == "path"}
            if named != set(re.findall(r"{([^}]+)}", path)):
                complain(f"{where}: path parameters {sorted(named)} do not fit")
            if not operation["responses"]:
                complain(f"{where}: no responses")


def path_pattern(path):
    parts = re.split(r"{[^}]+}", path)
    # The last parameter may hold slashes where nothing follows it.
    pattern = "[^/]+".join(re.escape(part) for part in parts)
    if path.endswith("}") and path.startswith("/objects/"):
        pattern = pattern.removesuffix("[^/]+") + ".+"
    return re.compile(pattern)


def operation_of(document, exchange):
    path = exchange["path"].split("?")[0]
    for template in sorted(document["paths"], key=lambda t: t.count("{")):
        if path_pattern(template).fullmatch(path):
            return template, document["paths"][template].get(exchange["method"].lower())
    return None, None


def check_query(where, operation, exchange):
    known = {p["name"] for p in operation["parameters"] if p["in"] == "query"}
    _, _, query = exchange["path"].partition("?")
    if exchange["path"].startswith("/objects/"):
        return  # what a link was signed with
    for pair in filter(None, query.split("&")):
        name = pair.split("=")[0]
        if name not in known:
            complain(f"{where}: the query '{name}' is not told of")


def check_exchange(document, exchange):
    template, operation = operation_of(document, exchange)
    where = f"{exchange['method']} {exchange['path']} -> {exchange['status']}"
    if operation is None:
        complain(f"{where}: not in the document")
        return None
    good = exchange["status"] < 400 or str(exchange["status"]) in operation["responses"]
    check_query(where, operation, exchange) if good else None
    if exchange["sent"] is not None and good:
        body = operation.get("requestBody", {}).get("content", {}).get("application/json")
        if body is None:
            complain(f"{where}: no JSON body is told of, and one was taken")
        else:
            for error in validator(document, body["schema"]).iter_errors(exchange["sent"]):
                complain(f"{where}: what was taken does not fit: {error.json_path}: {error.message[:300]}")
    response = operation["responses"].get(str(exchange["status"]))
    if response is None:
        if good:
            complain(f"{where}: the status is not told of")
            return None
        response = operation["responses"]["default"]
    response = resolve(document, response)
    content = response.get("content")
    if not content:
        if exchange["body"]:
            complain(f"{where}: no body is told of, and there is one")
        return (exchange["method"], template) if good else None
    if exchange["content_type"] not in content:
        if "application/octet-stream" not in content:
            complain(f"{where}: {exchange['content_type']} is not told of, only {sorted(content)}")
        return (exchange["method"], template) if good else None
    if "json" in exchange["content_type"]:
        schema = content[exchange["content_type"]]["schema"]
        for error in validator(document, schema).iter_errors(json.loads(exchange["body"])):
            complain(f"{where}: {error.json_path}: {error.message[:300]}")
    return (exchange["method"], template) if good else None


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        given = json.load(file)
    document = given["document"]
    check_document(document)
    seen = {check_exchange(document, exchange) for exchange in given["exchanges"]}
    for path, item in document["paths"].items():
        for method in item:
            if (method.upper(), path) not in seen:
                complain(f"{method.upper()} {path}: never answered as the document says")
    print(*wrong, sep="\n")
    print(f"{len(given['exchanges'])} exchanges, {sum(map(len, document['paths'].values()))} operations")
    return 1 if wrong else 0


sys.exit(main())
