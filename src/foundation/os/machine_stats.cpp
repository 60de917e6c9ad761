#include "foundation/os/machine_stats.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

#include "foundation/os/file.hpp"

namespace wye::os {
namespace {

constexpr Bytes kProcFileMax = 1_MiB;

std::optional<uint64_t> number(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  uint64_t value = 0;
  if (std::from_chars(text.data(), text.data() + text.size(), value).ec != std::errc()) return std::nullopt;
  return value;
}

/// The number after `key` at the start of a line.
std::optional<uint64_t> line_number(std::string_view text, std::string_view key) {
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size());
    const std::string_view line = text.substr(at, end - at);
    if (line.starts_with(key)) return number(line.substr(key.size()));
    at = end + 1;
  }
  return std::nullopt;
}

std::vector<std::string_view> words(std::string_view text) {
  std::vector<std::string_view> out;
  while (!text.empty()) {
    const size_t end = std::min(text.find_first_of(" \n"), text.size());
    if (end > 0) out.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

uint64_t count_entries(const std::string& folder) {
  std::error_code ec;
  uint64_t n = 0;
  for (std::filesystem::directory_iterator it(folder, ec), end; !ec && it != end; it.increment(ec)) ++n;
  return n;
}

/// What one control group leaves; absent where it sets no bound.
std::optional<uint64_t> group_leaves(const std::filesystem::path& group) {
  const auto max_text = read_file(group / "memory.max", kProcFileMax);
  const auto current_text = read_file(group / "memory.current", kProcFileMax);
  if (!max_text || !current_text) return std::nullopt;
  const auto max = number(*max_text);
  const auto current = number(*current_text);
  if (!max || !current) return std::nullopt;  // `max`: no bound
  uint64_t used = *current;
  // Pages of files that nobody used lately are given back before anyone is killed.
  if (const auto stat = read_file(group / "memory.stat", kProcFileMax)) used -= std::min(used, line_number(*stat, "inactive_file ").value_or(0));
  return *max > used ? *max - used : 0;
}

std::optional<uint64_t> control_group_leaves() {
  const auto text = read_file("/proc/self/cgroup", kProcFileMax);
  if (!text) return std::nullopt;
  const size_t at = text->find("0::/");
  if (at == std::string::npos) return std::nullopt;
  const std::string inside = text->substr(at + 4, text->find('\n', at) - at - 4);
  const std::filesystem::path root = "/sys/fs/cgroup";
  std::optional<uint64_t> least;
  for (std::filesystem::path group = root / inside;; group = group.parent_path()) {
    if (const auto leaves = group_leaves(group)) least = std::min(*leaves, least.value_or(UINT64_MAX));
    if (group == root || group == group.parent_path()) return least;
  }
}

}  // namespace

Result<ProcessStats> process_stats(int pid) {
  const std::string folder = "/proc/" + (pid == 0 ? std::string("self") : std::to_string(pid));
  TRY(const std::string stat, read_file(folder + "/stat", kProcFileMax));
  const size_t name_end = stat.rfind(')');  // the name may hold anything, also `)`
  const auto fields = words(name_end == std::string::npos ? std::string_view{} : std::string_view(stat).substr(name_end + 1));
  if (fields.size() < 22) return Fail(internal_error(ErrorCode::kIo, folder + "/stat has another form"));
  const auto field = [&](size_t number_in_manual) { return number(fields[number_in_manual - 3]).value_or(0); };
  const auto hertz = static_cast<uint64_t>(::sysconf(_SC_CLK_TCK));
  const auto page = static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
  const auto ticks = [&](uint64_t n) { return Nanos(static_cast<int64_t>(n * (1'000'000'000 / hertz))); };
  ProcessStats out;
  out.cpu = ticks(field(14) + field(15));
  out.threads = field(20);
  out.virtual_size = {field(23)};
  out.resident = {field(24) * page};
  out.open_fds = count_entries(folder + "/fd");
  rlimit limit{};
  if (::prlimit(pid, RLIMIT_NOFILE, nullptr, &limit) == 0) out.fds_max = limit.rlim_cur;
  TRY(const std::string machine, read_file("/proc/stat", kProcFileMax));
  const uint64_t boot_seconds = line_number(machine, "btime ").value_or(0);
  out.started = {static_cast<int64_t>(boot_seconds) * 1'000'000'000 + ticks(field(22)).count()};
  return out;
}

Result<Bytes> free_memory() {
  TRY(const std::string text, read_file("/proc/meminfo", kProcFileMax));
  const auto available = line_number(text, "MemAvailable:");
  if (!available) return Fail(internal_error(ErrorCode::kIo, "/proc/meminfo has no MemAvailable"));
  return Bytes{std::min(*available << 10, control_group_leaves().value_or(UINT64_MAX))};
}

Result<uint16_t> free_loopback_port() {
  const Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  if (!fd || ::bind(fd.get(), generic, size) != 0 || ::getsockname(fd.get(), generic, &size) != 0)
    return Fail(os_error("find a free port", {}, errno));
  return ntohs(address.sin_port);
}

}  // namespace wye::os
