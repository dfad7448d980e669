// The tokens of JSON text, worded as Go's decoder does where they are wrong. Shared by the reader
// of documents (json_parse.cc) and the one of single values (json_reader.h).
#pragma once

#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "base/cat.h"
#include "codec/utf8.h"

namespace kpp::json {

// One token at a time. After a function that gives false, error_ says why and nothing more may be
// read.
class Scanner {
 protected:
  enum class Number : std::uint8_t { kInt64, kUint64, kDouble };

  explicit Scanner(std::string_view text) : text_(text) {}

  // The decoded string is string_ afterwards; it stays until the next token.
  bool string() {
    ++at_;
    scratch_.clear();
    std::size_t run = at_;  // start of bytes that stand for themselves
    plain_ = true;
    for (;;) {
      if (at_ == text_.size()) return ended();
      const auto c = static_cast<unsigned char>(text_[at_]);
      if (c == '"') break;
      if (c < 0x20) return unexpected("in string literal");
      if (c == '\\') {
        scratch_.append(text_, run, at_ - run);
        plain_ = false;
        if (!escape()) return false;
        run = at_;
      } else if (c < 0x80) {
        ++at_;
      } else {
        const auto decoded = utf8::decode(text_, at_);
        if (!decoded.valid) {
          scratch_.append(text_, run, at_ - run);
          plain_ = false;
          utf8::append(scratch_, utf8::kReplacement);
          run = at_ + 1;
        }
        at_ += decoded.size;
      }
    }
    if (plain_) {
      string_ = text_.substr(run, at_ - run);
    } else {
      scratch_.append(text_, run, at_ - run);
      string_ = scratch_;
    }
    ++at_;
    return true;
  }

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
    token_ = text_.substr(start, at_ - start);
    return to_number(whole);
  }

  // The value of token_.
  bool to_number(bool whole) {
    const char* const first = token_.data();
    const char* const last = first + token_.size();
    if (whole) {
      if (std::from_chars(first, last, int_).ec == std::errc()) {
        number_ = Number::kInt64;
        return true;
      }
      if (*first != '-' && std::from_chars(first, last, uint_).ec == std::errc()) {
        number_ = Number::kUint64;
        return true;
      }
    }
    number_ = Number::kDouble;
    if (std::from_chars(first, last, double_).ec != std::errc()) {
      double_ = std::strtod(std::string(token_).c_str(), nullptr);  // tiny values come out as 0
      if (std::isinf(double_)) {
        error_ = cat("json: cannot unmarshal number ", token_, " into Go value of type float64");
        return false;
      }
    }
    if (double_ == 0) double_ = 0;  // no negative zero
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

  // A byte in single quotes; the byte stands for the character of that number.
  static std::string quoted_byte(unsigned char c);

  const std::string_view text_;
  std::size_t at_ = 0;
  std::string_view string_;
  bool plain_ = true;       // string_ stands in the text as it is
  std::string_view token_;  // of the number
  Number number_ = Number::kInt64;
  std::int64_t int_ = 0;
  std::uint64_t uint_ = 0;
  double double_ = 0;
  std::string scratch_;
  std::string error_;
};

}  // namespace kpp::json
