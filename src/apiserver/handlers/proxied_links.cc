#include "apiserver/handlers/proxied_links.h"

#include <algorithm>
#include <array>

#include "base/cat.h"
#include "net/text.h"

namespace kpp::apiserver {
namespace {

struct LinkAttribute {
  std::string_view tag, attribute;
};
constexpr std::array kLinkAttributes = std::to_array<LinkAttribute>({
    {"a", "href"},           {"applet", "codebase"},   {"area", "href"},
    {"audio", "src"},        {"base", "href"},         {"blockquote", "cite"},
    {"body", "background"},  {"button", "formaction"}, {"command", "icon"},
    {"del", "cite"},         {"embed", "src"},         {"form", "action"},
    {"frame", "longdesc"},   {"frame", "src"},         {"head", "profile"},
    {"html", "manifest"},    {"iframe", "longdesc"},   {"iframe", "src"},
    {"img", "longdesc"},     {"img", "src"},           {"img", "usemap"},
    {"input", "formaction"}, {"input", "src"},         {"input", "usemap"},
    {"ins", "cite"},         {"link", "href"},         {"object", "classid"},
    {"object", "codebase"},  {"object", "data"},       {"object", "usemap"},
    {"q", "cite"},           {"script", "src"},        {"source", "src"},
    {"track", "src"},        {"video", "poster"},      {"video", "src"},
});

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f'; }

std::string lower_case(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), net::lower);
  return out;
}

bool has_link(std::string_view tag, std::string_view attribute) {
  return std::ranges::any_of(kLinkAttributes, [&](const LinkAttribute& known) {
    return known.tag == tag && known.attribute == attribute;
  });
}

// From '<' on: the tag's name in lower case; empty for an end tag, a declaration and the like.
std::string tag_name(std::string_view tag) {
  std::size_t end = 1;
  while (end < tag.size() && !is_space(tag[end]) && tag[end] != '>' && tag[end] != '/') ++end;
  return lower_case(tag.substr(1, end - 1));
}

// The tag with its links rewritten, byte for byte the same otherwise.
std::string with_links(std::string_view tag, const LinkScope& scope) {
  const std::string name = tag_name(tag);
  std::string out(tag.substr(0, 1 + name.size()));
  std::size_t at = out.size();
  const auto copy_while = [&](auto&& wanted) {
    const std::size_t from = at;
    while (at < tag.size() && wanted(tag[at])) ++at;
    out += tag.substr(from, at - from);
    return tag.substr(from, at - from);
  };
  while (at < tag.size()) {
    copy_while([](char c) { return is_space(c) || c == '/' || c == '>'; });
    const std::string attribute = lower_case(
        copy_while([](char c) { return !is_space(c) && c != '=' && c != '>' && c != '/'; }));
    copy_while(is_space);
    if (at >= tag.size() || tag[at] != '=') continue;
    out += tag[at++];
    copy_while(is_space);
    if (at >= tag.size()) break;
    const char quote = tag[at] == '"' || tag[at] == '\'' ? tag[at] : '\0';
    if (quote != 0) out += tag[at++];
    const std::size_t from = at;
    while (at < tag.size() &&
           (quote != 0 ? tag[at] != quote : !is_space(tag[at]) && tag[at] != '>'))
      ++at;
    const std::string_view value = tag.substr(from, at - from);
    out += has_link(name, attribute) ? proxied_link(value, scope) : std::string(value);
    if (quote != 0 && at < tag.size()) out += tag[at++];
  }
  return out;
}

// What a URL starts with, if it names a server: "scheme://host" or "//host".
std::string_view host_of(std::string_view link, std::string_view& rest) {
  std::size_t start = 0;
  if (!link.starts_with("//")) {
    const auto colon = link.find("://");
    if (colon == std::string_view::npos ||
        link.substr(0, colon).find_first_of("/?#") != std::string_view::npos)
      return {};
    start = colon + 1;
  }
  const auto end = std::min(link.find_first_of("/?#", start + 2), link.size());
  rest = link.substr(end);
  return link.substr(start + 2, end - start - 2);
}

}  // namespace

std::string proxied_link(std::string_view link, const LinkScope& scope) {
  std::string_view path = link;
  const std::string_view host = host_of(link, path);
  const bool elsewhere = !host.empty() && host != scope.target_host && host != scope.proxy_host;
  if (elsewhere || !path.starts_with("/") || path.starts_with("//")) return std::string(link);
  const auto end = path.find_first_of("?#");
  const std::string_view bare = path.substr(0, end);
  if (bare == scope.prefix || bare.starts_with(cat(scope.prefix, "/")))
    return std::string(host == scope.proxy_host ? link : path);
  return cat(scope.prefix, path);
}

std::string HtmlLinks::feed(std::string_view piece) {
  std::string out;
  for (const char c : piece) {
    switch (in_) {
      case In::kText:
        if (c != '<') {
          out += c;
          break;
        }
        open_tag();
        break;
      case In::kLongTag:
        out += c;
        if (quote_ != 0) {
          if (c == quote_) quote_ = 0;
        } else if (c == '"' || c == '\'') {
          quote_ = c;
        } else if (c == '>') {
          in_ = In::kText;
        }
        break;
      case In::kTag: {
        // A '<' that no name follows is text.
        const bool opens = held_.size() == 1;
        const bool is_name =
            (net::lower(c) >= 'a' && net::lower(c) <= 'z') || c == '/' || c == '!' || c == '?';
        if (opens && !is_name) {
          out += held_;
          in_ = In::kText;
          held_.clear();
          if (c == '<') {
            open_tag();
          } else {
            out += c;
          }
          break;
        }
        held_ += c;
        if (held_ == "<!--") {
          out += held_;
          held_.clear();
          in_ = In::kComment;
        } else if (quote_ != 0) {
          if (c == quote_) quote_ = 0;
        } else if (c == '"' || c == '\'') {
          // Only a value is quoted.
          if (has_value_) quote_ = c;
        } else if (c == '=') {
          has_value_ = true;
        } else if (c == '>') {
          out += take_tag();
        }
        if (held_.size() > kMaxTag) {
          out += held_;
          held_.clear();
          in_ = In::kLongTag;
        }
        break;
      }
      case In::kComment:
        out += c;
        held_ += c;
        if (held_.size() > 3) held_.erase(0, 1);
        if (held_ == "-->") {
          held_.clear();
          in_ = In::kText;
        }
        break;
      case In::kRaw:
        // The end tag begins when its name was seen; it has no links.
        out += c;
        held_ += net::lower(c);
        if (held_.size() > raw_until_.size()) held_.erase(0, 1);
        if (held_ == raw_until_) {
          held_.clear();
          in_ = In::kLongTag;
          quote_ = 0;
        }
        break;
    }
  }
  return out;
}

void HtmlLinks::open_tag() {
  in_ = In::kTag;
  held_ = '<';
  has_value_ = false;
  quote_ = 0;
}

std::string HtmlLinks::take_tag() {
  std::string out = with_links(held_, scope_);
  const std::string name = tag_name(held_);
  held_.clear();
  in_ = In::kText;
  if (name == "script" || name == "style" || name == "textarea" || name == "title") {
    in_ = In::kRaw;
    raw_until_ = cat("</", name);
  }
  return out;
}

std::string HtmlLinks::finish() {
  std::string out;
  if (in_ == In::kTag) out = std::move(held_);
  held_.clear();
  in_ = In::kText;
  return out;
}

}  // namespace kpp::apiserver
