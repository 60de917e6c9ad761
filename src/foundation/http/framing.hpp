// Where the body of an HTTP/1.1 message ends, followed byte by byte: payload pieces are views into what was received.
// Source: RFC 9112 §6–7.
#pragma once

#include "foundation/base/result.hpp"
#include "foundation/http/head.hpp"

namespace wye::http {

/// Follows one body. Nothing is copied or kept; trailers are dropped.
class BodyFraming {
 public:
  /// For a request without length: no body. `kUntilClose` is for responses only.
  void start_request(const Head& head);
  /// `to_head`: the request was HEAD, so there is no body whatever the fields say.
  void start_response(const Head& head, bool to_head);

  struct Piece {
    std::string_view payload;  // may be empty
    size_t used = 0;           // bytes of the input that belong to this body
  };
  /// Takes the next piece from `bytes`; call again with the rest until `used` covers it or `done`.
  /// Errors: kInvalidRequest for broken chunking.
  Result<Piece> next(std::string_view bytes);
  bool done() const { return state_ == State::kDone; }
  /// True where only the end of the connection ends the body.
  bool until_close() const { return state_ == State::kUntilClose; }
  /// The connection ended: fine for until-close bodies, a cut for all others.
  bool end_is_clean() const { return state_ == State::kUntilClose || state_ == State::kDone; }
  /// Payload bytes still to come where a Content-Length said so.
  uint64_t left() const { return state_ == State::kLength ? left_ : 0; }

 private:
  enum class State : uint8_t {
    kDone,
    kLength,
    kUntilClose,
    kSize,
    kExtension,
    kSizeLf,
    kData,
    kDataCr,
    kDataLf,
    kTrailer,
    kTrailerName,
    kTrailerValue,
    kTrailerCr,
    kEndLf
  };
  Result<void> step(char c);
  Result<void> size_byte(char c);
  State state_ = State::kDone;
  uint64_t left_ = 0;
  size_t digits_ = 0;
  size_t extension_ = 0;
  size_t extensions_ = 0;
  size_t trailer_bytes_ = 0;
  size_t trailer_fields_ = 0;
};

}  // namespace wye::http
