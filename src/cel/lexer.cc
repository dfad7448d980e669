#include "cel/lexer.h"

#include <algorithm>
#include <array>
#include <optional>

#include "base/cat.h"

namespace kpp::cel {
namespace {

constexpr std::array<std::string_view, static_cast<std::size_t>(Token::kEnd) + 1> kNames = {
    "'=='",      "'!='",    "'in'",     "'<'",    "'<='",   "'>='",       "'>'",
    "'&&'",      "'||'",    "'['",      "']'",    "'{'",    "'}'",        "'('",
    "')'",       "'.'",     "','",      "'-'",    "'!'",    "'?'",        "':'",
    "'+'",       "'*'",     "'/'",      "'%'",    "'true'", "'false'",    "'null'",
    "NUM_FLOAT", "NUM_INT", "NUM_UINT", "STRING", "BYTES",  "IDENTIFIER", "ESC_IDENTIFIER",
    "<EOF>"};

bool is_digit(char32_t c) { return c >= U'0' && c <= U'9'; }
bool is_hex(char32_t c) {
  return is_digit(c) || (c >= U'a' && c <= U'f') || (c >= U'A' && c <= U'F');
}
bool is_letter(char32_t c) {
  return (c >= U'a' && c <= U'z') || (c >= U'A' && c <= U'Z') || c == U'_';
}

class Splitter {
 public:
  Splitter(const Source& source, Issues& issues)
      : source_(source), text_(source.points()), issues_(issues) {}

  std::vector<Word> split() {
    while (at_ < text_.size()) {
      if (skip_blank()) continue;
      const std::size_t begin = at_;
      const auto token = next();
      if (token) {
        out_.push_back({*token, begin, at_});
      } else {
        issues_.add(begin, cat("Syntax error: token recognition error at: '",
                               shown(source_.text(begin, at_)), "'"));
      }
    }
    out_.push_back({Token::kEnd, text_.size(), text_.size()});
    return std::move(out_);
  }

 private:
  static std::string shown(const std::string& text) {
    std::string out;
    for (const char c : text) {
      if (c == '\n') {
        out += "\\n";
      } else if (c == '\t') {
        out += "\\t";
      } else if (c == '\r') {
        out += "\\r";
      } else {
        out += c;
      }
    }
    return out;
  }
  char32_t peek(std::size_t ahead = 0) const {
    return at_ + ahead < text_.size() ? text_[at_ + ahead] : U'\0';
  }
  bool skip_blank() {
    const char32_t c = peek();
    if (c == U' ' || c == U'\t' || c == U'\r' || c == U'\n' || c == U'\f') {
      ++at_;
      return true;
    }
    if (c != U'/' || peek(1) != U'/') return false;
    while (at_ < text_.size() && text_[at_] != U'\n') ++at_;
    return true;
  }
  // nullopt: no word; at_ is behind what was looked at.
  std::optional<Token> next() {
    if (const auto literal = quoted_literal()) return *literal;
    const char32_t c = peek();
    if (is_letter(c)) return identifier();
    if (is_digit(c) || (c == U'.' && is_digit(peek(1)))) return number();
    if (c == U'`') return escaped();
    return symbol();
  }
  std::optional<Token> symbol() {
    const char32_t c = peek();
    ++at_;
    switch (c) {
      case U'[':
        return Token::kLeftBracket;
      case U']':
        return Token::kRightBracket;
      case U'{':
        return Token::kLeftBrace;
      case U'}':
        return Token::kRightBrace;
      case U'(':
        return Token::kLeftParen;
      case U')':
        return Token::kRightParen;
      case U'.':
        return Token::kDot;
      case U',':
        return Token::kComma;
      case U'-':
        return Token::kMinus;
      case U'?':
        return Token::kQuestion;
      case U':':
        return Token::kColon;
      case U'+':
        return Token::kPlus;
      case U'*':
        return Token::kStar;
      case U'/':
        return Token::kSlash;
      case U'%':
        return Token::kPercent;
      case U'!':
        return follows(U'=') ? Token::kNotEqual : Token::kNot;
      case U'<':
        return follows(U'=') ? Token::kLessEqual : Token::kLess;
      case U'>':
        return follows(U'=') ? Token::kGreaterEqual : Token::kGreater;
      case U'=':
        return twice(U'=', Token::kEqual);
      case U'&':
        return twice(U'&', Token::kAnd);
      case U'|':
        return twice(U'|', Token::kOr);
      default:
        return std::nullopt;
    }
  }
  bool follows(char32_t c) {
    if (peek() != c) return false;
    ++at_;
    return true;
  }
  std::optional<Token> twice(char32_t second, Token token) {
    const bool whole = peek() == second;
    if (at_ < text_.size()) ++at_;
    if (whole) return token;
    return std::nullopt;
  }
  Token identifier() {
    const std::size_t begin = at_;
    while (is_letter(peek()) || is_digit(peek())) ++at_;
    const std::u32string_view word = std::u32string_view(text_).substr(begin, at_ - begin);
    if (word == U"in") return Token::kIn;
    if (word == U"true") return Token::kTrue;
    if (word == U"false") return Token::kFalse;
    if (word == U"null") return Token::kNull;
    return Token::kIdentifier;
  }
  std::optional<Token> escaped() {
    std::size_t i = 1;
    while (is_letter(peek(i)) || is_digit(peek(i)) || peek(i) == U'.' || peek(i) == U'-' ||
           peek(i) == U'/' || peek(i) == U' ')
      ++i;
    const bool whole = peek(i) == U'`' && i > 1;
    at_ = std::min(at_ + i + 1, text_.size());
    if (whole) return Token::kEscaped;
    return std::nullopt;
  }
  Token number() {
    if (peek() == U'0' && peek(1) == U'x' && is_hex(peek(2))) {
      at_ += 2;
      while (is_hex(peek())) ++at_;
      return unsigned_suffix() ? Token::kUint : Token::kInt;
    }
    while (is_digit(peek())) ++at_;
    bool whole = true;
    if (peek() == U'.' && is_digit(peek(1))) {
      whole = false;
      ++at_;
      while (is_digit(peek())) ++at_;
    }
    if (exponent()) whole = false;
    if (!whole) return Token::kFloat;
    return unsigned_suffix() ? Token::kUint : Token::kInt;
  }
  bool exponent() {
    if (peek() != U'e' && peek() != U'E') return false;
    const std::size_t sign = peek(1) == U'+' || peek(1) == U'-' ? 1 : 0;
    if (!is_digit(peek(1 + sign))) return false;
    at_ += 1 + sign;
    while (is_digit(peek())) ++at_;
    return true;
  }
  bool unsigned_suffix() {
    if (peek() != U'u' && peek() != U'U') return false;
    ++at_;
    return true;
  }
  // A text or bytes, with its prefix; nullopt (and nothing consumed) if no quote begins here. One
  // that does not end is no word.
  std::optional<std::optional<Token>> quoted_literal() {
    std::size_t i = 0;
    bool raw = false;
    bool bytes = false;
    while (i < 2) {
      const char32_t c = peek(i);
      if ((c == U'r' || c == U'R') && !raw) {
        raw = true;
      } else if ((c == U'b' || c == U'B') && !bytes && !raw) {
        bytes = true;
      } else {
        break;
      }
      ++i;
    }
    const char32_t quote = peek(i);
    if (quote != U'"' && quote != U'\'') return std::nullopt;
    const bool triple = peek(i + 1) == quote && peek(i + 2) == quote;
    at_ += i + (triple ? 3 : 1);
    while (at_ < text_.size()) {
      const char32_t c = peek();
      if (c == U'\\' && !raw && at_ + 1 < text_.size()) {
        at_ += 2;
        continue;
      }
      if (!triple && (c == U'\n' || c == U'\r')) break;
      if (c == quote && (!triple || (peek(1) == quote && peek(2) == quote))) {
        at_ += triple ? 3 : 1;
        return bytes ? Token::kBytes : Token::kString;
      }
      ++at_;
    }
    return std::optional<Token>();
  }

  const Source& source_;
  const std::u32string& text_;
  Issues& issues_;
  std::size_t at_ = 0;
  std::vector<Word> out_;
};

}  // namespace

std::string_view token_name(Token token) { return kNames[static_cast<std::size_t>(token)]; }

std::vector<Word> split(const Source& source, Issues& issues) {
  return Splitter(source, issues).split();
}

}  // namespace kpp::cel
