// Records: one text each, nothing secret in it, nothing but what the writer writes is read back.
#include "identity/audit/record.hpp"

#include "foundation/base/random.hpp"
#include "identity/audit/chain.hpp"
#include "identity/token/principal_issuer.hpp"

#include <gtest/gtest.h>

namespace wye::audit {
namespace {

Record sample() {
  Record record;
  record.event = "authz.deny";
  record.request_id = "req_01JDCYVZ7T8Q";
  record.action = "chat.create";
  record.principal = {.kind = "app",
                      .issuer = "corp",
                      .tenant = "team-a",
                      .subject = "8eaef023-2b34-4da1-9baa-8bc8c9d6a490/690222be-ff1a-4d56-abd1-7e4f7d38e474",
                      .client = "6e74172b-be56-4843-9ff4-e66a39bb12e3",
                      .key_id = {},
                      .token_id = "fqiBqXLPj0eQa82S-IYFAA",
                      .binding = "none"};
  record.resource = {{"route", "general-chat"}, {"target", "backend:aoai-sc"}};
  record.decision = Decision::kDeny;
  record.rules = {"role/chat-user#1"};
  record.reason = "policy.region";
  record.peer = "10.2.3.4";
  record.listener = "public";
  record.config = "sha256:9f2c";
  record.status = 403;
  return record;
}
Sealed sealed(Record record) { return {184'467, *parse_rfc3339("2026-11-23T15:00:00.123Z"), std::move(record), crypto::sha256("before")}; }

TEST(AuditRecord, HasOneText) {
  const std::string line = encode(sealed(sample()));
  EXPECT_EQ(
      line,
      R"({"v":1,"seq":184467,"time":"2026-11-23T15:00:00.123Z","request_id":"req_01JDCYVZ7T8Q","event":"authz.deny","action":"chat.create",)"
      R"("principal":{"kind":"app","issuer":"corp","tenant":"team-a",)"
      R"("subject":"8eaef023-2b34-4da1-9baa-8bc8c9d6a490/690222be-ff1a-4d56-abd1-7e4f7d38e474",)"
      R"("client":"6e74172b-be56-4843-9ff4-e66a39bb12e3","token_id":"fqiBqXLPj0eQa82S-IYFAA","binding":"none"},)"
      R"("resource":{"route":"general-chat","target":"backend:aoai-sc"},"decision":"deny","rules":["role/chat-user#1"],"reason":"policy.region",)"
      R"("peer":"10.2.3.4","listener":"public","config":"sha256:9f2c","status":403,"prev":")" +
          crypto::digest_text(crypto::sha256("before")) + "\"}");
  EXPECT_EQ(decode(line), sealed(sample()));
}

// Nothing can hide in a line: white space, order, other spellings of the same text, unknown members.
TEST(AuditRecord, OtherTextsAreNoRecords) {
  const std::string line = encode(sealed(sample()));
  const auto changed = [&](std::string_view from, std::string_view to) {
    std::string text = line;
    const size_t at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    return text.replace(at, from.size(), to);
  };
  for (const std::string& text : {line + " ",
                                  " " + line,
                                  line + "\n",
                                  changed(",\"seq\"", ", \"seq\""),
                                  changed("\"v\":1", "\"v\":2"),
                                  changed("\"v\":1", "\"v\":1.0"),
                                  changed("policy.region", "policy.r\\u0065gion"),
                                  changed("\"status\":403", "\"status\":\"403\""),
                                  changed("\"status\":403,", "\"status\":0,"),
                                  changed("\"rules\":[\"role/chat-user#1\"]", "\"rules\":[]"),
                                  changed(",\"prev\"", ",\"more\":1,\"prev\""),
                                  changed("\"route\":\"general-chat\"", "\"route\":\"general-chat\",\"route\":\"b\""),
                                  changed("\"deny\"", "\"maybe\""),
                                  changed("2026-11-23T15:00:00.123Z", "2026-11-23T16:00:00.123+01:00"),
                                  changed("184467", "0"),
                                  changed("184467", "-1"),
                                  changed("policy.region", "Bearer abcdefghijkl"),
                                  std::string("{}"),
                                  std::string("[]"),
                                  std::string(),
                                  std::string(kLineBytesMax, 'x')})
    EXPECT_EQ(decode(text), std::nullopt) << text;
  for (size_t cut = 0; cut < line.size(); ++cut) EXPECT_EQ(decode(std::string_view(line).substr(0, cut)), std::nullopt) << cut;
}

struct Secret {
  std::string_view text;
  std::string_view written;
};
constexpr std::string_view kKey = "wye_live_0123456789ab_abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQ123456";
constexpr std::string_view kJwt = "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJhIn0.c2lnbmF0dXJl";

TEST(AuditRecord, SecretsAreTakenOutAtTheSource) {
  for (const auto& [text, written] :
       {Secret{kKey, "[redacted]"}, Secret{kJwt, "[redacted]"}, Secret{"a Bearer abcdefgh12 b", "a [redacted] b"},
        Secret{"DPoP abcdefgh12", "[redacted]"}, Secret{"bEaReR abcdefgh12", "[redacted]"}, Secret{"Basic dXNlcjpwYXNz", "[redacted]"},
        Secret{"sk-abcdefghijklmnopqrstuv", "[redacted]"}, Secret{"x -----BEGIN PRIVATE KEY-----\nabc", "x [redacted]"}, Secret{"gpt-4o", "gpt-4o"},
        Secret{"bearer", "bearer"}, Secret{"wye_live_0123456789ab", "wye_live_0123456789ab"}, Secret{"key:0123456789ab", "key:0123456789ab"},
        Secret{"sha256:77aa77aa77aa77aa77aa77aa77aa77aa", "sha256:77aa77aa77aa77aa77aa77aa77aa77aa"},
        Secret{"risk-abcdefghijklmnopqrstuv", "risk-abcdefghijklmnopqrstuv"}}) {
    EXPECT_EQ(without_secrets(text), written) << text;
  }
  // In every field, also inside other text, also where a name could be.
  for (const std::string_view secret : {kKey, kJwt}) {
    Record record = sample();
    const std::string hidden = "x" + std::string(secret) + "y";
    record.event = record.request_id = record.action = record.reason = record.peer = record.listener = record.config = hidden;
    record.principal = {hidden, hidden, hidden, hidden, hidden, hidden, hidden, hidden};
    record.resource = {{hidden, "a"}, {"b", hidden}};
    record.detail = {{"c", hidden}};
    record.rules = {hidden};
    make_presentable(record);
    const std::string line = encode(sealed(record));
    EXPECT_EQ(line.find(secret.substr(10, 30)), std::string::npos) << line;
    EXPECT_NE(decode(line), std::nullopt) << line;
  }
}

TEST(AuditRecord, TextsStayWithinTheirBounds) {
  Record record = sample();
  record.principal.subject = std::string(5'000, '"');
  record.reason = "two\nlines\x01\x7f";
  record.peer = "\xff\xfe broken \xc3";
  record.rules.assign(100, std::string(1'000, '\\'));
  record.resource.assign(100, {std::string(1'000, '"'), std::string(1'000, '"')});
  for (int i = 0; i < 100; ++i) record.detail.push_back({"n" + std::to_string(i), std::string(1'000, '"')});
  record.status = 100'000;
  make_presentable(record);
  EXPECT_LE(record.principal.subject.size(), kTextBytesMax);
  EXPECT_TRUE(record.principal.subject.find("…sha256:") != std::string::npos);
  EXPECT_EQ(record.reason, "two lines  ");
  EXPECT_EQ(record.rules.size(), kRulesMax);
  EXPECT_EQ(record.resource.size(), 1u);  // one name once
  EXPECT_EQ(record.detail.size(), kFactsMax);
  const std::string line = encode(sealed(record));
  EXPECT_LT(line.size(), kLineBytesMax);
  EXPECT_NE(decode(line), std::nullopt);
  // Two long subjects that begin alike stay two.
  Record other = sample();
  other.principal.subject = std::string(5'000, '"') + "x";
  make_presentable(other);
  EXPECT_NE(other.principal.subject, record.principal.subject);
}

TEST(AuditRecord, WhateverIsPutInReadsBack) {
  SeededRandom random(4);
  constexpr std::array<std::string_view, 12> kPieces = {"a",   " ",       "\"", "\\", "\n", "\xff", "é", "bearer ", "eyJ.", "wye_live_0123456789ab_x",
                                                        "sk-", "…sha256:"};
  for (int round = 0; round < 3'000; ++round) {
    const auto text = [&] {
      std::string out;
      for (uint64_t i = random.below(round % 10 == 0 ? 600 : 12); i > 0; --i) out += kPieces[random.below(kPieces.size())];
      return out;
    };
    Record record;
    record.event = text();
    record.reason = text();
    record.principal.subject = text();
    record.resource = {{text(), text()}, {text(), text()}};
    record.rules = {text(), text()};
    record.status = static_cast<int>(random.below(1'500)) - 100;
    make_presentable(record);
    const Sealed in = sealed(record);
    ASSERT_EQ(decode(encode(in)), in) << encode(in);
    EXPECT_TRUE(canonical_without_prev(encode(in)));
  }
}

TEST(AuditRecord, NamesOfAPrincipalAndNothingElse) {
  token::PrincipalFields fields;
  fields.kind = token::PrincipalKind::kApp;
  fields.issuer = "corp";
  fields.subject = "t/o";
  fields.claims = {{"mail", {"person@contoso.example"}}};
  fields.groups = {"g"};
  const token::Principal principal = token::PrincipalIssuer::issue(fields);
  Record record;
  record.principal = Who::of(principal, "team-a");
  const std::string line = encode(sealed(record));
  EXPECT_NE(line.find(R"("principal":{"kind":"app","issuer":"corp","tenant":"team-a","subject":"t/o","binding":"none"})"), std::string::npos) << line;
  EXPECT_EQ(line.find("contoso"), std::string::npos);
}

// RFC 8785 §3.2: order of members, escapes, numbers.
TEST(AuditChain, CanonicalForm) {
  EXPECT_EQ(canonical_without_prev(R"({"b":[1,"x\u000a\u001f\/é"],"a":{"d":true,"c":null},"prev":"sha256:00"})"),
            "{\"a\":{\"c\":null,\"d\":true},\"b\":[1,\"x\\n\\u001f/é\"]}");
  EXPECT_EQ(canonical_without_prev(R"({"inner":{"prev":1}})"), R"({"inner":{"prev":1}})");
  for (const std::string_view text : {"[]", "", "{", R"({"a":1.5})", R"({"a":1e2})"}) EXPECT_EQ(canonical_without_prev(text), std::nullopt) << text;
}

TEST(AuditChain, HeadsReadBack) {
  const Head head{17, crypto::sha256("x")};
  EXPECT_EQ(decode_head(encode_head(head)), head);
  for (const std::string& text : {std::string(), std::string("17"), encode_head(head) + " ", "0" + encode_head(head), "-" + encode_head(head)})
    EXPECT_EQ(decode_head(text), std::nullopt) << text;
}

}  // namespace
}  // namespace wye::audit
