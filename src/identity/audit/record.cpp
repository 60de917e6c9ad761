#include "identity/audit/record.hpp"

#include "foundation/crypto/encode.hpp"
#include "foundation/json/writer.hpp"

namespace wye::audit {
namespace {

constexpr int64_t kVersion = 1;
constexpr std::array<std::string_view, 3> kDecisions = {"", "allow", "deny"};

/// Cut between two characters; the digest lets an auditor compare it with a text that he has.
void shorten(std::string& text) {
  if (text.size() <= kTextBytesMax) return;
  const std::string digest = crypto::to_hex(crypto::as_text(crypto::sha256(text)).substr(0, 8));
  const std::string mark = "…sha256:" + digest;
  size_t cut = kTextBytesMax - mark.size();
  while (cut > 0 && (static_cast<uint8_t>(text[cut]) & 0xC0) == 0x80) --cut;
  text.resize(cut);
  text += mark;
}

void present(std::string& text) {
  for (char& c : text) {
    if (static_cast<uint8_t>(c) < 0x20 || c == 0x7F) c = ' ';
  }
  shorten(text);
  text = without_secrets(text);
  if (std::ranges::all_of(text, [](char c) { return static_cast<uint8_t>(c) < 0x80; })) return;
  // What is no UTF-8 becomes it here, so that the text reads back as it was written.
  std::string quoted;
  json::Writer(quoted).string(text);
  json::Document document;
  text = document.parse_copy(quoted) ? document.root().text() : std::string("[unreadable]");
  shorten(text);
}

void present(std::vector<Fact>& facts) {
  std::erase_if(facts, [](const Fact& fact) { return fact.value.empty() || fact.name.empty(); });
  if (facts.size() > kFactsMax) facts.resize(kFactsMax);
  for (Fact& fact : facts) {
    present(fact.name);
    present(fact.value);
  }
  // A name twice could be read in two ways: the first stays.
  std::vector<Fact> once;
  for (Fact& fact : facts) {
    if (std::ranges::find(once, fact.name, &Fact::name) == once.end()) once.push_back(std::move(fact));
  }
  facts = std::move(once);
}

template <class Self, class Visit>
void each_text(Self& record, Visit&& visit) {
  visit("event", record.event);
  visit("request_id", record.request_id);
  visit("action", record.action);
  visit("reason", record.reason);
  visit("peer", record.peer);
  visit("listener", record.listener);
  visit("config", record.config);
}
template <class Self, class Visit>
void each_name(Self& who, Visit&& visit) {
  visit("kind", who.kind);
  visit("issuer", who.issuer);
  visit("tenant", who.tenant);
  visit("subject", who.subject);
  visit("client", who.client);
  visit("key_id", who.key_id);
  visit("token_id", who.token_id);
  visit("binding", who.binding);
}

void write_facts(json::Writer& writer, std::string_view name, const std::vector<Fact>& facts) {
  if (facts.empty()) return;
  writer.begin_object(name);
  for (const Fact& fact : facts) writer.string(fact.name, fact.value);
  writer.end_object();
}

std::vector<Fact> read_facts(std::optional<json::Value> value) {
  std::vector<Fact> out;
  if (!value) return out;
  for (const json::Member member : value->members()) out.push_back({member.name(), member.value().text()});
  return out;
}

std::string text_of(json::Value object, std::string_view name) {
  const auto value = object.find(name);
  return value ? value->text() : std::string();
}

Decision read_decision(std::string_view text) {
  const auto found = std::ranges::find(kDecisions, text);
  return found == kDecisions.end() ? Decision::kNone : static_cast<Decision>(found - kDecisions.begin());
}

/// What can be read out of a line; decode compares it with the line afterwards.
std::optional<Sealed> read_sealed(json::Value root) {
  Sealed out;
  const auto version = root.find("v") ? root.find("v")->integer() : std::nullopt;
  const auto seq = root.find("seq") ? root.find("seq")->integer() : std::nullopt;
  const auto time = parse_rfc3339(text_of(root, "time"));
  const auto prev = crypto::parse_digest_text(text_of(root, "prev"));
  if (version != kVersion || !seq || *seq <= 0 || !time || !prev) return std::nullopt;
  out.seq = static_cast<uint64_t>(*seq);
  out.time = *time;
  out.prev = *prev;
  Record& record = out.record;
  each_text(record, [&](std::string_view name, std::string& into) { into = text_of(root, name); });
  if (const auto who = root.find("principal"))
    each_name(record.principal, [&](std::string_view name, std::string& into) { into = text_of(*who, name); });
  record.resource = read_facts(root.find("resource"));
  record.detail = read_facts(root.find("detail"));
  record.decision = read_decision(text_of(root, "decision"));
  if (const auto rules = root.find("rules")) {
    for (const json::Value rule : rules->elements()) record.rules.push_back(rule.text());
  }
  if (const auto status = root.find("status")) record.status = static_cast<int>(status->integer().value_or(0));
  return out;
}

}  // namespace

Who Who::of(const token::Principal& principal, std::string_view tenant) {
  const token::PrincipalFields& fields = principal.fields();
  Who who;
  who.kind = token::to_string(fields.kind);
  who.issuer = fields.issuer;
  who.tenant = tenant;
  who.subject = fields.subject;
  who.client = fields.client;
  who.key_id = fields.key_id;
  who.token_id = fields.token_id;
  who.binding = token::to_string(fields.binding);
  return who;
}

void make_presentable(Record& record) {
  each_text(record, [](std::string_view, std::string& text) { present(text); });
  each_name(record.principal, [](std::string_view, std::string& text) { present(text); });
  present(record.resource);
  present(record.detail);
  std::erase(record.rules, std::string());
  if (record.rules.size() > kRulesMax) record.rules.resize(kRulesMax);
  for (std::string& rule : record.rules) present(rule);
  record.status = std::clamp(record.status, 0, 999);
}

size_t text_bytes(const Record& record) {
  size_t bytes = sizeof(Record);
  const auto add = [&bytes](std::string_view, const std::string& text) { bytes += text.size(); };
  each_text(record, add);
  each_name(record.principal, add);
  for (const std::vector<Fact>* facts : {&record.resource, &record.detail}) {
    for (const Fact& fact : *facts) bytes += sizeof(Fact) + fact.name.size() + fact.value.size();
  }
  for (const std::string& rule : record.rules) bytes += sizeof(std::string) + rule.size();
  return bytes;
}

std::string encode(const Sealed& sealed) {
  const Record& record = sealed.record;
  std::string out;
  json::Writer writer(out);
  const auto text = [&](std::string_view name, const std::string& value) {
    if (!value.empty()) writer.string(name, value);
  };
  writer.begin_object().integer("v", kVersion).unsigned_integer("seq", sealed.seq).string("time", rfc3339(sealed.time));
  text("request_id", record.request_id);
  text("event", record.event);
  text("action", record.action);
  if (record.principal != Who{}) {
    writer.begin_object("principal");
    each_name(record.principal, text);
    writer.end_object();
  }
  write_facts(writer, "resource", record.resource);
  if (record.decision != Decision::kNone) writer.string("decision", kDecisions[static_cast<size_t>(record.decision)]);
  if (!record.rules.empty()) {
    writer.begin_array("rules");
    for (const std::string& rule : record.rules) writer.string(rule);
    writer.end_array();
  }
  text("reason", record.reason);
  text("peer", record.peer);
  text("listener", record.listener);
  text("config", record.config);
  if (record.status != 0) writer.integer("status", record.status);
  write_facts(writer, "detail", record.detail);
  writer.string("prev", crypto::digest_text(sealed.prev)).end_object();
  return out;
}

std::optional<Sealed> decode(std::string_view line) {
  json::Document document;
  return decode(line, document);
}

std::optional<Sealed> decode(std::string_view line, json::Document& document) {
  if (line.size() >= kLineBytesMax) return std::nullopt;
  const json::Limits limits{.bytes_max = Bytes{kLineBytesMax}, .depth_max = 4, .nodes_max = 256, .number_chars_max = 20};
  if (!document.parse_copy(line, limits) || !document.root().is_object()) return std::nullopt;
  std::optional<Sealed> sealed = read_sealed(document.root());
  if (!sealed) return std::nullopt;
  // Only what the writer writes: nothing hides in unknown members, in another order, between the members or in escapes.
  Record presentable = sealed->record;
  make_presentable(presentable);
  if (presentable != sealed->record || encode(*sealed) != line) return std::nullopt;
  return sealed;
}

}  // namespace wye::audit
