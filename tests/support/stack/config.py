"""Configurations of the tests, as text: one function a kind."""

HEAD = "apiVersion: wye.dev/v1alpha1\nkind: {kind}\nmetadata: {{name: {name}}}\nspec:\n"


def document(kind, name, lines):
    return HEAD.format(kind=kind, name=name) + "".join(f"  {line}\n" for line in lines)


_document = document


def edge(port=0, admin_port=0, extra=()):
    return document(
        "Gateway",
        "edge",
        [
            f"listeners: [{{name: public, address: 127.0.0.1, port: {port}}}]",
            f"admin: {{address: 127.0.0.1, port: {admin_port}}}",
            "accessLog: {to: stdout}",
            *extra,
        ],
    )


def tenant(name, data_class="restricted"):
    return document("Tenant", name, [f"dataClassMax: {data_class}"])


def credential(name, origin, key_file):
    return document("Credential", name, ["type: apiKey", f'origins: ["{origin}"]', f"apiKey: {{header: api-key, key: {{file: {key_file}}}}}"])


def azure(name, endpoint, deployment, credential_name, api_version="v1", capabilities="chat, completions"):
    return document(
        "Backend",
        name,
        [
            "provider: azureOpenAI",
            f'endpoint: "{endpoint}"',
            f"deployment: {deployment}",
            f"apiVersion: {api_version}",
            f"auth: {{credential: {credential_name}}}",
            "location: {sku: Standard, region: swedencentral}",
            "network: {mode: loopback}",
            "dataClassMax: internal",
            f"serves: {{capabilities: [{capabilities}]}}",
        ],
    )


def server(name, endpoint, model, capabilities="chat, completions", context=2048):
    return document(
        "Backend",
        name,
        [
            "provider: openAICompatible",
            f'endpoint: "{endpoint}/v1"',
            f"deployment: {model}",
            "location: {path: custom}",
            "network: {mode: loopback}",
            "dataClassMax: restricted",
            f"serves: {{capabilities: [{capabilities}], contextTokens: {context}}}",
        ],
    )


def local_model(name, file, digest, data_class="restricted"):
    return document(
        "Model",
        name,
        [
            "versions:",
            f'  - {{name: v1, source: {{file: "{file}"}}, digest: "{digest}"}}',
            "runtime: {type: llamaServer, slots: 2, slotContextTokens: 1024, threads: 1}",
            "serves: {capabilities: [chat, completions], contextTokens: 1024}",
            f"dataClassMax: {data_class}",
        ],
    )


def route(name, *candidates, operations="chat, completions, responses", extra=(), data_class="internal"):
    named = ", ".join(f"{{{candidate}}}" for candidate in candidates)
    return document("Route", name, [f"operations: [{operations}]", f"dataClass: {data_class}", f"candidates: [{named}]", *extra])


def write(folder, documents):
    """One file a call, replaced atomically, so that a watcher never sees a half of it."""
    folder.mkdir(parents=True, exist_ok=True)
    fresh = folder / ".wye.yaml.new"
    fresh.write_text("---\n".join(documents))
    fresh.rename(folder / "wye.yaml")
