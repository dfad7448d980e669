#include "cel/functions.h"

#include "base/check.h"
#include "cel/lib/libraries.h"

namespace kpp::cel {
namespace {

// Reads signatures; they are ours, so a wrong one is a bug of this program.
class SignatureReader {
 public:
  SignatureReader(std::string_view text, std::map<std::string, TypeRef, std::less<>>& types)
      : text_(text), types_(types) {}

  std::string read(Overload& out) {
    const std::size_t open = function_open();
    std::string head(text_.substr(0, open));
    std::size_t dot = std::string::npos;
    int depth = 0;
    for (std::size_t i = 0; i < head.size(); ++i) {
      if (head[i] == '(') ++depth;
      if (head[i] == ')') --depth;
      if (head[i] == '.' && depth == 0) dot = i;
    }
    // "optional.of" is a name; "net.IP.family" is a type and a name.
    if (dot != std::string::npos && is_type(head.substr(0, dot))) {
      out.member = true;
      out.params.push_back(type_of(head.substr(0, dot)));
      head = head.substr(dot + 1);
    }
    at_ = open + 1;
    while (text_[at_] != ')') {
      out.params.push_back(read_type());
      skip(",");
    }
    ++at_;
    skip("->");
    out.result = read_type();
    return head;
  }

 private:
  // The parenthesis that opens the parameters: the last one at depth 0 before the arrow.
  std::size_t function_open() const {
    const std::size_t arrow = text_.find("->");
    std::size_t open = 0;
    int depth = 0;
    for (std::size_t i = 0; i < arrow; ++i) {
      if (text_[i] == '(' && depth++ == 0) open = i;
      if (text_[i] == ')') --depth;
    }
    return open;
  }
  static bool is_type(const std::string& text) {
    static const std::set<std::string, std::less<>> kNamespaces = {"optional", "sets", "cel",
                                                                   "format",   "ip",   "jsonpatch"};
    return !kNamespaces.contains(text);
  }
  void skip(std::string_view what) {
    while (at_ < text_.size() && text_[at_] == ' ') ++at_;
    if (text_.substr(at_).starts_with(what)) at_ += what.size();
    while (at_ < text_.size() && text_[at_] == ' ') ++at_;
  }
  TypeRef type_of(const std::string& text) {
    SignatureReader inner(text, types_);
    return inner.read_type();
  }
  TypeRef read_type() {
    std::string name;
    while (at_ < text_.size() && text_[at_] != '(' && text_[at_] != ')' && text_[at_] != ',' &&
           text_[at_] != ' ')
      name += text_[at_++];
    std::vector<TypeRef> params;
    if (at_ < text_.size() && text_[at_] == '(') {
      ++at_;
      while (text_[at_] != ')') {
        params.push_back(read_type());
        skip(",");
      }
      ++at_;
    }
    if (name == "list") return Type::list(params.at(0));
    if (name == "map") return Type::map(params.at(0), params.at(1));
    if (name == "optional") return Type::optional(params.at(0));
    if (name == "type") return params.empty() ? Type::of(Kind::kType) : Type::type(params[0]);
    if (name.size() == 1) return Type::param(name);
    if (name == "timestamp") return Type::of(Kind::kTimestamp);
    if (name == "duration") return Type::of(Kind::kDuration);
    for (const Kind kind : {Kind::kDyn, Kind::kBool, Kind::kInt, Kind::kUint, Kind::kDouble,
                            Kind::kString, Kind::kBytes}) {
      if (Type::of(kind)->name() == name) return Type::of(kind);
    }
    auto& known = types_[name];
    if (!known) known = Type::opaque(name);
    return known;
  }

  std::string_view text_;
  std::map<std::string, TypeRef, std::less<>>& types_;
  std::size_t at_ = 0;
};

}  // namespace

void FunctionTable::add(std::string_view signature, Value (*call)(Args), CostOf cost) {
  add_operator({}, signature, call, cost);
}

void FunctionTable::add_operator(std::string_view name, std::string_view signature,
                                 Value (*call)(Args), CostOf cost) {
  Overload overload;
  std::string own = SignatureReader(signature, types_).read(overload);
  overload.call = call;
  overload.cost = cost;
  if (!name.empty()) own = name;
  Function& function = functions_[own];
  function.name = own;
  function.overloads.push_back(std::move(overload));
}

const Function* FunctionTable::find(std::string_view name) const {
  const auto it = functions_.find(name);
  return it == functions_.end() ? nullptr : &it->second;
}

TypeRef FunctionTable::find_type(std::string_view name) const {
  const auto it = types_.find(name);
  return it == types_.end() ? nullptr : it->second;
}

bool accepts(const Type& param, const Value& value) {
  switch (param.kind()) {
    case Kind::kDyn:
    case Kind::kParam:
    case Kind::kError:
      return true;
    case Kind::kNull:
      return value.is_null();
    case Kind::kBool:
      return value.as<bool>() != nullptr;
    case Kind::kInt:
      return value.as<std::int64_t>() != nullptr;
    case Kind::kUint:
      return value.as<std::uint64_t>() != nullptr;
    case Kind::kDouble:
      return value.as<double>() != nullptr;
    case Kind::kString:
      return value.text() != nullptr;
    case Kind::kBytes:
      return value.bytes() != nullptr;
    case Kind::kTimestamp:
      return value.as<Timestamp>() != nullptr;
    case Kind::kDuration:
      return value.as<Duration>() != nullptr;
    case Kind::kList:
      return value.list() != nullptr;
    case Kind::kMap:
      return value.map() != nullptr;
    case Kind::kType:
      return value.as<TypeRef>() != nullptr;
    case Kind::kOptional:
      return value.optional() != nullptr &&
             (!*value.optional() || accepts(*param.params()[0], **value.optional()));
    case Kind::kOpaque:
    case Kind::kStruct:
      return value.type_name() == param.name();
  }
  return false;
}

const FunctionTable& standard_functions() {
  static const FunctionTable kTable = [] {
    FunctionTable table;
    for (const Kind kind : {Kind::kBool, Kind::kInt, Kind::kUint, Kind::kDouble, Kind::kString,
                            Kind::kBytes, Kind::kNull, Kind::kTimestamp, Kind::kDuration,
                            Kind::kType, Kind::kList, Kind::kMap, Kind::kOptional})
      table.add_type(Type::of(kind));
    add_operators(table);
    add_conversions(table);
    add_time_functions(table);
    add_text_functions(table);
    add_string_library(table);
    add_optional_library(table);
    add_list_library(table);
    add_set_library(table);
    add_regex_library(table);
    add_url_library(table);
    add_address_library(table);
    add_quantity_library(table);
    add_semver_library(table);
    add_authorizer_library(table);
    add_json_patch_library(table);
    return table;
  }();
  return kTable;
}

}  // namespace kpp::cel
