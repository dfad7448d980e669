// Time: points on the steady clock for waiting, on the wall clock for what people and the API see.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace kpp {

using Duration = std::chrono::nanoseconds;
using TimePoint = std::chrono::time_point<std::chrono::steady_clock, Duration>;
using WallTime = std::chrono::time_point<std::chrono::system_clock, Duration>;

// Where components read the time. Guarantees: steady() never goes back. Thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual TimePoint steady() const = 0;
  virtual WallTime wall() const = 0;
};

// The machine's clocks.
class SystemClock final : public Clock {
 public:
  TimePoint steady() const override;
  WallTime wall() const override;
};

// A clock that a test moves. Not thread-safe.
class VirtualClock final : public Clock {
 public:
  TimePoint steady() const override { return TimePoint(elapsed_); }
  WallTime wall() const override { return start_ + elapsed_; }
  void advance(Duration by) { elapsed_ += by; }

 private:
  Duration elapsed_{0};
  WallTime start_{std::chrono::seconds{1'700'000'000}};
};

// "2026-01-02T15:04:05Z" (RFC 3339, UTC, seconds), as metav1.Time is written.
std::string rfc3339(WallTime time);
// "2026-01-02T15:04:05.123456Z", as metav1.MicroTime is written.
std::string rfc3339_micro(WallTime time);

}  // namespace kpp
