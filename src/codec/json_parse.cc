// The reader: one pass without recursion that builds the tree and words every error as Go's decoder
// does.
#include <algorithm>
#include <boost/json/value_stack.hpp>
#include <deque>
#include <memory>
#include <unordered_set>

#include "codec/json.h"
#include "codec/json_scanner.h"

namespace kpp::json {
namespace {

class Parser : Scanner {
 public:
  Parser(std::string_view text, const ParseOptions& options) : Scanner(text), options_(options) {}

  Result<Value> run() {
    stack_.reset();
    if (!document()) return fail(Reason::kBadRequest, std::move(error_));
    return stack_.release();
  }

 private:
  // An object or array that is open.
  struct Level {
    bool is_object;
    std::size_t count = 0;
    // For duplicates only: the member at hand, and the names before it, which stand in names_ from
    // here while they are few.
    std::string_view name;
    std::size_t first_name = 0;
    std::unique_ptr<std::unordered_set<std::string_view>> many;
  };
  static constexpr std::size_t kFewNames = 16;

  bool document() {
    if (!value_start()) return false;
    while (!levels_.empty()) {
      if (!after_value()) return false;
    }
    skip_space();
    if (at_ < text_.size()) return unexpected("after top-level value");
    return true;
  }

  // Reads a scalar, or opens a container and reads its first element's start.
  bool value_start() {
    for (;;) {
      skip_space();
      if (at_ == text_.size()) return ended();
      switch (text_[at_]) {
        case '{':
          if (!open(true)) return false;
          skip_space();
          if (at_ < text_.size() && text_[at_] == '}') return close();
          if (!member_name()) return false;
          continue;
        case '[':
          if (!open(false)) return false;
          skip_space();
          if (at_ < text_.size() && text_[at_] == ']') return close();
          levels_.back().count = 1;
          continue;
        case '"':
          if (!string()) return false;
          stack_.push_string(string_view());
          return true;
        case 't':
          if (!literal("true")) return false;
          stack_.push_bool(true);
          return true;
        case 'f':
          if (!literal("false")) return false;
          stack_.push_bool(false);
          return true;
        case 'n':
          if (!literal("null")) return false;
          stack_.push_null();
          return true;
        default:
          if (text_[at_] == '-' || is_digit(text_[at_])) return push_number();
          return unexpected("looking for beginning of value");
      }
    }
  }

  // Behind a value inside a container: the next element, or the container's end.
  bool after_value() {
    skip_space();
    if (at_ == text_.size()) return ended();
    Level& level = levels_.back();
    const char c = text_[at_];
    if (c == (level.is_object ? '}' : ']')) return close();
    if (c != ',') {
      return unexpected(level.is_object ? "after object key:value pair" : "after array element");
    }
    ++at_;
    if (level.is_object) {
      skip_space();
      if (!member_name()) return false;
    } else {
      ++level.count;
    }
    return value_start();
  }

  bool open(bool is_object) {
    if (levels_.size() >= static_cast<std::size_t>(options_.max_depth)) {
      error_ = "exceeded max depth";
      return false;
    }
    levels_.push_back({is_object, 0, {}, names_.size(), nullptr});
    ++at_;
    return true;
  }

  bool close() {
    ++at_;
    const Level& level = levels_.back();
    if (level.is_object) {
      stack_.push_object(level.count);
    } else {
      stack_.push_array(level.count);
    }
    names_.resize(level.first_name);
    levels_.pop_back();
    return true;
  }

  bool member_name() {
    if (at_ == text_.size()) return ended();
    if (text_[at_] != '"') return unexpected("looking for beginning of object key string");
    if (!string()) return false;
    Level& level = levels_.back();
    ++level.count;
    stack_.push_key(string_view());
    if (options_.duplicates != nullptr) note_name(level);
    skip_space();
    if (at_ == text_.size()) return ended();
    if (text_[at_] != ':') return unexpected("after object key");
    ++at_;
    return true;
  }

  // Whether the level has not had its name before; remembers it.
  bool is_first(Level& level) {
    if (level.many) return level.many->insert(level.name).second;
    const auto begin = names_.begin() + static_cast<std::ptrdiff_t>(level.first_name);
    if (std::find(begin, names_.end(), level.name) != names_.end()) return false;
    names_.push_back(level.name);
    if (names_.size() - level.first_name > kFewNames) {
      level.many = std::make_unique<std::unordered_set<std::string_view>>(
          names_.begin() + static_cast<std::ptrdiff_t>(level.first_name), names_.end());
    }
    return true;
  }

  void note_name(Level& level) {
    level.name = plain_ ? string_ : std::string_view(escaped_names_.emplace_back(string_));
    if (is_first(level)) return;
    std::string path;
    for (const Level& l : levels_) {
      if (!l.is_object) {
        path += cat('[', l.count - 1, ']');
      } else {
        if (!path.empty()) path.push_back('.');
        path += l.name;
      }
    }
    auto& all = *options_.duplicates;
    if (std::find(all.begin(), all.end(), path) == all.end()) all.push_back(std::move(path));
  }

  boost::json::string_view string_view() const { return {string_.data(), string_.size()}; }

  bool push_number() {
    if (!number()) return false;
    switch (number_) {
      case Number::kInt64:
        stack_.push_int64(int_);
        break;
      case Number::kUint64:
        stack_.push_uint64(uint_);
        break;
      case Number::kDouble:
        stack_.push_double(double_);
        break;
    }
    return true;
  }

  const ParseOptions& options_;
  boost::json::value_stack stack_;
  std::vector<Level> levels_;
  std::vector<std::string_view> names_;
  std::deque<std::string> escaped_names_;
};

}  // namespace

Result<Value> parse(std::string_view text, const ParseOptions& options) {
  return Parser(text, options).run();
}

}  // namespace kpp::json
