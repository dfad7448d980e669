// JSON documents: Boost.JSON as the mutable tree, with a reader and a writer that behave as Go's
// encoding/json does.
#pragma once

#include <boost/json/value.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace kpp::json {

using Value = boost::json::value;
using Object = boost::json::object;
using Array = boost::json::array;

struct ParseOptions {
  int max_depth = 1000;
  // If set, receives the paths of members that stand twice in one object ("spec.replicas",
  // "spec.containers[0].name"), each once, in order of appearance; the last value wins.
  std::vector<std::string>* duplicates = nullptr;
};

// Errors are kBadRequest with the message of Go's decoder ("invalid character '}' looking for
// beginning of value", "unexpected end of JSON input"). Integers that fit int64 or uint64 stay
// exact; other numbers become doubles.
Result<Value> parse(std::string_view text, const ParseOptions& options = {});

// Compact. Object members in their order; floats as Go writes them; '<', '>', '&', U+2028 and
// U+2029 escaped as Go does; invalid UTF-8 replaced by U+FFFD.
std::string write(const Value& value);
void write_string(std::string& out, std::string_view text);  // quoted and escaped
void write_double(std::string& out, double value);
// Indented by two spaces, as the API answers to ?pretty=true.
std::string write_pretty(const Value& value);

// Looks along a dotted path of member names; nullptr if something on the way is missing or no
// object.
const Value* find(const Value& value, std::string_view path);
// The text at a path; "" if missing or no string.
std::string_view text_at(const Value& value, std::string_view path);
// Integer at a path; fallback if missing or no integer.
std::int64_t int_at(const Value& value, std::string_view path, std::int64_t fallback = 0);

}  // namespace kpp::json
