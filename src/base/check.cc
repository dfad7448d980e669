#include "base/check.h"

#include <cstdio>
#include <cstdlib>

namespace kpp {

void check_failed(std::string_view condition, std::string_view message, const char* file,
                  int line) {
  const std::string text = cat("FATAL ", file, ":", line, "] check failed: ", condition,
                               message.empty() ? "" : ": ", message, "\n");
  std::fwrite(text.data(), 1, text.size(), stderr);
  std::abort();
}

void report_bug(std::string_view condition, std::string_view message, const char* file, int line) {
  const std::string text =
      cat("BUG ", file, ":", line, "] ", condition, message.empty() ? "" : ": ", message, "\n");
  std::fwrite(text.data(), 1, text.size(), stderr);
#ifdef KPP_DEBUG
  std::abort();
#endif
}

}  // namespace kpp
