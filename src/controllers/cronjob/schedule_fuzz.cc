// Schedules and zone files are outside text and bytes.
#include <cstddef>
#include <cstdint>

#include "controllers/cronjob/schedule.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto schedule = kpp::controllers::Schedule::parse(text))
    (void)schedule->next(1'700'000'000);
  if (const auto zone = kpp::controllers::TimeZone::parse(text))
    (void)zone->offset_at(1'700'000'000);
  return 0;
}
