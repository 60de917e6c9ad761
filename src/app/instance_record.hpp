// instance.json: how programs on this machine find a running instance.
#pragma once

#include "app/data_folder.hpp"
#include "foundation/base/clock.hpp"

namespace wye::app {

/// What it holds. URLs without a slash at the end; an empty one is left out.
struct InstanceRecord {
  int pid = 0;
  std::string version;
  WallTime started_at;
  std::string public_url;
  std::string admin_url;
  std::string issuer_url;
  std::string simulator_url;
  friend bool operator==(const InstanceRecord&, const InstanceRecord&) = default;
};

std::string to_json(const InstanceRecord& record);
/// Absent where the text is none.
std::optional<InstanceRecord> parse_instance_record(std::string_view text);

/// The instance that holds the data folder. Errors: kNotFound where none does; kCorrupt where it has not said yet where it is.
Result<InstanceRecord> find_instance(const DataFolder& data);

/// What `wye env` prints: `export NAME='VALUE'` lines. `key` empty: the lines of keys are left out.
std::string export_lines(const InstanceRecord& record, const DataFolder& data, std::string_view key);
/// A word of a POSIX shell that means exactly `text`.
std::string shell_quoted(std::string_view text);

}  // namespace wye::app
