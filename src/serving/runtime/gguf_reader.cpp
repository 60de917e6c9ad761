#include "serving/runtime/gguf_reader.hpp"

namespace wye::runtime {
namespace {

constexpr std::array kTensorTypes = {
    TensorType{0, 1, 4},      TensorType{1, 1, 2},      TensorType{2, 32, 18},    TensorType{3, 32, 20},    TensorType{6, 32, 22},
    TensorType{7, 32, 24},    TensorType{8, 32, 34},    TensorType{9, 32, 36},    TensorType{10, 256, 84},  TensorType{11, 256, 110},
    TensorType{12, 256, 144}, TensorType{13, 256, 176}, TensorType{14, 256, 210}, TensorType{15, 256, 292}, TensorType{16, 256, 66},
    TensorType{17, 256, 74},  TensorType{18, 256, 98},  TensorType{19, 256, 50},  TensorType{20, 32, 18},   TensorType{21, 256, 110},
    TensorType{22, 256, 82},  TensorType{23, 256, 136}, TensorType{24, 1, 1},     TensorType{25, 1, 2},     TensorType{26, 1, 4},
    TensorType{27, 1, 8},     TensorType{28, 1, 8},     TensorType{29, 256, 56},  TensorType{30, 1, 2},     TensorType{34, 256, 54},
    TensorType{35, 256, 66},  TensorType{39, 32, 17},   TensorType{40, 64, 36},   TensorType{41, 128, 18},  TensorType{42, 64, 18},
};

}  // namespace

std::optional<TensorType> tensor_type(uint32_t number) {
  const auto* found = std::find_if(kTensorTypes.begin(), kTensorTypes.end(), [number](const TensorType& t) { return t.number == number; });
  if (found == kTensorTypes.end()) return std::nullopt;
  return *found;
}

uint64_t gguf_type_bytes(GgufType type) {
  switch (type) {
    case GgufType::kU8:
    case GgufType::kI8:
    case GgufType::kBool: return 1;
    case GgufType::kU16:
    case GgufType::kI16: return 2;
    case GgufType::kU32:
    case GgufType::kI32:
    case GgufType::kF32: return 4;
    case GgufType::kU64:
    case GgufType::kI64:
    case GgufType::kF64: return 8;
    case GgufType::kString:
    case GgufType::kArray: return 0;
  }
  return 0;
}

GgufReader::GgufReader(ByteSource& source, const GgufLimits& limits) : source_(source), limits_(limits) {}

std::unexpected<Error> GgufReader::corrupt(std::string what) const {
  return Fail(internal_error(ErrorCode::kCorrupt, what + " (at byte " + std::to_string(at_) + " of the GGUF header)"));
}

Result<> GgufReader::room_for(uint64_t bytes) const {
  if (bytes > source_.size() - at_) return corrupt("the file is truncated");
  if (bytes > limits_.header_bytes || at_ > limits_.header_bytes - bytes)
    return corrupt("the header is larger than " + format_bytes({limits_.header_bytes}));
  return {};
}

Result<> GgufReader::take(std::span<char> out) {
  CHECK_OK(room_for(out.size()));
  while (!out.empty()) {
    if (at_ < window_at_ || at_ >= window_at_ + window_.size()) {
      window_.resize(std::min<uint64_t>(kWindow, source_.size() - at_));
      window_at_ = at_;
      CHECK_OK(source_.read(at_, window_));
    }
    const size_t from = at_ - window_at_;
    const size_t n = std::min(out.size(), window_.size() - from);
    std::memcpy(out.data(), window_.data() + from, n);
    out = out.subspan(n);
    at_ += n;
  }
  return {};
}

Result<> GgufReader::skip(uint64_t bytes) {
  CHECK_OK(room_for(bytes));
  at_ += bytes;
  return {};
}

Result<std::string> GgufReader::string(uint64_t bytes_max) {
  TRY(const uint64_t bytes, number<uint64_t>());
  if (bytes > bytes_max) return corrupt("a string of " + std::to_string(bytes) + " bytes, at most " + std::to_string(bytes_max) + " are allowed");
  CHECK_OK(room_for(bytes));
  std::string out(bytes, '\0');
  CHECK_OK(take(out));
  return out;
}

Result<> GgufReader::skip_string() {
  TRY(const uint64_t bytes, number<uint64_t>());
  if (bytes > limits_.string_bytes) return corrupt("a string of " + std::to_string(bytes) + " bytes");
  return skip(bytes);
}

}  // namespace wye::runtime
