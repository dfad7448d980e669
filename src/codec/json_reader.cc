#include "codec/json_reader.h"

#include <algorithm>

#include "codec/json.h"

namespace kpp::json {

// A byte in single quotes; the byte stands for the character of that number.
std::string Scanner::quoted_byte(unsigned char c) {
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

Reader::Reader(std::string_view text) : Scanner(text) { (void)value(); }

bool Reader::enter() {
  if (failed_ || !unvisited_) return false;
  unvisited_ = false;
  first_ = true;
  if (++depth_ <= kMaxDepth) return true;
  error_ = "exceeded max depth";
  failed_ = true;
  --depth_;
  return false;
}

bool Reader::next(char closing) {
  skip_space();
  if (at_ == text_.size()) return failed(ended());
  if (text_[at_] == closing) {
    ++at_;
    unvisited_ = false;
    first_ = false;
    return false;
  }
  if (first_) {
    first_ = false;
    return true;
  }
  if (text_[at_] != ',') {
    return failed(
        unexpected(closing == '}' ? "after object key:value pair" : "after array element"));
  }
  ++at_;
  return true;
}

bool Reader::name() {
  skip_space();
  if (at_ == text_.size()) return failed(ended());
  if (text_[at_] != '"') return failed(unexpected("looking for beginning of object key string"));
  if (!failed(string())) return false;
  skip_space();
  if (at_ == text_.size()) return failed(ended());
  if (text_[at_] != ':') return failed(unexpected("after object key"));
  ++at_;
  return true;
}

bool Reader::value() { return failed(scan_value()); }

bool Reader::scan_value() {
  skip_space();
  if (at_ == text_.size()) return ended();
  value_at_ = at_;
  unvisited_ = false;
  switch (text_[at_]) {
    case '{':
    case '[':
      kind_ = text_[at_] == '{' ? Kind::kObject : Kind::kArray;
      unvisited_ = true;
      ++at_;
      return true;
    case '"':
      kind_ = Kind::kString;
      return string();
    case 't':
    case 'f':
      kind_ = Kind::kBool;
      bool_ = text_[at_] == 't';
      return literal(bool_ ? "true" : "false");
    case 'n':
      kind_ = Kind::kNull;
      return literal("null");
    default:
      kind_ = Kind::kNumber;
      if (text_[at_] == '-' || is_digit(text_[at_])) return number();
      return unexpected("looking for beginning of value");
  }
}

void Reader::skip_container() {
  levels_.clear();
  do {
    if (unvisited_) {
      if (depth_ + static_cast<int>(levels_.size()) >= kMaxDepth) {
        error_ = "exceeded max depth";
        failed_ = true;
        return;
      }
      levels_.push_back(kind_ == Kind::kObject ? '}' : ']');
      unvisited_ = false;
      first_ = true;
    }
    if (next(levels_.back())) {
      if (levels_.back() == '}' && !name()) return;
      if (!value()) return;
    } else {
      if (failed_) return;
      levels_.pop_back();
    }
  } while (!levels_.empty());
}

std::string Reader::compact() {
  if (failed_) return {};
  const std::size_t begin = value_at_;
  if (unvisited_) skip_container();
  if (failed_) return {};
  const std::string_view text = text_.substr(begin, at_ - begin);
  // Most text is written as we write it; what is not goes through a document.
  std::string out;
  if (is_written_so(text)) {
    out = text;
  } else if (const auto document = parse(text)) {
    out = write(*document);
  }
  return out;
}

std::string Reader::raw() {
  if (failed_) return {};
  const std::size_t begin = value_at_;
  if (unvisited_) skip_container();
  if (failed_) return {};
  std::string out(text_.substr(begin, at_ - begin));
  // Within strings control characters are escaped: those that stand here stand between tokens.
  std::ranges::replace_if(out, [](char c) { return c == '\n' || c == '\r' || c == '\t'; }, ' ');
  return out;
}

// Conservative: true only for text of compact objects, arrays, plain strings, literals and
// integers.
bool Reader::is_written_so(std::string_view text) const {
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c >= 0x80 || c == '<' || c == '>' || c == '&') return false;
    if (in_string) {
      if (c == '"') {
        in_string = false;
      } else if (c == '\\') {
        const char next_one = text[++i];
        if (next_one != '"' && next_one != '\\' && next_one != 'n' && next_one != 't') return false;
      }
    } else if (c == '"') {
      in_string = true;
    } else if (c <= ' ' || c == '.' || c == 'E' || c == '+' || c == '-') {
      return false;
    } else if (c == 'e' && i > 0 && is_digit(text[i - 1])) {
      return false;
    }
  }
  return true;
}

Status Reader::finish() {
  if (!failed_ && unvisited_) skip_container();
  if (!failed_) {
    skip_space();
    if (at_ < text_.size()) failed_ = !unexpected("after top-level value");
  }
  return failed_ ? Status(Reason::kBadRequest, error_) : Status();
}

}  // namespace kpp::json
