// The small files in which the lab remembers what it made: lines of "key value".
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status.h"

namespace kpp::lab {

// Keys may repeat; order is kept. Values hold any text: newlines and backslashes are escaped in the
// file.
class StateFile {
 public:
  void add(std::string key, std::string value);
  // The first value of a key; empty if there is none.
  std::string get(std::string_view key) const;
  std::vector<std::string> all(std::string_view key) const;

  std::string text() const;
  // kCorrupt names the line without a key.
  static Result<StateFile> parse(std::string_view text);

  Status save(const std::string& path) const;
  static Result<StateFile> load(const std::string& path);

 private:
  std::vector<std::pair<std::string, std::string>> entries_;
};

}  // namespace kpp::lab
