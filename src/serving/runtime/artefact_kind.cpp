#include "serving/runtime/artefact_kind.hpp"

namespace wye::runtime {
namespace {

constexpr uint64_t kLook = 64 << 10;
constexpr std::string_view kPickle = "a Python pickle, which can run code when loaded: refused";

std::string read_some(ByteSource& source, uint64_t offset, uint64_t bytes) {
  std::string out(bytes, '\0');
  return source.read(offset, out) ? out : std::string();
}

bool starts_as_pickle(std::string_view text) { return text.size() >= 2 && text[0] == '\x80' && text[1] >= 2 && text[1] <= 5; }

bool names_a_pickle(std::string_view text) { return text.find("data.pkl") != std::string_view::npos || text.find(".pkl") != std::string_view::npos; }

}  // namespace

std::string describe_artefact(ByteSource& source) {
  const uint64_t size = source.size();
  if (size == 0) return "it is empty";
  const std::string head = read_some(source, 0, std::min(size, kLook));
  const std::string tail = read_some(source, size - std::min(size, kLook), std::min(size, kLook));  // where ZIP keeps its list of names
  if (starts_as_pickle(head)) return "it is " + std::string(kPickle);
  if (head.starts_with("PK\x03\x04")) {
    if (names_a_pickle(head) || names_a_pickle(tail)) return "it is an archive holding " + std::string(kPickle);
    return "it is a ZIP archive";
  }
  if (head.size() > 262 && std::string_view(head).substr(257, 5) == "ustar")
    return names_a_pickle(head) || starts_as_pickle(std::string_view(head).substr(std::min<size_t>(512, head.size())))
               ? "it is an archive holding " + std::string(kPickle)
               : "it is a tar archive";
  if (head.starts_with("\x93NUMPY")) return "it is a NumPy array";
  if (head.starts_with("\x1f\x8b")) return "it is gzip data";
  if (head.size() > 8 && head[8] == '{') return "it looks like safetensors; convert it to GGUF";
  if (head.starts_with("version https://git-lfs")) return "it is a Git LFS pointer, not the file itself";
  if (head.starts_with("<")) return "it looks like a web page";
  return "its first bytes are not `GGUF`";
}

}  // namespace wye::runtime
