// The text of an expression, and what is wrong with it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace kpp::cel {

// An expression as code points, so that columns count characters.
class Source {
 public:
  explicit Source(std::string_view text);
  const std::u32string& points() const { return points_; }
  std::string text(std::size_t from, std::size_t to) const;  // UTF-8 of a range

 private:
  std::u32string points_;
};

void append_utf8(std::string& out, char32_t point);
// Code points of UTF-8; bytes that are none become U+FFFD.
std::u32string decode_utf8(std::string_view text);

struct Issue {
  std::size_t at = 0;  // code point
  std::string message;
};

// What is wrong with an expression, in order of appearance.
class Issues {
 public:
  void add(std::size_t at, std::string message) { issues_.push_back({at, std::move(message)}); }
  bool empty() const { return issues_.empty(); }
  std::size_t size() const { return issues_.size(); }
  // "ERROR: <input>:1:4: message", the line and a mark below the place, for each.
  std::string to_string(const Source& source) const;

 private:
  std::vector<Issue> issues_;
};

}  // namespace kpp::cel
