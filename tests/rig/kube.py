"""A small client of the Kubernetes API for the rig's helpers: standard library only, one keep-alive connection an object."""
import base64
import http.client
import json
import os
import ssl
import tempfile
import urllib.parse


class ApiError(Exception):
    def __init__(self, status, text):
        super().__init__(f"{status} {text[:300]}")
        self.status = status


class Client:
    def __init__(self, path):
        with open(path) as f:
            config = json.load(f)
        context = next(c["context"] for c in config["contexts"] if c["name"] == config["current-context"])
        cluster = next(c["cluster"] for c in config["clusters"] if c["name"] == context["cluster"])
        user = next(u["user"] for u in config["users"] if u["name"] == context["user"])
        url = urllib.parse.urlsplit(cluster["server"])
        self.tls = ssl.create_default_context(cadata=base64.b64decode(cluster["certificate-authority-data"]).decode())
        # The ssl module takes a client's certificate from files only.
        with tempfile.NamedTemporaryFile("wb") as pem:
            pem.write(base64.b64decode(user["client-certificate-data"]) + base64.b64decode(user["client-key-data"]))
            pem.flush()
            os.chmod(pem.name, 0o600)
            self.tls.load_cert_chain(pem.name)
        self.host, self.port = url.hostname, url.port
        self.connection = None

    def request(self, method, path, body=None, kind="application/json"):
        data = body if body is None or isinstance(body, (bytes, str)) else json.dumps(body)
        headers = {"Accept": "application/json"}
        if data is not None:
            headers["Content-Type"] = kind
        for last in (False, True):
            try:
                if self.connection is None:
                    self.connection = http.client.HTTPSConnection(self.host, self.port, timeout=60, context=self.tls)
                self.connection.request(method, path, data, headers)
                answer = self.connection.getresponse()
                text = answer.read()
                break
            except (OSError, http.client.HTTPException):
                # The server closes idle connections: once more on a new one.
                self.connection.close()
                self.connection = None
                if last:
                    raise
        if answer.status >= 400:
            raise ApiError(answer.status, text.decode(errors="replace"))
        return text

    def get(self, path):
        return json.loads(self.request("GET", path))
