#include "apiserver/table/row.h"

#include <algorithm>

#include "api/selectors.h"
#include "base/cat.h"
#include "codec/json.h"

namespace kpp::apiserver {

std::string human_duration(Duration duration) {
  const auto units = [](std::int64_t big, char big_unit, std::int64_t small, char small_unit) {
    return small == 0 ? cat(big, big_unit) : cat(big, big_unit, small, small_unit);
  };
  const std::int64_t seconds = duration.count() / 1'000'000'000;
  if (seconds < -1) return "<invalid>";
  if (seconds < 0) return "0s";
  if (seconds < 120) return cat(seconds, 's');
  const std::int64_t minutes = seconds / 60;
  if (minutes < 10) return units(minutes, 'm', seconds % 60, 's');
  if (minutes < 180) return cat(minutes, 'm');
  const std::int64_t hours = minutes / 60;
  if (hours < 8) return units(hours, 'h', minutes % 60, 'm');
  if (hours < 48) return cat(hours, 'h');
  const std::int64_t days = hours / 24;
  if (days < 8) return units(days, 'd', hours % 24, 'h');
  if (days < 365 * 2) return cat(days, 'd');
  if (days < 365 * 8) return units(days / 365, 'y', days % 365, 'd');
  return cat(days / 365, 'y');
}

Row& Row::text(std::string_view value) {
  separate();
  json::write_string(cells_, value);
  return *this;
}

Row& Row::number(std::int64_t value) {
  separate();
  cells_ += cat(value);
  return *this;
}

Row& Row::boolean(bool value) {
  separate();
  cells_ += value ? "true" : "false";
  return *this;
}

Row& Row::containers(const std::vector<corev1::Container>& containers) {
  std::string names, images;
  for (const auto& container : containers) {
    if (&container != &containers.front()) {
      names += ',';
      images += ',';
    }
    names += container.name;
    images += container.image;
  }
  return text(names).text(images);
}

std::string Row::since(const api::Time& time) const {
  if (time.is_zero()) return std::string(kUnknown);
  return human_duration(now_ - time.wall());
}

std::string Row::since(const api::MicroTime& time) const {
  if (time.is_zero()) return std::string(kUnknown);
  return human_duration(now_ - time.wall());
}

std::string join(const std::vector<std::string>& parts, std::string_view separator) {
  std::string out;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (i > 0) out += separator;
    out += parts[i];
  }
  return out;
}

std::string format_labels(const std::map<std::string, std::string>& labels) {
  if (labels.empty()) return std::string(kNone);
  std::string out;
  for (const auto& [key, value] : labels) {
    if (!out.empty()) out += ',';
    out += cat(key, '=', value);
  }
  return out;
}

std::string format_selector(const metav1::LabelSelector& selector) {
  const auto parsed = api::LabelSelector::from(selector);
  if (!parsed) return "<error>";
  auto out = parsed->to_string();
  return out.empty() ? std::string(kNone) : out;
}

std::string format_selector(const api::Opt<metav1::LabelSelector>& selector) {
  return selector ? format_selector(*selector) : std::string(kNone);
}

std::string plain_selector(const api::Opt<metav1::LabelSelector>& selector) {
  if (!selector) return {};
  const auto parsed = api::LabelSelector::from(*selector);
  return parsed ? parsed->to_string() : std::string();
}

std::string with_more(const std::vector<std::string>& list, std::size_t count, std::size_t max) {
  auto out = join(list, ",");
  return count > max ? cat(out, " + ", count - max, " more...") : out;
}

std::string lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return out;
}

}  // namespace kpp::apiserver
