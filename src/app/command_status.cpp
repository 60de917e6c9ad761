#include <unistd.h>

#include "app/instance_record.hpp"
#include "app/local_admin.hpp"
#include "app/status_table.hpp"

namespace wye::app {

int run_status(const InstanceOptions& options, const Outside& outside) {
  const Result<DataFolder> data = find_data_folder(options.data, outside.environment);
  if (!data) return report(data.error());
  const Result<std::string> status = call_admin(*data, outside.clock, "GET", "status", options.instance);
  if (!status) return report_unreachable(status.error());
  if (options.output == "json") {
    std::fputs((*status + "\n").c_str(), stdout);
    return kDone;
  }
  const Result<InstanceRecord> record = find_instance(*data);
  const bool colour = ::isatty(STDOUT_FILENO) == 1 && outside.environment("NO_COLOR").empty();
  const Result<std::string> table = status_table(*status, record ? &*record : nullptr, colour);
  if (!table) return report(table.error());
  std::fputs(table->c_str(), stdout);
  return kDone;
}

}  // namespace wye::app
