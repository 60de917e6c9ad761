#include "serving/runtime/verify.hpp"

#include <sys/stat.h>

#include <cerrno>

#include "foundation/os/fd.hpp"
#include "serving/runtime/llama_command.hpp"

namespace wye::runtime {
namespace {

/// What only the file can tell; other capabilities (jsonSchema, logprobs …) are the server's.
constexpr std::array<std::string_view, 4> kFromFile = {"chat", "completions", "embeddings", "tools"};

Result<> check_spec(const RuntimeSpec& spec) {
  const auto sound = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.'; };
  // The name becomes part of a path and of a comma-separated argument.
  if (spec.model.empty() || spec.model.size() > 63 || spec.model.front() == '.' || spec.model.front() == '-' ||
      !std::all_of(spec.model.begin(), spec.model.end(), sound))
    return Fail(internal_error(ErrorCode::kUsage, "the model's name may hold a-z 0-9 . - only"));
  if (!spec.file.is_absolute()) return Fail(internal_error(ErrorCode::kUsage, "the path " + spec.file.string() + " must be absolute"));
  if (spec.slots < 1 || spec.slots > 64) return Fail(internal_error(ErrorCode::kUsage, "slots must be 1 to 64"));
  if (spec.threads < 1 || spec.threads > 1024) return Fail(internal_error(ErrorCode::kUsage, "threads must be 1 to 1024"));
  if (spec.slot_context_tokens < 1 || spec.slot_context_tokens > (16U << 20))
    return Fail(internal_error(ErrorCode::kUsage, "slotContextTokens is out of range"));
  return {};
}

Result<std::vector<std::string>> agree(const RuntimeSpec& spec, const GgufFacts& facts) {
  std::vector<std::string> can = capabilities_of(facts);
  if (can.empty()) return Fail(internal_error(ErrorCode::kUsage, spec.file.string() + " is a ranking model: there is no operation for it"));
  if (spec.capabilities.empty()) return can;
  for (const std::string& wanted : spec.capabilities) {
    if (std::find(kFromFile.begin(), kFromFile.end(), wanted) == kFromFile.end()) continue;
    if (std::find(can.begin(), can.end(), wanted) != can.end()) continue;
    std::string text = spec.file.string() + " cannot do `" + wanted + "`; it can do";
    for (const std::string& one : can) text += " `" + one + "`";
    return Fail(internal_error(ErrorCode::kUsage, std::move(text)));
  }
  return spec.capabilities;
}

Result<> check_memory(const RuntimeSpec& spec, Bytes need, Bytes free) {
  const auto mib = [](Bytes b) { return std::to_string(b.n >> 20) + " MiB"; };
  if (spec.memory && need > *spec.memory) {
    return Fail(internal_error(ErrorCode::kTooLarge, spec.model + " needs about " + mib(need) + ", placement.memory allows " + mib(*spec.memory) +
                                                         "; raise it, or lower slots or slotContextTokens"));
  }
  if (need > free)
    return Fail(internal_error(ErrorCode::kTooLarge, spec.model + " needs about " + mib(need) + ", this machine has " + mib(free) + " free"));
  return {};
}

Result<std::string> check_digest(const RuntimeSpec& spec, const Sha256File& sha256_file, const std::stop_token& stop) {
  TRY(const std::string hex, sha256_file(spec.file, stop));
  const std::string digest = "sha256:" + hex;
  if (spec.digest.empty())
    return Fail(
        internal_error(ErrorCode::kUsage, "version " + spec.version + " names no digest; " + spec.file.string() + " has digest: \"" + digest + "\""));
  if (spec.digest != digest)
    return Fail(
        internal_error(ErrorCode::kCorrupt, spec.file.string() + " has digest " + digest + ", not the " + spec.digest + " that is configured"));
  return digest;
}

}  // namespace

Result<FileIdentity> identify(const std::filesystem::path& path) {
  struct stat st{};
  if (::stat(path.c_str(), &st) != 0) return Fail(os::os_error("look at", path, errno));
  const auto ns = [](const timespec& t) { return t.tv_sec * 1'000'000'000 + t.tv_nsec; };
  return FileIdentity{.device = st.st_dev,
                      .inode = st.st_ino,
                      .size = static_cast<uint64_t>(st.st_size),
                      .modified_ns = ns(st.st_mtim),
                      .changed_ns = ns(st.st_ctim)};
}

Result<Verified> verify(const RuntimeSpec& spec, Bytes free, const Sha256File& sha256_file, const std::stop_token& stop) {
  CHECK_OK(check_spec(spec));
  TRY(const auto source, open_artefact(spec.file));
  Verified out;
  TRY(out.identity, identify(spec.file));
  auto facts = read_gguf(*source);
  if (!facts) {
    facts.error().detail = spec.file.string() + ": " + facts.error().detail;
    return Fail(std::move(facts).error());
  }
  out.facts = std::move(*facts);
  TRY(out.capabilities, agree(spec, out.facts));
  const Bytes estimate = estimate_memory(out.facts, uint64_t{slot_context(spec, out.facts)} * spec.slots);
  out.need = {estimate.n > UINT64_MAX / 11 ? UINT64_MAX : estimate.n * 11 / 10};
  CHECK_OK(check_memory(spec, out.need, free));
  TRY(out.digest, check_digest(spec, sha256_file, stop));
  return out;
}

}  // namespace wye::runtime
