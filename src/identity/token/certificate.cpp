#include "identity/token/certificate.hpp"

#include "foundation/crypto/encode.hpp"
#include "identity/token/principal_issuer.hpp"
#include "identity/token/spiffe.hpp"

namespace wye::token {
namespace {

constexpr std::string_view kSpiffeScheme = "spiffe:";
constexpr size_t kForwardedMax = 1024;

Fail refuse(std::string_view reason) {
  Error error = public_error(ErrorCode::kUnauthenticated, "Authentication required.");
  error.detail = "certificate." + std::string(reason);
  return Fail(std::move(error));
}

/// A caller, and from when to when the certificates say so.
struct Verified {
  Principal principal;
  WallTime from{};
  WallTime until{};
  uint64_t refs = 0;
};

PrincipalFields fields_of(const CertificateIssuer& issuer, PrincipalKind kind, std::string subject, const crypto::Digest& leaf, WallTime until) {
  PrincipalFields fields;
  fields.kind = kind;
  fields.issuer = issuer.name;
  fields.subject = std::move(subject);
  fields.client_auth = ClientAuth::kCertificate;
  fields.binding = Binding::kMtls;
  fields.token_id = crypto::to_base64url(crypto::as_text(leaf));
  fields.expires_at = until;
  return fields;
}

std::string lower(std::string text) {
  for (char& c : text) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
  return text;
}

/// The subject for an x509 Issuer; empty: the certificate has not exactly one such name.
std::string subject_of(const crypto::CertificateFacts& leaf, config::X509Identity identity) {
  switch (identity) {
    case config::X509Identity::kUriSan: return leaf.uris.size() == 1 ? leaf.uris.front() : std::string();
    case config::X509Identity::kDnsSan: {
      if (leaf.dns_names.size() != 1 || leaf.dns_names.front().contains('*')) return {};
      return lower(leaf.dns_names.front());
    }
    case config::X509Identity::kFingerprint: return crypto::digest_text(leaf.fingerprint);
  }
  return {};
}

/// X509-SVID §4 and §5.2, what path validation does not look at. Empty: nothing is wrong.
std::string_view svid_fault(const crypto::CertificateFacts& leaf) {
  if (leaf.authority) return "authority";
  const uint16_t usage = leaf.key_usage.value_or(0);
  if (!leaf.key_usage || !leaf.key_usage_critical || (usage & crypto::kDigitalSignature) == 0) return "purpose";
  if ((usage & (crypto::kKeyCertSign | crypto::kCrlSign)) != 0) return "authority";
  if (leaf.purposes_named && !(leaf.for_clients && leaf.for_servers)) return "purpose";
  return {};
}

using Presented = std::span<const crypto::Certificate>;

struct DomainOfIssuer {
  const CertificateIssuer* issuer = nullptr;
  const CertificateIssuer::Domain* domain = nullptr;
};
DomainOfIssuer find_domain(const CertificateIssuers& issuers, std::string_view name) {
  for (const CertificateIssuer& issuer : issuers.all) {
    for (const CertificateIssuer::Domain& domain : issuer.domains) {
      if (domain.name == name) return {&issuer, &domain};
    }
  }
  return {};
}

Result<std::unique_ptr<Verified>> verify_svid(const DomainOfIssuer& found, const crypto::Certificate& leaf, Presented others, WallTime now) {
  const crypto::CertificateFacts& facts = leaf.facts();
  if (facts.uris.size() != 1) return refuse("identity");
  const std::optional<SpiffeId> id = parse_spiffe_id(facts.uris.front());
  if (!id || id->path.empty()) return refuse("identity");
  if (const std::string_view fault = svid_fault(facts); !fault.empty()) return refuse(fault);
  const auto path = found.domain->roots.verify(leaf, others, crypto::PathPurpose::kClient, now);
  if (!path) return refuse(crypto::to_string(path.error()));
  PrincipalFields fields = fields_of(*found.issuer, PrincipalKind::kWorkload, facts.uris.front(), facts.fingerprint, path->until);
  fields.spiffe_id = facts.uris.front();
  return std::make_unique<Verified>(PrincipalIssuer::issue(std::move(fields)), path->from, path->until);
}

Result<std::unique_ptr<Verified>> verify_x509(const CertificateIssuer& issuer, const crypto::Certificate& leaf, Presented others, WallTime now) {
  const crypto::CertificateFacts& facts = leaf.facts();
  if (facts.authority) return refuse("authority");
  const auto path = issuer.roots.verify(leaf, others, crypto::PathPurpose::kClient, now);
  if (!path) return refuse(crypto::to_string(path.error()));
  // RFC 5280 takes a certificate that names no purpose for any; here it must say that it is a client's.
  if (!facts.for_clients) return refuse("purpose");
  if (!issuer.roots.checks_revocation() && facts.not_after.ns - facts.not_before.ns > Nanos(kUnrevokableLifetimeMax).count())
    return refuse("lifetime");
  std::string subject = subject_of(facts, issuer.identity);
  if (subject.empty()) return refuse("identity");
  return std::make_unique<Verified>(
      PrincipalIssuer::issue(fields_of(issuer, PrincipalKind::kCertificate, std::move(subject), facts.fingerprint, path->until)), path->from,
      path->until);
}

Result<std::unique_ptr<Verified>> verify_chain(const CertificateIssuers& issuers, std::span<const std::string> chain, WallTime now) {
  if (chain.size() > crypto::kPresentedMax) return refuse(crypto::to_string(crypto::PathFault::kTooLong));
  std::vector<crypto::Certificate> all;
  for (const std::string& der : chain) {
    Result<crypto::Certificate> one = crypto::Certificate::from_der(der);
    if (!one) return refuse("malformed");
    all.push_back(std::move(*one));
  }
  const crypto::Certificate& leaf = all.front();
  const Presented others = Presented(all).subspan(1);
  // Any URI of a configured trust domain makes it that domain's business: no x509 Issuer may say otherwise.
  for (const std::string& uri : leaf.facts().uris) {
    const std::optional<SpiffeId> id = parse_spiffe_id(uri);
    if (!id) continue;
    if (const DomainOfIssuer found = find_domain(issuers, id->trust_domain); found.domain != nullptr) return verify_svid(found, leaf, others, now);
  }
  // Of several reasons that of a CA which did sign it says most.
  std::optional<Error> reason;
  for (const CertificateIssuer& issuer : issuers.all) {
    if (!issuer.domains.empty() || issuer.roots.size() == 0) continue;
    Result<std::unique_ptr<Verified>> verified = verify_x509(issuer, leaf, others, now);
    if (verified) return verified;
    if (!reason || reason->detail == "certificate.untrusted") reason = verified.error();
  }
  if (reason) return Fail(std::move(*reason));
  return refuse("unknown");
}

/// What is known of one connection's chain.
class PeerCertificates final : public http::ConnectionNote {
 public:
  crypto::Digest fingerprint{};
  uint64_t epoch = 0;
  bool judged = false;
  std::unique_ptr<Verified> verified;
  Error error{};
  std::vector<std::unique_ptr<Verified>> retired;  // of earlier epochs, while requests hold them
};

PeerCertificates& note_of(std::span<const std::string> chain, std::unique_ptr<http::ConnectionNote>& note) {
  if (note == nullptr) {
    auto made = std::make_unique<PeerCertificates>();
    made->fingerprint = crypto::sha256(chain.front());
    note = std::move(made);
  }
  return static_cast<PeerCertificates&>(*note);
}

/// A verdict that time alone can change is asked for again.
bool depends_on_time(const Error& error) { return error.detail == "certificate.not_yet_valid" || error.detail == "certificate.revocation_unknown"; }

}  // namespace

const CertificateIssuers& CertificateReader::issuers() {
  if (issuers_ == nullptr || issuers_->epoch != trust_.epoch()) issuers_ = trust_.current();
  return *issuers_;
}

Result<PrincipalRef> CertificateReader::caller(std::span<const std::string> chain, std::unique_ptr<http::ConnectionNote>& note, WallTime now) {
  if (chain.empty()) return refuse("missing");
  const CertificateIssuers& current = issuers();
  PeerCertificates& peer = note_of(chain, note);
  if (!peer.judged || peer.epoch != current.epoch || (peer.verified == nullptr && depends_on_time(peer.error))) {
    std::erase_if(peer.retired, [](const auto& one) { return one->refs == 0; });
    if (peer.verified != nullptr && peer.verified->refs > 0) peer.retired.push_back(std::move(peer.verified));
    peer.verified.reset();
    peer.judged = true;
    peer.epoch = current.epoch;
    Result<std::unique_ptr<Verified>> verified = verify_chain(current, chain, now);
    if (verified) peer.verified = std::move(*verified);
    else peer.error = std::move(verified).error();
  }
  if (peer.verified == nullptr) return Fail(peer.error);
  if (now >= peer.verified->until) return refuse(crypto::to_string(crypto::PathFault::kExpired));
  if (now < peer.verified->from) return refuse(crypto::to_string(crypto::PathFault::kNotYetValid));
  return PrincipalRef(peer.verified->principal, peer.verified->refs);
}

Result<PrincipalRef> CertificateReader::forwarded_caller(const ForwardedCertificate& client) {
  const CertificateIssuers& current = issuers();
  const std::optional<SpiffeId> id = client.uri.starts_with(kSpiffeScheme) ? parse_spiffe_id(client.uri) : std::nullopt;
  if (!id || id->path.empty()) return refuse("unknown");
  const DomainOfIssuer found = find_domain(current, id->trust_domain);
  // A domain without roots is revoked as a whole.
  if (found.domain == nullptr || found.domain->roots.size() == 0) return refuse("unknown");
  const std::string key = found.issuer->name + "\n" + client.uri + "\n" + std::string(crypto::as_text(client.fingerprint));
  auto known = forwarded_.find(key);
  if (known == forwarded_.end()) {
    if (forwarded_.size() >= kForwardedMax) std::erase_if(forwarded_, [](const auto& one) { return one.second->refs == 0; });
    // The proxy looks at the client's times, request by request; here they are unknown.
    PrincipalFields fields = fields_of(*found.issuer, PrincipalKind::kWorkload, client.uri, client.fingerprint, {INT64_MAX});
    fields.spiffe_id = client.uri;
    known = forwarded_.emplace(key, std::make_unique<Forwarded>(PrincipalIssuer::issue(std::move(fields)))).first;
  }
  return PrincipalRef(known->second->principal, known->second->refs);
}

std::optional<crypto::Digest> CertificateReader::leaf_fingerprint(std::span<const std::string> chain, std::unique_ptr<http::ConnectionNote>& note) {
  if (chain.empty()) return std::nullopt;
  return note_of(chain, note).fingerprint;
}

}  // namespace wye::token
