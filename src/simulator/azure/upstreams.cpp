#include "simulator/azure/upstreams.hpp"

#include "simulator/azure/small_file.hpp"

namespace wye::simulator {

std::optional<UpstreamUrl> parse_upstream_url(std::string_view url) {
  constexpr std::string_view kScheme = "http://";
  if (!url.starts_with(kScheme) || url.size() > 512) return std::nullopt;
  url.remove_prefix(kScheme.size());
  const auto odd = [](char c) { return c <= ' ' || c >= 0x7F || c == '?' || c == '#' || c == '@' || c == '%' || c == '\\' || c == '"'; };
  if (std::ranges::any_of(url, odd)) return std::nullopt;
  UpstreamUrl out;
  const size_t slash = std::min(url.find('/'), url.size());
  const std::string_view authority = url.substr(0, slash);
  std::string_view prefix = url.substr(slash);
  while (prefix.ends_with('/')) prefix.remove_suffix(1);
  if (prefix.ends_with("/v1")) prefix.remove_suffix(3);
  out.prefix = prefix;
  out.authority = authority;
  std::string_view port;
  if (authority.starts_with('[')) {
    const size_t close = authority.find(']');
    if (close == std::string_view::npos) return std::nullopt;
    out.host = authority.substr(1, close - 1);
    port = authority.substr(close + 1);
    if (!port.empty() && !port.starts_with(':')) return std::nullopt;
  } else {
    const size_t colon = std::min(authority.find(':'), authority.size());
    out.host = authority.substr(0, colon);
    port = authority.substr(colon);
  }
  if (out.host.empty()) return std::nullopt;
  if (port.empty()) return out;
  port.remove_prefix(1);
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), out.port);
  if (error != std::errc() || end != port.data() + port.size() || out.port == 0) return std::nullopt;
  return out;
}

Upstreams::Upstreams(net::Loop& loop, net::Resolver& resolver, std::string common, std::filesystem::path file)
    : loop_(loop),
      resolver_(resolver),
      common_(std::move(common)),
      file_(std::move(file)) {}

Upstreams::Line Upstreams::line_of(const DeploymentSpec& deployment) const {
  std::string common = common_;
  if (!file_.empty()) {
    const Secret text(read_small_file(file_).value_or(std::string()));
    for (std::string_view rest = text.reveal(); !rest.empty();) {
      const std::string_view line = take_line(rest);
      if (line.empty() || line.starts_with('#')) continue;
      const size_t blank = line.find_first_of(" \t");
      if (blank == std::string_view::npos) {
        common = line;
      } else if (line.substr(0, blank) == deployment.model) {
        const std::string_view words = line.substr(line.find_first_not_of(" \t", blank));
        const size_t end = std::min(words.find_first_of(" \t"), words.size());
        const size_t key = std::min(words.find_first_not_of(" \t", end), words.size());
        return {std::string(words.substr(0, end)), Secret(std::string(words.substr(key)))};
      }
    }
  }
  return {deployment.upstream.empty() ? common : deployment.upstream, Secret()};
}

std::optional<Upstream> Upstreams::find(const DeploymentSpec& deployment) {
  Line line = line_of(deployment);
  if (line.key.reveal().find_first_of(" \t\r") != std::string_view::npos || line.key.reveal().size() > kKeyMax) return std::nullopt;
  const std::shared_ptr<const Secret> key = line.key.empty() ? nullptr : std::make_shared<const Secret>(std::move(line.key));
  if (const auto known = known_.find(line.url); known != known_.end()) {
    Upstream found = known->second;
    found.key = key;
    return found;
  }
  std::optional<UpstreamUrl> parsed = parse_upstream_url(line.url);
  if (!parsed) return std::nullopt;
  if (known_.size() >= kOriginsMax) known_.clear();
  Upstream upstream;
  upstream.origin = std::make_shared<http::Origin>(loop_, resolver_, net::DialTarget{.host = parsed->host, .port = parsed->port});
  upstream.url = std::move(*parsed);
  known_.emplace(line.url, upstream);
  upstream.key = key;
  return upstream;
}

}  // namespace wye::simulator
