// A value that must not be printed, copied or left behind in memory.
#pragma once

namespace wye {

/// Owns secret bytes; wiped when it goes. Has no stream operator, no formatter, no copy, no ==.
/// Compare secrets as digests or with crypto::equal_constant_time. Threads: one owner.
class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string value) : value_(std::move(value)) {}
  Secret(Secret&& other) noexcept : value_(std::move(other.value_)) { other.wipe(); }
  Secret& operator=(Secret&& other) noexcept {
    if (this != &other) {
      wipe();
      value_ = std::move(other.value_);
      other.wipe();
    }
    return *this;
  }
  Secret(const Secret&) = delete;
  Secret& operator=(const Secret&) = delete;
  ~Secret() { wipe(); }

  bool empty() const { return value_.empty(); }
  /// The bytes, for the one place that must send or hash them. The view lives as long as this object.
  std::string_view reveal() const { return value_; }
  /// A copy that someone asked for by name.
  Secret clone() const { return Secret(value_); }

 private:
  void wipe() {
    // Through a volatile pointer: the compiler must not drop stores to memory that dies next.
    volatile char* p = value_.data();
    for (size_t i = 0; i < value_.capacity(); ++i) p[i] = 0;
    value_.clear();
  }
  std::string value_;
};

}  // namespace wye
