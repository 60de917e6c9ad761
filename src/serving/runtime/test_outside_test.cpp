#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "foundation/os/file.hpp"
#include "serving/runtime/test_outside.hpp"

namespace wye::runtime {
namespace {

using std::chrono::milliseconds;

Error closed(std::string what) { return internal_error(ErrorCode::kClosed, std::move(what)); }

/// The body of a whole answer, also a chunked one.
Result<HttpCallAnswer> read_answer(const std::string& text) {
  const size_t head = text.find("\r\n\r\n");
  if (head == std::string::npos || text.size() < 12) return Fail(closed("no whole answer"));
  HttpCallAnswer out{.status = std::stoi(text.substr(9, 3)), .body = text.substr(head + 4)};
  if (text.substr(0, head).find("chunked") == std::string::npos) return out;
  std::string body;
  for (size_t at = 0; at < out.body.size();) {
    const size_t line = out.body.find("\r\n", at);
    const size_t size = std::stoul(out.body.substr(at, line - at), nullptr, 16);
    if (size == 0) break;
    body += out.body.substr(line + 2, size);
    at = line + 2 + size + 2;
  }
  out.body = body;
  return out;
}

}  // namespace

Result<HttpCallAnswer> loopback_call(const HttpCallRequest& request) {
  const os::Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(request.port);
  if (::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) return Fail(closed("refused"));
  const std::string text = std::string(request.method) + " " + std::string(request.path) +
                           " HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-type: application/json\r\n" +
                           (request.bearer.empty() ? "" : "authorization: Bearer " + std::string(request.bearer) + "\r\n") +
                           "content-length: " + std::to_string(request.body.size()) + "\r\n\r\n" + std::string(request.body);
  if (::send(fd.get(), text.data(), text.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(text.size())) return Fail(closed("send"));
  const auto end = std::chrono::steady_clock::now() + request.timeout;
  std::string answer;
  while (true) {
    const auto left = std::chrono::ceil<milliseconds>(end - std::chrono::steady_clock::now()).count();
    pollfd wait{.fd = fd.get(), .events = POLLIN, .revents = 0};
    if (left <= 0 || ::poll(&wait, 1, static_cast<int>(left)) == 0) return Fail(internal_error(ErrorCode::kTimeout, "no answer in time"));
    char buffer[4096];
    const ssize_t n = ::recv(fd.get(), buffer, sizeof buffer, 0);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return Fail(closed("reset"));
    if (n == 0) return read_answer(answer);
    answer.append(buffer, static_cast<size_t>(n));
  }
}

Result<std::string> sha256sum(const std::filesystem::path& path, std::stop_token stop) {
  if (stop.stop_requested()) return Fail(internal_error(ErrorCode::kCancelled, "stopped"));
  TRY(os::ChildProcess child, os::ChildProcess::start({.arguments = {"/usr/bin/sha256sum", path.string()}, .environment = {}, .folder = {}}));
  std::string out;
  while (child.try_read_output(out)) {
    if (stop.stop_requested()) return Fail(internal_error(ErrorCode::kCancelled, "stopped"));
    child.wait_for(milliseconds(5));
  }
  if (out.size() < 64) return Fail(internal_error(ErrorCode::kIo, "sha256sum: " + out));
  return out.substr(0, 64);
}

void Reports::add(const RuntimeStatus& status) {
  const std::lock_guard lock(mutex_);
  all_.push_back(status);
  came_.notify_all();
}

RuntimeStatus Reports::wait(std::string_view model, const std::function<bool(const RuntimeStatus&)>& fits, std::chrono::seconds limit) {
  std::unique_lock lock(mutex_);
  RuntimeStatus found;
  const bool came = came_.wait_for(lock, limit, [&] {
    for (const RuntimeStatus& one : all_) {
      if (one.model != model || !fits(one)) continue;
      found = one;
      return true;
    }
    return false;
  });
  std::string seen;
  for (const RuntimeStatus& one : all_) seen += "\n  " + one.model + " " + std::string(to_string(one.state)) + " " + one.reason;
  EXPECT_TRUE(came) << "what came for " << model << ":" << seen;
  return found;
}

RuntimeStatus Reports::wait(std::string_view model, State state, std::chrono::seconds limit) {
  return wait(model, [state](const RuntimeStatus& one) { return one.state == state; }, limit);
}

std::vector<State> Reports::states(std::string_view model) const {
  const std::lock_guard lock(mutex_);
  std::vector<State> out;
  for (const RuntimeStatus& one : all_) {
    if (one.model == model) out.push_back(one.state);
  }
  return out;
}

void Reports::forget() {
  const std::lock_guard lock(mutex_);
  all_.clear();
}

TestOutside::TestOutside() {
  std::string name = (std::filesystem::temp_directory_path() / "wye-runtime-XXXXXX").string();
  folder_ = ::mkdtemp(name.data());
}

TestOutside::~TestOutside() {
  std::error_code ec;
  std::filesystem::remove_all(folder_, ec);
}

SupervisorPorts TestOutside::ports() {
  return {.clock = clock,
          .random = random,
          .log = log,
          .http = http,
          .sha256_file = sha256sum,
          .make_key = [this] { return Secret("a-key-of-a-test-with-enough-letters-" + std::to_string(++keys_)); },
          .changed = [this](const RuntimeStatus& status) { reports.add(status); },
          .in_flight = {}};
}

std::filesystem::path TestOutside::put(std::string_view name, std::string_view content, unsigned mode) {
  const auto path = folder_ / name;
  EXPECT_TRUE(os::write_file_atomic(path, content, mode));
  return path;
}

bool gone_soon(int pid) {
  for (int i = 0; i < 200; ++i) {
    const auto stat = os::read_file("/proc/" + std::to_string(pid) + "/stat", 64_KiB);
    if (!stat || stat->find(") Z ") != std::string::npos) return true;
    std::this_thread::sleep_for(milliseconds(10));
  }
  return false;
}

TEST(TestOutsideTest, TheDigestIsThatOfTheFile) {
  TestOutside outside;
  EXPECT_EQ(*sha256sum(outside.put("empty", ""), {}), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

}  // namespace wye::runtime
