// Any bytes as a body of any operation: decoded or refused, and what is accepted can be written upstream and bridged as JSON.
#include "llm/protocol/responses_bridge.hpp"
#include "llm/protocol/upstream_body.hpp"

#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace wye;
  using namespace wye::protocol;
  if (size == 0) return 0;
  const auto operation = static_cast<Operation>(data[0] % 4);
  const std::string body(reinterpret_cast<const char*>(data + 1), size - 1);
  json::Document document;
  if (!document.parse(body)) return 0;
  const std::vector<std::string> schemes = {"data", "https"};
  const std::vector<std::string> hosts = {"*.example.com"};
  const std::vector<std::string> tools = {"web_search"};
  const DecodePolicy policy{.refuse_unknown = (data[0] & 4) != 0, .pointer_schemes = schemes, .pointer_hosts = hosts, .hosted_tools = tools};
  DecodedRequest request;
  if (!decode(operation, document, policy, request)) return 0;
  json::Patch patch;
  const UpstreamTarget target{.model = "deployment", .force_stream = (data[0] & 8) != 0, .user_hash = "h", .cache_key_prefix = "t"};
  json::Document again;
  std::string out;
  if (write_upstream(request, target, patch) && (!patch.append_to(out) || !again.parse(out))) std::abort();
  if (operation != Operation::kResponses) return 0;
  out.clear();
  if (bridge_request(request, target, out) && !again.parse(out)) std::abort();
  return 0;
}
