// The objects of /v1/models. Source: OpenAI API reference, Models. Threads: pure functions.
#pragma once

#include "foundation/base/clock.hpp"

namespace wye::protocol {

struct ModelEntry {
  std::string_view id{};  // a Route's name
  WallTime created{};
};

/// Appends `{"id":…,"object":"model","created":…,"owned_by":"wye"}`.
void write_model(const ModelEntry& model, std::string& out);
/// Appends `{"object":"list","data":[…]}`.
void write_model_list(std::span<const ModelEntry> models, std::string& out);

}  // namespace wye::protocol
