// When a cron job is due: the standard five fields, or one of the words with @.
#pragma once

#include <bitset>
#include <optional>
#include <string_view>

#include "base/status.h"
#include "controllers/cronjob/time_zone.h"

namespace kpp::controllers {

class Schedule {
 public:
  // Errors: kInvalid, with the words of the original's parser.
  static Result<Schedule> parse(std::string_view text, TimeZone zone = {});

  // The first due moment after `after`, in seconds of Unix time; nothing within the next 5 years.
  std::optional<std::int64_t> next(std::int64_t after) const;

 private:
  struct Field {
    std::bitset<64> values;
    bool star = false;
  };
  static Result<Field> parse_field(std::string_view text, int first, int last,
                                   std::string_view names);
  bool day_matches(int day, int weekday) const;

  Field minute_, hour_, day_, month_, weekday_;
  std::int64_t every_ = 0;  // @every: seconds
  TimeZone zone_;
};

}  // namespace kpp::controllers
