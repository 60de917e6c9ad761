#include "options.hpp"

#include <charconv>
#include <cstdint>
#include <cstdio>

#include "../wire/flags.hpp"

namespace wye::bench::load {
namespace {

// Where the digits lie that each request renews; npos where the text holds none.
size_t find_renewed(std::string_view text) {
  const size_t digits = find_nonce(text);
  return digits != std::string_view::npos && text.substr(digits).starts_with("0000000000000000") ? digits : std::string_view::npos;
}

bool read_group(std::string_view text, std::vector<WatchedGroup>& groups) {
  const size_t equals = text.find('=');
  if (equals == std::string_view::npos || equals == 0) return false;
  WatchedGroup group{std::string(text.substr(0, equals)), {}};
  text.remove_prefix(equals + 1);
  while (!text.empty()) {
    int pid = 0;
    const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), pid);
    if (ec != std::errc{} || pid <= 0) return false;
    group.pids.push_back(pid);
    text.remove_prefix(static_cast<size_t>(end - text.data()));
    if (!text.empty() && text.front() != ',') return false;
    if (!text.empty()) text.remove_prefix(1);
  }
  groups.push_back(std::move(group));
  return true;
}

void add_traffic(Flags& flags, Options& o, int64_t& chunks, int64_t& bytes) {
  flags.add("url", "http://127.0.0.1:PORT (loopback only)", [&o](std::string_view value) { return parse_address(value, o.url); });
  flags.add_text("path", "request target (/v1/chat/completions)", o.path);
  flags.add("header", "Name: value; repeatable; \"nonce-0000000000000000\" in one is renewed for every request", [&o](std::string_view value) {
    o.headers.emplace_back(value);
    return value.find(':') != std::string_view::npos && value.find_first_of("\r\n") == std::string_view::npos;
  });
  flags.add_text("body", "file with the request body; \"nonce-0000000000000000\" in it is renewed for every request", o.body_file);
  flags.add_integer("body-bytes", "size of the chat body that is made where there is no --body (1024)", bytes, 0, 64 * 1024 * 1024);
  flags.add_text("model", "model of the made body (bench)", o.body.model);
  flags.add_switch("sse", "ask for a stream and check every chunk", o.body.stream);
  flags.add_switch("include-usage", "ask for the usage chunk, and want it", o.body.include_usage);
  flags.add_integer("chunks", "content chunks of a stream (64)", chunks, 1, 9999);
  flags.add_integer("spacing-us", "what the stub is asked to wait between chunks (20000)", o.body.directives.spacing_us, 0, 100'000'000);
  flags.add_integer("answer-bytes", "what the stub is asked to answer (1024)", o.body.directives.answer_bytes, 0, 16 * 1024 * 1024);
  flags.add_integer("connections", "connections, or concurrent streams (1)", o.connections, 1, 20'000);
  flags.add_number("seconds", "length of the window", o.seconds, 0, 86'400);
  flags.add_integer("requests", "end the window after so many requests instead", o.requests, 0, INT64_MAX);
  flags.add_number("warmup", "seconds before the window (1)", o.warmup_s, 0, 3600);
  flags.add_number("rate", "open loop: requests a second, latency from the intended time; 0 closed loop (0)", o.rate, 0, 1e7);
  flags.add_number("ramp-ms", "time over which the connections start (one spacing with --sse, else 0)", o.ramp_ms, 0, 600'000);
  flags.add_number("timeout", "seconds after which an answer counts as lost (30)", o.timeout_s, 0.1, 3600);
  flags.add_number("abort-share", "share of requests that the client leaves early (0)", o.abort_share, 0, 1);
  flags.add_number("abort-within-ms", "a leaving client leaves within this time (200)", o.abort_within_ms, 0, 600'000);
  flags.add_integer("seed", "of all draws (1)", o.seed, 0, INT64_MAX);
}

void add_checks(Flags& flags, Options& o, int64_t& status) {
  flags.add_integer("expect-status", "status of every answer (200); any other is a failure", status, 100, 599);
  flags.add("expect", "text that every answer's body must contain; repeatable", [&o](std::string_view value) {
    o.expect.emplace_back(value);
    return !value.empty();
  });
  flags.add_text("expect-body", "file: the exact body of every answer", o.expect_body_file);
  flags.add("watch", "NAME=PID[,PID…]: read these processes' run time and RSS at both ends of the window; repeatable",
            [&o](std::string_view value) { return read_group(value, o.watched); });
  flags.add_switch("count-syscalls", "count the system calls of the watched processes (needs the right to open tracepoints)", o.count_syscalls);
  flags.add_text("malloc-file", "counters of the preloaded allocation counter", o.malloc_file);
}

}  // namespace

bool read_options(int argc, char** argv, Options& o) {
  Flags flags;
  int64_t chunks = o.body.directives.chunks, bytes = static_cast<int64_t>(o.body.bytes), status = o.expect_status;
  add_traffic(flags, o, chunks, bytes);
  add_checks(flags, o, status);
  if (!flags.read(argc, argv)) return false;
  o.body.directives.chunks = static_cast<int>(chunks);
  o.body.bytes = static_cast<size_t>(bytes);
  o.expect_status = static_cast<int>(status);
  const char* error = nullptr;
  if (o.url.port == 0) error = "--url is needed";
  else if (o.seconds == 0 && o.requests == 0) error = "--seconds or --requests is needed";
  else if (o.expect_status != 200 && o.expect.empty() && o.expect_body_file.empty()) error = "--expect-status needs --expect or --expect-body";
  else if (o.rate > 0 && o.abort_share > 0) error = "--abort-share works in the closed loop only";
  if (error != nullptr) std::fprintf(stderr, "error: %s\n  help: %s --help\n", error, argv[0]);
  if (o.ramp_ms < 0) o.ramp_ms = o.body.stream ? static_cast<double>(o.body.directives.spacing_us) / 1000 : 0;
  return error == nullptr;
}

bool read_file(const std::string& path, std::string& bytes) {
  std::FILE* file = std::fopen(path.c_str(), "rb");
  if (file == nullptr) return false;
  char block[16 * 1024];
  for (size_t n = 0; (n = std::fread(block, 1, sizeof block, file)) > 0;) bytes.append(block, n);
  const bool good = std::ferror(file) == 0;
  std::fclose(file);
  return good;
}

bool make_request(const Options& options, RequestText& request) {
  std::string body;
  if (options.body_file.empty()) {
    body = make_chat_body(options.body);
  } else if (!read_file(options.body_file, body)) {
    std::fprintf(stderr, "error: cannot read %s\n", options.body_file.c_str());
    return false;
  }
  std::string& out = request.bytes;
  out = "POST " + options.path + " HTTP/1.1\r\nHost: " + to_text(options.url) + "\r\nUser-Agent: wye-bench\r\nAccept: ";
  out += options.body.stream ? "text/event-stream" : "application/json";
  out += "\r\n";
  for (const std::string& header : options.headers) {
    const size_t nonce = request.header_nonce_at == std::string::npos ? find_renewed(header) : std::string::npos;
    if (nonce != std::string::npos) request.header_nonce_at = out.size() + nonce;
    out += header + "\r\n";
  }
  out += "Content-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n";
  const size_t nonce = find_renewed(body);
  if (nonce != std::string::npos) request.nonce_at = out.size() + nonce;
  const bool checked = request.nonce_at != std::string::npos || !options.expect.empty() || !options.expect_body_file.empty();
  if (!checked) std::fprintf(stderr, "error: the body holds no nonce, so --expect or --expect-body is needed\n");
  if (options.body.stream && request.nonce_at == std::string::npos) {
    std::fprintf(stderr, "error: --sse needs a body with a nonce\n");
    return false;
  }
  out += body;
  return checked;
}

}  // namespace wye::bench::load
