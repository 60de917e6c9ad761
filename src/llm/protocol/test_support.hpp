// Shortcuts of this room's tests.
#pragma once

#include "foundation/json/document.hpp"
#include "llm/protocol/upstream_body.hpp"

#include <gtest/gtest.h>

namespace wye::protocol {

/// A body with its Document, its policy's lists and its decoded form.
struct Parsed {
  json::Document document;
  std::vector<std::string> schemes{"data"};
  std::vector<std::string> hosts;
  std::vector<std::string> tools;
  std::vector<std::string> allow;
  bool refuse_unknown = false;
  bool model_in_path = false;
  DecodedRequest request;

  Result<void> read(Operation operation, std::string_view body) {
    CHECK_OK(document.parse_copy(body));
    const DecodePolicy policy{.refuse_unknown = refuse_unknown,
                              .allow_fields = allow,
                              .pointer_schemes = schemes,
                              .pointer_hosts = hosts,
                              .hosted_tools = tools,
                              .model_in_path = model_in_path};
    return decode(operation, document, policy, request);
  }
};

inline std::string joined(std::span<const std::string_view> pieces) {
  std::string out;
  for (const std::string_view piece : pieces) out += piece;
  return out;
}

}  // namespace wye::protocol
