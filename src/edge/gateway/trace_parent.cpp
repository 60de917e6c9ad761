#include "edge/gateway/trace_parent.hpp"

namespace wye::gateway {
namespace {

constexpr size_t kSize = 55;  // 2 + 1 + 32 + 1 + 16 + 1 + 2

bool is_hex(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}
bool is_zero(std::string_view text) { return text.find_first_not_of('0') == std::string_view::npos; }

}  // namespace

std::string_view trace_id_of(std::string_view traceparent) {
  if (traceparent.size() < kSize || traceparent[2] != '-' || traceparent[35] != '-' || traceparent[52] != '-') return {};
  const std::string_view version = traceparent.substr(0, 2);
  const std::string_view trace = traceparent.substr(3, 32);
  const std::string_view parent = traceparent.substr(36, 16);
  if (!is_hex(version) || !is_hex(trace) || !is_hex(parent) || !is_hex(traceparent.substr(53, 2))) return {};
  if (version == "ff" || is_zero(trace) || is_zero(parent)) return {};
  if (version == "00" ? traceparent.size() != kSize : traceparent.size() > kSize && traceparent[kSize] != '-') return {};
  return trace;
}

}  // namespace wye::gateway
