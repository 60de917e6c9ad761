#include "app/first_start.hpp"
#include "app/instance_record.hpp"
#include "app/local_admin.hpp"

namespace wye::app {

int run_env(const InstanceOptions& options, const Outside& outside) {
  const Result<DataFolder> data = find_data_folder(options.data, outside.environment);
  if (!data) return report(data.error());
  const Result<InstanceRecord> record = find_instance(*data);
  if (!record) return report_unreachable(record.error());
  const Secret key = read_laptop_key(*data);
  const std::string lines = export_lines(*record, *data, key.reveal());
  std::fputs(lines.c_str(), stdout);
  return kDone;
}

}  // namespace wye::app
