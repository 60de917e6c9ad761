"""Plays what gives Azure programs their tokens: IMDS, the endpoint of App Service, the token endpoint of Entra. Takes the documented request
and nothing else; fails as it is told. Source: Microsoft Learn, "How to use managed identities for Azure resources on a virtual machine to
acquire an access token", "How to use managed identities for App Service", "OAuth 2.0 client credentials flow"."""

import json
import ssl
import subprocess
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

TENANT = "11111111-1111-4111-8111-111111111111"
CLIENT = "22222222-2222-4222-8222-222222222222"
RESOURCE = "https://cognitiveservices.azure.com"
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


def openssl(*arguments):
    made = subprocess.run(["openssl", *map(str, arguments)], capture_output=True, text=True, timeout=60)
    assert made.returncode == 0, made.stderr


def make_certificate(folder):
    """A self-signed one for 127.0.0.1: its own root."""
    key, crt = folder / "entra.key", folder / "entra.crt"
    openssl(
        *("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", "/CN=entra"),
        *("-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost", "-keyout", key, "-out", crt),
    )
    return key, crt


class AzureIdentity:
    """`tokens` are given out one after the other, the last one for ever; `fails` are (status, body, headers) for the next requests."""

    def __init__(self, folder, tokens, expires_in=3599, numbers_are_strings=False):
        self.tokens, self.expires_in, self.numbers_are_strings = list(tokens), expires_in, numbers_are_strings
        self.given, self.seen, self.wrong, self.fails, self.down = 0, [], [], [], False
        self.identity_header = "e2e-identity-header"
        self.assertion = None  # what the file must hold; None: anything
        self._lock = threading.Lock()
        key, self.ca_file = make_certificate(folder)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.ca_file, key)
        self._plain = self._serve(None)
        self._secured = self._serve(context)
        self.plain_url = f"http://127.0.0.1:{self._plain.server_port}"
        self.authority = f"https://127.0.0.1:{self._secured.server_port}"

    def _serve(self, context):
        owner = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                owner.answer(self, "GET", b"")

            def do_POST(self):
                owner.answer(self, "POST", self.rfile.read(int(self.headers.get("content-length", 0))))

            def log_message(self, *_):
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        if context is not None:
            server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return server

    def stop(self):
        for server in (self._plain, self._secured):
            server.shutdown()
            server.server_close()

    def aks(self, token_file):
        """What the webhook of AKS puts into the environment of a pod."""
        return {
            "AZURE_CLIENT_ID": CLIENT,
            "AZURE_TENANT_ID": TENANT,
            "AZURE_AUTHORITY_HOST": self.authority + "/",
            "AZURE_FEDERATED_TOKEN_FILE": str(token_file),
        }

    def app_service(self):
        return {"IDENTITY_ENDPOINT": f"{self.plain_url}/msi/token", "IDENTITY_HEADER": self.identity_header}

    def imds(self):
        return {"AZURE_POD_IDENTITY_AUTHORITY_HOST": self.plain_url}

    def answer(self, request, method, body):
        with self._lock:
            path, query = urlsplit(request.path).path, parse_qs(urlsplit(request.path).query)
            form = {name: values[0] for name, values in parse_qs(body.decode()).items()}
            self.seen.append({"path": path, "query": query, "form": form, "headers": dict(request.headers), "time": time.monotonic()})
            fault = self.check(method, path, query, form, request.headers)
            if fault:
                self.wrong.append(f"{path}: {fault}")
                return self.reply(request, 400, {"error": "invalid_request"})
            if self.down:
                return self.reply(request, 503, {"error": "temporarily_unavailable"})
            if self.fails:
                status, document, headers = self.fails.pop(0)
                return self.reply(request, status, document, headers)
            token = self.tokens[min(self.given, len(self.tokens) - 1)]
            self.given += 1
            number = str if self.numbers_are_strings else int
            self.reply(request, 200, {"token_type": "Bearer", "expires_in": number(self.expires_in), "access_token": token})

    def check(self, method, path, query, form, headers):
        """What is not as documented; empty: all is."""
        if path == f"/{TENANT}/oauth2/v2.0/token":
            if method != "POST" or query or headers.get("content-type") != "application/x-www-form-urlencoded":
                return "not a form by POST"
            if set(form) != {"grant_type", "client_id", "scope", "client_assertion_type", "client_assertion"}:
                return f"fields {sorted(form)}"
            if (form["grant_type"], form["client_id"], form["client_assertion_type"]) != ("client_credentials", CLIENT, ASSERTION_TYPE):
                return "grant"
            if form["scope"] != RESOURCE + "/.default":
                return "scope"
            return "" if self.assertion in (None, form["client_assertion"]) else "assertion"
        if method != "GET" or form:
            return "not a plain GET"
        if set(query) != {"api-version", "resource"} or query["resource"] != [RESOURCE]:
            return f"parameters {sorted(query)}"
        if path == "/metadata/identity/oauth2/token":
            return "" if headers.get("metadata") == "true" and query["api-version"] == ["2018-02-01"] else "metadata or api-version"
        if path == "/msi/token":
            good = headers.get("x-identity-header") == self.identity_header and query["api-version"] == ["2019-08-01"]
            return "" if good else "identity header or api-version"
        return "path"

    @staticmethod
    def reply(request, status, document, headers=()):
        body = json.dumps(document).encode()
        request.send_response(status)
        request.send_header("content-type", "application/json")
        request.send_header("content-length", str(len(body)))
        for name, value in dict(headers).items():
            request.send_header(name, value)
        request.end_headers()
        request.wfile.write(body)
