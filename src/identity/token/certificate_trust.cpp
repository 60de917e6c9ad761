#include "identity/token/certificate.hpp"
#include "identity/token/spiffe.hpp"

namespace wye::token {
namespace {

Fail bad_file(const std::filesystem::path& path, std::string_view why) {
  return Fail(internal_error(ErrorCode::kUsage, path.string() + ": " + std::string(why)));
}

struct Texts {
  std::string anchors;
  std::string revoked;
};

Result<Texts> read_texts(const CertificateIssuerFiles& files, const ReadAnchorFile& read) {
  const auto text_of = [&](const std::filesystem::path& path) -> Result<std::string> {
    Result<std::string> text = read(path);
    if (!text) return bad_file(path, text.error().detail.empty() ? "can not be read" : text.error().detail);
    if (text->size() > kAnchorFileBytesMax) return bad_file(path, "too large");
    return text;
  };
  Texts texts;
  TRY(texts.anchors, text_of(files.ca_file.empty() ? files.bundle_file : files.ca_file));
  if (!files.crl_file.empty()) { TRY(texts.revoked, text_of(files.crl_file)); }
  return texts;
}

crypto::Digest digest_of(const Result<Texts>& texts) {
  crypto::Sha256 digest;
  if (!texts) return digest.update("unreadable ").update(texts.error().detail).finish();
  digest.update(std::to_string(texts->anchors.size())).update(" ").update(texts->anchors).update(texts->revoked);
  return digest.finish();
}

Result<CertificateIssuer> parse_x509(const CertificateIssuerFiles& files, const Texts& texts) {
  CertificateIssuer issuer{.name = files.name, .identity = files.identity};
  const Result<std::vector<crypto::Certificate>> roots = crypto::certificates_from_pem(texts.anchors);
  if (!roots) return bad_file(files.ca_file, roots.error().detail);
  Result<crypto::RootSet> set = crypto::RootSet::make(*roots);
  if (!set) return bad_file(files.ca_file, set.error().detail);
  if (!files.crl_file.empty()) {
    set = crypto::RootSet::make(*roots, texts.revoked);
    if (!set) return bad_file(files.crl_file, set.error().detail);
  }
  issuer.roots = std::move(*set);
  return issuer;
}

Result<CertificateIssuer> parse_spiffe(const CertificateIssuerFiles& files, const Texts& texts) {
  CertificateIssuer issuer{.name = files.name, .identity = files.identity};
  for (const std::string& domain : files.trust_domains) {
    const Result<std::string_view> text = spiffe_bundle_text(texts.anchors, domain, files.trust_domains.size() == 1);
    if (!text) return bad_file(files.bundle_file, text.error().detail + " (" + domain + ")");
    Result<SpiffeBundle> bundle = parse_spiffe_bundle(*text);
    if (!bundle) return bad_file(files.bundle_file, bundle.error().detail + " (" + domain + ")");
    for (const std::string& what : bundle->quarantine) issuer.warnings.push_back(files.bundle_file.string() + ": " + domain + ": " + what);
    issuer.domains.push_back({domain, std::move(bundle->roots), bundle->sequence});
  }
  return issuer;
}

Result<CertificateIssuer> parse(const CertificateIssuerFiles& files, const Texts& texts) {
  return files.ca_file.empty() ? parse_spiffe(files, texts) : parse_x509(files, texts);
}

/// Empty where no sequence went back. A bundle that had a sequence and has none now can not be told from an old one.
std::string older_domain(const CertificateIssuer& before, const CertificateIssuer& now) {
  for (const CertificateIssuer::Domain& domain : now.domains) {
    const auto same = std::ranges::find(before.domains, domain.name, &CertificateIssuer::Domain::name);
    if (same != before.domains.end() && same->sequence && (!domain.sequence || *domain.sequence < *same->sequence)) return domain.name;
  }
  return {};
}

}  // namespace

std::optional<CertificateIssuerFiles> certificate_issuer_files(std::string name, const config::Issuer& issuer) {
  CertificateIssuerFiles files;
  files.name = std::move(name);
  if (issuer.type == config::IssuerType::kX509 && issuer.x509) {
    files.ca_file = issuer.x509->ca_file.resolved;
    files.crl_file = issuer.x509->crl_file.resolved;
    files.identity = issuer.x509->identity;
    return files;
  }
  if (issuer.type == config::IssuerType::kSpiffe && issuer.spiffe) {
    files.trust_domains = issuer.spiffe->trust_domains;
    files.bundle_file = issuer.spiffe->bundle_file.resolved;
    return files;
  }
  return std::nullopt;
}

Result<CertificateIssuer> load_certificate_issuer(const CertificateIssuerFiles& files, const ReadAnchorFile& read) {
  TRY(const Texts texts, read_texts(files, read));
  return parse(files, texts);
}

bool CertificateTrust::reload(Source& source, std::vector<std::string>& problems) {
  const Result<Texts> texts = read_texts(source.files, read_);
  const crypto::Digest content = digest_of(texts);
  if (content == source.content) return false;
  source.content = content;
  Result<CertificateIssuer> parsed = texts ? parse(source.files, *texts) : Result<CertificateIssuer>(Fail(texts.error()));
  if (parsed) {
    const std::string older = older_domain(source.issuer, *parsed);
    if (!older.empty()) parsed = bad_file(source.files.bundle_file, "spiffe_sequence went back (" + older + ")");
  }
  if (!parsed) {
    problems.push_back(source.files.name + ": " + parsed.error().detail);
    return false;
  }
  source.issuer = std::move(*parsed);
  for (const std::string& warning : source.issuer.warnings) problems.push_back(source.files.name + ": " + warning);
  return true;
}

void CertificateTrust::publish() {
  auto next = std::make_shared<CertificateIssuers>();
  next->epoch = epoch_.load(std::memory_order_relaxed) + 1;
  for (const Source& source : sources_) next->all.push_back(source.issuer);
  const std::lock_guard lock(mutex_);
  current_ = std::move(next);
  epoch_.store(current_->epoch, std::memory_order_release);
}

std::vector<std::string> CertificateTrust::configure(std::vector<CertificateIssuerFiles> issuers) {
  std::vector<Source> sources;
  for (CertificateIssuerFiles& files : issuers) {
    const auto known = std::ranges::find(sources_, files, &Source::files);
    Source source;
    if (known != sources_.end()) {
      source = std::move(*known);
    } else {
      source.issuer = {.name = files.name, .identity = files.identity};
      // Without roots until the bundle is read, but never another Issuer's.
      for (const std::string& domain : files.trust_domains) source.issuer.domains.push_back({domain, {}, {}});
    }
    source.files = std::move(files);
    sources.push_back(std::move(source));
  }
  sources_ = std::move(sources);
  std::vector<std::string> problems;
  for (Source& source : sources_) reload(source, problems);
  publish();
  return problems;
}

std::vector<std::string> CertificateTrust::refresh() {
  std::vector<std::string> problems;
  bool changed = false;
  for (Source& source : sources_) changed = reload(source, problems) || changed;
  if (changed) publish();
  return problems;
}

CertificateIssuersPtr CertificateTrust::current() const {
  const std::lock_guard lock(mutex_);
  return current_;
}

}  // namespace wye::token
