// matches(), find() and findAll().
#include "cel/lib/regexes.h"

#include <re2/re2.h>

#include <unordered_map>

#include "cel/lib/costs.h"
#include "cel/lib/libraries.h"

namespace kpp::cel {
namespace {

constexpr std::size_t kMostKept = 256;
constexpr std::int64_t kMegabytes = 8;

Value illegal(const RE2& regex) { return Value::fail("Illegal regex: " + regex.error()); }

Value matches(Args args) {
  const auto regex = compiled_regex(*args[1].text());
  if (!regex->ok()) {
    return Value::fail("error parsing regexp: " + regex->error());
  }
  return Value::of(RE2::PartialMatch(*args[0].text(), *regex));
}

Value find(Args args) {
  const auto regex = compiled_regex(*args[1].text());
  if (!regex->ok()) return illegal(*regex);
  re2::StringPiece match;
  const std::string& text = *args[0].text();
  if (!regex->Match(text, 0, text.size(), RE2::UNANCHORED, &match, 1)) return Value::of("");
  return Value::of(std::string(match.data(), match.size()));
}

Value find_all(Args args) {
  const auto regex = compiled_regex(*args[1].text());
  if (!regex->ok()) return illegal(*regex);
  const std::int64_t most = args.size() > 2 ? *args[2].as<std::int64_t>() : -1;
  const std::string& text = *args[0].text();
  std::vector<Value> out;
  std::size_t at = 0;
  std::size_t last_end = std::string::npos;
  while (at <= text.size() && (most < 0 || static_cast<std::int64_t>(out.size()) < most)) {
    re2::StringPiece match;
    if (!regex->Match(text, at, text.size(), RE2::UNANCHORED, &match, 1)) break;
    const auto begin = static_cast<std::size_t>(match.data() - text.data());
    const std::size_t end = begin + match.size();
    // An empty match right behind another one is none.
    if (!(match.empty() && begin == last_end)) out.push_back(Value::of(std::string(match)));
    last_end = end;
    at = end;
    if (match.empty()) {
      ++at;
      while (at < text.size() && (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80) ++at;
    }
  }
  return Value::of(std::move(out));
}

}  // namespace

std::shared_ptr<const re2::RE2> compiled_regex(const std::string& pattern) {
  thread_local std::unordered_map<std::string, std::shared_ptr<const RE2>> kept;
  auto& slot = kept[pattern];
  if (slot) return slot;
  RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(kMegabytes << 20);
  auto out = std::make_shared<const RE2>(pattern, options);
  if (kept.size() > kMostKept) {
    kept.clear();
    return out;
  }
  slot = out;
  return out;
}

void add_regex_library(FunctionTable& table) {
  table.add("matches(string, string) -> bool", matches, cost_regex);
  table.add("string.matches(string) -> bool", matches, cost_regex);
  table.add("string.find(string) -> string", find, cost_regex);
  table.add("string.findAll(string) -> list(string)", find_all, cost_regex);
  table.add("string.findAll(string, int) -> list(string)", find_all, cost_regex);
}

}  // namespace kpp::cel
