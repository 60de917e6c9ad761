#include "app/up_screen.hpp"

#include "app/host_admin.hpp"

namespace wye::app {
namespace {

std::string_view colour_of(provider::Health health) {
  if (health == provider::Health::kLive) return "\x1b[32m";
  if (health == provider::Health::kStarting) return "\x1b[33m";
  return "\x1b[31m";
}

/// One line without control characters: reasons quote what other programs said.
std::string plain(std::string_view text, size_t max) {
  std::string out;
  for (const char c : text.substr(0, max)) out += static_cast<unsigned char>(c) < 0x20 || c == 0x7F ? ' ' : c;
  // Not within a character.
  if (text.size() > max) {
    while (!out.empty() && (static_cast<unsigned char>(out.back()) & 0xC0) == 0x80) out.pop_back();
    if (!out.empty() && static_cast<unsigned char>(out.back()) >= 0xC0) out.pop_back();
  }
  return out;
}

constexpr size_t kPlainDetailMax = 1000;

}  // namespace

std::string UpScreen::row_text(const UpRow& row, size_t name_width) const {
  const std::string word(to_string(row.health));
  std::string out = "  ";
  if (kind_.colour) out += colour_of(row.health);
  out += word + std::string(word.size() < 9 ? 9 - word.size() : 0, ' ');
  if (kind_.colour) out += "\x1b[0m";
  out += " " + row.name;
  if (row.detail.empty()) return out + "\n";
  const size_t used = 2 + 9 + 1 + std::max(name_width, row.name.size()) + 2;
  const size_t room = !kind_.moves ? kPlainDetailMax : (kind_.columns > used + 1 ? kind_.columns - used - 1 : 0);
  out += std::string(name_width > row.name.size() ? name_width - row.name.size() : 0, ' ') + "  " + plain(row.detail, room);
  return out + "\n";
}

void UpScreen::show(const std::vector<UpRow>& rows, std::chrono::seconds elapsed) {
  if (kind_.moves && rows.size() + 2 > kind_.rows) settle();
  const bool moving = kind_.moves && drawn_ != SIZE_MAX;
  if (rows == shown_ && (!moving || elapsed == shown_at_)) return;
  size_t width = 0;
  for (const UpRow& row : rows) width = std::max(width, row.name.size());
  std::string text;
  if (moving) {
    if (drawn_ > 0) text = "\x1b[" + std::to_string(drawn_) + "A\x1b[0J";
    for (UpRow row : rows) {
      if (row.health == provider::Health::kStarting) row.detail += (row.detail.empty() ? "" : ", ") + std::to_string(elapsed.count()) + " s";
      text += row_text(row, width);
    }
    drawn_ = rows.size();
  } else {
    for (const UpRow& row : rows) {
      if (std::ranges::find(shown_, row) == shown_.end()) text += row_text(row, width);
    }
  }
  shown_ = rows;
  shown_at_ = elapsed;
  if (!text.empty()) write_(text);
}

void UpScreen::settle() { drawn_ = SIZE_MAX; }

void UpScreen::line(std::string_view text) {
  write_(std::string(text) + "\n");
  if (drawn_ != SIZE_MAX) drawn_ = 0;  // what stands above the line stays
}

}  // namespace wye::app
