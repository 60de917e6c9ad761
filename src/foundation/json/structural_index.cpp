#include "foundation/json/structural_index.hpp"

#include <simdjson.h>

namespace wye::json {
namespace {

constexpr size_t kCapacityMin = size_t{32} << 10U;
constexpr size_t kCapacityKept = size_t{1} << 20U;

IndexFault fault_of(simdjson::error_code code) {
  switch (code) {
    case simdjson::SUCCESS: return IndexFault::kNone;
    case simdjson::EMPTY: return IndexFault::kEmpty;
    case simdjson::UTF8_ERROR: return IndexFault::kUtf8;
    case simdjson::UNESCAPED_CHARS: return IndexFault::kControlCharacter;
    case simdjson::UNCLOSED_STRING: return IndexFault::kUnclosedString;
    case simdjson::MEMALLOC:
    case simdjson::CAPACITY: return IndexFault::kOutOfMemory;
    default: return IndexFault::kInternal;
  }
}

}  // namespace

struct StructuralIndex::Engine {
  std::unique_ptr<simdjson::internal::dom_parser_implementation> parser;
};

StructuralIndex::StructuralIndex() : engine_(std::make_unique<Engine>()) {}
StructuralIndex::~StructuralIndex() = default;

IndexFault StructuralIndex::read(std::string_view text) {
  count_ = 0;
  if (text.empty()) return IndexFault::kEmpty;
  if (text.size() > capacity_) [[unlikely]] {
    capacity_ = 0;
    engine_->parser.reset();
    const size_t wanted = std::max(kCapacityMin, std::min(std::bit_ceil(text.size()), size_t{simdjson::SIMDJSON_MAXSIZE_BYTES}));
    // Depth counts only in simdjson's second half, which is not used: 1 keeps its table small.
    const auto made = simdjson::get_active_implementation()->create_dom_parser_implementation(wanted, 1, engine_->parser);
    if (made != simdjson::SUCCESS) return IndexFault::kOutOfMemory;
    capacity_ = wanted;
  }
  auto& parser = *engine_->parser;
  const auto code = parser.stage1(reinterpret_cast<const uint8_t*>(text.data()), text.size(), simdjson::stage1_mode::regular);
  if (code != simdjson::SUCCESS) return fault_of(code);
  positions_ = parser.structural_indexes.get();
  count_ = parser.n_structural_indexes;
  return IndexFault::kNone;
}

void StructuralIndex::trim() {
  if (capacity_ <= kCapacityKept) return;
  engine_->parser.reset();
  capacity_ = 0;
  positions_ = nullptr;
  count_ = 0;
}

}  // namespace wye::json
