#include "app/instance_slot.hpp"

namespace wye::app {
namespace {

std::string gateway_name(int number) { return "gateway-" + std::to_string(number); }
std::filesystem::path lock_of(const DataFolder& data, const std::string& name) { return data.run() / (name + ".lock"); }
std::filesystem::path socket_of(const DataFolder& data, const std::string& name) { return data.run() / (name + ".sock"); }

}  // namespace

Result<InstanceSlot> take_slot(const DataFolder& data, bool exclusive) {
  if (exclusive) {
    TRY(os::FolderLock lock, os::FolderLock::take(data.lock()));
    return InstanceSlot{"up", std::move(lock), data.admin_socket(), data.logs() / "audit.jsonl", "audit"};
  }
  for (int number = 1; number <= kGatewaySlotsMax; ++number) {
    const std::string name = gateway_name(number);
    Result<os::FolderLock> lock = os::FolderLock::take(lock_of(data, name));
    if (!lock && lock.error().code == ErrorCode::kConflict) continue;
    if (!lock) return Fail(std::move(lock).error());
    return InstanceSlot{name, std::move(*lock), socket_of(data, name), data.logs() / ("audit-" + name + ".jsonl"), "audit-" + name};
  }
  return Fail(internal_error(ErrorCode::kConflict, data.root.string() + " is in use by 64 gateways"));
}

std::vector<std::pair<std::string, std::filesystem::path>> running_instances(const DataFolder& data) {
  std::vector<std::pair<std::string, std::filesystem::path>> out;
  if (os::FolderLock::holder(data.lock())) out.emplace_back("up", data.admin_socket());
  for (int number = 1; number <= kGatewaySlotsMax; ++number) {
    const std::string name = gateway_name(number);
    std::error_code ignored;
    if (!std::filesystem::exists(lock_of(data, name), ignored)) continue;
    if (os::FolderLock::holder(lock_of(data, name))) out.emplace_back(name, socket_of(data, name));
  }
  return out;
}

std::vector<std::pair<std::string, std::filesystem::path>> audit_files(const DataFolder& data) {
  std::vector<std::pair<std::string, std::filesystem::path>> out;
  std::error_code error;
  for (std::filesystem::directory_iterator at(data.logs(), error); !error && at != std::filesystem::directory_iterator(); at.increment(error)) {
    const std::string name = at->path().stem().string();
    if (at->path().extension() == ".jsonl" && (name == "audit" || name.starts_with("audit-"))) out.emplace_back(name, at->path());
  }
  std::ranges::sort(out);
  return out;
}

}  // namespace wye::app
