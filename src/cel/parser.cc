#include "cel/parser.h"

#include <algorithm>
#include <set>

#include "base/cat.h"
#include "cel/lexer.h"
#include "cel/literals.h"
#include "cel/macros.h"
#include "cel/nodes.h"

namespace kpp::cel {
namespace {

using Tokens = std::vector<Token>;

// What an operand may begin with.
const Tokens& operand_tokens() {
  static const Tokens kTokens = {
      Token::kLeftBracket, Token::kLeftBrace, Token::kLeftParen, Token::kDot,   Token::kMinus,
      Token::kNot,         Token::kTrue,      Token::kFalse,     Token::kNull,  Token::kFloat,
      Token::kInt,         Token::kUint,      Token::kString,    Token::kBytes, Token::kIdentifier};
  return kTokens;
}

// What may follow a sign.
const Tokens& member_tokens() {
  static const Tokens kTokens = [] {
    Tokens out = operand_tokens();
    std::erase(out, Token::kMinus);
    std::erase(out, Token::kNot);
    return out;
  }();
  return kTokens;
}

Tokens operand_or(std::initializer_list<Token> others) {
  Tokens out = operand_tokens();
  out.insert(out.end(), others);
  std::sort(out.begin(), out.end());
  return out;
}

bool contains(const Tokens& tokens, Token token) {
  return std::find(tokens.begin(), tokens.end(), token) != tokens.end();
}

std::string expectation(const Tokens& tokens) {
  if (tokens.size() == 1) return std::string(token_name(tokens[0]));
  std::string out = "{";
  for (const Token token : tokens) {
    if (out.size() > 1) out += ", ";
    out += token_name(token);
  }
  return out + "}";
}

bool is_reserved(const std::string& name) {
  static const std::set<std::string_view> kReserved = {
      "as",  "break", "const",   "continue",  "else",   "for", "function", "if",   "import",
      "let", "loop",  "package", "namespace", "return", "var", "void",     "while"};
  return kReserved.contains(name);
}

std::string_view relation_name(Token token) {
  switch (token) {
    case Token::kEqual:
      return "_==_";
    case Token::kNotEqual:
      return "_!=_";
    case Token::kIn:
      return "@in";
    case Token::kLess:
      return "_<_";
    case Token::kLessEqual:
      return "_<=_";
    case Token::kGreaterEqual:
      return "_>=_";
    case Token::kGreater:
      return "_>_";
    default:
      return "";
  }
}

std::string_view product_name(Token token) {
  switch (token) {
    case Token::kStar:
      return "_*_";
    case Token::kSlash:
      return "_/_";
    case Token::kPercent:
      return "_%_";
    default:
      return "";
  }
}

std::string_view sum_name(Token token) {
  switch (token) {
    case Token::kPlus:
      return "_+_";
    case Token::kMinus:
      return "_-_";
    default:
      return "";
  }
}

// Recursive descent. Every function returns nullptr once something was wrong.
class Parser {
 public:
  Parser(const Source& source, Issues& issues)
      : source_(source), issues_(issues), words_(split(source, issues)) {}

  ExprPtr parse_all() {
    ExprPtr out = expression();
    if (!out || !expect(Token::kEnd, {Token::kEnd})) return nullptr;
    return out;
  }

 private:
  const Word& word(std::size_t ahead = 0) const {
    return words_[std::min(next_ + ahead, words_.size() - 1)];
  }
  Token token(std::size_t ahead = 0) const { return word(ahead).token; }
  std::string text(const Word& word) const { return source_.text(word.at, word.end); }
  std::string shown(const Word& word) const {
    return word.token == Token::kEnd ? "<EOF>" : text(word);
  }
  bool take(Token wanted) {
    if (token() != wanted) return false;
    ++next_;
    return true;
  }

  // Goes on only at one of the tokens. One wrong word before such a token is reported and skipped.
  bool sync(const Tokens& tokens) {
    if (contains(tokens, token())) return true;
    if (token() != Token::kEnd && contains(tokens, token(1))) {
      issues_.add(word().at, cat("Syntax error: extraneous input '", shown(word()), "' expecting ",
                                 expectation(tokens)));
      ++next_;
      return true;
    }
    issues_.add(word().at, cat("Syntax error: mismatched input '", shown(word()), "' expecting ",
                               expectation(tokens)));
    return false;
  }
  // Takes a token, which may be missing where the end of the text follows.
  bool expect(Token wanted, const Tokens& tokens) {
    if (take(wanted)) return true;
    const bool closes = wanted == Token::kRightParen || wanted == Token::kRightBracket ||
                        wanted == Token::kRightBrace;
    if (closes && tokens.size() == 1 && token() == Token::kEnd) {
      issues_.add(word().at, cat("Syntax error: missing ", token_name(wanted), " at '<EOF>'"));
      return false;
    }
    return sync(tokens) && take(wanted);
  }

  // Closes a node: its depth is within bounds, or the expression is refused.
  ExprPtr finish(ExprPtr expr) {
    set_depth(*expr);
    if (expr->depth <= kDeepestExpression) return expr;
    return too_deep(expr->at);
  }
  ExprPtr too_deep(std::size_t at) {
    issues_.add(at, cat("expression recursion limit exceeded: ", kDeepestExpression));
    return nullptr;
  }
  ExprPtr expand(ExprPtr call) {
    call = finish(std::move(call));
    if (!call) return nullptr;
    ExprPtr out = expand_macro(std::move(call), issues_);
    if (out && out->depth > kDeepestExpression) return too_deep(out->at);
    return out;
  }

  ExprPtr expression() {
    if (++nesting_ > kDeepestExpression) return too_deep(word().at);
    ExprPtr out = conditional();
    --nesting_;
    return out;
  }

  ExprPtr conditional() {
    ExprPtr condition = disjunction();
    if (!condition || token() != Token::kQuestion) return condition;
    const std::size_t at = word().at;
    ++next_;
    ExprPtr yes = disjunction();
    if (!yes || !expect(Token::kColon, {Token::kColon})) return nullptr;
    ExprPtr no = expression();
    if (!no) return nullptr;
    return finish(make_call(at, "_?_:_", std::move(condition), std::move(yes), std::move(no)));
  }

  // Long chains become balanced trees.
  ExprPtr balanced(const std::string& name, std::vector<ExprPtr>& terms,
                   const std::vector<std::size_t>& places, std::size_t from, std::size_t to) {
    if (from == to) return std::move(terms[from]);
    const std::size_t middle = (from + to + 1) / 2;
    ExprPtr left = balanced(name, terms, places, from, middle - 1);
    ExprPtr right = balanced(name, terms, places, middle, to);
    if (!left || !right) return nullptr;
    return finish(make_call(places[middle - 1], name, std::move(left), std::move(right)));
  }
  template <class Next>
  ExprPtr chain(Token separator, const std::string& name, Next next) {
    std::vector<ExprPtr> terms;
    std::vector<std::size_t> places;
    while (true) {
      ExprPtr term = next();
      if (!term) return nullptr;
      terms.push_back(std::move(term));
      if (token() != separator) break;
      places.push_back(word().at);
      ++next_;
    }
    return balanced(name, terms, places, 0, terms.size() - 1);
  }
  ExprPtr disjunction() {
    return chain(Token::kOr, "_||_", [this] { return conjunction(); });
  }
  ExprPtr conjunction() {
    return chain(Token::kAnd, "_&&_", [this] { return relation(); });
  }

  // Operators of one rank, the left one first.
  template <class Names, class Next>
  ExprPtr left_to_right(Names names, Next next) {
    ExprPtr left = next();
    while (left) {
      const std::string_view name = names(token());
      if (name.empty()) return left;
      const std::size_t at = word().at;
      ++next_;
      ExprPtr right = next();
      if (!right) return nullptr;
      left = finish(make_call(at, std::string(name), std::move(left), std::move(right)));
    }
    return nullptr;
  }
  ExprPtr relation() {
    return left_to_right(relation_name, [this] { return sum(); });
  }
  ExprPtr sum() {
    return left_to_right(sum_name, [this] { return product(); });
  }
  ExprPtr product() {
    return left_to_right(product_name, [this] { return unary(); });
  }

  ExprPtr unary() {
    if (!sync(operand_tokens())) return nullptr;
    const Token sign = token();
    if (sign != Token::kNot && sign != Token::kMinus) return member();
    const std::size_t at = word().at;
    if (sign == Token::kMinus && (token(1) == Token::kInt || token(1) == Token::kFloat))
      return member();
    std::size_t count = 0;
    while (take(sign)) ++count;
    const bool negative =
        token() == Token::kMinus && (token(1) == Token::kInt || token(1) == Token::kFloat);
    if (!negative && !sync(member_tokens())) return nullptr;
    ExprPtr operand = member();
    if (!operand || count % 2 == 0) return operand;
    return finish(make_call(at, sign == Token::kNot ? "!_" : "-_", std::move(operand)));
  }

  ExprPtr member() {
    if (++nesting_ > kDeepestExpression) return too_deep(word().at);
    ExprPtr out = primary();
    while (out) {
      if (token() == Token::kDot) {
        out = selection(std::move(out));
      } else if (token() == Token::kLeftBracket) {
        out = index(std::move(out));
      } else {
        break;
      }
    }
    --nesting_;
    return out;
  }

  ExprPtr selection(ExprPtr target) {
    const std::size_t at = word().at;
    ++next_;
    const bool optional = take(Token::kQuestion);
    if (token() != Token::kIdentifier && token() != Token::kEscaped) {
      if (optional) {
        sync({Token::kIdentifier, Token::kEscaped});
      } else {
        issues_.add(word().at, cat("Syntax error: no viable alternative at input '.",
                                   token() == Token::kEnd ? "" : text(word()), "'"));
      }
      return nullptr;
    }
    if (token() == Token::kEscaped) {
      issues_.add(word().at, "unsupported syntax: '`'");
      return nullptr;
    }
    std::string name = text(word());
    ++next_;
    if (!optional && token() == Token::kLeftParen) {
      auto call = make_call(word().at, std::move(name));
      call->target = std::move(target);
      ++next_;
      if (!arguments(*call)) return nullptr;
      return expand(std::move(call));
    }
    if (optional) {
      return finish(
          make_call(at, "_?._", std::move(target), make_const(at, Value::of(std::move(name)))));
    }
    return finish(make_select(at, std::move(target), std::move(name)));
  }

  ExprPtr index(ExprPtr target) {
    const std::size_t at = word().at;
    ++next_;
    const bool optional = take(Token::kQuestion);
    ExprPtr key = expression();
    if (!key || !expect(Token::kRightBracket, {Token::kRightBracket})) return nullptr;
    return finish(make_call(at, optional ? "_[?_]" : "_[_]", std::move(target), std::move(key)));
  }

  // The arguments of a call and its closing parenthesis.
  bool arguments(Expr& call) {
    if (take(Token::kRightParen)) return true;
    if (!sync(operand_or({Token::kRightParen}))) return false;
    if (take(Token::kRightParen)) return true;
    do {
      ExprPtr arg = expression();
      if (!arg) return false;
      call.args.push_back(std::move(arg));
    } while (take(Token::kComma));
    return expect(Token::kRightParen, {Token::kRightParen});
  }

  ExprPtr primary() {
    const Word first = word();
    switch (first.token) {
      case Token::kLeftParen: {
        ++next_;
        ExprPtr inner = expression();
        if (!inner || !expect(Token::kRightParen, {Token::kRightParen})) return nullptr;
        return inner;
      }
      case Token::kLeftBracket:
        return list();
      case Token::kLeftBrace:
        return map();
      case Token::kDot:
      case Token::kIdentifier:
        return name();
      default:
        return literal();
    }
  }

  ExprPtr name() {
    if (take(Token::kDot) && token() != Token::kIdentifier) {
      issues_.add(word().at,
                  cat("Syntax error: no viable alternative at input '.", text(word()), "'"));
      return nullptr;
    }
    const Word first = word();
    std::size_t ahead = 1;
    while (token(ahead) == Token::kDot && token(ahead + 1) == Token::kIdentifier) ahead += 2;
    if (token(ahead) == Token::kLeftBrace) return message(ahead);
    std::string text_of = text(first);
    ++next_;
    if (is_reserved(text_of)) {
      issues_.add(first.at, "reserved identifier: " + text_of);
      return nullptr;
    }
    if (token() != Token::kLeftParen) return make_ident(first.at, std::move(text_of));
    auto call = make_call(word().at, std::move(text_of));
    ++next_;
    if (!arguments(*call)) return nullptr;
    return expand(std::move(call));
  }

  // A message: its name is the next `words` words.
  ExprPtr message(std::size_t words) {
    auto out = std::make_unique<Expr>();
    out->kind = ExprKind::kMessage;
    for (std::size_t i = 0; i < words; ++i) out->name += text(word(i));
    next_ += words;
    out->at = word().at;
    ++next_;
    while (token() != Token::kRightBrace) {
      if (token() == Token::kComma && token(1) == Token::kRightBrace) {
        ++next_;
        break;
      }
      Entry entry;
      entry.optional = take(Token::kQuestion);
      if (token() != Token::kIdentifier &&
          !sync({Token::kRightBrace, Token::kComma, Token::kQuestion, Token::kIdentifier,
                 Token::kEscaped}))
        return nullptr;
      entry.field = text(word());
      ++next_;
      entry.at = word().at;
      if (!expect(Token::kColon, {Token::kColon})) return nullptr;
      entry.value = expression();
      if (!entry.value) return nullptr;
      out->entries.push_back(std::move(entry));
      if (!take(Token::kComma)) break;
    }
    if (!expect(Token::kRightBrace, {Token::kRightBrace, Token::kComma})) return nullptr;
    return finish(std::move(out));
  }

  ExprPtr list() {
    auto out = make_list(word().at, {});
    ++next_;
    if (!sync(operand_or({Token::kRightBracket, Token::kComma, Token::kQuestion}))) return nullptr;
    while (token() != Token::kRightBracket) {
      if (token() == Token::kComma && token(1) == Token::kRightBracket) {
        ++next_;
        break;
      }
      out->optional_args.push_back(take(Token::kQuestion));
      ExprPtr item = expression();
      if (!item) return nullptr;
      out->args.push_back(std::move(item));
      if (!take(Token::kComma)) break;
    }
    if (!expect(Token::kRightBracket, {Token::kRightBracket, Token::kComma})) return nullptr;
    return finish(std::move(out));
  }

  ExprPtr map() {
    auto out = std::make_unique<Expr>();
    out->kind = ExprKind::kMap;
    out->at = word().at;
    ++next_;
    if (!sync(operand_or({Token::kRightBrace, Token::kComma, Token::kQuestion}))) return nullptr;
    while (token() != Token::kRightBrace) {
      if (token() == Token::kComma && token(1) == Token::kRightBrace) {
        ++next_;
        break;
      }
      Entry entry;
      entry.optional = take(Token::kQuestion);
      entry.key = expression();
      if (!entry.key) return nullptr;
      entry.at = word().at;
      if (!expect(Token::kColon, {Token::kColon})) return nullptr;
      entry.value = expression();
      if (!entry.value) return nullptr;
      out->entries.push_back(std::move(entry));
      if (!take(Token::kComma)) break;
    }
    if (!expect(Token::kRightBrace, {Token::kRightBrace, Token::kComma})) return nullptr;
    return finish(std::move(out));
  }

  ExprPtr literal() {
    const std::size_t at = word().at;
    std::string sign;
    if (take(Token::kMinus)) sign = "-";
    const Word number = word();
    ++next_;
    std::optional<Value> value;
    std::string_view wrong;
    switch (number.token) {
      case Token::kTrue:
        value = Value::of(true);
        break;
      case Token::kFalse:
        value = Value::of(false);
        break;
      case Token::kNull:
        value = Value();
        break;
      case Token::kInt:
        value = int_literal(sign + text(number));
        wrong = "invalid int literal";
        break;
      case Token::kUint:
        value = uint_literal(text(number));
        wrong = "invalid uint literal";
        break;
      case Token::kFloat:
        value = double_literal(sign + text(number));
        wrong = "invalid double literal";
        break;
      case Token::kString:
      case Token::kBytes:
        value = text_literal(
            std::u32string_view(source_.points()).substr(number.at, number.end - number.at));
        wrong = "unable to unescape string";
        break;
      default:
        --next_;
        sync({Token::kTrue, Token::kFalse, Token::kNull, Token::kFloat, Token::kInt, Token::kUint,
              Token::kString, Token::kBytes});
        return nullptr;
    }
    if (!value) {
      issues_.add(at, std::string(wrong));
      return nullptr;
    }
    return make_const(at, std::move(*value));
  }

  const Source& source_;
  Issues& issues_;
  std::vector<Word> words_;
  std::size_t next_ = 0;
  int nesting_ = 0;
};

}  // namespace

ExprPtr parse(const Source& source, Issues& issues) {
  if (source.points().size() > kLongestExpression) {
    issues.add(0, cat("expression code point size exceeds limit: size: ", source.points().size(),
                      ", limit ", kLongestExpression));
    return nullptr;
  }
  ExprPtr out = Parser(source, issues).parse_all();
  return issues.empty() ? std::move(out) : nullptr;
}

}  // namespace kpp::cel
