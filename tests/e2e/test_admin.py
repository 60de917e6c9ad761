"""The door for administrators: keys over the API, plan, apply, rollback, the audit trail, `wye gateway` and its socket."""

import hashlib
import json
import re
import subprocess

import pytest

from stack import http1
from stack.gateway import Gateway, environment, wye
from stack.programs import program
from stack.running_program import until

SECONDS = 10


def documents(alias="one", routes=("chat",), grants=""):
    head = """apiVersion: wye.dev/v1alpha1
kind: Gateway
metadata: {name: edge}
spec: {listeners: [{name: public, port: 0}], admin: {port: 0}}
---
apiVersion: wye.dev/v1alpha1
kind: Tenant
metadata: {name: local}  # the comment that stays
spec: {dataClassMax: internal}
---
apiVersion: wye.dev/v1alpha1
kind: Backend
metadata: {name: far}
spec:
  {provider: openAICompatible, endpoint: "http://127.0.0.1:1", deployment: m, network: {mode: loopback}, location: {path: custom},
   dataClassMax: internal, serves: {capabilities: [chat]}}
"""
    for route in routes:
        head += f"""---
apiVersion: wye.dev/v1alpha1
kind: Route
metadata: {{name: {route}}}
spec: {{dataClass: internal, aliases: [{alias}-{route}], candidates: [{{backend: far}}]}}
"""
    return head + grants


@pytest.fixture
def fresh(tmp_path):
    gateway = Gateway(tmp_path / "instance")
    gateway.config.mkdir(parents=True)
    (gateway.config / "all.yaml").write_text(documents())
    gateway.start()
    yield gateway
    if gateway.process.alive():
        gateway.stop()


def desired(tmp_path, name, text):
    folder = tmp_path / name
    folder.mkdir()
    (folder / "all.yaml").write_text(text)
    return folder


def records(gateway, name="audit-gateway-1"):
    path = gateway.data / "logs" / f"{name}.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def acts(gateway, action, name="audit-gateway-1"):
    return [record for record in records(gateway, name) if record.get("action") == action]


def test_wye_gateway_has_a_socket_of_its_own(fresh):
    status = fresh.status()
    assert status["state"] == "serving"
    assert [target["name"] for target in status["targets"]] == ["backend/far"]
    assert (fresh.data / "run/gateway-1.sock").stat().st_mode & 0o777 == 0o600
    second = Gateway(fresh.folder)
    second.data, second.key = fresh.data, fresh.key
    second.log = fresh.folder / "second.log"
    second.start()
    try:
        several = wye("status", data=fresh.data)
        assert several.returncode == 2 and "gateway-1 gateway-2" in several.stderr
        assert wye("status", "--instance", "gateway-2", data=fresh.data).returncode == 0
        # A key made through one of them is taken by both: they share the store.
        made = wye("keys", "create", "--tenant", "local", "-o", "json", data=fresh.data)
        key = json.loads(made.stdout)["key"]
        until(lambda: second.get("/v1/models", key).status == 200, SECONDS, "the key at the second gateway")
    finally:
        second.stop()


def test_keys_over_the_socket_and_the_trail(fresh):
    made = wye("keys", "create", "--tenant", "local", "--route", "chat", "--owner", "app", "-o", "json", data=fresh.data)
    assert made.returncode == 0, made.stderr
    first = json.loads(made.stdout)
    rotated = wye("keys", "rotate", first["record"]["id"], "--grace", "1h", "-o", "json", data=fresh.data)
    assert rotated.returncode == 0, rotated.stderr
    second = json.loads(rotated.stdout)
    for key in (first["key"], second["key"]):
        until(lambda key=key: fresh.get("/v1/models", key).status == 200, SECONDS, "both keys work")
    third = wye("keys", "rotate", second["record"]["id"], data=fresh.data)
    assert third.returncode == 2 and "two live keys" in third.stderr
    assert wye("keys", "revoke", first["record"]["id"], data=fresh.data).returncode == 0
    until(lambda: fresh.get("/v1/models", first["key"]).status == 401, 5, "the revoked key is refused")
    assert fresh.get("/v1/models", second["key"]).status == 200
    assert wye("keys", "create", "--tenant", "nobody", data=fresh.data).returncode == 2
    assert wye("keys", "revoke", "000000000000", data=fresh.data).returncode == 1
    until(lambda: acts(fresh, "keys.revoke"), SECONDS, "the record")
    text = (fresh.data / "logs/audit-gateway-1.jsonl").read_text()
    for key in (first["key"], second["key"]):
        assert key not in text and key[22:] not in text
    assert acts(fresh, "keys.rotate")[0]["resource"]["new_key"] == second["record"]["id"]
    assert acts(fresh, "keys.create")[0]["principal"]["kind"] == "owner"


def test_keys_of_a_folder_on_which_nothing_runs(tmp_path):
    data = tmp_path / "data"
    made = wye("keys", "create", "--tenant", "local", "-o", "json", data=data)
    assert made.returncode == 0, made.stderr
    first = json.loads(made.stdout)["record"]["id"]
    rotated = wye("keys", "rotate", first, "-o", "json", data=data)
    assert rotated.returncode == 0, rotated.stderr
    assert wye("keys", "revoke", first, data=data).returncode == 0
    listed = json.loads(wye("keys", "list", "-o", "json", data=data).stdout)
    assert {record["id"]: record["state"] for record in listed}[first] == "revoked"
    trail = [json.loads(line) for line in (data / "logs/audit.jsonl").read_text().splitlines()]
    assert [record["action"] for record in trail if "action" in record] == ["keys.create", "keys.rotate", "keys.revoke"]
    assert wye("audit", "verify", data=data).returncode == 0


def test_plan_apply_rollback(fresh, tmp_path):
    before = fresh.status()["config"]
    same = wye("plan", fresh.config, "--exit-code", data=fresh.data)
    assert (same.returncode, same.stdout) == (0, "nothing would change\n"), same.stderr
    other = desired(tmp_path, "other", documents("two"))
    plan = wye("plan", other, "--exit-code", data=fresh.data)
    assert plan.returncode == 10 and "~ Route/chat" in plan.stdout, plan
    assert 'spec.aliases[0]: "one-chat" -> "two-chat"' in plan.stdout
    assert wye("plan", other, data=fresh.data).returncode == 0
    assert fresh.status()["config"] == before
    wrong = wye("apply", other, "--if-match", "sha256:0000", data=fresh.data)
    assert wrong.returncode == 6, wrong
    applied = wye("apply", other, data=fresh.data)
    assert applied.returncode == 0, applied.stderr
    after = fresh.status()["config"]
    assert after != before and f"applied {after}" in applied.stdout
    # What runs is what the folder says, as it was written.
    assert (fresh.config / "all.yaml").read_text() == documents("two")
    names = {model["id"] for model in fresh.get("/v1/models").json()["data"]}
    assert "chat" in names
    assert wye("rollback", data=fresh.data).returncode == 0
    assert fresh.status()["config"] == before
    assert (fresh.config / "all.yaml").read_text() == documents()
    assert wye("rollback", after, data=fresh.data).returncode == 0
    assert fresh.status()["config"] == after
    assert wye("rollback", "sha256:" + "0" * 64, data=fresh.data).returncode == 1
    until(lambda: len(acts(fresh, "config.rollback")) >= 3, SECONDS, "the records")
    assert acts(fresh, "config.apply")[-1]["resource"]["config"] == after
    # A restart finds what was applied.
    fresh.stop()
    fresh.start()
    assert fresh.status()["config"] == after


def test_a_refused_configuration_changes_nothing(fresh, tmp_path):
    before = fresh.status()["config"]
    broken = desired(tmp_path, "broken", documents().replace("kind: Tenant", "kind: Tenent"))
    for command in (["plan", broken], ["apply", broken]):
        made = wye(*command, data=fresh.data)
        assert made.returncode == 3, made
        assert "unknown kind" in made.stderr
    moved = desired(tmp_path, "moved", documents().replace("{name: public, port: 0}", "{name: elsewhere, port: 0}"))
    assert wye("apply", moved, data=fresh.data).returncode == 3
    assert fresh.status()["config"] == before
    assert (fresh.config / "all.yaml").read_text() == documents()


def test_get(fresh):
    assert wye("get", "routes", data=fresh.data).stdout == "Route/chat\n"
    whole = json.loads(wye("get", "Route", "chat", "-o", "json", data=fresh.data).stdout)
    assert whole["spec"]["aliases"] == ["one-chat"]
    yaml = wye("get", "Route", "chat", "-o", "yaml", data=fresh.data).stdout
    assert yaml.startswith("apiVersion: wye.dev/v1alpha1\nkind: Route\n") and "    - one-chat\n" in yaml
    assert wye("get", "Route", "none", data=fresh.data).returncode == 1
    assert wye("get", "nonsense", data=fresh.data).returncode == 1


def jcs(record):
    """RFC 8785 for texts, whole numbers, lists and maps with ASCII names: written apart from the program."""
    return json.dumps({k: v for k, v in record.items() if k != "prev"}, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def test_the_chain_is_what_the_documentation_says(fresh):
    fresh.get("/v1/models", "wye_live_wrong")
    wye("keys", "list", data=fresh.data)
    until(lambda: acts(fresh, "keys.list"), SECONDS, "the record")
    fresh.stop()
    before = bytes(32)
    for number, record in enumerate(records(fresh), 1):
        assert record["seq"] == number
        assert record["prev"] == "sha256:" + before.hex()
        before = hashlib.sha256(before + jcs(record)).digest()
    whole = wye("audit", "verify", "-o", "json", data=fresh.data)
    verdicts = [json.loads(line) for line in whole.stdout.splitlines()]
    assert whole.returncode == 0 and all(verdict["whole"] for verdict in verdicts)
    assert "sha256:" + before.hex() in {verdict["lastHash"] for verdict in verdicts}


def test_verify_finds_what_was_done_to_the_file(fresh):
    for _ in range(5):
        wye("keys", "list", data=fresh.data)
    until(lambda: len(acts(fresh, "keys.list")) >= 5, SECONDS, "the records")
    fresh.stop()
    path = fresh.data / "logs/audit-gateway-1.jsonl"
    whole = path.read_bytes()
    lines = whole.splitlines(keepends=True)
    assert len(lines) >= 6
    attacks = {
        "edit": [*lines[:2], lines[2].replace(b"keys.list", b"keys.lost"), *lines[3:]],
        "deletion": lines[:2] + lines[3:],
        "insertion": [*lines[:3], lines[1], *lines[3:]],
        "swap": [*lines[:2], lines[3], lines[2], *lines[4:]],
        "truncation": lines[:-1],
        "all gone": [],
    }
    for name, attacked in attacks.items():
        path.write_bytes(b"".join(attacked))
        made = wye("audit", "verify", data=fresh.data)
        assert made.returncode == 1 and "broken at line" in made.stdout, (name, made.stdout)
        assert re.search(r"audit-gateway-1: broken at line \d+, seq \d+: ", made.stdout), (name, made.stdout)
    path.write_bytes(whole)
    assert wye("audit", "verify", data=fresh.data).returncode == 0
    # A start after a cut does not heal it.
    path.write_bytes(b"".join(lines[:-2]))
    fresh.start()
    fresh.stop()
    assert wye("audit", "verify", data=fresh.data).returncode == 1


def test_a_kill_leaves_a_whole_chain(fresh):
    wye("keys", "list", data=fresh.data)
    until(lambda: acts(fresh, "keys.list"), SECONDS, "the record")
    fresh.process.kill()
    path = fresh.data / "logs/audit-gateway-1.jsonl"
    with path.open("ab") as file:
        file.write(b'{"v":1,"seq":')  # torn in the middle of a write
    fresh.start()
    fresh.stop()
    made = wye("audit", "verify", data=fresh.data)
    assert made.returncode == 0, made.stdout
    assert any(record["event"] == "audit.recovered" for record in records(fresh))


def test_the_network_needs_a_credential_and_a_grant(fresh):
    bare = http1.call(f"{fresh.admin}/admin/v1/config")
    assert bare.status == 401 and bare.headers["www-authenticate"] == 'Bearer realm="wye"'
    denied = http1.call(f"{fresh.admin}/admin/v1/config", headers=fresh.headers())
    assert denied.status == 403, denied.body
    assert denied.json()["error"]["type"] == "permission_error"
    until(lambda: [r for r in acts(fresh, "config.read") if r["decision"] == "deny"], SECONDS, "the denial in the trail")
    assert wye("audit", "verify", data=fresh.data).returncode == 0


def test_an_instance_elsewhere(fresh):
    """`--server` with a bearer: an API key holds no administrator's action, so it is let in and refused."""
    command = [str(program("wye")), "get", "routes", "--server", fresh.admin]
    nobody = subprocess.run(command, env=environment() | {"HOME": str(fresh.folder)}, capture_output=True, text=True, timeout=30)
    assert nobody.returncode == 4 and "wye login" in nobody.stderr
    wrong = subprocess.run(command, env=environment() | {"WYE_TOKEN": "wrong"}, capture_output=True, text=True, timeout=30)
    assert wrong.returncode == 4
    key = subprocess.run(command, env=environment() | {"WYE_TOKEN": fresh.key}, capture_output=True, text=True, timeout=30)
    assert key.returncode == 4 and "not allowed" in key.stderr
    gone = subprocess.run([*command[:-1], "http://127.0.0.1:1"], env=environment() | {"WYE_TOKEN": "x"}, capture_output=True, text=True, timeout=30)
    assert gone.returncode == 5


ADMIN = """---
apiVersion: wye.dev/v1alpha1
kind: Role
metadata: {name: administrator}
spec:
  keys: true
  rules: [{effect: allow, actions: ["*"], resources: ["admin:*", "route:*", "backend:*"]}]
---
apiVersion: wye.dev/v1alpha1
kind: Grant
metadata: {name: administrators}
spec: {role: administrator, tenant: local, subjects: [{key: KEY}]}
"""


def test_a_grant_opens_the_door(fresh, tmp_path):
    wanted = desired(tmp_path, "granted", documents(grants=ADMIN.replace("KEY", fresh.key_id)))
    plan = wye("plan", wanted, data=fresh.data)
    assert "gains:" in plan.stdout, plan.stdout
    refused = wye("apply", wanted, data=fresh.data)
    assert refused.returncode == 6 and "gains:" in refused.stdout, refused
    accepted = wye("apply", wanted, "--accept-widening", data=fresh.data)
    assert accepted.returncode == 0, accepted.stderr
    admin = lambda path, method="GET", body=None, headers=None: http1.call(
        f"{fresh.admin}/admin/v1/{path}", method, body, {**fresh.headers(), **(headers or {})}
    )
    config = admin("config")
    assert config.status == 200 and config.headers["etag"] == f'"{fresh.status()["config"]}"'
    api = admin("openapi.json").json()
    assert api["paths"]["/keys/{id}/rotate"]["post"]["x-wye-action"] == "keys.rotate"
    made = admin("keys", "POST", {"tenant": "local", "routes": ["chat"]})
    assert made.status == 201
    until(lambda: fresh.get("/v1/models", made.json()["key"]).status == 200, SECONDS, "the new key")
    assert admin("audit").status == 200
    named = [record["principal"] for record in admin("audit?limit=1000").json()["records"] if "principal" in record]
    assert all(who.get("tenant", "local") == "local" for who in named)
    assert admin("access/who-can?do=config.apply&on=admin:config").status == 200
    explained = wye("access", "explain", "--as", f"key:{fresh.key_id},tenant=local", "--do", "config.apply", "--on", "admin:config", data=fresh.data)
    assert explained.returncode == 0 and "administrator" in explained.stdout, explained
    assert admin("stop", "POST").status == 403  # the owner's alone
    # Where no Role is left the built-in one holds again: every key would gain by that.
    assert wye("rollback", data=fresh.data).returncode == 6
    assert wye("rollback", "--accept-widening", data=fresh.data).returncode == 0
    assert admin("config").status == 403
    assert wye("rollback", data=fresh.data).returncode == 6


AUDITOR = """---
apiVersion: wye.dev/v1alpha1
kind: Tenant
metadata: {name: other}
spec: {dataClassMax: internal}
---
apiVersion: wye.dev/v1alpha1
kind: Role
metadata: {name: auditor}
spec:
  keys: true
  rules: [{effect: allow, actions: [audit.read, audit.verify, keys.list], resources: ["admin:audit", "admin:keys"]}]
---
apiVersion: wye.dev/v1alpha1
kind: Grant
metadata: {name: auditors}
spec: {role: auditor, tenant: local, subjects: [{key: KEY}]}
"""


def test_an_auditor_sees_his_tenant_only(fresh, tmp_path):
    wanted = desired(tmp_path, "audited", documents(grants=AUDITOR.replace("KEY", fresh.key_id)))
    assert wye("apply", wanted, "--accept-widening", data=fresh.data).returncode == 0
    made = json.loads(wye("keys", "create", "--tenant", "other", "-o", "json", data=fresh.data).stdout)
    stranger, stranger_id = made["key"], made["record"]["id"]
    until(lambda: fresh.get("/v1/models", stranger).status in (200, 403), SECONDS, "the key of the other tenant")
    ask = lambda path, key: http1.call(f"{fresh.admin}/admin/v1/{path}", headers=fresh.headers(key))
    assert ask("audit", stranger).status == 403
    assert ask("config", fresh.key).status == 403
    until(lambda: any(r["principal"].get("tenant") == "other" for r in acts(fresh, "audit.read")), SECONDS, "the denial of the other tenant")
    page = ask("audit?limit=1000", fresh.key)
    assert page.status == 200
    seen = page.json()["records"]
    assert any(record["event"] == "authz.deny" and record["action"] == "config.read" for record in seen)
    assert {record.get("principal", {}).get("tenant") for record in seen} == {"local"}
    assert stranger_id not in page.body.decode()
    # Keys of the other tenant: not listed, and one that is asked for by name is answered as one that is not there.
    assert stranger_id not in ask("keys", fresh.key).body.decode()
    foreign, absent = ask(f"keys/{stranger_id}", fresh.key), ask("keys/000000000000", fresh.key)
    assert (foreign.status, foreign.body) == (absent.status, absent.body) and foreign.status == 404
