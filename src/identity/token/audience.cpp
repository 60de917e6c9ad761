#include "identity/token/audience.hpp"

namespace wye::token {
namespace {

struct Owned {
  std::string_view audience;  // lower case, without scheme
  std::string_view owner;
};

constexpr std::string_view kGraph = "Microsoft Graph";
constexpr std::string_view kArm = "Azure Resource Manager";
constexpr std::string_view kAi = "Azure AI services";
constexpr std::string_view kKube = "the Kubernetes API server";

constexpr std::array kOwned = {
    Owned{"00000003-0000-0000-c000-000000000000", kGraph},
    Owned{"00000002-0000-0000-c000-000000000000", kGraph},  // its predecessor, Azure AD Graph
    Owned{"graph.microsoft.com", kGraph},
    Owned{"graph.microsoft.us", kGraph},
    Owned{"dod-graph.microsoft.us", kGraph},
    Owned{"microsoftgraph.chinacloudapi.cn", kGraph},
    Owned{"graph.windows.net", kGraph},
    Owned{"797f4846-ba00-4fd7-ba43-dac1f8f63013", kArm},
    Owned{"management.azure.com", kArm},
    Owned{"management.core.windows.net", kArm},
    Owned{"management.usgovcloudapi.net", kArm},
    Owned{"management.core.usgovcloudapi.net", kArm},
    Owned{"management.chinacloudapi.cn", kArm},
    Owned{"management.core.chinacloudapi.cn", kArm},
    Owned{"7d312290-28c8-473c-a0ed-8e53749b6d6d", kAi},
    Owned{"cognitiveservices.azure.com", kAi},
    Owned{"cognitiveservices.azure.us", kAi},
    Owned{"cognitiveservices.azure.cn", kAi},
    Owned{"ai.azure.com", kAi},
    Owned{"kubernetes.default", kKube},
    Owned{"kubernetes.default.svc", kKube},
    Owned{"kubernetes.default.svc.cluster.local", kKube},
};

}  // namespace

std::string_view owner_of_refused_audience(std::string_view audience) {
  std::string text(audience);
  for (char& c : text) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
  std::string_view rest = text;
  for (const std::string_view scheme : {"https://", "http://", "spn:", "api://"}) {
    if (rest.starts_with(scheme)) rest.remove_prefix(scheme.size());
  }
  if (rest.ends_with("/.default")) rest.remove_suffix(std::string_view("/.default").size());
  while (rest.ends_with('/')) rest.remove_suffix(1);
  for (const std::string_view port : {":443", ":80"}) {
    if (rest.ends_with(port)) rest.remove_suffix(port.size());
  }
  const auto found = std::ranges::find(kOwned, rest, &Owned::audience);
  return found == kOwned.end() ? std::string_view() : found->owner;
}

}  // namespace wye::token
