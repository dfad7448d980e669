// Offsets of a named time zone, from the machine's zone files.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/status.h"

namespace kpp::controllers {

class TimeZone {
 public:
  TimeZone() = default;  // UTC
  // Errors: kInvalid with the original's text, e.g. "unknown time zone Nowhere".
  static Result<TimeZone> load(const std::string& name);
  // Reads the bytes of a zone file (RFC 8536, version 2 or later). Errors: kInvalid.
  static Result<TimeZone> parse(std::string_view bytes);

  // Local time minus UTC at this moment. After the last change that the file lists, its offset
  // stays.
  std::chrono::seconds offset_at(std::int64_t unix_seconds) const;

 private:
  struct Change {
    std::int64_t from;
    std::int32_t offset;
  };
  std::int32_t first_offset_ = 0;
  std::vector<Change> changes_;  // in the order of time
};

}  // namespace kpp::controllers
