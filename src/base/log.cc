#include "base/log.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <ctime>

namespace kpp {

void LogSink::write(char severity, std::string_view component, std::string_view message,
                    std::initializer_list<LogField> fields, const std::source_location& where) {
  const WallTime now = clock_.wall();
  const auto seconds = std::chrono::floor<std::chrono::seconds>(now);
  const std::time_t t = static_cast<std::time_t>(seconds.time_since_epoch().count());
  std::tm local{};
  localtime_r(&t, &local);
  const char* slash = std::strrchr(where.file_name(), '/');
  const char* file = slash != nullptr ? slash + 1 : where.file_name();
  char head[160];
  std::snprintf(head, sizeof head, "%c%02d%02d %02d:%02d:%02d.%06d %7d %s:%u] ", severity,
                local.tm_mon + 1, local.tm_mday, local.tm_hour, local.tm_min, local.tm_sec,
                static_cast<int>(
                    std::chrono::duration_cast<std::chrono::microseconds>(now - seconds).count()),
                static_cast<int>(syscall(SYS_gettid)), file, where.line());
  std::string line = head;
  line += quoted(message);
  if (!component.empty()) line += cat(" logger=", quoted(component));
  for (const auto& field : fields) {
    line += ' ';
    line += field.key;
    line += '=';
    line += quoted(field.value);
  }
  line += '\n';
  std::size_t done = 0;
  while (done < line.size()) {
    const ssize_t n = ::write(fd_, line.data() + done, line.size() - done);
    if (n <= 0) return;
    done += static_cast<std::size_t>(n);
  }
}

}  // namespace kpp
