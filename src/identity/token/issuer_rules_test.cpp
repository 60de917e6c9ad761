#include "identity/token/issuer_rules.hpp"

#include "identity/token/audience.hpp"
#include "identity/token/issuer_url.hpp"
#include "identity/token/test_issuer.hpp"

namespace wye::token {
namespace {

std::string refusal(const config::Issuer& issuer, const LaptopIssuer* laptop = nullptr) {
  const auto rules = make_issuer_rules("x", issuer, laptop);
  return rules ? "ok" : rules.error().detail;
}

TEST(IssuerRules, WhatConfigurationMayNotSay) {
  config::Issuer issuer = entra_config();
  EXPECT_EQ(refusal(issuer), "ok");
  issuer.audiences = {};
  EXPECT_EQ(refusal(issuer), "Issuer x: 1 to 16 audiences are needed");
  issuer.audiences = {"https://graph.microsoft.com"};
  EXPECT_EQ(refusal(issuer), "Issuer x: an audience of Microsoft Graph");
  issuer = entra_config({"contoso.example"});
  EXPECT_EQ(refusal(issuer), "Issuer x: a tenantId that is no GUID");
  issuer = entra_config();
  issuer.entra->authority = "http://login.example";
  EXPECT_EQ(refusal(issuer), "Issuer x: the authority must be an https URL");
  issuer.entra->authority = config::kLaptopIssuer;
  EXPECT_EQ(refusal(issuer), "Issuer x: laptop://issuer runs only under wye up");
  const LaptopIssuer home{.authority = "https://127.0.0.1:9191", .ca_file = "/ca.crt"};
  EXPECT_EQ(refusal(issuer, &home), "ok");
  const LaptopIssuer elsewhere{.authority = "https://login.example", .ca_file = {}};
  EXPECT_EQ(refusal(issuer, &elsewhere), "Issuer x: the authority must be an https URL") << "only on this machine";
  EXPECT_EQ(refusal(oidc_config("http://issuer.example")), "Issuer x: the issuer must be an https URL");
  config::Issuer legacy = kubernetes_config();
  legacy.kubernetes->issuer = kLegacyKubernetesIssuer;
  EXPECT_EQ(refusal(legacy), "Issuer x: the issuer must be an https URL");
  config::Issuer eddsa = spiffe_config("/bundle.json");
  eddsa.tokens.algorithms = {config::TokenAlgorithm::kEdDsa};
  EXPECT_EQ(refusal(eddsa), "Issuer x: an algorithm that this type has not");
  config::Issuer nothing;
  nothing.type = config::IssuerType::kOidc;
  nothing.audiences = {"a"};
  EXPECT_EQ(refusal(nothing), "Issuer x: the block of its type is missing");
}

TEST(IssuerRules, Defaults) {
  const auto corp = rules_of("corp", entra_config());
  EXPECT_EQ(corp->skew, 60s);
  EXPECT_EQ(corp->max_lifetime, 29h);
  EXPECT_EQ(corp->algorithms, (crypto::AlgorithmSet{crypto::SignatureAlgorithm::kRs256}));
  EXPECT_EQ(rules_of("o", oidc_config())->max_lifetime, 24h);
  const auto mesh = rules_of("mesh", spiffe_config("/b.json", {"a.example", "b.example"}));
  EXPECT_TRUE(mesh->algorithms.contains(crypto::SignatureAlgorithm::kEs512));
  EXPECT_FALSE(mesh->algorithms.contains(crypto::SignatureAlgorithm::kEdDsa));
  ASSERT_EQ(mesh->sources.size(), 2u);
  EXPECT_EQ(mesh->sources[1].id, "mesh#b.example");
  EXPECT_FALSE(mesh->sources[1].only_domain);
}

TEST(IssuerRules, NoConfigurationNamesAMac) {
  for (size_t i = 0; i < config::EnumNames<config::TokenAlgorithm>::kNames.size(); ++i) {
    const auto parsed = crypto::parse_signature_algorithm(config::EnumNames<config::TokenAlgorithm>::kNames[i].text);
    ASSERT_TRUE(parsed);
    EXPECT_FALSE(crypto::is_mac(*parsed));
  }
}

TEST(IssuerRules, SovereignClouds) {
  config::Issuer issuer = entra_config();
  const auto first_iss = [&](std::string authority) {
    issuer.entra->authority = std::move(authority);
    const auto rules = rules_of("x", issuer);
    return rules->accepted[0].iss + " " + rules->accepted[1].iss;
  };
  const std::string t(kTenantA);
  EXPECT_EQ(first_iss("https://login.microsoftonline.us"), "https://sts.windows.net/" + t + "/ https://login.microsoftonline.us/" + t + "/v2.0");
  EXPECT_EQ(first_iss("https://login.partner.microsoftonline.cn"),
            "https://sts.chinacloudapi.cn/" + t + "/ https://login.partner.microsoftonline.cn/" + t + "/v2.0");
  EXPECT_EQ(first_iss("https://login.contoso.example/"), "https://login.contoso.example/" + t + "/ https://login.contoso.example/" + t + "/v2.0");
}

TEST(Audience, OfOthersInEverySpelling) {
  for (const std::string_view text : {"https://graph.microsoft.com", "https://graph.microsoft.com/", "HTTPS://Graph.Microsoft.com//",
                                      "https://graph.microsoft.com/.default", "graph.microsoft.com", "https://graph.microsoft.com:443/",
                                      "00000003-0000-0000-C000-000000000000", "spn:00000002-0000-0000-c000-000000000000"}) {
    EXPECT_EQ(owner_of_refused_audience(text), "Microsoft Graph") << text;
  }
  for (const std::string_view text :
       {"https://management.azure.com/", "https://management.core.windows.net/", "797f4846-ba00-4fd7-ba43-dac1f8f63013"}) {
    EXPECT_EQ(owner_of_refused_audience(text), "Azure Resource Manager") << text;
  }
  EXPECT_EQ(owner_of_refused_audience("https://cognitiveservices.azure.com"), "Azure AI services");
  EXPECT_EQ(owner_of_refused_audience("https://ai.azure.com"), "Azure AI services");
  EXPECT_EQ(owner_of_refused_audience("https://kubernetes.default.svc.cluster.local"), "the Kubernetes API server");
  for (const std::string_view text : {std::string_view(), std::string_view("wye"), std::string_view("api://contoso.example/wye"), kApi,
                                      std::string_view("https://graph.microsoft.com.contoso.example")}) {
    EXPECT_EQ(owner_of_refused_audience(text), "") << text;
  }
}

TEST(IssuerUrl, OneReadingOnly) {
  const auto url = parse_issuer_url("https://Login.Example:8443/a/b?c=d");
  ASSERT_TRUE(url);
  EXPECT_EQ(url->host, "login.example");
  EXPECT_EQ(url->port, 8443);
  EXPECT_EQ(url->target, "/a/b?c=d");
  EXPECT_EQ(authority_of(*url), "login.example:8443");
  EXPECT_EQ(parse_issuer_url("https://login.example")->target, "/");
  EXPECT_EQ(parse_issuer_url("https://login.example?x")->target, "/?x");
  EXPECT_EQ(authority_of(*parse_issuer_url("https://[::1]:9/")), "[::1]:9");
  EXPECT_EQ(discovery_url("https://a.example"), "https://a.example/.well-known/openid-configuration");
  EXPECT_EQ(discovery_url("https://a.example/"), "https://a.example/.well-known/openid-configuration");
  for (const std::string_view bad : {"",
                                     "login.example",
                                     "ftp://a.example",
                                     "https://",
                                     "https:///x",
                                     "https://a.example@evil.example/",
                                     "https://a.example:0/",
                                     "https://a.example:99999/",
                                     "https://a.example:/",
                                     "https://a.example:08/",
                                     "https://a.example/#x",
                                     "https://a.example/../x",
                                     "https://a.example/./x",
                                     "https://a.example/%2e%2e/x",
                                     "https://a.example\\b",
                                     "https://a example/",
                                     "https://a.example/\r\nx: y",
                                     "https://-a.example",
                                     "https://a..example",
                                     "https://[::1",
                                     "https://[::1]x/",
                                     "https://[1.2.3.4]/",
                                     "https://1.2.3/",
                                     "https://0x7f.1/",
                                     "https://a.example//x",
                                     "https://\xD0\xB0.example/",
                                     "HTTPS://a.example"}) {
    EXPECT_FALSE(parse_issuer_url(bad)) << bad;
  }
  EXPECT_FALSE(parse_issuer_url("https://a.example/" + std::string(3'000, 'x')));
  for (const std::string_view near : {"localhost", "127.0.0.1", "127.9.9.9", "::1"}) EXPECT_TRUE(is_loopback_host(near)) << near;
  for (const std::string_view far : {"localhost.example", "10.0.0.1", "127.0.0.1.example", "", "::2"}) EXPECT_FALSE(is_loopback_host(far)) << far;
}

}  // namespace
}  // namespace wye::token
