#include "stats.hpp"

#include <string_view>

namespace wye::bench::stub {
namespace {

void append(std::string& out, std::string_view name, uint64_t value) {
  out += out.size() == 1 ? "\"" : ",\"";
  out += name;
  out += "\":";
  out += std::to_string(value);
}

}  // namespace

std::string to_json(const Stats& stats) {
  std::string out = "{";
  append(out, "connections", stats.connections);
  append(out, "open_connections", stats.open_connections);
  append(out, "requests", stats.requests);
  append(out, "unary", stats.unary);
  append(out, "streams", stats.streams);
  append(out, "active_streams", stats.active_streams);
  append(out, "streams_finished", stats.streams_finished);
  append(out, "chunks", stats.chunks);
  append(out, "injected_errors", stats.injected_errors);
  append(out, "injected_cuts", stats.injected_cuts);
  append(out, "client_gone_unary", stats.client_gone_unary);
  append(out, "client_gone_stream", stats.client_gone_stream);
  append(out, "unauthorized", stats.unauthorized);
  append(out, "protocol_errors", stats.protocol_errors);
  out += ",\"first_error\":\"";
  for (const char c : stats.first_error) {
    if (c != '"' && c != '\\' && static_cast<unsigned char>(c) >= 32) out += c;
  }
  return out + "\"}";
}

}  // namespace wye::bench::stub
