// Three levels of "this must not happen"; docs/errors.md says which is for what.
#pragma once

#include <string>
#include <string_view>

#include "base/cat.h"

namespace kpp {
// Prints what failed and where, then aborts.
[[noreturn]] void check_failed(std::string_view condition, std::string_view message,
                               const char* file, int line);
// Logs a bug and counts it; aborts in debug builds, goes on otherwise.
void report_bug(std::string_view condition, std::string_view message, const char* file, int line);
}  // namespace kpp

// State would be corrupted by going on: abort. Nothing that comes from outside may reach this.
#define KPP_CHECK(condition, ...)                                                   \
  do {                                                                              \
    if (!(condition)) [[unlikely]]                                                  \
      ::kpp::check_failed(#condition, ::kpp::cat(__VA_ARGS__), __FILE__, __LINE__); \
  } while (false)

// A bug of ours that the process survives. True if the condition holds, so that the caller can bail
// out.
#define KPP_BUG_IF(condition, ...)                                                          \
  ((condition)                                                                              \
       ? (::kpp::report_bug(#condition, ::kpp::cat(__VA_ARGS__), __FILE__, __LINE__), true) \
       : false)
