#include "cel/source.h"

#include <algorithm>

#include "base/cat.h"

namespace kpp::cel {
namespace {

constexpr std::size_t kMostReported = 100;
constexpr char32_t kReplacement = 0xFFFD;

std::size_t sequence_length(unsigned char lead) {
  if (lead < 0x80) return 1;
  if (lead >= 0xC2 && lead < 0xE0) return 2;
  if (lead >= 0xE0 && lead < 0xF0) return 3;
  if (lead >= 0xF0 && lead < 0xF5) return 4;
  return 0;
}

// The place in the source as the message shows it.
std::string render(const Source& source, const Issue& issue) {
  const std::u32string& points = source.points();
  const std::size_t at = std::min(issue.at, points.size());
  std::size_t line = 1;
  std::size_t begin = 0;
  for (std::size_t i = 0; i < at; ++i) {
    if (points[i] == U'\n') {
      ++line;
      begin = i + 1;
    }
  }
  const std::size_t column = at - begin;
  const std::size_t end = std::min(points.find(U'\n', begin), points.size());
  std::string out = cat("ERROR: <input>:", line, ":", column + 1, ": ", issue.message, "\n | ");
  for (std::size_t i = begin; i < end; ++i) append_utf8(out, points[i] == U'\t' ? U' ' : points[i]);
  out += "\n | ";
  for (std::size_t i = begin; i < at && i < end; ++i) out += points[i] < 0x80 ? "." : "\uFF0E";
  out += at < end && points[at] >= 0x80 ? "\uFF3E" : "^";
  return out;
}

}  // namespace

void append_utf8(std::string& out, char32_t point) {
  if (point < 0x80) {
    out += static_cast<char>(point);
  } else if (point < 0x800) {
    out += static_cast<char>(0xC0 | (point >> 6));
    out += static_cast<char>(0x80 | (point & 0x3F));
  } else if (point < 0x10000) {
    out += static_cast<char>(0xE0 | (point >> 12));
    out += static_cast<char>(0x80 | ((point >> 6) & 0x3F));
    out += static_cast<char>(0x80 | (point & 0x3F));
  } else {
    out += static_cast<char>(0xF0 | (point >> 18));
    out += static_cast<char>(0x80 | ((point >> 12) & 0x3F));
    out += static_cast<char>(0x80 | ((point >> 6) & 0x3F));
    out += static_cast<char>(0x80 | (point & 0x3F));
  }
}

std::u32string decode_utf8(std::string_view text) {
  std::u32string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i]);
    const std::size_t length = sequence_length(lead);
    if (length == 1) {
      out += static_cast<char32_t>(lead);
      ++i;
      continue;
    }
    bool whole = length != 0 && i + length <= text.size();
    char32_t point = whole ? lead & (0xFFU >> (length + 1)) : 0;
    for (std::size_t k = 1; whole && k < length; ++k) {
      const auto next = static_cast<unsigned char>(text[i + k]);
      whole = (next & 0xC0) == 0x80;
      point = point << 6 | (next & 0x3F);
    }
    constexpr char32_t kLeast[] = {0, 0, 0x80, 0x800, 0x10000};
    if (whole && point >= kLeast[length] && point <= 0x10FFFF &&
        (point < 0xD800 || point > 0xDFFF)) {
      out += point;
      i += length;
    } else {
      out += kReplacement;
      ++i;
    }
  }
  return out;
}

Source::Source(std::string_view text) : points_(decode_utf8(text)) {}

std::string Source::text(std::size_t from, std::size_t to) const {
  std::string out;
  for (std::size_t i = from; i < std::min(to, points_.size()); ++i) append_utf8(out, points_[i]);
  return out;
}

std::string Issues::to_string(const Source& source) const {
  std::vector<const Issue*> sorted;
  for (const Issue& issue : issues_) sorted.push_back(&issue);
  // Those of one place in the order in which they were found.
  std::sort(sorted.begin(), sorted.end(),
            [](const Issue* a, const Issue* b) { return a->at != b->at ? a->at < b->at : a < b; });
  std::string out;
  for (std::size_t i = 0; i < std::min(sorted.size(), kMostReported); ++i) {
    if (i > 0) out += '\n';
    out += render(source, *sorted[i]);
  }
  if (sorted.size() > kMostReported)
    out += cat("\n", sorted.size() - kMostReported, " more errors were truncated");
  return out;
}

}  // namespace kpp::cel
