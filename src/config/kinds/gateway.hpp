// Kind Gateway: what one gateway process listens on, whom it answers to, and its limits.
#pragma once

#include "config/kinds/field.hpp"
#include "config/kinds/identity_enums.hpp"

namespace wye::config {

struct TlsFiles {
  FilePath cert_file;
  FilePath key_file;
  ClientCert client_cert = ClientCert::kNone;
  FilePath client_ca_file;
  static void describe(auto& self, auto& v) {
    v.field("certFile", self.cert_file, Rule{.text = "PEM chain, leaf first.", .required = true});
    v.field("keyFile", self.key_file, Rule{.text = "PEM private key, 0600.", .required = true});
    v.field("clientCert", self.client_cert, Rule{.text = "Whether clients are asked for a certificate."});
    v.field("clientCaFile", self.client_ca_file,
            Rule{.text = "PEM bundle of the authorities of client certificates; required unless clientCert is none.", .absent = "none"});
  }
};

struct Listener {
  std::string name;
  std::string address = "127.0.0.1";
  uint16_t port = 8080;
  bool plaintext = false;
  std::optional<TlsFiles> tls;
  std::vector<std::string> trusted_proxies;
  static void describe(auto& self, auto& v) {
    v.field("name", self.name, Rule{.text = "Name in logs.", .required = true, .grammar = Grammar::kName});
    v.field("address", self.address, Rule{.text = "Address to listen on.", .grammar = Grammar::kAddress});
    v.field("port", self.port, Rule{.text = "Port; 0: any free one.", .max = 65535});
    v.field("plaintext", self.plaintext, Rule{.text = "Must be true where an address beyond loopback has no `tls`."});
    v.field("tls", self.tls, Rule{.text = "Certificate and key.", .absent = "no TLS"});
    v.field("trustedProxies", self.trusted_proxies,
            Rule{.text = "Networks of proxies that may, over mutual TLS, forward a client's certificate and address.",
                 .max = 64,
                 .grammar = Grammar::kCidr});
  }
};

struct AdminListener {
  std::string address = "127.0.0.1";
  uint16_t port = 8081;
  std::optional<TlsFiles> tls;
  static void describe(auto& self, auto& v) {
    v.field("address", self.address,
            Rule{.text = "Address of probes, metrics and the admin API; beyond loopback `tls` is required.", .grammar = Grammar::kAddress});
    v.field("port", self.port, Rule{.text = "Port; 0: any free one.", .max = 65535});
    v.field("tls", self.tls, Rule{.text = "Certificate and key.", .absent = "no TLS"});
  }
};

/// Values are upper bounds; a document may lower them, and `total` alone may be raised up to one hour.
struct GatewayLimits {
  Bytes body = 32_MiB;
  Nanos header_time = std::chrono::seconds(10);
  Nanos body_time = std::chrono::seconds(120);
  Nanos keep_alive = std::chrono::seconds(60);
  Nanos total = std::chrono::seconds(600);
  uint32_t connections = 20'000;
  uint32_t streams = 4096;
  static void describe(auto& self, auto& v) {
    using namespace std::chrono_literals;
    v.field("body", self.body, Rule{.text = "Largest request body.", .min = 1024, .max = 32 << 20});
    v.field("headerTime", self.header_time, Rule{.text = "From the first byte to the end of the headers.", .min = in_ns(100ms), .max = in_ns(10s)});
    v.field("bodyTime", self.body_time, Rule{.text = "To the end of the request body.", .min = in_ns(100ms), .max = in_ns(120s)});
    v.field("keepAlive", self.keep_alive, Rule{.text = "How long an idle connection stays open.", .min = in_ns(100ms), .max = in_ns(60s)});
    v.field("total", self.total, Rule{.text = "Longest request, answer included.", .min = in_ns(1s), .max = in_ns(1h)});
    v.field("connections", self.connections, Rule{.text = "Open connections of the process.", .min = 1, .max = 20'000});
    v.field("streams", self.streams, Rule{.text = "Requests in flight of the process.", .min = 1, .max = 4096});
  }
};

struct GatewayAuth {
  std::vector<std::string> issuers;
  bool api_keys = true;
  ProofOfPossession proof_of_possession = ProofOfPossession::kAccept;
  static void describe(auto& self, auto& v) {
    v.field(
        "issuers", self.issuers,
        Rule{
            .text = "Issuers whose callers are accepted here.", .min = 1, .max = 64, .grammar = Grammar::kName, .refers = "Issuer", .absent = "all"});
    v.field("apiKeys", self.api_keys, Rule{.text = "Whether keys of `wye keys` are accepted."});
    v.field("proofOfPossession", self.proof_of_possession,
            Rule{.text = "Tokens bound to their sender (RFC 8705, RFC 9449): off: not understood; require: no other token is accepted."});
  }
};

struct ApiVersions {
  std::vector<std::string> azure = {"2024-02-01",         "2024-06-01",         "2024-08-01-preview", "2024-10-21",
                                    "2024-12-01-preview", "2025-01-01-preview", "2025-03-01-preview", "2025-04-01-preview"};
  static void describe(auto& self, auto& v) {
    v.field("azure", self.azure,
            Rule{.text = "Accepted `api-version` values of the dated Azure dialect; `[]`: no Azure dialect.",
                 .max = 64,
                 .grammar = Grammar::kDatedVersion});
    v.refused("named");
  }
};

struct AccessLog {
  std::optional<AccessLogTo> to;
  uint32_t sample = 100;
  static void describe(auto& self, auto& v) {
    v.field("to", self.to, Rule{.text = "Where access lines go.", .absent = "file under `wye up`, else stdout"});
    v.field("sample", self.sample, Rule{.text = "Percent of the 2xx that are logged.", .max = 100});
  }
};

struct Gateway {
  static constexpr std::string_view kKind = "Gateway";
  static constexpr std::string_view kText = "What one gateway process listens on, whom it answers to, and its limits.";

  std::vector<Listener> listeners;
  AdminListener admin;
  std::vector<std::string> hosts;
  GatewayLimits limits;
  GatewayAuth auth;
  ApiVersions api_versions;
  AccessLog access_log;

  static void describe(auto& self, auto& v) {
    v.field("listeners", self.listeners, Rule{.text = "Where clients connect.", .required = true, .min = 1, .max = 16, .unique_key = "name"});
    v.field("admin", self.admin, Rule{.text = "Where operators connect."});
    v.field("hosts", self.hosts,
            Rule{.text = "Host names that clients may send, compared without port; `*.` stands for one label; any other: 421.",
                 .max = 64,
                 .grammar = Grammar::kHost,
                 .absent = "localhost 127.0.0.1 [::1] where all listeners are loopback, else required"});
    v.field("limits", self.limits, Rule{.text = "Bounds on bytes, time and numbers."});
    v.field("auth", self.auth, Rule{.text = "How callers may prove who they are."});
    v.field("apiVersions", self.api_versions, Rule{.text = "Versions of the API that are served."});
    v.refused("waf");
    v.field("accessLog", self.access_log, Rule{.text = "One line a request."});
  }
};

}  // namespace wye::config
