#include "config/snapshot/snapshot.hpp"

namespace wye::config {
namespace {

TEST(SnapshotIssuers, ThoseOfCertificatesAreBelievedToo) {
  const std::string text =
      "apiVersion: wye.dev/v1alpha1\nkind: Gateway\nmetadata: {name: g}\nspec: {listeners: [{name: a}]}\n---\n"
      "apiVersion: wye.dev/v1alpha1\nkind: Issuer\nmetadata: {name: corp}\nspec: {type: x509, x509: {caFile: ca.crt}}\n---\n"
      "apiVersion: wye.dev/v1alpha1\nkind: Issuer\nmetadata: {name: mesh}\n"
      "spec: {type: spiffe, spiffe: {trustDomains: [corp.example], bundleFile: bundle.json}, audiences: [wye]}\n---\n"
      "apiVersion: wye.dev/v1alpha1\nkind: Tenant\nmetadata: {name: t}\nspec: {dataClassMax: restricted}\n---\n"
      "apiVersion: wye.dev/v1alpha1\nkind: Backend\nmetadata: {name: b}\n"
      "spec: {provider: openAICompatible, endpoint: \"https://b.example.com/v1\", deployment: m, dataClassMax: restricted}\n---\n"
      "apiVersion: wye.dev/v1alpha1\nkind: Route\nmetadata: {name: r}\nspec: {candidates: [{backend: b}], request: {unknownFields: refuse}}\n";
  const std::array files = {NamedText{"a.yaml", text}};
  const Compiled compiled = compile(load_texts(files), {});
  ASSERT_NE(compiled.snapshot, nullptr) << to_text(compiled.findings);
  std::map<std::string, token::IssuerKind> kinds;
  for (const token::IssuerRulesPtr& issuer : compiled.snapshot->issuers()) kinds[issuer->name] = issuer->kind;
  EXPECT_EQ(kinds, (std::map<std::string, token::IssuerKind>{{"corp", token::IssuerKind::kX509}, {"mesh", token::IssuerKind::kSpiffe}}));
}

}  // namespace
}  // namespace wye::config
