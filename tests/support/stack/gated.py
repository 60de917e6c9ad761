"""A gateway that believes the issuer of the tests, before bench's stub: Routes `chat-stub`, `embed-stub`; `chat-hidden` is nobody's."""

from stack import config
from stack.gateway import Gateway
from stack.issuer import API, TENANT
from stack.world import Stub

CALLER_ACTIONS = "chat.create, responses.create, models.list, models.get"


def issuer_document(issuer, name="corp", audiences=(API,), extra=()):
    quoted = ", ".join(f'"{audience}"' for audience in audiences)
    lines = [
        "type: entra",
        f'entra: {{versions: [v2], tenantIds: ["{TENANT}"], authority: "{issuer.base}", caFile: "{issuer.ca_file}"}}',
        f"audiences: [{quoted}]",
        *extra,
    ]
    return config.document("Issuer", name, lines)


def access_documents():
    """Who has the app role Wye.Caller is of the Tenant `local` and may chat on `chat-stub`; nobody may anything on `chat-hidden`."""
    targets = '"backend:*"'
    role = [
        "rules:",
        f'  - {{effect: allow, actions: [{CALLER_ACTIONS}], resources: ["route:chat-stub", {targets}]}}',
    ]
    return [
        config.document("Tenant", "local", ["dataClassMax: restricted", "members: [{issuer: corp, appRole: Wye.Caller}]"]),
        config.document("Role", "caller", role),
        config.document("Grant", "local-caller", ["role: caller", "tenant: local", "subjects: [{issuer: corp, appRole: Wye.Caller}]"]),
    ]


class Gated:
    """Starts a stub and a gateway; further gateways over the same stub with `another`."""

    def __init__(self, folder, issuer):
        self.folder, self.issuer = folder, issuer
        self.stub = Stub(folder)
        self.gateways = []
        self.ends = []

    def documents(self, extra=(), issuer=None):
        stub = config.server("stub", self.stub.url, "bench", "chat, completions, responses", 32768)
        routes = [config.route(name, "backend: stub") for name in ("chat-stub", "chat-hidden")]
        return [config.edge(), issuer or issuer_document(self.issuer), *access_documents(), stub, *routes, *extra]

    def another(self, name, documents=None, with_keys=True):
        """Returns once it has the issuer's keys: being ready does not wait for them."""
        gateway = Gateway(self.folder / name, threads=1)
        config.write(gateway.config, documents or self.documents())
        self.gateways.append(gateway)
        gateway.start()
        fresh = lambda: gateway.metric("wye_issuer_state", 'issuer="corp"', 'state="fresh"') == 1
        if with_keys:
            gateway.process.wait_for(fresh, 20, "the issuer's keys")
        return gateway

    def stop(self):
        for gateway in self.gateways:
            if gateway.process is not None and gateway.process.alive():
                self.ends.append(gateway.process.stop(30))
        self.stub.process.stop(20)
        assert not any(self.ends), f"gateways ended with {self.ends}"


def ask(gateway, token, model="chat-stub", path="/v1/chat/completions", **more):
    """One chat with a token; the answer has status, headers, body."""
    body = {"model": model, "messages": [{"role": "user", "content": "Hi"}], "max_tokens": 4, **more}
    if path == "/v1/completions":
        body = {"model": model, "prompt": "Hi", "max_tokens": 4}
    return gateway.post(path, body, key=token)
