// The rig itself: what the other tests of this room stand on.
#include "identity/workload/workload_test_rig.hpp"

#include <sys/stat.h>

#include <fstream>

namespace wye::workload {
namespace {

/// `a=b&c=d`, percent-decoded; a name that comes twice has both values.
std::map<std::string, std::string> parse_form(std::string_view text) {
  std::map<std::string, std::string> form;
  const auto decode = [](std::string_view in) {
    std::string out;
    for (size_t i = 0; i < in.size(); ++i) {
      if (in[i] != '%' || i + 2 >= in.size()) {
        out += in[i];
        continue;
      }
      int byte = 0;
      std::from_chars(in.data() + i + 1, in.data() + i + 3, byte, 16);
      out += static_cast<char>(byte);
      i += 2;
    }
    return out;
  };
  while (!text.empty()) {
    const std::string_view pair = text.substr(0, text.find('&'));
    text.remove_prefix(std::min(text.size(), pair.size() + 1));
    const size_t equals = pair.find('=');
    std::string& value = form[decode(pair.substr(0, equals))];
    value += decode(equals == std::string_view::npos ? std::string_view() : pair.substr(equals + 1));
  }
  return form;
}

using Names = std::set<std::string>;
Names names_of(const std::map<std::string, std::string>& form) {
  Names names;
  for (const auto& [name, value] : form) names.insert(name);
  return names;
}

std::string_view method_of(const http::ServerCall& call) { return to_string(call.head().method); }

}  // namespace

TestFolder::TestFolder() {
  std::string text = (std::filesystem::temp_directory_path() / "wye-workload-XXXXXX").string();
  EXPECT_NE(::mkdtemp(text.data()), nullptr);
  path_ = std::filesystem::canonical(text);
}
TestFolder::~TestFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}
std::string TestFolder::write(const std::string& name, std::string_view content, unsigned mode) const {
  const std::filesystem::path file = path_ / name;
  std::filesystem::create_directories(file.parent_path());
  std::ofstream(file, std::ios::binary | std::ios::trunc) << content;
  ::chmod(file.c_str(), mode);
  return file.string();
}

std::string TestCloud::token_json() {
  if (!same_token || issued == 0) ++issued;
  const int64_t seconds = std::chrono::duration_cast<std::chrono::seconds>(life).count();
  const int64_t end = loop.clock().wall().seconds() + seconds;
  std::string text;
  switch (numbers) {
    case Numbers::kString: text = R"("expires_in":")" + std::to_string(seconds) + R"(","expires_on":")" + std::to_string(end) + "\""; break;
    case Numbers::kNumber: text = R"("expires_in":)" + std::to_string(seconds); break;
    case Numbers::kExpiresOnString: text = R"("expires_on":")" + std::to_string(end) + "\""; break;
    case Numbers::kExpiresOnNumber: text = R"("expires_on":)" + std::to_string(end); break;
  }
  return R"({"token_type":"Bearer",)" + text + R"(,"access_token":"canary-token-)" + std::to_string(issued) + "\"}";
}

std::string TestCloud::check_imds(http::ServerCall& call, bool arc) {
  const auto query = parse_form(call.target().query());
  if (method_of(call) != "GET" || call.target().path() != "/metadata/identity/oauth2/token") return "path";
  if (call.head().value("metadata") != "true") return "metadata header";
  if (!call.head().value("x-forwarded-for").empty() || call.head().content_length) return "not a plain GET";
  Names names = names_of(query);
  if (names.erase("client_id") + names.erase("object_id") + names.erase("msi_res_id") > 1) return "two identities";
  if (names != Names{"api-version", "resource"}) return "parameters";
  if (query.at("api-version") != (arc ? "2020-06-01" : "2018-02-01")) return "api-version";
  return query.at("resource").starts_with("https://") && !query.at("resource").contains(".default") ? "" : "resource";
}

std::string TestCloud::check_app_service(http::ServerCall& call) {
  const auto query = parse_form(call.target().query());
  if (method_of(call) != "GET" || call.target().path() != "/msi/token") return "path";
  if (call.head().value("x-identity-header") != identity_header) return "identity header";
  if (!call.head().value("metadata").empty()) return "metadata header";
  Names names = names_of(query);
  names.erase("client_id");
  return names == Names{"api-version", "resource"} && query.at("api-version") == "2019-08-01" ? "" : "parameters";
}

std::string TestCloud::check_entra(http::ServerCall& call, std::string_view body) {
  const auto form = parse_form(body);
  seen.back().form = form;
  if (method_of(call) != "POST" || call.target().path() != "/" + std::string(kTenant) + "/oauth2/v2.0/token" || !call.target().query().empty())
    return "path";
  if (call.head().value(http::Known::kContentType) != "application/x-www-form-urlencoded") return "content-type";
  if (!call.head().value(http::Known::kAuthorization).empty()) return "authorization header";
  if (names_of(form) != Names{"client_assertion", "client_assertion_type", "client_id", "grant_type", "scope"}) return "form fields";
  if (form.at("grant_type") != "client_credentials" || form.at("client_id") != kClient) return "grant";
  if (form.at("client_assertion_type") != "urn:ietf:params:oauth:client-assertion-type:jwt-bearer") return "assertion type";
  return form.at("scope").ends_with("/.default") ? "" : "scope";
}

std::string TestCloud::check_vault(http::ServerCall& call) {
  if (method_of(call) != "GET" || call.target().path() != "/secrets/openai-key" || call.target().query() != "api-version=7.4") return "path";
  return call.head().value(http::Known::kAuthorization).starts_with("Bearer canary-token-") ? "" : "authorization";
}

net::Task<void> TestCloud::reply(http::ServerCall& call, int status, std::string body, std::string field, std::string value) {
  const iovec piece = net::piece(body);
  const http::OutField one{field, value};
  co_await call.respond({status, "application/json", {&one, field.empty() ? 0u : 1u}}, {&piece, 1});
}

net::Task<void> TestCloud::answer(http::ServerCall& call) {
  const std::string service(call.listener());
  Seen one{service, std::string(method_of(call)) + " " + std::string(call.head().target), {}, {}, loop.now()};
  one.secret = call.head().value(http::Known::kAuthorization);
  if (service == "app-service") one.secret = call.head().value("x-identity-header");
  seen.push_back(one);
  const auto body = co_await call.read_body(64 << 10);
  if (latency.count() > 0) co_await net::sleep(loop, latency, &call.gone());
  std::string fault = service == "imds"          ? check_imds(call, false)
                      : service == "arc"         ? check_imds(call, true)
                      : service == "app-service" ? check_app_service(call)
                      : service == "vault"       ? check_vault(call)
                                                 : check_entra(call, body ? std::string_view(body->data(), body->size()) : std::string_view());
  if (!fault.empty()) {
    wrong.push_back(service + ": " + fault);
    co_await reply(call, 400, R"({"error":"invalid_request"})", {}, {});
    co_return;
  }
  if (down || !fails.empty()) {
    const Fails how = down ? Fails{503} : fails.front();
    if (!down) fails.pop_front();
    if (how.hangs) co_await net::sleep(loop, 2h, &call.gone());
    else co_await reply(call, how.status, how.body, how.location.empty() ? "" : "location", how.location);
    co_return;
  }
  if (service == "arc" && one.secret != "Basic " + arc_key) {
    co_await reply(call, 401, "{}", "www-authenticate", "Basic realm=" + arc_folder + "/proof.key");
    co_return;
  }
  if (service == "vault") {
    co_await reply(call, 200, R"({"value":")" + vault_value + R"(","attributes":{"enabled":true}})", {}, {});
    co_return;
  }
  co_await reply(call, 200, token_json(), {}, {});
}

net::Task<void> TestCloud::refuse(http::ServerCall& call, Error) {
  wrong.push_back(std::string(call.listener()) + ": not HTTP");
  co_await reply(call, 400, "{}", {}, {});
}

net::Endpoint address(uint8_t a, uint8_t b, uint8_t c, uint8_t d, uint16_t port) { return net::Endpoint{{a, b, c, d}, port, false}; }

WorkloadRig::WorkloadRig() {
  const crypto::CertificateSpec spec{.dns_names = {"login.contoso.example", "contoso.vault.azure.net"},
                                     .not_before = {1'700'000'000'000'000'000},
                                     .not_after = {1'900'000'000'000'000'000},
                                     .for_servers = true};
  const auto authority = crypto::CertificateAuthority::make(spec);
  const auto server = authority->issue(spec);
  roots = folder.write("roots.pem", authority->certificate_pem());
  tls = std::move(*net::make_tls_server({folder.write("server.pem", server->pem), folder.write("server.key", server->key.reveal())}));
  resolver.set("login.contoso.example", {address(10, 0, 0, 1, 443)});
  resolver.set("contoso.vault.azure.net", {address(10, 0, 0, 2, 443)});
  serve("imds", address(169, 254, 169, 254, 80), false);
  serve("app-service", address(169, 254, 129, 2, 8081), false);
  serve("arc", net::Endpoint::loopback(40342), false);
  serve("entra", address(10, 0, 0, 1, 443), true);
  serve("vault", address(10, 0, 0, 2, 443), true);
  CredentialParts parts{loop.clock(),
                        [this](std::string_view name) -> std::optional<std::string> {
                          const auto found = environment.find(name);
                          return found == environment.end() ? std::nullopt : std::optional(found->second);
                        },
                        [this](const std::string& ca_file) -> Result<std::shared_ptr<const net::TlsClientContext>> {
                          TRY(auto made, net::make_tls_client(ca_file.empty() ? roots : ca_file, loop.clock()));
                          return std::shared_ptr<const net::TlsClientContext>(std::move(made));
                        },
                        1, [this](const Badge&, const Unavailable& now) { told.push_back(now.reason.empty() ? "well" : now.reason); }};
  credentials = std::make_unique<Credentials>(loop, resolver, std::move(parts));
  reader = std::make_unique<CredentialReader>(loop, credentials.get());
}

WorkloadRig::~WorkloadRig() {
  EXPECT_EQ(cloud.wrong, std::vector<std::string>{});
  servers.clear();
  reader.reset();
  credentials.reset();
}

void WorkloadRig::serve(const std::string& service, net::Endpoint at, bool secured) {
  servers.push_back(std::make_unique<http::Server>(loop, loop.clock(), cloud, count, *loop.listen(at),
                                                   http::ServerOptions{.listener_name = service, .tls = secured ? tls : nullptr}));
  servers.back()->start();
}

void WorkloadRig::set_aks() {
  set("AZURE_CLIENT_ID", std::string(kClient));
  set("AZURE_TENANT_ID", std::string(kTenant));
  set("AZURE_AUTHORITY_HOST", std::string(kAuthority) + "/");
  set("AZURE_FEDERATED_TOKEN_FILE", folder.write("azure-identity-token", "canary-assertion-1\n"));
}

CredentialSetPtr WorkloadRig::take(config::Credential spec, std::vector<std::string> origins) {
  std::vector<CredentialFinding> findings;
  const std::array wanted = {CredentialWanted{"azure", std::move(spec), std::move(origins), {std::string(kAudience)}}};
  CredentialSetPtr set = credentials->prepare(wanted, [this](const std::string& name) { return std::optional(environment[name]); }, findings);
  EXPECT_NE(set, nullptr) << (findings.empty() ? "" : findings[0].what);
  if (set != nullptr) credentials->take(set);
  return set;
}

std::string WorkloadRig::refusal_of(config::Credential spec) {
  std::vector<CredentialFinding> findings;
  const std::array wanted = {CredentialWanted{"azure", std::move(spec), {std::string(kOrigin)}, {std::string(kAudience)}}};
  const auto take_variable = [this](const std::string& name) -> std::optional<std::string> {
    const auto found = environment.find(name);
    return found == environment.end() ? std::nullopt : std::optional(found->second);
  };
  return credentials->prepare(wanted, take_variable, findings) == nullptr ? findings.at(0).what : "";
}

namespace {
net::Task<void> ask(WorkloadRig& rig, CredentialReader::SlotPtr slot, std::string origin, Nanos limit, std::string& line, bool& done) {
  const Result<void> ready = co_await rig.reader->ready(slot, {rig.loop.after(limit), nullptr});
  done = true;
  if (!ready) {
    line = ready.error().detail;
    co_return;
  }
  const Result<PresentedPtr> presented = rig.reader->attach(*slot, origin);
  line = presented ? std::string((*presented)->line.reveal()) : presented.error().detail;
}
}  // namespace

std::string WorkloadRig::line(const CredentialReader::SlotPtr& slot, std::string_view origin, Nanos limit) {
  std::string text;
  bool done = false;
  tasks.spawn(ask(*this, slot, std::string(origin), limit, text, done));
  for (int i = 0; i < 200'000 && !done; ++i) run_for(1ms);
  EXPECT_TRUE(done);
  return text;
}

config::Credential workload_identity() {
  config::Credential spec;
  spec.type = config::CredentialType::kWorkloadIdentity;
  return spec;
}

config::Credential managed_identity(config::ManagedIdentitySource source) {
  config::Credential spec;
  spec.type = config::CredentialType::kManagedIdentity;
  spec.managed_identity.emplace().source = source;
  return spec;
}

}  // namespace wye::workload
