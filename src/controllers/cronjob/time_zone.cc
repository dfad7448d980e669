#include "controllers/cronjob/time_zone.h"

#include <algorithm>

#include "base/fs.h"

namespace kpp::controllers {
namespace {

constexpr std::size_t kHeader = 44;
constexpr std::size_t kMaxFile = 1u << 20;
constexpr const char* kZones = "/usr/share/zoneinfo/";

std::int64_t big_endian(std::string_view bytes, std::size_t at, std::size_t size) {
  std::uint64_t out = 0;
  for (std::size_t i = 0; i < size; ++i) {
    out = out << 8 | static_cast<unsigned char>(bytes[at + i]);
  }
  if (size == 4) return static_cast<std::int32_t>(static_cast<std::uint32_t>(out));
  return static_cast<std::int64_t>(out);
}

struct Counts {
  std::size_t utc, standard, leaps, changes, types, letters;
  // Of the block that follows the header, with times of `time_size` bytes.
  std::size_t block_size(std::size_t time_size) const {
    return changes * (time_size + 1) + types * 6 + letters + leaps * (time_size + 4) + standard +
           utc;
  }
};

bool read_counts(std::string_view bytes, std::size_t at, Counts& out) {
  if (bytes.size() < at + kHeader || bytes.substr(at, 4) != "TZif") return false;
  std::size_t* const fields[] = {&out.utc,     &out.standard, &out.leaps,
                                 &out.changes, &out.types,    &out.letters};
  for (std::size_t i = 0; i < 6; ++i) {
    const std::int64_t n = big_endian(bytes, at + 20 + 4 * i, 4);
    if (n < 0 || n > static_cast<std::int64_t>(kMaxFile)) return false;
    *fields[i] = static_cast<std::size_t>(n);
  }
  return true;
}

}  // namespace

Result<TimeZone> TimeZone::parse(std::string_view bytes) {
  Counts old{};
  Counts now{};
  if (!read_counts(bytes, 0, old) || bytes[4] < '2')
    return fail(Reason::kInvalid, "malformed time zone information");
  const std::size_t second = kHeader + old.block_size(4);
  if (!read_counts(bytes, second, now) || now.types == 0 ||
      bytes.size() < second + kHeader + now.block_size(8)) {
    return fail(Reason::kInvalid, "malformed time zone information");
  }
  const std::size_t times = second + kHeader;
  const std::size_t indexes = times + now.changes * 8;
  const std::size_t types = indexes + now.changes;
  TimeZone out;
  out.first_offset_ = static_cast<std::int32_t>(big_endian(bytes, types, 4));
  for (std::size_t i = 0; i < now.changes; ++i) {
    const std::size_t type = static_cast<unsigned char>(bytes[indexes + i]);
    if (type >= now.types) return fail(Reason::kInvalid, "malformed time zone information");
    out.changes_.push_back({big_endian(bytes, times + 8 * i, 8),
                            static_cast<std::int32_t>(big_endian(bytes, types + 6 * type, 4))});
  }
  return out;
}

Result<TimeZone> TimeZone::load(const std::string& name) {
  if (name.empty() || name == "UTC" || name == "Etc/UTC") return TimeZone();
  const bool safe = name.front() != '/' && name.find("..") == std::string::npos &&
                    name.find('\\') == std::string::npos;
  if (!safe) return fail(Reason::kInvalid, "time: invalid location name");
  const auto bytes = fs::read_file(kZones + name, kMaxFile);
  if (!bytes) return fail(Reason::kInvalid, cat("unknown time zone ", name));
  return parse(*bytes);
}

std::chrono::seconds TimeZone::offset_at(std::int64_t unix_seconds) const {
  const auto after =
      std::upper_bound(changes_.begin(), changes_.end(), unix_seconds,
                       [](std::int64_t t, const Change& change) { return t < change.from; });
  return std::chrono::seconds(after == changes_.begin() ? first_offset_ : std::prev(after)->offset);
}

}  // namespace kpp::controllers
