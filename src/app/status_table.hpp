// `wye status` for people. Pure.
#pragma once

#include "app/instance_record.hpp"

namespace wye::app {

/// From the body of GET /admin/v1/status; `record` may be null. Errors: kCorrupt where the body is none.
Result<std::string> status_table(std::string_view status_json, const InstanceRecord* record, bool colour);

}  // namespace wye::app
