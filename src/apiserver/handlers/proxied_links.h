// Links in what a proxied server answers: rewritten so that they lead through the proxy again.
#pragma once

#include <string>
#include <string_view>

namespace kpp::apiserver {

// What links of one proxied answer are measured by.
struct LinkScope {
  std::string prefix;       // path of the proxy, without a slash at its end: /api/v1/.../proxy
  std::string target_host;  // host:port of the proxied server
  std::string proxy_host;   // the Host that the client asked
};

// A link to an absolute path of the proxied server, under the proxy's path; any other as it is.
std::string proxied_link(std::string_view link, const LinkScope& scope);

// Rewrites the links in the attributes of HTML tags, as far as HTML 4 and 5 define such attributes.
//
// Guarantees: all other bytes come out as they went in; the output does not depend on how the input
// is cut into pieces; no more than one tag of at most kMaxTag bytes is held back (a longer one
// passes as it is).
class HtmlLinks {
 public:
  static constexpr std::size_t kMaxTag = 64u << 10;

  explicit HtmlLinks(LinkScope scope) : scope_(std::move(scope)) {}
  // What can be said after this piece.
  std::string feed(std::string_view piece);
  // What is held back at the end of the document.
  std::string finish();

 private:
  // Text up to the first '<', a tag, or what a script, a style or a comment holds.
  enum class In { kText, kTag, kComment, kRaw, kLongTag };
  void open_tag();
  std::string take_tag();

  LinkScope scope_;
  In in_ = In::kText;
  bool has_value_ = false;  // the tag has an attribute with one, which may be quoted
  char quote_ = 0;          // of the attribute's value that we are in
  std::string held_;        // of the tag, from '<'; in comments and raw text the last bytes
  std::string raw_until_;   // the end tag that ends raw text, e.g. "</script"
};

}  // namespace kpp::apiserver
