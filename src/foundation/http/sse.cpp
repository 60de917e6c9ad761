#include "foundation/http/sse.hpp"

namespace wye::http {
namespace {

/// End of the event that begins `text`: one past its blank line; npos where it is not complete. `from` is where to start looking.
size_t event_end(std::string_view text, size_t from) {
  while (from < text.size()) {
    const auto* newline = static_cast<const char*>(std::memchr(text.data() + from, '\n', text.size() - from));
    if (newline == nullptr) return std::string_view::npos;
    const auto at = static_cast<size_t>(newline - text.data());
    if (at + 1 >= text.size()) return std::string_view::npos;
    if (text[at + 1] == '\n') return at + 2;
    from = at + 1;
  }
  return std::string_view::npos;
}

}  // namespace

Result<void> SseScanner::feed(std::string_view bytes) {
  if (bytes.empty()) return {};
  if (last_was_cr_ || std::memchr(bytes.data(), '\r', bytes.size()) != nullptr) {
    normalised_.clear();
    for (const char c : bytes) {
      if (c == '\n' && last_was_cr_) {
        last_was_cr_ = false;
        continue;
      }
      last_was_cr_ = c == '\r';
      normalised_ += c == '\r' ? '\n' : c;
    }
    bytes = normalised_;
  }
  input_ = bytes;
  return carry_.size() + bytes.size() <= kEventMax ? Result<void>() : check_sizes();
}

void SseScanner::reset() {
  input_ = {};
  carry_.clear();
  last_was_cr_ = false;
  first_ = true;
}

/// The blank line that ends the carried event lies across the border to the fed bytes.
bool SseScanner::ends_at_border() const { return carry_.ends_with('\n') && input_.starts_with('\n'); }

Result<void> SseScanner::check_sizes() const {
  size_t carried = carry_.size();
  for (size_t at = 0; at < input_.size();) {
    const size_t end = at == 0 && ends_at_border() ? 1 : event_end(input_, at);
    if (carried + std::min(end, input_.size()) - at > kEventMax)
      return Fail(internal_error(ErrorCode::kUpstreamFailed, "an event of the stream is too large"));
    if (end == std::string_view::npos) break;
    at = end;
    carried = 0;
  }
  return {};
}

std::optional<SseEvent> SseScanner::next() {
  for (;;) {
    std::string_view block;
    if (!carry_.empty()) {
      const size_t old = carry_.size();
      const size_t end = ends_at_border() ? 1 : event_end(input_, 0);
      if (end == std::string_view::npos) {
        carry_.append(input_);
        input_ = {};
        return std::nullopt;
      }
      carry_.append(input_.substr(0, end));
      input_.remove_prefix(end);
      taken_.swap(carry_);
      carry_.clear();
      block = std::string_view(taken_).substr(0, old + end);
    } else {
      while (input_.starts_with('\n')) {
        input_.remove_prefix(1);
        first_ = false;
      }
      if (input_.empty()) return std::nullopt;
      const size_t end = event_end(input_, 0);
      if (end == std::string_view::npos) {
        carry_.assign(input_);
        input_ = {};
        return std::nullopt;
      }
      block = input_.substr(0, end);
      input_.remove_prefix(end);
    }
    if (auto event = parse(block)) return event;
  }
}

void SseScanner::finish() {
  // What was fed and not yet asked for is part of the end, too.
  carry_.append(input_);
  input_ = {};
  if (carry_.empty()) return;
  carry_ += "\n\n";
  taken_.swap(carry_);
  carry_.clear();
  input_ = taken_;
}

std::optional<SseEvent> SseScanner::parse(std::string_view block) {
  if (first_ && block.starts_with("\xEF\xBB\xBF")) block.remove_prefix(3);
  first_ = false;
  SseEvent event;
  int data_lines = 0;
  while (!block.empty()) {
    const size_t newline = std::min(block.find('\n'), block.size());
    std::string_view line = block.substr(0, newline);
    block.remove_prefix(std::min(newline + 1, block.size()));
    const size_t colon = line.find(':');
    if (colon == 0) continue;
    const std::string_view field = line.substr(0, colon);
    std::string_view value = colon == std::string_view::npos ? std::string_view() : line.substr(colon + 1);
    if (value.starts_with(' ')) value.remove_prefix(1);
    if (field == "event") event.name = value;
    if (field != "data") continue;
    if (data_lines++ == 0) {
      event.data = value;
      continue;
    }
    if (data_lines == 2) joined_.assign(event.data);
    joined_ += '\n';
    joined_ += value;
    event.data = joined_;
  }
  return data_lines == 0 ? std::nullopt : std::optional(event);
}

}  // namespace wye::http
