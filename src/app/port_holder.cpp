#include "app/port_holder.hpp"

#include "foundation/os/file.hpp"

namespace wye::app {
namespace {

constexpr std::string_view kListening = "0A";

std::vector<std::string_view> words_of(std::string_view line) {
  std::vector<std::string_view> out;
  for (size_t at = 0; at < line.size();) {
    const size_t begin = line.find_first_not_of(' ', at);
    if (begin == std::string_view::npos) break;
    at = std::min(line.find(' ', begin), line.size());
    out.push_back(line.substr(begin, at - begin));
  }
  return out;
}

bool holds(const std::filesystem::path& process, const std::vector<std::string>& inodes) {
  std::error_code error;
  for (std::filesystem::directory_iterator at(process / "fd", error), end; !error && at != end; at.increment(error)) {
    std::error_code gone;
    const std::string link = std::filesystem::read_symlink(at->path(), gone).string();
    if (!gone && std::ranges::any_of(inodes, [&](const std::string& inode) { return link == "socket:[" + inode + "]"; })) return true;
  }
  return false;
}

}  // namespace

std::vector<std::string> listening_inodes(std::string_view table, uint16_t port) {
  // Words: number, local address:port in hex, remote, state, queues, timer, retransmits, uid, timeout, inode.
  constexpr size_t kInode = 9;
  std::vector<std::string> out;
  for (size_t begin = 0; begin < table.size();) {
    const size_t end = std::min(table.find('\n', begin), table.size());
    const std::vector<std::string_view> words = words_of(table.substr(begin, end - begin));
    begin = end + 1;
    if (words.size() <= kInode || words[3] != kListening) continue;
    const std::string_view local = words[1];
    const size_t colon = local.rfind(':');
    uint16_t found = 0;
    if (colon == std::string_view::npos || std::from_chars(local.data() + colon + 1, local.data() + local.size(), found, 16).ec != std::errc())
      continue;
    if (found == port) out.emplace_back(words[kInode]);
  }
  return out;
}

std::string port_holder(uint16_t port) {
  std::vector<std::string> inodes;
  for (const char* table : {"/proc/net/tcp", "/proc/net/tcp6"}) {
    const Result<std::string> text = os::read_file(table, 16_MiB);
    if (!text) continue;
    for (std::string& inode : listening_inodes(*text, port)) inodes.push_back(std::move(inode));
  }
  if (inodes.empty()) return {};
  std::error_code error;
  for (std::filesystem::directory_iterator at("/proc", error), end; !error && at != end; at.increment(error)) {
    const std::string name = at->path().filename().string();
    if (name.find_first_not_of("0123456789") != std::string::npos || !holds(at->path(), inodes)) continue;
    std::string command = os::read_file(at->path() / "comm", 4_KiB).value_or("");
    while (!command.empty() && command.back() == '\n') command.pop_back();
    return "process " + name + (command.empty() ? "" : " (" + command + ")");
  }
  return {};
}

}  // namespace wye::app
