#include "api/selectors.h"

#include <algorithm>
#include <charconv>
#include <optional>

namespace kpp::api {
namespace {

using Operator = LabelSelector::Operator;

bool alnum(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool name_shaped(std::string_view text) {
  if (text.empty() || !alnum(text.front()) || !alnum(text.back())) return false;
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return alnum(c) || c == '-' || c == '_' || c == '.'; });
}

constexpr std::string_view kNameRule =
    "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an "
    "alphanumeric character "
    "(e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is "
    "'([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";

// What is wrong with a label's key, in the original's words; empty: nothing.
std::string key_fault(std::string_view key) {
  const auto slash = key.find('/');
  std::string_view name = key;
  if (slash != std::string_view::npos) {
    if (key.find('/', slash + 1) != std::string_view::npos) {
      return cat("a valid label key ", kNameRule,
                 " with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')");
    }
    if (slash == 0) return "prefix part must be non-empty";
    const std::string_view prefix = key.substr(0, slash);
    bool fine = prefix.size() <= 253;
    std::size_t begin = 0;
    while (fine && begin <= prefix.size()) {
      const auto dot = std::min(prefix.find('.', begin), prefix.size());
      const std::string_view part = prefix.substr(begin, dot - begin);
      fine = name_shaped(part) && std::none_of(part.begin(), part.end(), [](char c) {
               return c == '_' || (c >= 'A' && c <= 'Z');
             });
      begin = dot + 1;
    }
    if (!fine) {
      return "prefix part a lowercase RFC 1123 subdomain must consist of lower case alphanumeric "
             "characters, '-' or "
             "'.', and must start and end with an alphanumeric character (e.g. 'example.com', "
             "regex used for "
             "validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
    }
    name = key.substr(slash + 1);
  }
  if (name.empty()) return cat("[name part must be non-empty, name part ", kNameRule, "]");
  if (name.size() > 63) return "name part must be no more than 63 bytes";
  return name_shaped(name) ? std::string() : cat("name part ", kNameRule);
}

std::string value_fault(std::string_view value) {
  if (value.size() > 63) return "must be no more than 63 bytes";
  if (value.empty() || name_shaped(value)) return {};
  return "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or "
         "'.', and must start "
         "and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', "
         "regex used for "
         "validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";
}

std::optional<std::int64_t> number(std::string_view text) {
  std::int64_t out = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return out;
}

Status check(const LabelSelector::Requirement& requirement) {
  const auto invalid = [](std::string_view path, std::string_view value, std::string_view fault) {
    return Status(Reason::kBadRequest, cat(path, ": Invalid value: ", quoted(value), ": ", fault));
  };
  if (const auto fault = key_fault(requirement.key); !fault.empty())
    return invalid("key", requirement.key, fault);
  if (requirement.op == Operator::kGreater || requirement.op == Operator::kLess) {
    for (const auto& value : requirement.values) {
      if (!number(value)) {
        return {Reason::kBadRequest,
                cat("values[0][", requirement.key, "]: Invalid value: ", quoted(value),
                    ": for 'Gt', 'Lt' operators, the value must be an integer")};
      }
    }
  }
  std::size_t i = 0;
  for (const auto& value : requirement.values) {
    if (const auto fault = value_fault(value); !fault.empty()) {
      return invalid(cat("values[", i, "][", requirement.key, "]"), value, fault);
    }
    ++i;
  }
  return {};
}

// Words and signs of a label selector.
class Lexer {
 public:
  enum class Kind : std::uint8_t { kEnd, kWord, kSign };
  struct Token {
    Kind kind = Kind::kEnd;
    std::string_view text;
  };

  explicit Lexer(std::string_view text) : rest_(text) { advance(); }
  const Token& peek() const { return token_; }
  Token take() {
    const Token out = token_;
    advance();
    return out;
  }
  bool at(std::string_view sign) const { return token_.kind == Kind::kSign && token_.text == sign; }
  bool at_word() const { return token_.kind == Kind::kWord; }
  bool at_end() const { return token_.kind == Kind::kEnd; }

 private:
  static bool space(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }
  static bool sign(char c) { return std::string_view("=!(),<>").find(c) != std::string_view::npos; }
  void advance() {
    while (!rest_.empty() && space(rest_.front())) rest_.remove_prefix(1);
    token_ = {};
    if (rest_.empty()) return;
    std::size_t size = 1;
    if (sign(rest_.front())) {
      token_.kind = Kind::kSign;
      if ((rest_.front() == '=' || rest_.front() == '!') && rest_.size() > 1 && rest_[1] == '=')
        size = 2;
    } else {
      token_.kind = Kind::kWord;
      while (size < rest_.size() && !space(rest_[size]) && !sign(rest_[size])) ++size;
    }
    token_.text = rest_.substr(0, size);
    rest_.remove_prefix(size);
  }
  std::string_view rest_;
  Token token_;
};

class Parser {
 public:
  explicit Parser(std::string_view text) : lexer_(text) {}

  Result<std::vector<LabelSelector::Requirement>> parse() {
    std::vector<LabelSelector::Requirement> out;
    while (!lexer_.at_end()) {
      if (!lexer_.at_word() && !lexer_.at("!")) {
        return error("!, identifier, or 'end of string'");
      }
      KPP_ASSIGN(auto requirement, parse_requirement());
      KPP_RETURN_IF_ERROR(check(requirement));
      out.push_back(std::move(requirement));
      if (lexer_.at_end()) break;
      if (!lexer_.at(",")) return error("',' or 'end of string'");
      lexer_.take();
      if (!lexer_.at_word() && !lexer_.at("!")) {
        return fail(Reason::kBadRequest,
                    cat("unable to parse requirement: found ", quote(lexer_.peek().text),
                        ", expected: identifier after ','"));
      }
    }
    return out;
  }

 private:
  static std::string quote(std::string_view text) { return cat("'", text, "'"); }
  std::unexpected<Status> error(std::string_view expected) {
    return fail(Reason::kBadRequest, cat("unable to parse requirement: found ",
                                         quote(lexer_.peek().text), ", expected: ", expected));
  }

  Result<LabelSelector::Requirement> parse_requirement() {
    LabelSelector::Requirement out{{}, Operator::kExists, {}};
    if (lexer_.at("!")) {
      lexer_.take();
      out.op = Operator::kDoesNotExist;
    }
    if (!lexer_.at_word()) return error("identifier");
    out.key = lexer_.take().text;
    if (lexer_.at_end() || lexer_.at(",")) return out;
    if (out.op == Operator::kDoesNotExist) return error("',' or 'end of string'");
    const auto op = lexer_.peek();
    if (op.kind == Lexer::Kind::kWord && (op.text == "in" || op.text == "notin")) {
      out.op = op.text == "in" ? Operator::kIn : Operator::kNotIn;
      lexer_.take();
      return values(std::move(out));
    }
    if (lexer_.at("=") || lexer_.at("==")) {
      out.op = Operator::kEquals;
    } else if (lexer_.at("!=")) {
      out.op = Operator::kNotEquals;
    } else if (lexer_.at(">")) {
      out.op = Operator::kGreater;
    } else if (lexer_.at("<")) {
      out.op = Operator::kLess;
    } else {
      return error("in, notin, =, ==, !=, gt, lt");
    }
    lexer_.take();
    if (lexer_.at_end() || lexer_.at(",")) {
      out.values.insert("");
    } else if (lexer_.at_word()) {
      out.values.emplace(lexer_.take().text);
    } else {
      return error("identifier");
    }
    return out;
  }

  Result<LabelSelector::Requirement> values(LabelSelector::Requirement out) {
    if (!lexer_.at("(")) return error("'('");
    lexer_.take();
    bool word_due = true;
    while (true) {
      if (lexer_.at_word()) {
        if (!word_due) return error("',', or ')'");
        out.values.emplace(lexer_.take().text);
        word_due = false;
      } else if (lexer_.at(",")) {
        if (word_due) out.values.insert("");
        lexer_.take();
        word_due = true;
      } else if (lexer_.at(")")) {
        if (word_due) out.values.insert("");
        lexer_.take();
        return out;
      } else {
        return error("',', ')' or identifier");
      }
    }
  }

  Lexer lexer_;
};

}  // namespace

bool LabelSelector::Requirement::matches(const Labels& labels) const {
  const auto label = labels.find(key);
  const bool has = label != labels.end();
  switch (op) {
    case Operator::kEquals:
    case Operator::kIn:
      return has && values.contains(label->second);
    case Operator::kNotEquals:
    case Operator::kNotIn:
      return !has || !values.contains(label->second);
    case Operator::kExists:
      return has;
    case Operator::kDoesNotExist:
      return !has;
    case Operator::kGreater:
    case Operator::kLess: {
      if (!has || values.empty()) return false;
      const auto value = number(label->second);
      const auto limit = number(*values.begin());
      if (!value || !limit) return false;
      return op == Operator::kGreater ? *value > *limit : *value < *limit;
    }
  }
  return false;
}

std::string LabelSelector::Requirement::to_string() const {
  switch (op) {
    case Operator::kExists:
      return key;
    case Operator::kDoesNotExist:
      return cat("!", key);
    case Operator::kEquals:
      return cat(key, "=", join(values, ","));
    case Operator::kNotEquals:
      return cat(key, "!=", join(values, ","));
    case Operator::kGreater:
      return cat(key, ">", join(values, ","));
    case Operator::kLess:
      return cat(key, "<", join(values, ","));
    case Operator::kIn:
      return cat(key, " in (", join(values, ","), ")");
    case Operator::kNotIn:
      return cat(key, " notin (", join(values, ","), ")");
  }
  return {};
}

LabelSelector LabelSelector::nothing() {
  LabelSelector out;
  out.nothing_ = true;
  return out;
}

Result<LabelSelector> LabelSelector::parse(std::string_view text) {
  KPP_ASSIGN(auto requirements, Parser(text).parse());
  LabelSelector out;
  out.requirements_ = std::move(requirements);
  std::sort(out.requirements_.begin(), out.requirements_.end(),
            [](const auto& a, const auto& b) { return a.key < b.key; });
  return out;
}

Result<LabelSelector> LabelSelector::from(const metav1::LabelSelector& selector) {
  LabelSelector out = of(selector.match_labels);
  for (const auto& expression : selector.match_expressions) {
    Requirement requirement{
        expression.key, Operator::kIn, {expression.values.begin(), expression.values.end()}};
    if (expression.operator_ == "In") {
      requirement.op = Operator::kIn;
    } else if (expression.operator_ == "NotIn") {
      requirement.op = Operator::kNotIn;
    } else if (expression.operator_ == "Exists") {
      requirement.op = Operator::kExists;
    } else if (expression.operator_ == "DoesNotExist") {
      requirement.op = Operator::kDoesNotExist;
    } else {
      return fail(Reason::kBadRequest,
                  cat(quoted(expression.operator_), " is not a valid label selector operator"));
    }
    KPP_RETURN_IF_ERROR(check(requirement));
    out.requirements_.push_back(std::move(requirement));
  }
  return out;
}

Result<LabelSelector> LabelSelector::from(const Opt<metav1::LabelSelector>& selector) {
  if (!selector) return nothing();
  return from(*selector);
}

LabelSelector LabelSelector::of(const Labels& labels) {
  LabelSelector out;
  for (const auto& [key, value] : labels)
    out.requirements_.push_back({key, Operator::kEquals, {value}});
  return out;
}

bool LabelSelector::matches(const Labels& labels) const {
  return !nothing_ &&
         std::all_of(requirements_.begin(), requirements_.end(),
                     [&](const auto& requirement) { return requirement.matches(labels); });
}

std::string LabelSelector::to_string() const {
  std::string out;
  for (const auto& requirement : requirements_) {
    if (!out.empty()) out.push_back(',');
    out += requirement.to_string();
  }
  return out;
}

namespace {

Result<std::string> unescape(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\') {
      if (text[i] == ',' || text[i] == '=') {
        return fail(Reason::kBadRequest,
                    cat("invalid field selector: unescaped character in value: ",
                        quoted(text.substr(i, 1))));
      }
      out.push_back(text[i]);
      continue;
    }
    ++i;
    if (i == text.size() || (text[i] != '\\' && text[i] != ',' && text[i] != '=')) {
      return fail(Reason::kBadRequest, cat("invalid field selector: invalid escape sequence: ",
                                           quoted(text.substr(i - 1, i == text.size() ? 1 : 2))));
    }
    out.push_back(text[i]);
  }
  return out;
}

}  // namespace

Result<FieldSelector> FieldSelector::parse(std::string_view text) {
  FieldSelector out;
  std::size_t begin = 0;
  while (begin < text.size()) {
    std::size_t end = begin;
    while (end < text.size() && text[end] != ',') end += text[end] == '\\' ? 2 : 1;
    end = std::min(end, text.size());
    const std::string_view term = text.substr(begin, end - begin);
    begin = end + 1;
    if (term.empty()) continue;
    std::size_t at = 0;
    while (at < term.size() && term[at] != '=' && !term.substr(at).starts_with("!="))
      at += term[at] == '\\' ? 2 : 1;
    if (at >= term.size()) {
      return fail(Reason::kBadRequest,
                  cat("invalid selector: '", text, "'; can't understand '", term, "'"));
    }
    const std::string_view rest = term.substr(at);
    const bool equals = rest.front() == '=';
    const std::size_t size = rest.starts_with("==") || !equals ? 2 : 1;
    KPP_ASSIGN(std::string value, unescape(rest.substr(size)));
    out.terms.push_back({std::string(term.substr(0, at)), equals, std::move(value)});
  }
  return out;
}

const std::string* FieldSelector::required(std::string_view field) const {
  for (const auto& term : terms) {
    if (term.equals && term.field == field) return &term.value;
  }
  return nullptr;
}

}  // namespace kpp::api
