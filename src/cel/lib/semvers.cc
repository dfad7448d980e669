#include "cel/lib/semvers.h"

#include <charconv>

#include "base/cat.h"
#include "cel/lib/costs.h"
#include "cel/lib/libraries.h"

namespace kpp::cel {
namespace {

constexpr std::size_t kParts = 3;

bool is_number(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> out;
  while (true) {
    const auto end = text.find(separator);
    out.emplace_back(text.substr(0, end));
    if (end == std::string_view::npos) return out;
    text.remove_prefix(end + 1);
  }
}

struct Version {
  std::uint64_t numbers[kParts] = {};
  std::vector<std::string> pre;
};

int order(const std::string& a, const std::string& b) {
  const bool numeric = is_number(a);
  if (numeric != is_number(b)) return numeric ? -1 : 1;
  if (numeric && a.size() != b.size()) return a.size() < b.size() ? -1 : 1;
  return a < b ? -1 : b < a ? 1 : 0;
}

int order(const Version& a, const Version& b) {
  for (std::size_t i = 0; i < kParts; ++i) {
    if (a.numbers[i] != b.numbers[i]) return a.numbers[i] < b.numbers[i] ? -1 : 1;
  }
  if (a.pre.empty() || b.pre.empty())
    return a.pre.empty() == b.pre.empty() ? 0 : a.pre.empty() ? 1 : -1;
  for (std::size_t i = 0; i < a.pre.size() && i < b.pre.size(); ++i) {
    if (const int found = order(a.pre[i], b.pre[i]); found != 0) return found;
  }
  return a.pre.size() < b.pre.size() ? -1 : a.pre.size() > b.pre.size() ? 1 : 0;
}

bool is_identifier(const std::string& text) {
  constexpr std::string_view kAllowed =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-";
  return !text.empty() && text.find_first_not_of(kAllowed) == std::string::npos;
}

// The version without its "v", its missing parts and its leading zeros.
std::string normalized(std::string_view text) {
  if (text.starts_with('v')) text.remove_prefix(1);
  const auto tail = std::min(text.find_first_of("-+"), text.size());
  std::vector<std::string> parts = split(text.substr(0, tail), '.');
  for (std::string& part : parts) {
    while (part.size() > 1 && part[0] == '0') part.erase(0, 1);
  }
  while (parts.size() < kParts) parts.emplace_back("0");
  return cat(join(parts, "."), text.substr(tail));
}

std::pair<Version, std::string> parse(std::string_view text) {
  constexpr const char* kParsePart[] = {"Major", "Minor", "Patch"};
  Version out;
  if (text.empty()) return {out, "Version string empty"};
  std::string_view rest = text;
  if (const auto plus = rest.find('+'); plus != std::string_view::npos) {
    for (const std::string& part : split(rest.substr(plus + 1), '.')) {
      if (part.empty()) return {out, "Build meta data is empty"};
      if (!is_identifier(part))
        return {out, cat("Invalid character(s) found in build meta data ", quoted(part))};
    }
    rest = rest.substr(0, plus);
  }
  std::string_view numbers = rest;
  if (const auto dash = rest.find('-'); dash != std::string_view::npos) {
    numbers = rest.substr(0, dash);
    out.pre = split(rest.substr(dash + 1), '.');
  }
  const std::vector<std::string> parts = split(numbers, '.');
  if (parts.size() != kParts) return {out, "No Major.Minor.Patch elements found"};
  for (std::size_t i = 0; i < kParts; ++i) {
    if (!is_number(parts[i]))
      return {out, cat("Invalid character(s) found in ",
                       i == 0   ? "major"
                       : i == 1 ? "minor"
                                : "patch",
                       " number ", quoted(parts[i]))};
    if (parts[i].size() > 1 && parts[i][0] == '0')
      return {out,
              cat(kParsePart[i], " number must not contain leading zeroes ", quoted(parts[i]))};
    const auto [end, error] =
        std::from_chars(parts[i].data(), parts[i].data() + parts[i].size(), out.numbers[i]);
    if (error != std::errc())
      return {out, cat("strconv.ParseUint: parsing ", quoted(parts[i]), ": value out of range")};
  }
  for (const std::string& part : out.pre) {
    if (part.empty()) return {out, "Prerelease is empty"};
    if (!is_identifier(part))
      return {out, cat("Invalid character(s) found in prerelease ", quoted(part))};
    if (is_number(part) && part.size() > 1 && part[0] == '0')
      return {out,
              cat("Numeric PreRelease version must not contain leading zeroes ", quoted(part))};
  }
  return {out, ""};
}

class Semver final : public Opaque {
 public:
  explicit Semver(Version version) : version_(std::move(version)) {}
  TypeRef type() const override {
    static const TypeRef kType = Type::opaque("kubernetes.Semver");
    return kType;
  }
  bool equals(const Opaque& other) const override {
    const auto* semver = dynamic_cast<const Semver*>(&other);
    return semver != nullptr && order(version_, semver->version_) == 0;
  }
  const Version& version() const { return version_; }

 private:
  Version version_;
};

const Version& version_of(const Value& value) { return value.opaque<Semver>()->version(); }
int order_of(Args args) { return order(version_of(args[0]), version_of(args[1])); }

template <std::size_t kPart>
Value number(Args args) {
  return Value::of(static_cast<std::int64_t>(version_of(args[0]).numbers[kPart]));
}

}  // namespace

Value semver_value(std::string_view text, bool normalize) {
  auto [version, why] = parse(normalize ? normalized(text) : std::string(text));
  if (!why.empty()) return Value::fail(why);
  return Value::of(
      std::shared_ptr<const Opaque>(std::make_shared<const Semver>(std::move(version))));
}

void add_semver_library(FunctionTable& table) {
  table.add(
      "semver(string) -> kubernetes.Semver",
      [](Args args) { return semver_value(*args[0].text()); }, cost_walk_first);
  table.add(
      "semver(string, bool) -> kubernetes.Semver",
      [](Args args) { return semver_value(*args[0].text(), *args[1].as<bool>()); },
      cost_walk_first);
  table.add(
      "isSemver(string) -> bool",
      [](Args args) { return Value::of(!semver_value(*args[0].text()).is_failure()); },
      cost_walk_first);
  table.add(
      "isSemver(string, bool) -> bool",
      [](Args args) {
        return Value::of(!semver_value(*args[0].text(), *args[1].as<bool>()).is_failure());
      },
      cost_walk_first);
  table.add("kubernetes.Semver.major() -> int", number<0>);
  table.add("kubernetes.Semver.minor() -> int", number<1>);
  table.add("kubernetes.Semver.patch() -> int", number<2>);
  table.add("kubernetes.Semver.compareTo(kubernetes.Semver) -> int",
            [](Args args) { return Value::of(order_of(args)); });
  table.add("kubernetes.Semver.isGreaterThan(kubernetes.Semver) -> bool",
            [](Args args) { return Value::of(order_of(args) > 0); });
  table.add("kubernetes.Semver.isLessThan(kubernetes.Semver) -> bool",
            [](Args args) { return Value::of(order_of(args) < 0); });
}

}  // namespace kpp::cel
