#include "foundation/http/framing.hpp"

namespace wye::http {
namespace {

Fail bad(std::string_view message) { return Fail(public_error(ErrorCode::kInvalidRequest, std::string(message))); }

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char lower = static_cast<char>(c | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

}  // namespace

void BodyFraming::start_request(const Head& head) {
  *this = {};
  if (head.chunked) state_ = State::kSize;
  else if (head.content_length.value_or(0) > 0) {
    state_ = State::kLength;
    left_ = *head.content_length;
  }
}

void BodyFraming::start_response(const Head& head, bool to_head) {
  *this = {};
  if (to_head || head.status < 200 || head.status == 204 || head.status == 304) return;
  if (head.chunked) state_ = State::kSize;
  else if (!head.content_length) state_ = State::kUntilClose;
  else if (*head.content_length > 0) {
    state_ = State::kLength;
    left_ = *head.content_length;
  }
}

Result<BodyFraming::Piece> BodyFraming::next(std::string_view bytes) {
  size_t at = 0;
  while (at < bytes.size()) {
    switch (state_) {
      case State::kDone: return Piece{{}, at};
      case State::kUntilClose: return Piece{bytes.substr(at), bytes.size()};
      case State::kLength:
      case State::kData: {
        const auto n = static_cast<size_t>(std::min<uint64_t>(left_, bytes.size() - at));
        left_ -= n;
        if (left_ == 0) state_ = state_ == State::kLength ? State::kDone : State::kDataCr;
        return Piece{bytes.substr(at, n), at + n};
      }
      default: CHECK_OK(step(bytes[at++]));
    }
  }
  return Piece{{}, at};
}

Result<void> BodyFraming::size_byte(char c) {
  const int digit = hex_value(c);
  if (digit >= 0) {
    if (++digits_ > kChunkSizeDigitsMax || left_ > (kContentLengthMax >> 4)) return bad("A chunk size is too long.");
    left_ = left_ * 16 + static_cast<uint64_t>(digit);
    return {};
  }
  if (digits_ == 0) return bad("A chunk size is malformed.");
  if (c == '\r') state_ = State::kSizeLf;
  else if (c == ';') {
    state_ = State::kExtension;
    extension_ = 0;
  } else return bad("A chunk size is malformed.");
  return {};
}

Result<void> BodyFraming::step(char c) {
  switch (state_) {
    case State::kSize: return size_byte(c);
    case State::kExtension:
      if (c == '\r') {
        state_ = State::kSizeLf;
        return {};
      }
      if (!is_field_text(c)) return bad("A chunk extension is malformed.");
      if (++extension_ > kChunkExtensionMax || ++extensions_ > kChunkExtensionsMax) return bad("Chunk extensions are too long.");
      return {};
    case State::kSizeLf:
      if (c != '\n') return bad("Chunk lines must end with CR LF.");
      digits_ = 0;
      state_ = left_ == 0 ? State::kTrailer : State::kData;
      return {};
    case State::kDataCr:
      if (c != '\r') return bad("A chunk is longer than its size.");
      state_ = State::kDataLf;
      return {};
    case State::kDataLf:
      if (c != '\n') return bad("Chunk lines must end with CR LF.");
      state_ = State::kSize;
      return {};
    case State::kTrailer:
      if (c == '\r') {
        state_ = State::kEndLf;
        return {};
      }
      if (++trailer_fields_ > kTrailerFieldsMax) return bad("There are too many trailers.");
      if (c == ':') return bad("A trailer is malformed.");
      state_ = State::kTrailerName;
      [[fallthrough]];
    case State::kTrailerName:
      if (++trailer_bytes_ > kTrailersMax) return bad("The trailers are too long.");
      if (c == ':') state_ = State::kTrailerValue;
      else if (!is_token(c)) return bad("A trailer is malformed.");
      return {};
    case State::kTrailerValue:
      if (++trailer_bytes_ > kTrailersMax) return bad("The trailers are too long.");
      if (c == '\r') state_ = State::kTrailerCr;
      else if (!is_field_text(c)) return bad("A trailer is malformed.");
      return {};
    case State::kTrailerCr:
      if (c != '\n') return bad("Trailer lines must end with CR LF.");
      state_ = State::kTrailer;
      return {};
    case State::kEndLf:
      if (c != '\n') return bad("Trailer lines must end with CR LF.");
      state_ = State::kDone;
      return {};
    default: return bad("The body is malformed.");
  }
}

}  // namespace wye::http
