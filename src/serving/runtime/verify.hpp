// Everything that is checked of a model file before a program opens it.
#pragma once

#include <stop_token>

#include "serving/runtime/gguf.hpp"
#include "serving/runtime/runtime_spec.hpp"

namespace wye::runtime {

/// Tells whether a path still names the file that was checked.
struct FileIdentity {
  uint64_t device = 0;
  uint64_t inode = 0;
  uint64_t size = 0;
  int64_t modified_ns = 0;
  int64_t changed_ns = 0;
  friend bool operator==(const FileIdentity&, const FileIdentity&) = default;
};
Result<FileIdentity> identify(const std::filesystem::path& path);

/// What verification found out.
struct Verified {
  GgufFacts facts;
  FileIdentity identity;
  std::string digest;
  std::vector<std::string> capabilities;
  Bytes need;  // estimate × 1.1
};

using Sha256File = std::function<Result<std::string>(const std::filesystem::path&, std::stop_token)>;

/// Name, format, capabilities, memory against the bound of the spec and against `free`, digest; the cheap ones first. Blocks as
/// long as hashing takes. Errors: kNotFound, kCorrupt, kTooLarge (memory), kUsage (the spec), kCancelled, kIo; the detail says
/// what is wrong with which file and what to do.
Result<Verified> verify(const RuntimeSpec& spec, Bytes free, const Sha256File& sha256_file, const std::stop_token& stop);

}  // namespace wye::runtime
