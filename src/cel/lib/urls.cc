// URLs.
#include <map>

#include "base/cat.h"
#include "cel/lib/costs.h"
#include "cel/lib/libraries.h"

namespace kpp::cel {
namespace {

const TypeRef& url_type() {
  static const TypeRef kType = Type::opaque("kubernetes.URL");
  return kType;
}

struct Parts {
  std::string scheme, host, path, query;
};

class Url final : public Opaque {
 public:
  explicit Url(Parts parts) : parts_(std::move(parts)) {}
  TypeRef type() const override { return url_type(); }
  bool equals(const Opaque& other) const override {
    const auto* url = dynamic_cast<const Url*>(&other);
    return url != nullptr && url->parts_.scheme == parts_.scheme &&
           url->parts_.host == parts_.host && url->parts_.path == parts_.path &&
           url->parts_.query == parts_.query;
  }
  const Parts& parts() const { return parts_; }

 private:
  Parts parts_;
};

bool is_hex(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

// %XX and, in queries, '+'; nullopt if an escape is wrong.
std::optional<std::string> unescape(std::string_view text, bool query) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%') {
      if (i + 2 >= text.size() || !is_hex(text[i + 1]) || !is_hex(text[i + 2])) return std::nullopt;
      out += static_cast<char>(std::stoi(std::string(text.substr(i + 1, 2)), nullptr, 16));
      i += 2;
    } else {
      out += query && text[i] == '+' ? ' ' : text[i];
    }
  }
  return out;
}

std::string error_text(std::string_view text, std::string_view why) {
  return cat("parse ", quoted(text), ": ", why);
}

// The port of "host:port" is digits; what is before it has no characters that hosts have not.
std::string check_host(std::string_view host) {
  std::string_view rest = host;
  if (rest.starts_with('[')) {
    const auto end = rest.find(']');
    if (end == std::string_view::npos) return "missing ']' in host";
    rest.remove_prefix(end + 1);
    if (!rest.empty() && rest[0] != ':') return cat("invalid port ", quoted(rest), " after host");
  } else {
    const auto colon = rest.find_last_of(':');
    if (rest.find(' ') != std::string_view::npos) return "invalid character \" \" in host name";
    rest = colon == std::string_view::npos ? std::string_view() : rest.substr(colon);
  }
  for (std::size_t i = 1; i < rest.size(); ++i) {
    if (!is_digit(rest[i])) return cat("invalid port ", quoted(rest), " after host");
  }
  return "";
}

// An absolute URI or an absolute path, as servers take them. The error is the original's parser's.
std::pair<Parts, std::string> parse_url(const std::string& text) {
  Parts out;
  if (text.empty()) return {out, error_text(text, "empty url")};
  for (const char c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F)
      return {out, error_text(text, "net/url: invalid control character in URL")};
  }
  std::string_view rest = text;
  if (is_letter(rest[0])) {
    std::size_t i = 0;
    while (i < rest.size() && (is_letter(rest[i]) || is_digit(rest[i]) || rest[i] == '+' ||
                               rest[i] == '-' || rest[i] == '.'))
      ++i;
    if (i < rest.size() && rest[i] == ':') {
      for (const char c : rest.substr(0, i))
        out.scheme += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
      rest.remove_prefix(i + 1);
    }
  } else if (rest[0] == ':') {
    return {out, error_text(text, "missing protocol scheme")};
  }
  if (const auto mark = rest.find('?'); mark != std::string_view::npos) {
    out.query = rest.substr(mark + 1);
    rest = rest.substr(0, mark);
  }
  if (!rest.starts_with('/')) {
    if (!out.scheme.empty()) return {out, ""};
    return {out, error_text(text, "invalid URI for request")};
  }
  if (!out.scheme.empty() && rest.starts_with("//")) {
    rest.remove_prefix(2);
    const auto slash = std::min(rest.find('/'), rest.size());
    std::string_view host = rest.substr(0, slash);
    if (const auto at = host.rfind('@'); at != std::string_view::npos) host.remove_prefix(at + 1);
    if (const std::string why = check_host(host); !why.empty()) return {out, error_text(text, why)};
    out.host = host;
    rest.remove_prefix(slash);
  }
  out.path = rest;
  if (!unescape(rest, false)) {
    const auto at = rest.find('%');
    return {out, error_text(text, cat("invalid URL escape ", quoted(rest.substr(at, 3))))};
  }
  return {out, ""};
}

const Parts& parts_of(const Value& value) { return value.opaque<Url>()->parts(); }

Value make_url(Args args) {
  auto [parts, wrong] = parse_url(*args[0].text());
  if (!wrong.empty()) return Value::fail("URL parse error during conversion from string: " + wrong);
  return Value::of(std::shared_ptr<const Opaque>(std::make_shared<const Url>(std::move(parts))));
}

// The host without port and brackets, and the port.
std::pair<std::string, std::string> split_host(const std::string& host) {
  std::string name = host;
  std::string port;
  const auto colon = host.rfind(':');
  if (colon != std::string::npos && host.find(']', colon) == std::string::npos) {
    port = host.substr(colon + 1);
    name = host.substr(0, colon);
  }
  if (name.starts_with('[') && name.ends_with(']')) name = name.substr(1, name.size() - 2);
  return {name, port};
}

std::string escaped_path(const std::string& path) {
  constexpr std::string_view kPlain = "/$&+,:;=@-_.~!'()*%[]";
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string out;
  for (const char c : path) {
    if (is_letter(c) || is_digit(c) || kPlain.find(c) != std::string_view::npos) {
      out += c;
    } else {
      out += '%';
      out += kDigits[static_cast<unsigned char>(c) >> 4];
      out += kDigits[static_cast<unsigned char>(c) & 15];
    }
  }
  return out;
}

Value query_map(Args args) {
  std::map<std::string, std::vector<Value>> found;
  std::string_view rest = parts_of(args[0]).query;
  while (!rest.empty()) {
    const auto end = std::min(rest.find('&'), rest.size());
    const std::string_view pair = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (pair.empty() || pair.find(';') != std::string_view::npos) continue;
    const auto equals = std::min(pair.find('='), pair.size());
    const auto key = unescape(pair.substr(0, equals), true);
    const auto value = unescape(pair.substr(std::min(equals + 1, pair.size())), true);
    if (key && value) found[*key].push_back(Value::of(*value));
  }
  auto out = std::make_shared<ValueMap>();
  for (auto& [key, values] : found) out->add(Value::of(key), Value::of(std::move(values)));
  return Value::of(std::shared_ptr<const Map>(std::move(out)));
}

}  // namespace

void add_url_library(FunctionTable& table) {
  table.add("url(string) -> kubernetes.URL", make_url, cost_walk_first);
  table.add(
      "isURL(string) -> bool",
      [](Args args) { return Value::of(parse_url(*args[0].text()).second.empty()); },
      cost_walk_first);
  table.add("kubernetes.URL.getScheme() -> string",
            [](Args args) { return Value::of(parts_of(args[0]).scheme); });
  table.add("kubernetes.URL.getHost() -> string",
            [](Args args) { return Value::of(parts_of(args[0]).host); });
  table.add("kubernetes.URL.getHostname() -> string",
            [](Args args) { return Value::of(split_host(parts_of(args[0]).host).first); });
  table.add("kubernetes.URL.getPort() -> string",
            [](Args args) { return Value::of(split_host(parts_of(args[0]).host).second); });
  table.add("kubernetes.URL.getEscapedPath() -> string",
            [](Args args) { return Value::of(escaped_path(parts_of(args[0]).path)); });
  table.add("kubernetes.URL.getQuery() -> map(string, list(string))", query_map);
}

}  // namespace kpp::cel
