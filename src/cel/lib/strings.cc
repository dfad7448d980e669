// Texts: the language's own functions and the strings extension.
#include <algorithm>

#include "base/cat.h"
#include "cel/lib/costs.h"
#include "cel/lib/libraries.h"
#include "cel/lib/text_format.h"
#include "cel/source.h"

namespace kpp::cel {
namespace {

std::string encode(std::u32string_view points) {
  std::string out;
  for (const char32_t c : points) append_utf8(out, c);
  return out;
}

Value out_of_range(std::int64_t at) { return Value::fail(cat("index out of range: ", at)); }

Value char_at(Args args) {
  const std::u32string text = decode_utf8(*args[0].text());
  const std::int64_t at = *args[1].as<std::int64_t>();
  if (at < 0 || at > static_cast<std::int64_t>(text.size())) return out_of_range(at);
  return Value::of(encode(std::u32string_view(text).substr(static_cast<std::size_t>(at), 1)));
}

Value index_of(Args args) {
  const std::u32string text = decode_utf8(*args[0].text());
  const std::u32string part = decode_utf8(*args[1].text());
  const std::int64_t from = args.size() > 2 ? *args[2].as<std::int64_t>() : 0;
  if (part.empty()) return Value::of(from);
  if (from < 0) return out_of_range(from);
  if (from >= static_cast<std::int64_t>(text.size())) return Value::of(-1);
  const auto found = text.find(part, static_cast<std::size_t>(from));
  return Value::of(found == std::u32string::npos ? std::int64_t{-1}
                                                 : static_cast<std::int64_t>(found));
}

Value last_index_of(Args args) {
  const std::u32string text = decode_utf8(*args[0].text());
  const std::u32string part = decode_utf8(*args[1].text());
  const bool limited = args.size() > 2;
  const std::int64_t from =
      limited ? *args[2].as<std::int64_t>() : static_cast<std::int64_t>(text.size());
  if (part.empty()) return Value::of(from);
  if (limited && (from < 0 || from >= static_cast<std::int64_t>(text.size())))
    return out_of_range(from);
  const auto found = text.rfind(part, static_cast<std::size_t>(from));
  return Value::of(found == std::u32string::npos ? std::int64_t{-1}
                                                 : static_cast<std::int64_t>(found));
}

Value join_texts(Args args) {
  const List& list = *args[0].list();
  const std::string separator = args.size() > 1 ? *args[1].text() : "";
  std::string out;
  for (std::size_t i = 0; i < list.size(); ++i) {
    const Value item = list.at(i);
    if (item.text() == nullptr) return Value::fail("no such overload: join");
    if (i > 0) out += separator;
    out += *item.text();
  }
  return Value::of(std::move(out));
}

template <char kFrom, char kTo>
Value shift_case(Args args) {
  std::string out = *args[0].text();
  for (char& c : out) {
    if (c >= kFrom && c <= kFrom + 25) c = static_cast<char>(c - kFrom + kTo);
  }
  return Value::of(std::move(out));
}

Value replace(Args args) {
  const std::string& text = *args[0].text();
  const std::string& from = *args[1].text();
  const std::string& to = *args[2].text();
  std::int64_t left = args.size() > 3 ? *args[3].as<std::int64_t>() : -1;
  std::string out;
  std::size_t at = 0;
  while (left != 0 && at <= text.size()) {
    std::size_t found = text.find(from, at);
    if (found == std::string::npos) break;
    if (from.empty()) {
      // Before every character and at the end.
      out += to;
      if (found >= text.size()) {
        at = text.size() + 1;
        break;
      }
      std::size_t end = found + 1;
      while (end < text.size() && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) ++end;
      out.append(text, found, end - found);
      at = end;
    } else {
      out.append(text, at, found - at);
      out += to;
      at = found + from.size();
    }
    if (left > 0) --left;
  }
  if (at < text.size()) out.append(text, at);
  return Value::of(std::move(out));
}

Value split_text(Args args) {
  const std::string& text = *args[0].text();
  const std::string& separator = *args[1].text();
  const std::int64_t most = args.size() > 2 ? *args[2].as<std::int64_t>() : -1;
  std::vector<Value> out;
  if (most == 0) return Value::of(std::move(out));
  std::size_t at = 0;
  if (separator.empty() && text.empty()) return Value::of(std::move(out));
  while (most < 0 || static_cast<std::int64_t>(out.size()) < most - 1) {
    std::size_t found;
    if (separator.empty()) {
      found = at + 1;
      while (found < text.size() && (static_cast<unsigned char>(text[found]) & 0xC0) == 0x80)
        ++found;
      if (found >= text.size()) break;
    } else {
      found = text.find(separator, at);
      if (found == std::string::npos) break;
    }
    out.push_back(Value::of(text.substr(at, found - at)));
    at = found + separator.size();
  }
  out.push_back(Value::of(text.substr(at)));
  return Value::of(std::move(out));
}

Value substring(Args args) {
  const std::u32string text = decode_utf8(*args[0].text());
  const auto size = static_cast<std::int64_t>(text.size());
  const std::int64_t from = *args[1].as<std::int64_t>();
  const std::int64_t to = args.size() > 2 ? *args[2].as<std::int64_t>() : size;
  if (from > to) return Value::fail(cat("invalid substring range. start: ", from, ", end: ", to));
  if (from < 0 || from > size) return out_of_range(from);
  if (to < 0 || to > size) return out_of_range(to);
  return Value::of(encode(std::u32string_view(text).substr(static_cast<std::size_t>(from),
                                                           static_cast<std::size_t>(to - from))));
}

bool is_space(char32_t c) {
  return (c >= 9 && c <= 13) || c == 0x20 || c == 0x85 || c == 0xA0 || c == 0x1680 ||
         (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F ||
         c == 0x3000;
}

Value trim(Args args) {
  const std::u32string text = decode_utf8(*args[0].text());
  std::size_t from = 0;
  std::size_t to = text.size();
  while (from < to && is_space(text[from])) ++from;
  while (to > from && is_space(text[to - 1])) --to;
  return Value::of(encode(std::u32string_view(text).substr(from, to - from)));
}

Value quote(Args args) {
  std::string out = "\"";
  for (const char c : *args[0].text()) {
    switch (c) {
      case '\a':
        out += "\\a";
        break;
      case '\b':
        out += "\\b";
        break;
      case '\f':
        out += "\\f";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      case '\v':
        out += "\\v";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '"':
        out += "\\\"";
        break;
      default:
        out += c;
    }
  }
  return Value::of(out + "\"");
}

}  // namespace

void add_text_functions(FunctionTable& table) {
  table.add(
      "string.contains(string) -> bool",
      [](Args args) {
        return Value::of(args[0].text()->find(*args[1].text()) != std::string::npos);
      },
      cost_contains);
  table.add(
      "string.startsWith(string) -> bool",
      [](Args args) { return Value::of(args[0].text()->starts_with(*args[1].text())); },
      cost_walk_first);
  table.add(
      "string.endsWith(string) -> bool",
      [](Args args) { return Value::of(args[0].text()->ends_with(*args[1].text())); },
      cost_walk_first);
}

void add_string_library(FunctionTable& table) {
  table.add("string.charAt(int) -> string", char_at, cost_walk_first);
  table.add("string.indexOf(string) -> int", index_of, cost_contains);
  table.add("string.indexOf(string, int) -> int", index_of, cost_contains);
  table.add("string.lastIndexOf(string) -> int", last_index_of, cost_contains);
  table.add("string.lastIndexOf(string, int) -> int", last_index_of, cost_contains);
  const auto join_cost = [](Args, const Value& result) { return walk(cost_size(result)) + 1; };
  table.add("list(string).join() -> string", join_texts, join_cost);
  table.add("list(string).join(string) -> string", join_texts, join_cost);
  table.add("string.lowerAscii() -> string", shift_case<'A', 'a'>, cost_walk_first);
  table.add("string.upperAscii() -> string", shift_case<'a', 'A'>, cost_walk_first);
  const auto replace_cost = [](Args args, const Value& result) {
    return walk(cost_size(args[0])) + walk(cost_size(result)) + 1;
  };
  table.add("string.replace(string, string) -> string", replace, replace_cost);
  table.add("string.replace(string, string, int) -> string", replace, replace_cost);
  table.add("string.split(string) -> list(string)", split_text, cost_walk_first);
  table.add("string.split(string, int) -> list(string)", split_text, cost_walk_first);
  table.add("string.substring(int) -> string", substring, cost_walk_first);
  table.add("string.substring(int, int) -> string", substring, cost_walk_first);
  table.add("string.trim() -> string", trim, cost_walk_first);
  table.add_operator("strings.quote", "strings(string) -> string", quote, cost_walk_first);
  table.add(
      "string.format(list(dyn)) -> string",
      [](Args args) { return format_text(*args[0].text(), *args[1].list()); },
      [](Args args, const Value& result) {
        return walk(cost_size(args[0])) + walk(cost_size(result));
      });
}

}  // namespace kpp::cel
