"""Client certificates: a caller is who the chain of its connection proves, request by request, whatever else it claims."""

import http.client
import json
import ssl
import subprocess
import time
from datetime import datetime, timedelta, timezone
from urllib.parse import urlsplit

import pytest

from stack import config, http1
from stack.gateway import Gateway
from stack.running_program import until

SVID = "spiffe://corp.test/team-a/caller"
LEAF = "basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=clientAuth,serverAuth\n"
AUTHORITY = "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\n"


def openssl(*arguments):
    made = subprocess.run(["openssl", *map(str, arguments)], capture_output=True, text=True, timeout=60)
    assert made.returncode == 0, made.stderr
    return made.stdout


class Authority:
    """A CA in a folder, by the openssl command."""

    def __init__(self, folder, name):
        self.folder, self.name = folder, name
        self.crt, self.key = folder / f"{name}.crt", folder / f"{name}.key"
        self._key_and_request(name)
        self._sign(name, AUTHORITY, ["-signkey", self.key], days=30)

    def _key_and_request(self, name):
        openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", self.folder / f"{name}.key")
        openssl("req", "-new", "-key", self.folder / f"{name}.key", "-subj", f"/CN={name}", "-out", self.folder / f"{name}.csr")

    def _sign(self, name, extensions, how, days):
        (self.folder / f"{name}.ext").write_text(extensions)
        openssl("x509", "-req", "-in", self.folder / f"{name}.csr", "-extfile", self.folder / f"{name}.ext", *how, "-days", days,
                "-out", self.folder / f"{name}.crt")  # fmt: skip

    def issue(self, name, names, days=1, extensions=LEAF):
        """Certificate and key of a leaf; `names` as openssl spells subjectAltName."""
        self._key_and_request(name)
        san = f"subjectAltName={names}\n" if names else ""
        self._sign(name, extensions + san, ["-CA", self.crt, "-CAkey", self.key, "-CAcreateserial"], days)
        return self.folder / f"{name}.crt", self.folder / f"{name}.key"

    def bundle(self, sequence=1):
        """The authority as a SPIFFE bundle."""
        body = "".join(line for line in self.crt.read_text().splitlines() if not line.startswith("-----"))
        return json.dumps({"spiffe_sequence": sequence, "keys": [{"kty": "EC", "use": "x509-svid", "x5c": [body]}]})


def issuer(name, type_, block, audiences=True):
    lines = [f"type: {type_}", f"{type_}: {block}"] + (["audiences: [wye]"] if audiences else [])
    return config._document("Issuer", name, lines)


class TlsGateway(Gateway):
    """`wye gateway` behind mutual TLS: `request`, so that each request shows what happens without a certificate too."""

    def __init__(self, folder):
        super().__init__(folder)
        self.tls = folder / "tls"
        self.tls.mkdir(parents=True)
        self.corp, self.mesh, self.strangers = (Authority(self.tls, name) for name in ("corp", "mesh", "strangers"))
        self.server = self.corp.issue("edge", "DNS:localhost,IP:127.0.0.1")
        self.bundle = self.tls / "bundle.json"
        self.bundle.write_text(self.mesh.bundle())

    def write(self, client_cert="request", proxies="[]"):
        crt, key = self.server
        listener = (
            f"{{name: public, address: 127.0.0.1, port: 0, trustedProxies: {proxies}, tls: {{certFile: {crt}, keyFile: {key}, "
            f"clientCert: {client_cert}, clientCaFile: {self.tls}/both.crt}}}}"
        )
        (self.tls / "both.crt").write_text(self.corp.crt.read_text() + self.mesh.crt.read_text())
        edge = config.edge(extra=["auth: {issuers: [corp, mesh]}"]).replace("{name: public, address: 127.0.0.1, port: 0}", listener)
        role = ["rules: [{effect: allow, actions: [models.list, chat.create], resources: ['route:*', 'backend:*']}]"]
        subjects = [f"subjects: [{{issuer: corp, subject: 'https://corp.test/caller'}}, {{spiffe: '{SVID.rsplit('/', 1)[0]}/*'}}]"]
        members = [f"members: [{{issuer: corp, subject: 'https://corp.test/*'}}, {{spiffe: 'spiffe://corp.test/*'}}]"]
        documents = [
            edge,
            config._document("Tenant", "local", ["dataClassMax: restricted", *members]),
            config.server("stub", "http://127.0.0.1:9", "m"),
            config.route("chat", "backend: stub"),
            issuer("corp", "x509", f"{{caFile: {self.corp.crt}}}", audiences=False),
            issuer("mesh", "spiffe", f"{{trustDomains: [corp.test], bundleFile: {self.bundle}}}"),
            config._document("Role", "caller", role),
            config._document("Grant", "callers", ["role: caller", "tenant: local", *subjects]),
        ]
        config.write(self.config, documents)

    def start(self, *more):
        super().start(*more)
        self.base = self.base.replace("http://", "https://")
        return self

    def context(self, certificate=None):
        context = ssl.create_default_context(cafile=str(self.corp.crt))
        if certificate is not None:
            context.load_cert_chain(*map(str, certificate))
        return context

    def connect(self, certificate=None):
        parts = urlsplit(self.base)
        return http.client.HTTPSConnection(parts.hostname, parts.port, timeout=30, context=self.context(certificate))

    def ask(self, certificate=None, headers=None, connection=None):
        own = connection or self.connect(certificate)
        own.request("GET", "/v1/models", headers=dict(headers or {}))
        answer = own.getresponse()
        result = http1.Answer(answer.status, answer.headers, answer.read())
        if connection is None:
            own.close()
        return result


@pytest.fixture(scope="module")
def edge(tmp_path_factory):
    gateway = TlsGateway(tmp_path_factory.mktemp("certificates"))
    gateway.write()
    gateway.start()
    yield gateway
    gateway.stop()


def models(answer):
    assert answer.status == 200, answer.body
    return [entry["id"] for entry in answer.json()["data"]]


def refused(answer):
    assert answer.status == 401, (answer.status, answer.body)
    assert answer.error()["message"] == "Authentication required."
    assert answer.headers["www-authenticate"].startswith('Bearer realm="wye"')


def test_a_certificate_is_a_caller(edge):
    caller = edge.corp.issue("caller", "URI:https://corp.test/caller")
    assert models(edge.ask(caller)) == ["chat"]
    record = edge.access(edge.ask(caller).headers["x-request-id"])
    assert record["principal_kind"] == "certificate" and record["tenant"] == "local"


def test_an_svid_is_a_workload(edge):
    svid = edge.mesh.issue("svid", f"URI:{SVID}")
    assert models(edge.ask(svid)) == ["chat"]
    assert edge.access(edge.ask(svid).headers["x-request-id"])["principal_kind"] == "workload"


def test_without_a_certificate_a_key_still_counts(edge):
    refused(edge.ask())
    assert edge.ask(headers={"Authorization": f"Bearer {edge.key}"}).status == 200
    # The credential of the headers decides: a certificate beside it is not asked.
    caller = edge.corp.issue("beside", "URI:https://corp.test/caller")
    assert edge.access(edge.ask(caller, {"Authorization": f"Bearer {edge.key}"}).headers["x-request-id"])["principal_kind"] == "key"
    answer = edge.ask(caller, {"Authorization": "Bearer wye_live_nobody"})
    assert answer.status == 401 and answer.error()["message"] == "The API key is not valid."


REFUSED = {
    "of-strangers": lambda edge: edge.strangers.issue("of-strangers", "URI:https://corp.test/caller"),
    "svid-of-strangers": lambda edge: edge.strangers.issue("svid-of-strangers", f"URI:{SVID}"),
    "svid-of-corp": lambda edge: edge.corp.issue("svid-of-corp", f"URI:{SVID}"),
    "two-uris": lambda edge: edge.corp.issue("two-uris", "URI:https://corp.test/caller,URI:https://corp.test/other"),
    "common-name-only": lambda edge: edge.corp.issue("caller-by-common-name", ""),
    "long-life": lambda edge: edge.corp.issue("long-life", "URI:https://corp.test/caller", days=8),
    "for-servers": lambda edge: edge.corp.issue(
        "for-servers", "URI:https://corp.test/caller", extensions=LEAF.replace("clientAuth,serverAuth", "serverAuth")
    ),
    "an-authority": lambda edge: edge.corp.issue(
        "an-authority", "URI:https://corp.test/caller", extensions=AUTHORITY + "extendedKeyUsage=clientAuth\n"
    ),
}


@pytest.mark.parametrize("what", list(REFUSED))
def test_other_certificates_are_nobody(edge, what):
    refused(edge.ask(REFUSED[what](edge)))


def test_a_certificate_without_a_grant_sees_nothing(edge):
    other = edge.corp.issue("other", "URI:https://corp.test/other")
    assert models(edge.ask(other)) == []


def test_claims_about_certificates_in_headers_are_not_believed(edge):
    forged = {"X-Forwarded-Client-Cert": f"Hash={'0' * 64};URI={SVID}", "X-Forwarded-For": "10.0.0.1"}
    refused(edge.ask(headers=forged))
    other = edge.corp.issue("claims", "URI:https://corp.test/other")
    assert models(edge.ask(other, headers=forged)) == []


def test_an_end_of_validity_ends_a_standing_connection(edge):
    """On one connection: good, then the certificate ends, then 401."""
    name, end = "brief", datetime.now(timezone.utc) + timedelta(seconds=6)
    edge.corp._key_and_request(name)
    (edge.tls / f"{name}.ext").write_text(LEAF + "subjectAltName=URI:https://corp.test/caller\n")
    database = edge.tls / "ca"
    database.mkdir()
    (database / "index.txt").write_text("")
    (database / "ca.cnf").write_text(
        f"[ca]\ndefault_ca=d\n[d]\ndatabase={database}/index.txt\nnew_certs_dir={database}\nrand_serial=yes\ndefault_md=sha256\npolicy=p\n"
        "[p]\ncommonName=supplied\n"
    )
    openssl("ca", "-batch", "-config", database / "ca.cnf", "-cert", edge.corp.crt, "-keyfile", edge.corp.key, "-in", edge.tls / f"{name}.csr",
            "-extfile", edge.tls / f"{name}.ext", "-enddate", end.strftime("%Y%m%d%H%M%SZ"), "-out", edge.tls / f"{name}.crt", "-notext")  # fmt: skip
    connection = edge.connect((edge.tls / f"{name}.crt", edge.tls / f"{name}.key"))
    assert models(edge.ask(connection=connection)) == ["chat"]
    time.sleep(max(0, (end - datetime.now(timezone.utc)).total_seconds()) + 1)
    refused(edge.ask(connection=connection))
    connection.close()


def test_curl_signs_in(edge):
    crt, key = edge.corp.issue("curl", "URI:https://corp.test/caller")
    made = subprocess.run(
        ["curl", "-sS", "--fail", "--cacert", edge.corp.crt, "--cert", crt, "--key", key, f"{edge.base}/v1/models"],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert made.returncode == 0, made.stderr
    assert [entry["id"] for entry in json.loads(made.stdout)["data"]] == ["chat"]


def test_a_bundle_that_is_emptied_revokes(edge):
    svid = edge.mesh.issue("revoked", f"URI:{SVID}")
    connection = edge.connect(svid)
    assert models(edge.ask(connection=connection)) == ["chat"]
    fresh = edge.tls / "bundle.new"
    fresh.write_text(json.dumps({"spiffe_sequence": 2, "keys": []}))
    fresh.rename(edge.bundle)
    until(lambda: edge.ask(connection=connection).status == 401, 10, "the emptied bundle is read")
    fresh.write_text(edge.mesh.bundle(3))
    fresh.rename(edge.bundle)
    until(lambda: edge.ask(connection=connection).status == 200, 10, "the bundle is back")
    connection.close()


def test_a_renewed_certificate_is_shown_without_a_restart(edge):
    def serial():
        connection = edge.connect()
        connection.connect()
        shown = connection.sock.getpeercert()["serialNumber"]
        connection.close()
        return shown

    before = serial()
    edge.corp.issue("edge", "DNS:localhost,IP:127.0.0.1")
    until(lambda: serial() != before, 10, "the new certificate is shown")


def test_required_certificates_end_handshakes_without_one(tmp_path):
    gateway = TlsGateway(tmp_path / "required")
    gateway.write(client_cert="require")
    gateway.start()
    try:
        assert models(gateway.ask(gateway.corp.issue("caller", "URI:https://corp.test/caller"))) == ["chat"]
        for certificate in (None, gateway.strangers.issue("stranger", "URI:https://corp.test/caller")):
            with pytest.raises((ssl.SSLError, ConnectionError)):
                gateway.ask(certificate)
    finally:
        gateway.stop()


def test_a_trusted_proxy_speaks_for_its_clients(tmp_path):
    gateway = TlsGateway(tmp_path / "proxied")
    gateway.write(client_cert="require", proxies="['127.0.0.1/32']")
    gateway.start()
    try:
        proxy = gateway.corp.issue("proxy", "URI:https://corp.test/caller")
        element = f"By=spiffe://corp.test/proxy;Hash={'ab' * 32};URI={SVID}"
        answer = gateway.ask(proxy, {"X-Forwarded-Client-Cert": element})
        assert models(answer) == ["chat"]
        assert gateway.access(answer.headers["x-request-id"])["principal_kind"] == "workload"
        # Its own certificate is nobody's credential.
        refused(gateway.ask(proxy))
        other = f"Hash={'ab' * 32};URI=spiffe://other.test/x"
        refused(gateway.ask(proxy, {"X-Forwarded-Client-Cert": other}))
        for bad in (f"{element},{element}", f"{element};Other=1", "junk"):
            answer = gateway.ask(proxy, {"X-Forwarded-Client-Cert": bad})
            assert answer.status == 400, (bad, answer.status, answer.body)
    finally:
        gateway.stop()
