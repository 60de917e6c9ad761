#include "app/laptop_issuer.hpp"

#include "foundation/crypto/certificate_maker.hpp"
#include "foundation/crypto/random.hpp"
#include "foundation/net/epoll_loop.hpp"
#include "foundation/os/file.hpp"
#include "identity/issuer/issuer.hpp"

namespace wye::app {
namespace {

constexpr size_t kOwnerKeyChars = 43;  // 256 bit
constexpr uint32_t kAppKeyBits = 2'048;
constexpr Bytes kSecretMax = 64_KiB;
constexpr std::chrono::hours kDay{24};
constexpr auto kAuthorityLifetime = 3650 * kDay;
constexpr auto kCertificateLifetime = 397 * kDay;  // made anew at each start
constexpr size_t kConnections = 256;

WallTime whole_seconds(WallTime now, Nanos more) { return {(now.ns + more.count()) / 1'000'000'000 * 1'000'000'000}; }

bool is_there(const std::filesystem::path& path) {
  std::error_code error;
  return std::filesystem::exists(std::filesystem::symlink_status(path, error));
}

Result<Secret> read_secret(const std::filesystem::path& path) {
  TRY(std::string text, os::read_file(path, kSecretMax));
  return Secret(std::move(text));
}

/// The text of the file, made at first need.
template <class Make>
Result<Secret> load_or_make(const std::filesystem::path& path, Make make) {
  if (!is_there(path)) {
    TRY(const Secret made, make());
    CHECK_OK(os::write_file_atomic(path, made.reveal()));
  }
  return read_secret(path);
}

std::string_view without_line_end(std::string_view text) {
  while (text.ends_with('\n') || text.ends_with('\r')) text.remove_suffix(1);
  return text;
}

/// An authority that vouches for `localhost` and for addresses only: whoever trusts it in a browser trusts no more than that.
Result<crypto::CertificateAuthority> open_authority(const DataFolder& data, WallTime now) {
  if (!is_there(data.laptop_ca()) || !is_there(data.laptop_ca_key())) {
    crypto::CertificateSpec spec;
    spec.common_name = "Wye laptop authority";
    spec.not_before = whole_seconds(now, -kDay);
    spec.not_after = whole_seconds(now, kAuthorityLifetime);
    spec.authority = true;
    spec.path_length = 0;
    spec.permitted = {"dns:localhost"};
    TRY(const crypto::CertificateAuthority made, crypto::CertificateAuthority::make(spec));
    CHECK_OK(os::write_file_atomic(data.laptop_ca_key(), made.key_pem().reveal()));
    CHECK_OK(os::write_file_atomic(data.laptop_ca(), made.certificate_pem()));
  }
  TRY(const std::string certificate, os::read_file(data.laptop_ca(), kSecretMax));
  TRY(const Secret key, read_secret(data.laptop_ca_key()));
  return crypto::CertificateAuthority::load(certificate, key);
}

Result<std::unique_ptr<net::TlsServerContext>> make_tls(const DataFolder& data, WallTime now) {
  TRY(const crypto::CertificateAuthority authority, open_authority(data, now));
  crypto::CertificateSpec spec;
  spec.common_name = "Wye laptop issuer";
  spec.dns_names = {"localhost"};
  spec.addresses = {"127.0.0.1", "::1"};
  spec.not_before = whole_seconds(now, -kDay);
  spec.not_after = whole_seconds(now, kCertificateLifetime);
  spec.for_servers = true;
  TRY(const crypto::MadeCertificate made, authority.issue(spec));
  CHECK_OK(os::write_file_atomic(data.issuer_tls_key(), made.key.reveal()));
  CHECK_OK(os::write_file_atomic(data.issuer_tls_certificate(), made.pem));
  CHECK_OK(os::write_file_atomic(data.ca_file(), authority.certificate_pem(), 0644));
  return net::make_tls_server({data.issuer_tls_certificate(), data.issuer_tls_key()});
}

Result<issuer::IssuerOptions> make_options(const DataFolder& data) {
  TRY(const Secret users, load_or_make(data.laptop_users(), []() -> Result<Secret> { return Secret(issuer::default_directory()); }));
  TRY(issuer::Directory directory, issuer::parse_directory(users.reveal()));
  TRY(const Secret owner,
      load_or_make(data.laptop_owner_key(), []() -> Result<Secret> { return Secret(crypto::random_base62(kOwnerKeyChars) + "\n"); }));
  // An empty file would be a key that everybody knows.
  if (without_line_end(owner.reveal()).size() < kOwnerKeyChars)
    return Fail(internal_error(ErrorCode::kCorrupt, data.laptop_owner_key().string() + " is too short for a key: remove it"));
  TRY(const Secret app, load_or_make(data.laptop_app_key(), []() -> Result<Secret> {
        TRY(const crypto::PrivateKey made, crypto::PrivateKey::generate_rsa(kAppKeyBits));
        return made.to_pem();
      }));
  TRY(const crypto::PrivateKey app_key, crypto::PrivateKey::from_pem(app));
  return issuer::IssuerOptions{.authority = {},
                               .port = 0,
                               .directory = std::move(directory),
                               .owner_key = crypto::sha256(without_line_end(owner.reveal())),
                               .app_key = app_key.public_key(),
                               .keep_keys = [path = data.issuer_keys()](const Secret& text) { return os::write_file_atomic(path, text.reveal()); }};
}

Result<issuer::SigningKeys> open_keys(const DataFolder& data) {
  TRY(const Secret text, load_or_make(data.issuer_keys(), []() -> Result<Secret> {
        TRY(const issuer::SigningKeys made, issuer::SigningKeys::generate());
        return made.to_text();
      }));
  return issuer::SigningKeys::parse(text);
}

}  // namespace

struct LaptopIssuerHost::Running {
  std::string authority;
  std::filesystem::path ca_file;
  uint16_t port = 0;
  std::shared_ptr<const net::TlsServerContext> tls;
  http::ConnectionCount count{kConnections};
  std::unique_ptr<net::Loop> loop;
  std::unique_ptr<net::Offload> offload;  // below the loop: what runs there comes back on it
  std::unique_ptr<issuer::LaptopIssuer> handler;
  std::unique_ptr<http::Server> server;
  std::thread thread;

  ~Running() {
    if (!thread.joinable()) return;
    loop->stop();
    thread.join();
  }
};

LaptopIssuerHost::LaptopIssuerHost(std::unique_ptr<Running> running) : running_(std::move(running)) {}
LaptopIssuerHost::~LaptopIssuerHost() = default;

Result<std::unique_ptr<LaptopIssuerHost>> LaptopIssuerHost::start(const DataFolder& data, const Clock& clock, uint16_t port) {
  TRY(issuer::IssuerOptions options, make_options(data));
  TRY(issuer::SigningKeys keys, open_keys(data));
  auto running = std::make_unique<Running>();
  TRY(running->tls, make_tls(data, clock.wall()));
  TRY(running->loop, net::make_epoll_loop(clock));
  // Loopback and nothing else, whatever is configured.
  const net::Endpoint at = net::Endpoint::loopback(port);
  CHECK_OK(net::check_port_free(at));
  TRY(auto listener, running->loop->listen(at));
  running->port = listener->local().port;
  running->authority = "https://127.0.0.1:" + std::to_string(running->port);
  running->ca_file = data.ca_file();
  running->offload = std::make_unique<net::Offload>(1, 4);
  options.authority = running->authority;
  options.port = running->port;
  running->handler =
      std::make_unique<issuer::LaptopIssuer>(issuer::IssuerParts{*running->loop, *running->offload, clock}, std::move(options), std::move(keys));
  running->server = std::make_unique<http::Server>(*running->loop, clock, *running->handler, running->count, std::move(listener),
                                                   http::ServerOptions{.listener_name = "issuer", .tls = running->tls});
  running->loop->post([server = running->server.get()] { server->start(); });
  running->thread = std::thread([loop = running->loop.get()] { loop->run(); });
  return std::unique_ptr<LaptopIssuerHost>(new LaptopIssuerHost(std::move(running)));
}

const std::string& LaptopIssuerHost::authority() const { return running_->authority; }
std::string LaptopIssuerHost::issuer_url() const { return issuer::issuer_v2(running_->authority); }
const std::filesystem::path& LaptopIssuerHost::ca_file() const { return running_->ca_file; }
uint16_t LaptopIssuerHost::port() const { return running_->port; }

Result<Secret> read_owner_key(const DataFolder& data) {
  Result<Secret> text = read_secret(data.laptop_owner_key());
  if (!text && text.error().code == ErrorCode::kNotFound)
    return Fail(public_error(ErrorCode::kNotFound, "No laptop issuer has run on " + data.root.string() + "."));
  if (!text) return Fail(std::move(text).error());
  return Secret(std::string(without_line_end(text->reveal())));
}

}  // namespace wye::app
