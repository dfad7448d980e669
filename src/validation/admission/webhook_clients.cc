#include "validation/admission/webhook_clients.h"

#include "validation/formats.h"

namespace kpp::validation {
namespace {

struct Url {
  std::string_view scheme, user, host, query, fragment;
  bool has_user = false;
};

std::string_view cut_from(std::string_view& text, char mark) {
  const auto at = text.find(mark);
  if (at == std::string_view::npos) return {};
  const std::string_view out = text.substr(at + 1);
  text = text.substr(0, at);
  return out;
}

bool is_scheme(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    const bool other = (c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.';
    if (!letter && (i == 0 || !other)) return false;
  }
  return !text.empty();
}

// The parts that the rules look at. Empty `problem`: it is a URL.
Url parse_url(std::string_view text, std::string& problem) {
  Url out;
  for (const char c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      problem = cat("parse ", quoted(text), ": net/url: invalid control character in URL");
      return out;
    }
  }
  const std::string_view whole = text;
  out.fragment = cut_from(text, '#');
  if (const auto colon = text.find(':'); colon == 0) {
    problem = cat("parse ", quoted(whole), ": missing protocol scheme");
    return out;
  } else if (colon != std::string_view::npos && is_scheme(text.substr(0, colon))) {
    out.scheme = text.substr(0, colon);
    text.remove_prefix(colon + 1);
  } else if (colon != std::string_view::npos && text.find('/') > colon) {
    problem = cat("parse ", quoted(whole), ": first path segment in URL cannot contain colon");
    return out;
  }
  out.query = cut_from(text, '?');
  if (!text.starts_with("//")) return out;
  text.remove_prefix(2);
  out.host = text.substr(0, text.find('/'));
  if (const auto at = out.host.rfind('@'); at != std::string_view::npos) {
    out.user = out.host.substr(0, at);
    out.has_user = true;
    out.host.remove_prefix(at + 1);
  }
  return out;
}

}  // namespace

void check_webhook_url(FieldErrors& errors, const FieldPath& at, std::string_view text) {
  constexpr std::string_view kForm = "; desired format: https://host[/path]";
  std::string problem;
  const Url url = parse_url(text, problem);
  if (!problem.empty())
    return errors.required(at, cat("url must be a valid URL: ", problem, kForm));
  if (lower(url.scheme) != "https")
    errors.invalid(at, lower(url.scheme), cat("'https' is the only allowed URL scheme", kForm));
  if (url.host.empty()) errors.invalid(at, url.host, cat("host must be specified", kForm));
  if (url.has_user) errors.invalid(at, url.user, "user information is not permitted in the URL");
  if (!url.fragment.empty())
    errors.invalid(at, url.fragment, "fragments are not permitted in the URL");
  if (!url.query.empty())
    errors.invalid(at, url.query, "query parameters are not permitted in the URL");
}

void check_webhook_service(FieldErrors& errors, const FieldPath& at, std::string_view name,
                           std::string_view namespace_, const std::optional<std::string>& path,
                           std::int32_t port) {
  if (name.empty()) errors.required(at.child("name"));
  if (namespace_.empty()) errors.required(at.child("namespace"));
  if (const Messages why = port_number(port); !why.empty()) {
    errors.invalid(at.child("port"), port, cat("port is not valid: ", join(why, ",")));
  }
  if (!path || path->empty() || *path == "/") return;
  const FieldPath here = at.child("path");
  if (*path == "//") return errors.invalid(here, *path, "segment[0] may not be empty");
  if (!path->starts_with('/')) errors.invalid(here, *path, "must start with a '/'");
  std::string_view rest = std::string_view(*path).substr(1);
  if (rest.ends_with('/')) rest.remove_suffix(1);
  for (std::size_t i = 0;; ++i) {
    const auto slash = rest.find('/');
    const std::string_view step = rest.substr(0, slash);
    if (step.empty()) {
      errors.invalid(here, *path, cat("segment[", i, "] may not be empty"));
    } else {
      for (const auto& why : dns1123_subdomain(step))
        errors.invalid(here, *path, cat("segment[", i, "]: ", why));
    }
    if (slash == std::string_view::npos) return;
    rest.remove_prefix(slash + 1);
  }
}

}  // namespace kpp::validation
