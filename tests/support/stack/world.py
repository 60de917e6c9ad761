"""All parts together: two llama-servers, the simulator, bench's stub, and one Wye before them."""

import re
import secrets

from stack import config, http1
from stack.gateway import Gateway, environment
from stack.running_program import Program, free_port
from stack.programs import artefact, program

CHAT_MODEL = "models/smollm2-135m-instruct-q4_1.gguf"
EMBED_MODEL = "models/all-minilm-l6-v2-f16.gguf"
CHAT_DIGEST = "sha256:b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
MODEL_SECONDS = 120


class Llama:
    """A llama-server of one thread: more threads collapse on a busy machine."""

    def __init__(self, folder, name, model, *more):
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.process = Program(
            [
                artefact("bin/llama-server"),
                "-m",
                artefact(model),
                "--host",
                "127.0.0.1",
                "--port",
                self.port,
                "--alias",
                name,
                "-t",
                1,
                "-tb",
                1,
                "--poll",
                0,
                "--no-ui",
                "--offline",
                *more,
            ],
            folder / f"llama-{name}.log",
            environment(),
        )

    def wait_ready(self):
        def ready():
            try:
                return http1.call(f"{self.url}/health", timeout=10).status == 200
            except OSError:
                return False

        self.process.wait_for(ready, MODEL_SECONDS, f"{self.url}/health")

    def busy_slots(self):
        return sum(slot["is_processing"] for slot in http1.call(f"{self.url}/slots", timeout=30).json())


def announced(process, seconds, pattern=r"listening on 127\.0\.0\.1:(\d+)"):
    """The loopback address whose port a program prints once it listens."""
    found = process.wait_for(lambda: re.search(pattern, process.text()), seconds, pattern)
    return f"http://127.0.0.1:{found[1]}"


class Simulator:
    def __init__(self, folder, name, deployments, *more):
        self.key_file = folder / f"{name}.key"
        self.key = secrets.token_hex(16)
        self.key_file.write_text(self.key)
        self.key_file.chmod(0o600)
        flags = [flag for deployment in deployments for flag in ("--deployment", deployment)]
        self.process = Program(
            [program("wye-azure-simulator"), "--port", 0, "--key-file", self.key_file, *flags, *more], folder / f"{name}.log", environment()
        )
        self.url = announced(self.process, 30)


class Stub:
    """bench's upstream: answers at once, or slowly, as its flags say."""

    def __init__(self, folder, *flags, name="stub"):
        self.process = Program([program("wye_bench_stub"), "--listen", "127.0.0.1:0", "--any-payload", *flags], folder / f"{name}.log", environment())
        self.url = announced(self.process, 30, r'"port":(\d+)')


class World:
    """Built once a session. Routes: `chat-local` custom, `chat-managed` and `chat-dated` managed, `embed-local`; others are faults."""

    def __init__(self, folder):
        self.folder = folder
        self.started = []
        try:
            self._start()
        except BaseException:
            self.stop()
            raise

    def _keep(self, part):
        self.started.append(part.process)
        return part

    def _start(self):
        folder = self.folder
        self.llama = self._keep(Llama(folder, "smollm2", CHAT_MODEL, "-c", 4096, "-np", 2, "--slots", "--jinja", "--cache-ram", 0))
        self.embed = self._keep(Llama(folder, "minilm", EMBED_MODEL, "-c", 512, "-np", 1, "-b", 512, "-ub", 512, "--embedding", "--pooling", "mean"))
        self.stub = self._keep(Stub(folder, "--chunks", 40, "--spacing-us", 50000, "--latency-ms", 300))
        self.slow = self._keep(Stub(folder, "--latency-ms", 2000, name="slow"))
        self.llama.wait_ready()
        self.embed.wait_ready()
        self.simulator = self._keep(
            Simulator(folder, "simulator", [f"{name}=smollm2@{self.llama.url}/v1" for name in ("gpt-4o-mini", "faulty", "short")])
        )
        self.gateway = Gateway(folder, threads=1)  # each thread knows by itself which target rests; one gives the same answer each time
        config.write(self.gateway.config, self.documents())
        self.gateway.start()
        self.started.append(self.gateway.process)

    def documents(self, extra=()):
        azure = self.simulator.url
        gone = f"http://127.0.0.1:{free_port()}"
        return [
            config.edge(),
            config.tenant("local"),
            config.tenant("stranger", "public"),
            config.credential("azure", azure, self.simulator.key_file),
            config.azure("azure", azure, "gpt-4o-mini", "azure"),
            config.azure("azure-dated", azure, "gpt-4o-mini", "azure", '"2024-10-21"'),
            config.azure("azure-warming", azure, "not-there-yet", "azure"),
            config.azure("azure-faulty", azure, "faulty", "azure"),
            config.azure("azure-short", azure, "short", "azure"),
            config.server("llama", self.llama.url, "smollm2"),
            config.server("minilm", self.embed.url, "minilm", "embeddings", 512),
            config.server("gone", gone, "gone"),
            config.server("stub", self.stub.url, "bench", "chat, completions, responses", 32768),
            config.route("chat-local", "backend: llama", extra=["aliases: [gpt-local, org/chat]"]),
            config.route("chat-managed", "backend: azure"),
            config.route("chat-dated", "backend: azure-dated"),
            config.route("embed-local", "backend: minilm", operations="embeddings"),
            config.route("chat-fallback", "backend: gone, tier: 0", "backend: llama, tier: 1"),
            config.route("chat-gone", "backend: gone"),
            config.route("chat-warming", "backend: azure-warming"),
            config.route("chat-strict", "backend: llama", extra=["request: {unknownFields: refuse}"]),
            config.route("chat-faulty", "backend: azure-faulty"),
            config.route("chat-short", "backend: azure-short", extra=["deadlines: {firstEvent: 2s, idle: 2s, total: 6s}"]),
            config.server("slow", self.slow.url, "bench", "chat", 32768),
            config.route("slow", "backend: slow", operations="chat"),
            config.route("stub", "backend: stub"),
            *extra,
        ]

    def stop(self):
        """Wye first, so that it can drain; every program by its id."""
        failures = []
        for process in reversed(self.started):
            try:
                process.stop(60)
            except TimeoutError as error:
                failures.append(str(error))
        self.started = []
        assert not failures, failures
