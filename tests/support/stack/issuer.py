"""The issuer of the tests (tests/e2e/idp) with a certificate of its own, and small forms to talk to it."""

import base64
import datetime
import hashlib
import ipaddress
import json
import os
import re
import secrets
from urllib.parse import parse_qs, urlencode, urljoin, urlsplit

import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from stack.programs import ROOT
from stack.running_program import Program, free_port

TENANT = "11111111-1111-4111-8111-111111111111"
API = "22222222-2222-4222-8222-222222222222"
OTHER_API = "22222222-0000-4000-8000-000000000000"
APP, SHORT_LIVED = "33333333-3333-4333-8333-333333333333", "33333333-0000-4000-8000-000000000001"
CLI = "44444444-4444-4444-8444-444444444444"
SIGNER = "66666666-6666-4666-8666-666666666666"
SECRET = "only-for-tests"
DEFAULT_SCOPE = f"api://{API}/.default"
USER_SCOPE = f"api://{API}/access_as_user"
START_SECONDS = 30


def _name(text):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _certificate(name, key, issuer, issuer_key, authority):
    now = datetime.datetime.now(datetime.timezone.utc)
    made = (
        x509.CertificateBuilder()
        .subject_name(_name(name))
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=30))
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False)
    )
    usage = dict.fromkeys(
        "digital_signature content_commitment key_encipherment data_encipherment key_agreement key_cert_sign crl_sign encipher_only "
        "decipher_only".split(),
        False,
    )
    usage |= {"key_cert_sign": True, "crl_sign": True} if authority else {"digital_signature": True}
    made = made.add_extension(x509.KeyUsage(**usage), critical=True)
    if not authority:
        names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
        made = made.add_extension(x509.SubjectAlternativeName(names), critical=False)
        made = made.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
    return made.sign(issuer_key, hashes.SHA256())


def new_key():
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def pem_of(key):
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())


def public_jwk(key, **more):
    numbers = key.public_key().public_numbers()
    text = lambda n: base64.urlsafe_b64encode(n.to_bytes((n.bit_length() + 7) // 8, "big")).rstrip(b"=").decode()
    return {"kty": "RSA", "n": text(numbers.n), "e": text(numbers.e), "use": "sig", "alg": "RS256", **more}


def certificate_for(key):
    """A self-signed certificate, PEM: what an app registration holds of a program."""
    return _certificate("wye-tests-program", key, _name("wye-tests-program"), key, False).public_bytes(serialization.Encoding.PEM)


class Authority:
    """ca.crt, issuer.crt and issuer.key in a folder."""

    def __init__(self, folder):
        folder.mkdir(parents=True, exist_ok=True)
        self.ca_file, self.certificate, self.key = folder / "ca.crt", folder / "issuer.crt", folder / "issuer.key"
        root_key, key = new_key(), new_key()
        root = _certificate("wye-tests-authority", root_key, _name("wye-tests-authority"), root_key, True)
        leaf = _certificate("wye-tests-issuer", key, root.subject, root_key, False)
        self.ca_file.write_bytes(root.public_bytes(serialization.Encoding.PEM))
        self.certificate.write_bytes(leaf.public_bytes(serialization.Encoding.PEM))
        self.key.write_bytes(pem_of(key))
        self.key.chmod(0o600)


class Issuer:
    """One running issuer. It keeps its port over a restart, so that it is the same issuer with other keys."""

    def __init__(self, folder, authority=None, port=None):
        self.folder = folder
        self.authority = authority or Authority(folder)
        self.port = port or free_port()
        self.base = f"https://127.0.0.1:{self.port}"
        self.issuer = f"{self.base}/{TENANT}/v2.0"
        self.ca_file = str(self.authority.ca_file)
        self.signer_key = new_key()
        self.signer_pem = folder / "signer.pem"
        self.signer_pem.write_bytes(pem_of(self.signer_key))
        self.process = None
        self.session = requests.Session()
        self.session.verify = self.ca_file
        self.session.trust_env = False

    def start(self):
        env = {k: v for k, v in os.environ.items() if not k.startswith(("AZURE_", "NODE_"))}
        env |= {"PORT": str(self.port), "TLS_KEY": str(self.authority.key), "TLS_CERT": str(self.authority.certificate)}
        env["APP_JWK"] = json.dumps(public_jwk(self.signer_key))
        env["NODE_NO_WARNINGS"] = "1"
        log = self.folder / "idp.log"
        log.write_text("")
        self.process = Program(["node", ROOT / "tests/e2e/idp/idp.mjs"], log, env)
        self.process.wait_for(lambda: re.search(r"listening on 127\.0\.0\.1:\d+", self.process.text()), START_SECONDS, "the issuer")
        return self

    def stop(self):
        if self.process is not None and self.process.alive():
            self.process.stop(20)

    def control(self, what):
        answer = self.session.post(f"{self.base}/control/{what}", timeout=30)
        answer.raise_for_status()
        return answer.json()

    def token_endpoint(self):
        return f"{self.base}/{TENANT}/oauth2/v2.0/token"

    def app_token(self, client=APP, scope=DEFAULT_SCOPE):
        """client_credentials with the shared secret of the tests."""
        form = {"grant_type": "client_credentials", "client_id": client, "client_secret": SECRET, "scope": scope}
        answer = self.session.post(self.token_endpoint(), data=form, timeout=30)
        assert answer.status_code == 200, answer.text
        return answer.json()["access_token"]

    def user_token(self, login):
        """Authorization code with PKCE, as a program and a browser in one."""
        verifier = secrets.token_urlsafe(48)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        redirect = "http://127.0.0.1:9/callback"
        query = {"response_type": "code", "client_id": CLI, "redirect_uri": redirect, "scope": USER_SCOPE, "login_hint": login}
        query |= {"code_challenge": challenge, "code_challenge_method": "S256", "state": "s"}
        browser = requests.Session()
        browser.verify, browser.trust_env = self.ca_file, False
        url = f"{self.base}/{TENANT}/oauth2/v2.0/authorize?{urlencode(query)}"
        for _ in range(12):
            url = urljoin(url, browser.get(url, timeout=30, allow_redirects=False).headers["location"])
            if url.startswith(redirect):
                break
        form = {"grant_type": "authorization_code", "client_id": CLI, "redirect_uri": redirect, "code_verifier": verifier}
        form["code"] = parse_qs(urlsplit(url).query)["code"][0]
        answer = self.session.post(self.token_endpoint(), data=form, timeout=30)
        assert answer.status_code == 200, answer.text
        return answer.json()["access_token"]

    def approve_in_browser(self, url, login=None):
        """What a person does with the address that a program shows: follows it to the end. The last answer."""
        browser = requests.Session()
        browser.verify, browser.trust_env = self.ca_file, False
        return browser.get(url + (f"&login_hint={login}" if login else ""), timeout=30)

    def approve_device(self, url, user_code):
        """Types the code and says yes."""
        browser = requests.Session()
        browser.verify, browser.trust_env = self.ca_file, False
        page = browser.get(url, timeout=30)
        page = browser.post(page.url, data=hidden_fields(page.text) | {"user_code": user_code}, timeout=30)
        return browser.post(page.url, data=hidden_fields(page.text), timeout=30)


def hidden_fields(page):
    return dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page))


def claims_of(token):
    part = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
