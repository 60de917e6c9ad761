// A Principal for the length of one request, whoever keeps it.
#pragma once

#include "identity/token/principal.hpp"

namespace wye::token {

/// Keeps a Principal alive: counts in the holder's own counter, which may let go at zero. Move-only.
/// Threads: that of its holder, which outlives it.
class PrincipalRef {
 public:
  PrincipalRef() = default;
  PrincipalRef(const Principal& principal, uint64_t& refs) : principal_(&principal), refs_(&refs) { ++refs; }
  PrincipalRef(PrincipalRef&& other) noexcept : principal_(std::exchange(other.principal_, nullptr)), refs_(std::exchange(other.refs_, nullptr)) {}
  PrincipalRef& operator=(PrincipalRef&& other) noexcept {
    std::swap(principal_, other.principal_);
    std::swap(refs_, other.refs_);
    return *this;
  }
  ~PrincipalRef() {
    if (refs_ != nullptr) --*refs_;
  }
  explicit operator bool() const { return principal_ != nullptr; }
  const Principal& operator*() const { return *principal_; }
  const Principal* operator->() const { return principal_; }
  const Principal* get() const { return principal_; }

 private:
  const Principal* principal_ = nullptr;
  uint64_t* refs_ = nullptr;
};

}  // namespace wye::token
