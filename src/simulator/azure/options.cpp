#include "simulator/azure/options.hpp"

#include "simulator/azure/upstreams.hpp"

namespace wye::simulator {
namespace {

constexpr size_t kDeploymentsMax = 64;
constexpr Nanos kDelayMax = std::chrono::minutes(10);
constexpr std::array<std::string_view, 8> kApiVersions = {"2024-02-01",         "2024-06-01",         "2024-08-01-preview", "2024-10-21",
                                                          "2024-12-01-preview", "2025-01-01-preview", "2025-03-01-preview", "2025-04-01-preview"};

Fail wrong(std::string_view argument, std::string_view expected, std::string_view got) {
  std::string message(argument);
  message += ": expected ";
  message += expected;
  message += ", got '";
  message += got.substr(0, 128);
  message += '\'';
  return Fail(public_error(ErrorCode::kUsage, std::move(message)));
}

Result<uint64_t> number(std::string_view flag, std::string_view text, uint64_t min, uint64_t max) {
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < min || value > max)
    return wrong(flag, "a number from " + std::to_string(min) + " to " + std::to_string(max), text);
  return value;
}

Result<Nanos> delay(std::string_view flag, std::string_view text) {
  const std::optional<Nanos> value = parse_duration(text);
  if (!value || *value > kDelayMax) return wrong(flag, "a duration up to 10m such as 250ms", text);
  return *value;
}

/// Goes into a header or a model name.
Result<std::string> word(std::string_view flag, std::string_view text) {
  if (!is_deployment_name(text)) return wrong(flag, "1 to 64 letters, digits, '.', '_' or '-'", text);
  return std::string(text);
}

Result<std::string> url(std::string_view flag, std::string_view text) {
  if (!parse_upstream_url(text)) return wrong(flag, "http://HOST[:PORT][/PREFIX]", text);
  return std::string(text);
}

Result<DeploymentSpec> deployment(std::string_view text) {
  constexpr std::string_view kFlag = "--deployment";
  const size_t equals = text.find('=');
  if (equals == std::string_view::npos || !is_deployment_name(text.substr(0, equals))) return wrong(kFlag, "NAME=MODEL[@URL]", text);
  DeploymentSpec spec;
  spec.name = text.substr(0, equals);
  std::string_view model = text.substr(equals + 1);
  if (const size_t at = model.find("@http"); at != std::string_view::npos) {
    TRY(spec.upstream, url(kFlag, model.substr(at + 1)));
    model = model.substr(0, at);
  }
  const bool plain = std::ranges::all_of(model, [](char c) { return c > ' ' && c < 0x7F && c != '"' && c != '\\'; });
  if (model.empty() || model.size() > 128 || !plain) return wrong(kFlag, "NAME=MODEL[@URL]", text);
  spec.model = model;
  return spec;
}

Result<FaultShare> fault(std::string_view text) {
  const size_t equals = text.find('=');
  const std::optional<Fault> kind = parse_fault(text.substr(0, equals));
  double share = -1;
  if (equals != std::string_view::npos) {
    const std::string_view digits = text.substr(equals + 1);
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), share);
    if (error != std::errc() || end != digits.data() + digits.size()) share = -1;
  }
  if (!kind || !(share >= 0 && share <= 1)) return wrong("--fault", "KIND=SHARE with KIND of " + fault_names() + " and SHARE from 0 to 1", text);
  return FaultShare{*kind, share};
}

struct Flag {
  std::string_view name;
  Result<void> (*take)(Options& options, std::string_view flag, std::string_view value);
};

#define WYE_TAKE(...)                                                                              \
  [](Options& o, [[maybe_unused]] std::string_view flag, std::string_view value) -> Result<void> { \
    __VA_ARGS__;                                                                                   \
    return {};                                                                                     \
  }
constexpr std::array kFlags = {
    Flag{"--port", WYE_TAKE(TRY(const uint64_t n, number(flag, value, 0, 65535)); o.port = static_cast<uint16_t>(n))},
    Flag{"--upstream", WYE_TAKE(TRY(o.upstream, url(flag, value)))},
    Flag{"--upstream-file", WYE_TAKE(o.upstream_file = value)},
    Flag{"--deployment", WYE_TAKE(TRY(DeploymentSpec spec, deployment(value)); o.deployments.push_back(std::move(spec)))},
    Flag{"--key-file", WYE_TAKE(o.key_file = value)},
    Flag{"--fault", WYE_TAKE(TRY(const FaultShare share, fault(value)); o.faults.push_back(share))},
    Flag{"--latency", WYE_TAKE(TRY(o.latency, delay(flag, value)))},
    Flag{"--slow-by", WYE_TAKE(TRY(o.slow_by, delay(flag, value)))},
    Flag{"--seed", WYE_TAKE(TRY(o.seed, number(flag, value, 0, UINT64_MAX)))},
    Flag{"--tokens-per-minute", WYE_TAKE(TRY(o.tokens_per_minute, number(flag, value, 1, 1'000'000'000'000)))},
    Flag{"--region", WYE_TAKE(TRY(o.region, word(flag, value)))},
    Flag{"--model-version", WYE_TAKE(TRY(o.model_version, word(flag, value)))},
    Flag{"--api-version", WYE_TAKE(TRY(std::string version, word(flag, value)); o.api_versions.push_back(std::move(version)))},
};
#undef WYE_TAKE

Result<void> check_whole(Options& options) {
  const auto fail = [](std::string message) { return Fail(public_error(ErrorCode::kUsage, std::move(message))); };
  if (options.deployments.empty() || options.deployments.size() > kDeploymentsMax) return fail("--deployment NAME=MODEL: 1 to 64 are needed");
  if (options.key_file.empty()) return fail("--key-file FILE is needed");
  std::set<std::string_view> names;
  for (const DeploymentSpec& spec : options.deployments) {
    if (!names.insert(spec.name).second) return fail("--deployment: the name '" + spec.name + "' stands twice");
    if (spec.upstream.empty() && options.upstream.empty() && options.upstream_file.empty())
      return fail("--deployment " + spec.name + ": no upstream; give --upstream, --upstream-file or NAME=MODEL@URL");
  }
  double sum = 0;
  for (const FaultShare& share : options.faults) sum += share.share;
  if (sum > 1 + 1e-9) return fail("--fault: the shares sum up to more than 1");
  if (options.api_versions.empty()) options.api_versions.assign(kApiVersions.begin(), kApiVersions.end());
  return {};
}

}  // namespace

bool is_deployment_name(std::string_view name) {
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
  };
  return !name.empty() && name.size() <= 64 && std::ranges::all_of(name, allowed) && name.find_first_not_of('.') != std::string_view::npos;
}

Result<Options> parse_options(std::span<const std::string_view> arguments) {
  Options options;
  for (size_t i = 0; i < arguments.size(); ++i) {
    std::string_view flag = arguments[i];
    if (flag == "--help" || flag == "-h") {
      options.help = true;
      return options;
    }
    if (flag == "--with-parent") {
      options.with_parent = true;
      continue;
    }
    // `--flag VALUE` and `--flag=VALUE`.
    std::optional<std::string_view> value;
    if (const size_t equals = flag.find('='); equals != std::string_view::npos) {
      value = flag.substr(equals + 1);
      flag = flag.substr(0, equals);
    }
    const auto known = std::ranges::find(kFlags, flag, &Flag::name);
    if (known == kFlags.end()) return Fail(public_error(ErrorCode::kUsage, "unknown argument '" + std::string(flag.substr(0, 128)) + "'"));
    if (!value) {
      if (++i == arguments.size()) return Fail(public_error(ErrorCode::kUsage, std::string(flag) + ": a value is missing"));
      value = arguments[i];
    }
    CHECK_OK(known->take(options, flag, *value));
  }
  CHECK_OK(check_whole(options));
  return options;
}

std::string_view usage_text() {
  return R"(wye-azure-simulator: stands in for an Azure OpenAI resource, offline, with a local model behind it.

  --deployment NAME=MODEL[@URL]  a deployment and the model that answers for it; may stand several times
  --upstream URL                 OpenAI-compatible server of deployments without a URL
  --upstream-file FILE           lines `MODEL URL [KEY]` or `URL`, read again at each request; they win over --upstream
  --key-file FILE                accepted keys, one a line
  --port N                       port on 127.0.0.1; 0, the default: any free one
  --tokens-per-minute N          limit of each deployment (1000000)
  --fault KIND=SHARE             429 500 503 reset cut stall slow-first; may stand several times
  --latency D                    wait before each answer
  --slow-by D                    what slow-first adds (5s)
  --seed N                       of the faults (1)
  --model-version V              answers name MODEL-V (2026-01-01)
  --region NAME                  x-ms-region (simulated)
  --api-version V                accepted on dated URLs, instead of the built-in list; may stand several times
  --with-parent                  end when the process that started it ends

Prints `listening on 127.0.0.1:PORT` once it is ready; ends on SIGTERM or Ctrl-C after its requests.
)";
}

}  // namespace wye::simulator
