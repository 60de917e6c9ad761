"""An OpenID issuer for the gateway under test: discovery and keys over TLS, signed tokens, junk. Made with the openssl command."""
import base64
import json
import ssl
import subprocess
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from .programs import BenchError

AUDIENCE = "wye-bench"
SUBJECT = "bench-caller"
KEY_ID = "bench-1"
TOKEN_CHARS = 1300
TOKEN_SECONDS = 6 * 3600
SIGNATURE_CHARS = 342  # of RSA-2048
NONCE = "nonce-0000000000000000"  # the load generator renews its digits

OPENSSL_CONF = """\
[req]
distinguished_name = nobody
prompt = no
[nobody]
CN = Wye bench
[authority]
basicConstraints = critical, CA:true
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[server]
basicConstraints = critical, CA:false
keyUsage = critical, digitalSignature, keyEncipherment
extendedKeyUsage = serverAuth
subjectAltName = IP:127.0.0.1
"""


def openssl(*arguments, stdin=b""):
    try:
        done = subprocess.run(["openssl", *map(str, arguments)], input=stdin, capture_output=True, check=False)
    except OSError as error:
        raise BenchError(f"openssl: {error}\n  help: apt-get install openssl") from None
    if done.returncode != 0:
        raise BenchError(f"openssl {arguments[0]} ended with code {done.returncode}: {done.stderr.decode(errors='replace')[-500:]}")
    return done.stdout


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def encoded(document):
    return base64url(json.dumps(document, separators=(",", ":")).encode())


class Issuer:
    """Serves on a thread of the runner, that is on the load core; idle but for the fetches, which it counts by path."""

    def __init__(self, folder):
        self.folder = folder
        folder.mkdir(mode=0o700, exist_ok=True)
        self.key, self.ca_file = folder / "signing.key", folder / "ca.crt"
        self.fetches = {}
        self.lock = threading.Lock()
        self.make_keys()
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self.handler())
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(folder / "server.crt", folder / "server.key")
        # The handshake is the handling thread's: a caller that stalls holds up no other.
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)
        self.url = f"https://127.0.0.1:{self.server.server_port}"
        self.pages = {"/.well-known/openid-configuration": self.discovery(), "/keys": self.key_set()}
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def make_keys(self):
        conf = self.folder / "openssl.conf"
        conf.write_text(OPENSSL_CONF)
        for name in ("signing", "ca", "server"):
            openssl("genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", self.folder / f"{name}.key")
        openssl("req", "-x509", "-new", "-config", conf, "-extensions", "authority", "-key", self.folder / "ca.key", "-sha256", "-days", 2,
                "-out", self.ca_file)
        request = openssl("req", "-new", "-config", conf, "-key", self.folder / "server.key", "-sha256")
        openssl("x509", "-req", "-CA", self.ca_file, "-CAkey", self.folder / "ca.key", "-set_serial", 2, "-sha256", "-days", 2,
                "-extfile", conf, "-extensions", "server", "-out", self.folder / "server.crt", stdin=request)

    def discovery(self):
        return {"issuer": self.url, "jwks_uri": f"{self.url}/keys", "id_token_signing_alg_values_supported": ["RS256"]}

    def key_set(self):
        modulus = openssl("rsa", "-in", self.key, "-noout", "-modulus").decode().strip().removeprefix("Modulus=")
        key = {"kty": "RSA", "use": "sig", "alg": "RS256", "kid": KEY_ID, "n": base64url(bytes.fromhex(modulus)), "e": "AQAB"}
        return {"keys": [key]}

    def handler(self):
        issuer = self

        class Handler(BaseHTTPRequestHandler):
            timeout = 5

            def do_GET(self):
                with issuer.lock:
                    issuer.fetches[self.path] = issuer.fetches.get(self.path, 0) + 1
                page = issuer.pages.get(self.path)
                body = json.dumps(page or {}).encode()
                self.send_response(200 if page else 404)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        return Handler

    def fetched(self, path="/keys"):
        with self.lock:
            return self.fetches.get(path, 0)

    def claims(self):
        now = int(time.time())
        return {"iss": self.url, "aud": AUDIENCE, "sub": SUBJECT, "iat": now, "nbf": now, "exp": now + TOKEN_SECONDS}

    def token(self):
        """A token that the gateway takes, padded with a claim that means nothing to it."""
        head = encoded({"alg": "RS256", "typ": "JWT", "kid": KEY_ID})
        claims = {**self.claims(), "bench_padding": ""}
        missing = TOKEN_CHARS - len(head) - len(encoded(claims)) - SIGNATURE_CHARS - 2
        claims["bench_padding"] = "x" * max(0, missing * 3 // 4)
        signed = f"{head}.{encoded(claims)}"
        return f"{signed}.{base64url(openssl('dgst', '-sha256', '-sign', self.key, stdin=signed.encode()))}"

    def junk(self):
        """Right in all that needs no key, by a key that nobody has: the costliest that nobody needs a key for. Another one by its nonce."""
        head = encoded({"alg": "RS256", "typ": "JWT", "kid": "bench-nobody"})
        signed = f"{head}.{encoded({**self.claims(), 'bench_padding': 'x' * 480})}"
        return f"{signed}.{NONCE}{'A' * (SIGNATURE_CHARS - len(NONCE))}"

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join(5)
