#include "validation/formats.h"

#include <algorithm>

#include "base/cat.h"

namespace kpp::validation {
namespace {

constexpr std::string_view kSubdomainRegex =
    "[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*";
constexpr std::size_t kLabelLength = 63;
constexpr std::size_t kSubdomainLength = 253;

bool is_lower_or_digit(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }
bool is_alpha(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_alphanumeric(char c) { return is_alpha(c) || (c >= '0' && c <= '9'); }

bool is_label(std::string_view text) {
  if (text.empty() || !is_lower_or_digit(text.front()) || !is_lower_or_digit(text.back()))
    return false;
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return is_lower_or_digit(c) || c == '-'; });
}

bool is_subdomain(std::string_view text) {
  for (;;) {
    const std::size_t dot = text.find('.');
    if (!is_label(text.substr(0, dot))) return false;
    if (dot == std::string_view::npos) return true;
    text.remove_prefix(dot + 1);
  }
}

// ([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]
bool is_plain_name(std::string_view text) {
  if (text.empty() || !is_alphanumeric(text.front()) || !is_alphanumeric(text.back())) return false;
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return is_alphanumeric(c) || c == '-' || c == '_' || c == '.'; });
}

constexpr std::string_view kPlainNameMessage =
    "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an "
    "alphanumeric character";
constexpr std::string_view kPlainNameRegex = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]";

std::string plain_name_message(std::string_view prefix) {
  return cat(prefix,
             regex_message(kPlainNameMessage, kPlainNameRegex, {"MyName", "my.name", "123-abc"}));
}

}  // namespace

std::string max_length_message(std::size_t length) {
  return cat("must be no more than ", length, " characters");
}

std::string regex_message(std::string_view message, std::string_view regex,
                          std::initializer_list<std::string_view> examples) {
  std::string out = cat(message, " (");
  bool first = true;
  for (std::string_view example : examples) {
    out += first ? "e.g. " : " or ";
    first = false;
    out += cat("'", example, "', ");
  }
  return cat(out, "regex used for validation is '", regex, "')");
}

Messages dns1123_label(std::string_view text) {
  Messages out;
  if (text.size() > kLabelLength) out.push_back(max_length_message(kLabelLength));
  if (is_label(text)) return out;
  if (is_subdomain(text)) {
    out.emplace_back("must not contain dots");
  } else {
    out.push_back(regex_message(
        "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', "
        "and must start and end with an alphanumeric character",
        "[a-z0-9]([-a-z0-9]*[a-z0-9])?", {"my-name", "123-abc"}));
  }
  return out;
}

Messages dns1123_subdomain(std::string_view text) {
  Messages out;
  if (text.size() > kSubdomainLength) out.push_back(max_length_message(kSubdomainLength));
  if (!is_subdomain(text)) {
    out.push_back(
        regex_message("a lowercase RFC 1123 subdomain must consist of lower case alphanumeric "
                      "characters, '-' or '.', "
                      "and must start and end with an alphanumeric character",
                      kSubdomainRegex, {"example.com"}));
  }
  return out;
}

Messages dns1035_label(std::string_view text) {
  Messages out;
  if (text.size() > kLabelLength) out.push_back(max_length_message(kLabelLength));
  if (!is_label(text) || !is_alpha(text.front())) {
    out.push_back(regex_message(
        "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with "
        "an alphabetic character, and end with an alphanumeric character",
        "[a-z]([-a-z0-9]*[a-z0-9])?", {"my-name", "abc-123"}));
  }
  return out;
}

Messages wildcard_dns1123_subdomain(std::string_view text) {
  Messages out;
  if (text.size() > kSubdomainLength) out.push_back(max_length_message(kSubdomainLength));
  if (!text.starts_with("*.") || !is_subdomain(text.substr(2))) {
    out.push_back(regex_message(
        "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, "
        "which must consist of lower case alphanumeric characters, '-' or '.' and end with an "
        "alphanumeric character",
        cat("\\*\\.", kSubdomainRegex), {"*.example.com"}));
  }
  return out;
}

Messages fully_qualified_domain_labels(std::string_view text) {
  if (text.empty()) return {"must be non-empty"};
  Messages out = dns1123_subdomain(text.ends_with('.') ? text.substr(0, text.size() - 1) : text);
  if (std::count(text.begin(), text.end(), '.') < 1)
    out.emplace_back("should be a domain with at least two segments separated by dots");
  return out;
}

Messages qualified_name(std::string_view text) {
  Messages out;
  std::string_view name = text;
  const std::size_t slash = text.find('/');
  if (slash != std::string_view::npos) {
    const std::string_view prefix = text.substr(0, slash);
    name = text.substr(slash + 1);
    if (name.find('/') != std::string_view::npos) {
      out.push_back(
          cat(regex_message(cat("a valid label key ", kPlainNameMessage), kPlainNameRegex,
                            {"MyName", "my.name", "123-abc"}),
              " with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"));
      return out;
    }
    if (prefix.empty()) {
      out.emplace_back("prefix part must be non-empty");
    } else {
      for (const std::string& message : dns1123_subdomain(prefix))
        out.push_back(cat("prefix part ", message));
    }
  }
  if (name.empty()) {
    out.emplace_back("name part must be non-empty");
  } else if (name.size() > kLabelLength) {
    out.push_back(cat("name part must be no more than ", kLabelLength, " bytes"));
  }
  if (!is_plain_name(name)) out.push_back(plain_name_message("name part "));
  return out;
}

Messages label_value(std::string_view text) {
  Messages out;
  if (text.size() > kLabelLength)
    out.push_back(cat("must be no more than ", kLabelLength, " bytes"));
  if (!text.empty() && !is_plain_name(text)) {
    out.push_back(regex_message(
        "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or "
        "'.', and must start and end with an alphanumeric character",
        cat("(", kPlainNameRegex, ")?"), {"MyValue", "my_value", "12345"}));
  }
  return out;
}

Messages path_segment_name(std::string_view text) {
  if (text == "." || text == "..") return {cat("may not be '", text, "'")};
  Messages out;
  for (const char c : {'/', '%'}) {
    if (text.find(c) != std::string_view::npos) out.push_back(cat("may not contain '", c, "'"));
  }
  return out;
}

Messages config_key(std::string_view text) {
  Messages out;
  if (text.size() > kSubdomainLength) out.push_back(max_length_message(kSubdomainLength));
  const bool plain = !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return is_alphanumeric(c) || c == '-' || c == '_' || c == '.';
  });
  if (!plain) {
    out.push_back(
        regex_message("a valid config key must consist of alphanumeric characters, '-', '_' or '.'",
                      "[-._a-zA-Z0-9]+", {"key.name", "KEY_NAME", "key-name"}));
  }
  if (text == ".") {
    out.emplace_back("must not be '.'");
  } else if (text == "..") {
    out.emplace_back("must not be '..'");
  } else if (text.starts_with("..")) {
    out.emplace_back("must not start with '..'");
  }
  return out;
}

Messages environment_name(std::string_view text) {
  if (text.empty()) return {"environment variable name must be non-empty"};
  const bool printable = std::all_of(text.begin(), text.end(),
                                     [](char c) { return c >= 0x20 && c <= 0x7e && c != '='; });
  if (printable) return {};
  return {
      "a valid environment variable name must consist only of printable ASCII characters other "
      "than '='"};
}

Messages c_identifier(std::string_view text) {
  const bool good =
      !text.empty() && (is_alpha(text.front()) || text.front() == '_') &&
      std::all_of(text.begin(), text.end(), [](char c) { return is_alphanumeric(c) || c == '_'; });
  if (good) return {};
  return {regex_message(
      "a valid C identifier must start with alphabetic character or '_', followed by a string of "
      "alphanumeric characters or '_'",
      "[A-Za-z_][A-Za-z0-9_]*", {"my_name", "MY_NAME", "MyName"})};
}

Messages http_header_name(std::string_view text) {
  const bool good = !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return is_alphanumeric(c) || c == '-';
  });
  if (good) return {};
  return {regex_message("a valid HTTP header must consist of alphanumeric characters or '-'",
                        "[-A-Za-z0-9]+", {"X-Header-Name"})};
}

Messages in_range(std::int64_t value, std::int64_t low, std::int64_t high) {
  if (value >= low && value <= high) return {};
  return {cat("must be between ", low, " and ", high, ", inclusive")};
}

Messages port_number(std::int64_t port) { return in_range(port, 1, 65535); }

Messages port_name(std::string_view text) {
  Messages out;
  if (text.size() > 15) out.push_back(max_length_message(15));
  const bool charset = !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return is_lower_or_digit(c) || c == '-';
  });
  if (!charset)
    out.emplace_back("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)");
  if (std::none_of(text.begin(), text.end(), [](char c) { return c >= 'a' && c <= 'z'; })) {
    out.emplace_back("must contain at least one letter (a-z)");
  }
  if (text.find("--") != std::string_view::npos)
    out.emplace_back("must not contain consecutive hyphens");
  if (!text.empty() && (text.front() == '-' || text.back() == '-')) {
    out.emplace_back("must not begin or end with a hyphen");
  }
  return out;
}

Messages percent(std::string_view text) {
  const bool good =
      text.size() > 1 && text.back() == '%' &&
      std::all_of(text.begin(), text.end() - 1, [](char c) { return c >= '0' && c <= '9'; });
  if (good) return {};
  return {regex_message("a valid percent string must be a numeric string followed by an ending '%'",
                        "[0-9]+%", {"1%", "93%"})};
}

bool contains(const std::vector<std::string>& list, std::string_view text) {
  return std::find(list.begin(), list.end(), text) != list.end();
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kSpace = " \t\n\v\f\r";
  const std::size_t begin = text.find_first_not_of(kSpace);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kSpace) - begin + 1);
}

}  // namespace kpp::validation
