// Words of expressions.
#pragma once

#include <string>
#include <vector>

#include "cel/source.h"

namespace kpp::cel {

// In the order in which messages list what was expected.
enum class Token : std::uint8_t {
  kEqual,
  kNotEqual,
  kIn,
  kLess,
  kLessEqual,
  kGreaterEqual,
  kGreater,
  kAnd,
  kOr,
  kLeftBracket,
  kRightBracket,
  kLeftBrace,
  kRightBrace,
  kLeftParen,
  kRightParen,
  kDot,
  kComma,
  kMinus,
  kNot,
  kQuestion,
  kColon,
  kPlus,
  kStar,
  kSlash,
  kPercent,
  kTrue,
  kFalse,
  kNull,
  kFloat,
  kInt,
  kUint,
  kString,
  kBytes,
  kIdentifier,
  kEscaped,
  kEnd,
};

// As messages name it: "'['", "NUM_INT", "<EOF>".
std::string_view token_name(Token token);

struct Word {
  Token token = Token::kEnd;
  std::size_t at = 0, end = 0;  // code points
};

// The words, ended by one of kEnd. Characters that begin no word are reported and skipped.
std::vector<Word> split(const Source& source, Issues& issues);

}  // namespace kpp::cel
