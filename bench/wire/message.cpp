#include "message.hpp"

#include <strings.h>

#include <algorithm>
#include <charconv>

namespace wye::bench {
namespace {

constexpr size_t kHeadMax = 64 * 1024;
constexpr size_t kLineMax = 4096;

bool same(std::string_view a, std::string_view b) { return a.size() == b.size() && strncasecmp(a.data(), b.data(), a.size()) == 0; }

std::string_view trim(std::string_view s) {
  while (!s.empty() && (s.front() == ' ' || s.front() == '\t')) s.remove_prefix(1);
  while (!s.empty() && (s.back() == ' ' || s.back() == '\t')) s.remove_suffix(1);
  return s;
}

bool is_token(std::string_view s) {
  if (s.empty()) return false;
  return std::all_of(s.begin(), s.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
  });
}

bool has_item(std::string_view list, std::string_view item) {
  while (!list.empty()) {
    const size_t comma = std::min(list.find(','), list.size());
    if (same(trim(list.substr(0, comma)), item)) return true;
    list.remove_prefix(std::min(comma + 1, list.size()));
  }
  return false;
}

const char* parse_start(std::string_view line, MessageKind kind, Head& head) {
  if (kind == MessageKind::kResponse) {
    if (!line.starts_with("HTTP/1.1 ") && !line.starts_with("HTTP/1.0 ")) return "status line does not begin with HTTP/1.x";
    if (line[7] == '0') head.close = true;
    const auto [end, ec] = std::from_chars(line.data() + 9, line.data() + line.size(), head.status);
    const auto digits = end - (line.data() + 9);
    if (ec != std::errc{} || digits != 3 || head.status < 100) return "status is not three digits";
    return nullptr;
  }
  const size_t first = line.find(' '), last = line.rfind(' ');
  if (first == std::string_view::npos || last == first) return "request line has no three parts";
  head.method = line.substr(0, first);
  head.target = line.substr(first + 1, last - first - 1);
  if (!is_token(head.method) || head.target.empty() || head.target.find(' ') != std::string_view::npos) return "malformed request line";
  if (line.substr(last + 1) != "HTTP/1.1") return "request is not HTTP/1.1";
  return nullptr;
}

const char* take_field(std::string_view name, std::string_view value, Head& head) {
  if (same(name, "content-length")) {
    int64_t length = 0;
    const auto [end, ec] = std::from_chars(value.data(), value.data() + value.size(), length);
    if (ec != std::errc{} || end != value.data() + value.size() || length < 0 || value.front() == '-') return "malformed content-length";
    if (head.content_length >= 0) return "more than one content-length";
    head.content_length = length;
  } else if (same(name, "transfer-encoding")) {
    if (head.chunked || !same(value, "chunked")) return "transfer-encoding is not exactly chunked";
    head.chunked = true;
  } else if (same(name, "connection")) {
    head.close = head.close || has_item(value, "close");
  } else if (same(name, "expect")) {
    head.expect_continue = same(value, "100-continue");
  } else if (same(name, "content-type")) {
    head.content_type = value;
  } else if (same(name, "authorization")) {
    head.authorization = value;
  } else if (same(name, "host")) {
    if (!head.host.empty()) return "more than one host";
    head.host = value;
  }
  return nullptr;
}

}  // namespace

const char* parse_head(std::string_view block, MessageKind kind, Head& head) {
  const size_t start_end = std::min(block.find("\r\n"), block.size());
  const std::string_view start = block.substr(0, start_end);
  if (start.find_first_of(std::string_view("\r\n\0", 3)) != std::string_view::npos) return "bare CR, LF or NUL in the start line";
  if (const char* error = parse_start(start, kind, head)) return error;
  block.remove_prefix(std::min(start_end + 2, block.size()));
  while (!block.empty()) {
    const size_t end = std::min(block.find("\r\n"), block.size());
    const std::string_view line = block.substr(0, end);
    block.remove_prefix(std::min(end + 2, block.size()));
    if (line.find_first_of(std::string_view("\r\n\0", 3)) != std::string_view::npos) return "bare CR, LF or NUL in a field";
    const size_t colon = line.find(':');
    if (colon == std::string_view::npos || !is_token(line.substr(0, colon))) return "malformed field line";
    if (const char* error = take_field(line.substr(0, colon), trim(line.substr(colon + 1)), head)) return error;
  }
  if (head.chunked && head.content_length >= 0) return "both content-length and transfer-encoding";
  if (kind == MessageKind::kRequest && head.host.empty()) return "request without host";
  return nullptr;
}

void MessageReader::reset() {
  state_ = State::kHead;
  remaining_ = 0;
  line_.clear();
  error_ = nullptr;
}

void MessageReader::closed() {
  if (failed() || done()) return;
  if (state_ == State::kUntilClose) {
    state_ = State::kDone;
  } else if (begun()) {
    fail(state_ == State::kHead ? "closed inside the head" : "closed inside the body");
  }
}

size_t MessageReader::feed(std::string_view in, MessageSink& sink) {
  size_t used = 0;
  while (used < in.size() && !done() && !failed()) {
    const std::string_view rest = in.substr(used);
    switch (state_) {
      case State::kHead: used += feed_head(rest, sink); break;
      case State::kCounted:
      case State::kChunk: used += feed_counted(rest, sink); break;
      case State::kUntilClose:
        sink.on_body(rest);
        used = in.size();
        break;
      default: used += feed_line(rest); break;
    }
  }
  return used;
}

size_t MessageReader::feed_head(std::string_view in, MessageSink& sink) {
  if (line_.empty()) {
    const size_t end = in.find("\r\n\r\n");
    if (end != std::string_view::npos) {
      take_head(in.substr(0, end), sink);
      return end + 4;
    }
    line_.assign(in);
    if (line_.size() > kHeadMax) fail("head too large");
    return in.size();
  }
  const size_t before = line_.size();
  line_.append(in);
  const size_t end = line_.find("\r\n\r\n", before < 3 ? 0 : before - 3);
  if (end == std::string::npos) {
    if (line_.size() > kHeadMax) fail("head too large");
    return in.size();
  }
  take_head(std::string_view(line_).substr(0, end), sink);
  line_.clear();
  return end + 4 - before;
}

void MessageReader::take_head(std::string_view block, MessageSink& sink) {
  Head head;
  if (const char* error = parse_head(block, kind_, head)) return fail(error);
  const bool response = kind_ == MessageKind::kResponse;
  if (response && head.status < 200) return;  // 100 Continue: the real head follows
  sink.on_head(head);
  const bool bodiless = response && (head.status == 204 || head.status == 304);
  if (bodiless) {
    state_ = State::kDone;
  } else if (head.chunked) {
    state_ = State::kChunkSize;
  } else if (head.content_length > 0) {
    remaining_ = static_cast<uint64_t>(head.content_length);
    state_ = State::kCounted;
  } else if (head.content_length == 0 || !response) {
    state_ = State::kDone;
  } else {
    state_ = State::kUntilClose;
  }
}

size_t MessageReader::feed_counted(std::string_view in, MessageSink& sink) {
  const size_t n = static_cast<size_t>(std::min<uint64_t>(remaining_, in.size()));
  sink.on_body(in.substr(0, n));
  remaining_ -= n;
  if (remaining_ == 0) state_ = state_ == State::kCounted ? State::kDone : State::kChunkEnd;
  return n;
}

size_t MessageReader::feed_line(std::string_view in) {
  const size_t end = in.find('\n');
  if (end == std::string_view::npos) {
    line_.append(in);
    if (line_.size() > kLineMax) fail("chunk or trailer line too long");
    return in.size();
  }
  std::string_view line = in.substr(0, end);
  if (!line_.empty()) {
    line_.append(line);
    line = line_;
  }
  if (!line.ends_with('\r')) {
    fail("line of the chunked framing does not end in CRLF");
  } else {
    line.remove_suffix(1);
    take_line(line);
  }
  line_.clear();
  return end + 1;
}

void MessageReader::take_line(std::string_view line) {
  if (state_ == State::kChunkEnd) {
    if (!line.empty()) return fail("chunk is longer than it says");
    state_ = State::kChunkSize;
  } else if (state_ == State::kTrailers) {
    if (line.empty()) state_ = State::kDone;
  } else {
    uint64_t size = 0;
    const auto [end, ec] = std::from_chars(line.data(), line.data() + line.size(), size, 16);
    if (ec != std::errc{} || (end != line.data() + line.size() && *end != ';')) return fail("malformed chunk size");
    remaining_ = size;
    state_ = size == 0 ? State::kTrailers : State::kChunk;
  }
}

}  // namespace wye::bench
