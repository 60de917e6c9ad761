// Any bytes as a request: head, target, body. However they are cut, the meaning is the same; nothing reads beyond what it was given.
#include "foundation/http/framing_cases.hpp"
#include "foundation/http/head_cases.hpp"
#include "foundation/http/target_cases.hpp"

namespace {

using namespace wye::http;

void require(bool holds) {
  if (!holds) __builtin_trap();
}

/// What became of the bytes.
std::string meaning_of(std::string_view input, size_t cut) {
  HeadParser parser(HeadParser::Kind::kRequest);
  Head head;
  std::vector<char> bytes;
  wye::Result<HeadParser::Step> step = HeadParser::Step::kMore;
  for (const size_t end : {cut, input.size()}) {
    bytes.assign(input.begin(), input.begin() + static_cast<ptrdiff_t>(end));
    step = parser.parse({bytes.data(), bytes.size()}, head);
    if (!step || *step == HeadParser::Step::kDone) break;
  }
  if (!step) return "refused " + std::to_string(wye::error_row(step.error().code).status);
  if (*step == HeadParser::Step::kMore) return "more";
  require(head.size <= input.size() && head.size <= kRequestHeadMax && head.field_count <= kFieldsMax);
  require(!(head.chunked && head.content_length));
  std::string meaning = describe_request(head);
  for (const Field& field : head.all()) {
    require(std::ranges::all_of(field.name, is_token) && std::ranges::all_of(field.value, is_field_text));
    meaning += "|" + std::string(field.name) + "=" + std::string(field.value);
  }
  Target target;
  if (!target.parse(head)) return meaning + " bad target";
  require(target.path() == "*" || target.path().starts_with('/'));
  require(target.path().find("/../") == std::string_view::npos && target.path().find('\0') == std::string_view::npos &&
          target.path().find('\\') == std::string_view::npos);
  meaning += "|" + std::string(target.path()) + "?" + std::string(target.query()) + std::string(target.parameter("api-version").value_or("-"));
  BodyFraming framing;
  framing.start_request(head);
  std::string_view rest = input.substr(head.size);
  while (!rest.empty() && !framing.done()) {
    const size_t n = std::min(rest.size(), 1 + cut % 7);
    const std::vector<char> own(rest.begin(), rest.begin() + static_cast<ptrdiff_t>(n));
    const auto piece = framing.next({own.data(), own.size()});
    if (!piece) return meaning + " bad body";
    require(piece->used > 0 && piece->used <= n && piece->payload.size() <= piece->used);
    meaning += piece->payload;
    rest.remove_prefix(piece->used);
  }
  return meaning + (framing.done() ? " done" : " open") + std::to_string(rest.size());
}

const std::vector<std::string>& seeds() {
  static const std::vector<std::string> all = [] {
    std::vector<std::string> out;
    for (const HeadCase& c : request_head_cases()) {
      if (c.bytes.size() < 2000) out.push_back(c.bytes);
    }
    for (const BodyCase& c : chunked_body_cases()) {
      if (c.bytes.size() < 2000) out.push_back(cases::post("Transfer-Encoding: chunked") + c.bytes);
    }
    for (const TargetCase& c : target_cases()) out.push_back("GET " + c.target + " HTTP/1.1\r\nHost: a:80\r\n\r\n");
    return out;
  }();
  return all;
}

}  // namespace

extern "C" size_t LLVMFuzzerMutate(uint8_t* data, size_t size, size_t max);

/// Now and then begins anew from a row of the tables.
extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t max, unsigned seed) {
  if (seed % 16 == 0) {
    const std::string& row = seeds()[seed / 16 % seeds().size()];
    size = std::min(row.size(), max);
    std::memcpy(data, row.data(), size);
  }
  return LLVMFuzzerMutate(data, size, max);
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::string whole = meaning_of(input, size);
  for (size_t i = 0; i < 4 && size > 0; ++i) require(meaning_of(input, (size * (i + 1) / 5 + i) % size) == whole);
  return 0;
}
