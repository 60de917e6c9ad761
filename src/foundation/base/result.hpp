// Result<T>: a value or an Error. Exceptions stay inside the room that wraps the library that throws them.
#pragma once

#include "foundation/base/error.hpp"

namespace wye {

template <class T = void>
using Result = std::expected<T, Error>;

using Fail = std::unexpected<Error>;

}  // namespace wye

#define WYE_CONCAT_(a, b) a##b
#define WYE_CONCAT(a, b) WYE_CONCAT_(a, b)

/// Declares `x` as the value of `expr`, or returns its Error: `TRY(auto body, read_body());`
#define TRY(x, expr) TRY_IMPL_(WYE_CONCAT(wye_try_, __COUNTER__), x, return, expr)
/// The same inside a coroutine.
#define CO_TRY(x, expr) TRY_IMPL_(WYE_CONCAT(wye_try_, __COUNTER__), x, co_return, expr)
#define TRY_IMPL_(tmp, x, ret, expr)         \
  auto tmp = (expr);                         \
  if (!tmp) [[unlikely]]                     \
    ret ::wye::Fail(std::move(tmp).error()); \
  x = std::move(*tmp)

/// Returns the Error of a Result<void>, else goes on.
#define CHECK_OK(expr)                                    \
  do {                                                    \
    auto wye_checked = (expr);                            \
    if (!wye_checked) [[unlikely]]                        \
      return ::wye::Fail(std::move(wye_checked).error()); \
  } while (false)
#define CO_CHECK_OK(expr)                                    \
  do {                                                       \
    auto wye_checked = (expr);                               \
    if (!wye_checked) [[unlikely]]                           \
      co_return ::wye::Fail(std::move(wye_checked).error()); \
  } while (false)
