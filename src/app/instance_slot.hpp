// Which of the instances on one data folder this is, and where its socket and its audit file are.
// `wye up` has the folder for itself (`run/lock`, `run/admin.sock`, `logs/audit.jsonl`). Processes of `wye gateway` may share a folder,
// and may share it with `wye up`: each takes the first free number, with `run/gateway-N.lock`, `run/gateway-N.sock` and
// `logs/audit-gateway-N.jsonl`, so that every process has one chain of its own that goes on when it starts again.
// Threads: one owner.
#pragma once

#include "app/data_folder.hpp"
#include "foundation/os/folder_lock.hpp"

namespace wye::app {

inline constexpr int kGatewaySlotsMax = 64;

struct InstanceSlot {
  std::string name;  // `up`, `gateway-1` …
  os::FolderLock lock;
  std::filesystem::path socket;
  std::filesystem::path audit_file;
  std::string chain;  // its name in the Table of heads: `audit`, `audit-gateway-1` …
};

/// Errors: kConflict (the folder is in use, or all numbers are), kIo.
Result<InstanceSlot> take_slot(const DataFolder& data, bool exclusive);

/// The sockets of who runs on a folder now, by name.
std::vector<std::pair<std::string, std::filesystem::path>> running_instances(const DataFolder& data);

/// The audit files that lie in a folder, by the name of their chain.
std::vector<std::pair<std::string, std::filesystem::path>> audit_files(const DataFolder& data);

}  // namespace wye::app
