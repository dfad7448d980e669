// The reader: one pass without recursion that builds the tree and words every error as Go's decoder
// does.
#include <algorithm>
#include <boost/json/value_stack.hpp>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <unordered_set>

#include "codec/json.h"
#include "codec/utf8.h"

namespace kpp::json {
namespace {

// A byte in single quotes; the byte stands for the character of that number.
std::string quoted_byte(unsigned char c) {
  static constexpr char kHex[] = "0123456789abcdef";
  switch (c) {
    case '\'':
      return R"('\'')";
    case '\\':
      return R"('\\')";
    case '\a':
      return R"('\a')";
    case '\b':
      return R"('\b')";
    case '\f':
      return R"('\f')";
    case '\n':
      return R"('\n')";
    case '\r':
      return R"('\r')";
    case '\t':
      return R"('\t')";
    case '\v':
      return R"('\v')";
    default:
      break;
  }
  std::string out = "'";
  if (c < 0x20 || c == 0x7F) {
    out += cat("\\x", kHex[c >> 4], kHex[c & 15]);
  } else if (c >= 0x80 && (c <= 0xA0 || c == 0xAD)) {
    out += cat("\\u00", kHex[c >> 4], kHex[c & 15]);
  } else {
    utf8::append(out, c);
  }
  return out + "'";
}

class Parser {
 public:
  Parser(std::string_view text, const ParseOptions& options) : text_(text), options_(options) {}

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
    std::string name;  // of the member at hand, or empty; kept for duplicates only
    std::unordered_set<std::string> names;  // kept for duplicates only
  };

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
          if (text_[at_] == '-' || is_digit(text_[at_])) return number();
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
    levels_.push_back({is_object, 0, {}, {}});
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

  void note_name(Level& level) {
    level.name.assign(string_.data(), string_.size());
    if (level.names.insert(level.name).second) return;
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

  // The decoded string is string_ afterwards.
  bool string() {
    ++at_;
    scratch_.clear();
    std::size_t run = at_;  // start of bytes that stand for themselves
    bool plain = true;
    for (;;) {
      if (at_ == text_.size()) return ended();
      const auto c = static_cast<unsigned char>(text_[at_]);
      if (c == '"') break;
      if (c < 0x20) return unexpected("in string literal");
      if (c == '\\') {
        scratch_.append(text_, run, at_ - run);
        plain = false;
        if (!escape()) return false;
        run = at_;
      } else if (c < 0x80) {
        ++at_;
      } else {
        const auto decoded = utf8::decode(text_, at_);
        if (!decoded.valid) {
          scratch_.append(text_, run, at_ - run);
          plain = false;
          utf8::append(scratch_, utf8::kReplacement);
          run = at_ + 1;
        }
        at_ += decoded.size;
      }
    }
    if (plain) {
      string_ = text_.substr(run, at_ - run);
    } else {
      scratch_.append(text_, run, at_ - run);
      string_ = scratch_;
    }
    ++at_;
    return true;
  }

  boost::json::string_view string_view() const { return {string_.data(), string_.size()}; }

  bool escape() {
    if (++at_ == text_.size()) return ended();
    switch (text_[at_]) {
      case '"':
        scratch_.push_back('"');
        break;
      case '\\':
        scratch_.push_back('\\');
        break;
      case '/':
        scratch_.push_back('/');
        break;
      case 'b':
        scratch_.push_back('\b');
        break;
      case 'f':
        scratch_.push_back('\f');
        break;
      case 'n':
        scratch_.push_back('\n');
        break;
      case 'r':
        scratch_.push_back('\r');
        break;
      case 't':
        scratch_.push_back('\t');
        break;
      case 'u':
        return unicode_escape();
      default:
        return unexpected("in string escape code");
    }
    ++at_;
    return true;
  }

  bool unicode_escape() {
    char32_t rune = 0;
    ++at_;
    if (!four_hex(rune)) return false;
    if (rune >= 0xD800 && rune < 0xE000) {
      // A low surrogate may follow; a half alone stands for the replacement character.
      char32_t low = 0;
      const std::size_t before = at_;
      const bool pair = rune < 0xDC00 && text_.substr(at_, 2) == "\\u";
      if (pair) {
        at_ += 2;
        if (!four_hex(low)) return false;
      }
      if (pair && low >= 0xDC00 && low < 0xE000) {
        rune = 0x10000 + ((rune - 0xD800) << 10) + (low - 0xDC00);
      } else {
        at_ = before;
        rune = utf8::kReplacement;
      }
    }
    utf8::append(scratch_, rune);
    return true;
  }

  bool four_hex(char32_t& out) {
    out = 0;
    for (int i = 0; i < 4; ++i, ++at_) {
      if (at_ == text_.size()) return ended();
      const char c = text_[at_];
      unsigned digit = 0;
      if (is_digit(c)) {
        digit = static_cast<unsigned>(c - '0');
      } else if (c >= 'a' && c <= 'f') {
        digit = static_cast<unsigned>(c - 'a') + 10;
      } else if (c >= 'A' && c <= 'F') {
        digit = static_cast<unsigned>(c - 'A') + 10;
      } else {
        return unexpected("in \\u hexadecimal character escape");
      }
      out = out * 16 + digit;
    }
    return true;
  }

  bool literal(std::string_view word) {
    ++at_;
    for (std::size_t i = 1; i < word.size(); ++i, ++at_) {
      if (at_ == text_.size()) return ended();
      if (text_[at_] != word[i]) {
        return unexpected(cat("in literal ", word, " (expecting ",
                              quoted_byte(static_cast<unsigned char>(word[i])), ")"));
      }
    }
    return true;
  }

  bool number() {
    const std::size_t start = at_;
    bool whole = true;
    if (text_[at_] == '-') {
      if (++at_ == text_.size()) return ended();
      if (!is_digit(text_[at_])) return unexpected("in numeric literal");
    }
    if (text_[at_] == '0') {
      ++at_;
    } else {
      digits();
    }
    if (at_ < text_.size() && text_[at_] == '.') {
      whole = false;
      if (++at_ == text_.size()) return ended();
      if (!is_digit(text_[at_])) return unexpected("after decimal point in numeric literal");
      digits();
    }
    if (at_ < text_.size() && (text_[at_] == 'e' || text_[at_] == 'E')) {
      whole = false;
      ++at_;
      if (at_ < text_.size() && (text_[at_] == '+' || text_[at_] == '-')) ++at_;
      if (at_ == text_.size()) return ended();
      if (!is_digit(text_[at_])) return unexpected("in exponent of numeric literal");
      digits();
    }
    return push_number(text_.substr(start, at_ - start), whole);
  }

  bool push_number(std::string_view token, bool whole) {
    const char* const first = token.data();
    const char* const last = first + token.size();
    if (whole) {
      std::int64_t i = 0;
      if (std::from_chars(first, last, i).ec == std::errc()) {
        stack_.push_int64(i);
        return true;
      }
      std::uint64_t u = 0;
      if (*first != '-' && std::from_chars(first, last, u).ec == std::errc()) {
        stack_.push_uint64(u);
        return true;
      }
    }
    double d = 0;
    if (std::from_chars(first, last, d).ec != std::errc()) {
      d = std::strtod(std::string(token).c_str(), nullptr);  // tiny values come out as 0
      if (std::isinf(d)) {
        error_ = cat("json: cannot unmarshal number ", token, " into Go value of type float64");
        return false;
      }
    }
    stack_.push_double(d == 0 ? 0 : d);  // no negative zero
    return true;
  }

  static bool is_digit(char c) { return c >= '0' && c <= '9'; }
  void digits() {
    while (at_ < text_.size() && is_digit(text_[at_])) ++at_;
  }
  void skip_space() {
    while (at_ < text_.size() &&
           (text_[at_] == ' ' || text_[at_] == '\n' || text_[at_] == '\t' || text_[at_] == '\r')) {
      ++at_;
    }
  }

  bool unexpected(std::string_view context) {
    error_ = cat("invalid character ", quoted_byte(static_cast<unsigned char>(text_[at_])), " ",
                 context);
    return false;
  }
  bool ended() {
    error_ = "unexpected end of JSON input";
    return false;
  }

  const std::string_view text_;
  const ParseOptions& options_;
  std::size_t at_ = 0;
  boost::json::value_stack stack_;
  std::vector<Level> levels_;
  std::string_view string_;
  std::string scratch_;
  std::string error_;
};

}  // namespace

Result<Value> parse(std::string_view text, const ParseOptions& options) {
  return Parser(text, options).run();
}

}  // namespace kpp::json
