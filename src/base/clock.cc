#include "base/clock.h"

#include <cstdio>
#include <ctime>

namespace kpp {
namespace {

std::tm utc(WallTime time) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(time);
  const std::time_t t = static_cast<std::time_t>(seconds.time_since_epoch().count());
  std::tm out{};
  gmtime_r(&t, &out);
  return out;
}

}  // namespace

TimePoint SystemClock::steady() const { return std::chrono::steady_clock::now(); }
WallTime SystemClock::wall() const { return std::chrono::system_clock::now(); }

std::string rfc3339(WallTime time) {
  const std::tm t = utc(time);
  char buf[64];
  std::snprintf(buf, sizeof buf, "%04d-%02d-%02dT%02d:%02d:%02dZ", t.tm_year + 1900, t.tm_mon + 1,
                t.tm_mday, t.tm_hour, t.tm_min, t.tm_sec);
  return buf;
}

std::string rfc3339_micro(WallTime time) {
  const std::tm t = utc(time);
  const auto seconds = std::chrono::floor<std::chrono::seconds>(time);
  const auto micros = std::chrono::duration_cast<std::chrono::microseconds>(time - seconds);
  char buf[80];
  std::snprintf(buf, sizeof buf, "%04d-%02d-%02dT%02d:%02d:%02d.%06dZ", t.tm_year + 1900,
                t.tm_mon + 1, t.tm_mday, t.tm_hour, t.tm_min, t.tm_sec,
                static_cast<int>(micros.count()));
  return buf;
}

}  // namespace kpp
