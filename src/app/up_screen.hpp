// How a start looks: rows that change in place on a terminal, one line a change elsewhere.
// Threads: one owner.
#pragma once

#include "llm/provider/endpoint_set.hpp"

namespace wye::app {

/// One thing that starts.
struct UpRow {
  std::string name;
  provider::Health health = provider::Health::kStarting;
  std::string detail{};
  friend bool operator==(const UpRow&, const UpRow&) = default;
};

/// What the other end can show.
struct ScreenKind {
  bool moves = false;   // a terminal: rows are drawn again in place
  bool colour = false;
  size_t columns = 80;
  size_t rows = 24;  // what does not fit can not be drawn again: then every change is a line
};

class UpScreen {
 public:
  /// `write` gets text with its line ends.
  UpScreen(ScreenKind kind, std::function<void(std::string_view)> write) : kind_(kind), write_(std::move(write)) {}

  /// Shows the present state; says nothing twice. `elapsed` is shown while rows move.
  void show(const std::vector<UpRow>& rows, std::chrono::seconds elapsed);
  /// From now on only changes are told, below what stands.
  void settle();
  /// A line of its own.
  void line(std::string_view text);

 private:
  std::string row_text(const UpRow& row, size_t name_width) const;
  ScreenKind kind_;
  std::function<void(std::string_view)> write_;
  std::vector<UpRow> shown_;
  std::chrono::seconds shown_at_{-1};
  size_t drawn_ = 0;  // rows that stand and can be drawn again
};

}  // namespace wye::app
