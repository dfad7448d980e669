#include "api/types.h"

namespace kpp::api {
namespace {

WallTime to_wall(std::int64_t seconds, std::int32_t nanos) {
  // The wall clock's nanoseconds reach from 1677 to 2262; what lies outside is clamped.
  constexpr std::int64_t kLimit = 9'223'372'036;
  if (seconds > kLimit) seconds = kLimit;
  if (seconds < -kLimit) seconds = -kLimit;
  return WallTime(std::chrono::seconds(seconds) + std::chrono::nanoseconds(nanos));
}

}  // namespace

Time Time::from(WallTime t) {
  return {std::chrono::floor<std::chrono::seconds>(t).time_since_epoch().count(), 0};
}
WallTime Time::wall() const { return to_wall(seconds, nanos); }
std::string Time::to_string() const { return rfc3339(wall()); }

MicroTime MicroTime::from(WallTime t) {
  const auto s = std::chrono::floor<std::chrono::seconds>(t);
  const auto micros = std::chrono::duration_cast<std::chrono::microseconds>(t - s).count();
  MicroTime out;
  out.seconds = s.time_since_epoch().count();
  out.nanos = static_cast<std::int32_t>(micros * 1000);
  return out;
}
WallTime MicroTime::wall() const { return to_wall(seconds, nanos); }
std::string MicroTime::to_string() const { return rfc3339_micro(wall()); }

}  // namespace kpp::api
