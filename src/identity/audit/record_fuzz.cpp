// Lines of an audit file as anybody may have written them: nothing crashes, one text a record, no line hides anything.
#include "identity/audit/verify.hpp"

#include <cstdlib>

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(bytes), size);
  if (const auto sealed = wye::audit::decode(input)) {
    require(wye::audit::encode(*sealed) == input);
    require(wye::audit::canonical_without_prev(input).has_value());
    (void)wye::audit::hash_of(*sealed, input);
  }
  // Whatever stands in a record, its text reads back.
  wye::audit::Sealed own;
  own.seq = 1;
  const size_t third = size / 3;
  own.record.reason = std::string(input.substr(0, third));
  own.record.resource = {{std::string(input.substr(third, third)), std::string(input.substr(2 * third))}};
  wye::audit::make_presentable(own.record);
  require(wye::audit::decode(wye::audit::encode(own)) == own);
  if (const auto head = wye::audit::decode_head(input)) require(wye::audit::encode_head(*head) == input);
  wye::audit::ChainVerifier verifier(std::nullopt);
  size_t begin = 0;
  for (size_t end = input.find('\n'); end != std::string_view::npos; end = input.find('\n', begin)) {
    verifier.take(input.substr(begin, end - begin));
    begin = end + 1;
  }
  const wye::audit::Verdict verdict = verifier.finish(size - begin);
  require(verdict.whole() || verdict.broken->line > 0);
  return 0;
}
