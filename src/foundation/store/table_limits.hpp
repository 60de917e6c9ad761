// What every adapter checks before it looks at its storage, so that all refuse the same.
#pragma once

#include "foundation/store/table.hpp"

namespace wye::store {

Result<> check_collection(std::string_view collection);
/// Collection and key of one record.
Result<> check_name(std::string_view collection, std::string_view key);
Result<> check_list(std::string_view collection, const ListFrom& from);
Result<> check_changes(std::string_view collection, uint32_t limit);
/// Every line, the sizes of all together, and that no record is named twice.
Result<> check_batch(std::span<const Write> batch);

/// The smallest text above every text that starts with `prefix`; absent: there is none.
std::optional<std::string> prefix_end(std::string_view prefix);

}  // namespace wye::store
