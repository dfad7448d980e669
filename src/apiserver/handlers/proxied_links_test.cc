#include "apiserver/handlers/proxied_links.h"

#include <gtest/gtest.h>

namespace kpp::apiserver {
namespace {

const LinkScope kScope{"/api/v1/namespaces/default/services/web/proxy", "10.244.0.7:80",
                       "192.168.1.12:6443"};

std::string page(std::string_view html) {
  HtmlLinks links(kScope);
  std::string out = links.feed(html);
  return out + links.finish();
}

TEST(ProxiedLink, AbsolutePathsOfTheTargetLeadThroughTheProxy) {
  EXPECT_EQ(proxied_link("/a/b?q=1#f", kScope),
            "/api/v1/namespaces/default/services/web/proxy/a/b?q=1#f");
  EXPECT_EQ(proxied_link("/", kScope), "/api/v1/namespaces/default/services/web/proxy/");
  EXPECT_EQ(proxied_link("http://10.244.0.7:80/x/", kScope),
            "/api/v1/namespaces/default/services/web/proxy/x/");
}

TEST(ProxiedLink, RelativeOnesAndThoseOfOthersStay) {
  for (const std::string_view link :
       {"", "a/b", "?q", "#top", "http://example.org/a", "//example.org/a", "mailto:a@example.org",
        "javascript:go('/x')"}) {
    EXPECT_EQ(proxied_link(link, kScope), link);
  }
}

TEST(ProxiedLink, WhatLeadsThroughTheProxyAlreadyStays) {
  EXPECT_EQ(proxied_link("/api/v1/namespaces/default/services/web/proxy/a", kScope),
            "/api/v1/namespaces/default/services/web/proxy/a");
  // Another service whose name only begins alike.
  EXPECT_EQ(proxied_link("/api/v1/namespaces/default/services/web/proxy2", kScope),
            "/api/v1/namespaces/default/services/web/proxy/api/v1/namespaces/default/services/web/"
            "proxy2");
}

TEST(HtmlLinks, AreRewrittenInTheirAttributesAlone) {
  EXPECT_EQ(page(R"(<p>/a <A class='x' HREF="/a">/a</A><img src=/i.png><br><b href="/c">)"),
            R"(<p>/a <A class='x' HREF="/api/v1/namespaces/default/services/web/proxy/a">/a</A>)"
            R"(<img src=/api/v1/namespaces/default/services/web/proxy/i.png><br><b href="/c">)");
}

TEST(HtmlLinks, ScriptsAndCommentsAreNotTouched) {
  const std::string_view html =
      R"(<!-- <a href="/a"> --><script>if (a < b) x = '<a href="/a">';</script><style><a href="/s"></style>)";
  EXPECT_EQ(page(html), html);
  EXPECT_EQ(page(R"(<script src="/s.js"></script><a href="/a">)"),
            R"(<script src="/api/v1/namespaces/default/services/web/proxy/s.js"></script>)"
            R"(<a href="/api/v1/namespaces/default/services/web/proxy/a">)");
}

TEST(HtmlLinks, AGreaterThanSignInAValueDoesNotEndTheTag) {
  EXPECT_EQ(page(R"(<a title="a>b" href="/a">)"),
            R"(<a title="a>b" href="/api/v1/namespaces/default/services/web/proxy/a">)");
}

TEST(HtmlLinks, ThePiecesOfADocumentDoNotMatter) {
  const std::string_view html =
      R"(<a href="/a"><!--<a href="/a">--><a href='/b'>1 < 2 <script>"/a")"
      R"(</script ><form action = "/f" >)";
  const std::string whole = page(html);
  for (std::size_t cut = 0; cut <= html.size(); ++cut) {
    HtmlLinks links(kScope);
    std::string out = links.feed(html.substr(0, cut));
    out += links.feed(html.substr(cut));
    out += links.finish();
    EXPECT_EQ(out, whole) << cut;
  }
}

TEST(HtmlLinks, ATagThatNeverEndsIsNotHeldForLong) {
  HtmlLinks links(kScope);
  std::string html = R"(<a href=")";
  html.append(HtmlLinks::kMaxTag, '/');
  EXPECT_EQ(links.feed(html), html);
  EXPECT_EQ(links.finish(), "");
}

}  // namespace
}  // namespace kpp::apiserver
