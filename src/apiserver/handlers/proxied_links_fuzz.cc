#include <cstddef>
#include <cstdint>
#include <string_view>

#include "apiserver/handlers/proxied_links.h"
#include "base/check.h"

// A page comes out the same however it is cut, and whole where there is nothing to rewrite.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace kpp::apiserver;
  if (size == 0) return 0;
  const std::string_view html(reinterpret_cast<const char*>(data) + 1, size - 1);
  const LinkScope scope{"/p", "10.0.0.1:80", "api"};
  HtmlLinks whole(scope);
  std::string at_once = whole.feed(html);
  at_once += whole.finish();
  const std::size_t cut = data[0] % size;
  HtmlLinks pieces(scope);
  std::string piece_by_piece = pieces.feed(html.substr(0, cut));
  piece_by_piece += pieces.feed(html.substr(cut));
  piece_by_piece += pieces.finish();
  KPP_CHECK(at_once == piece_by_piece, "the pieces of a document matter");
  KPP_CHECK(at_once.size() >= html.size() || html.find("://") != std::string_view::npos ||
                html.find("//") != std::string_view::npos,
            "something of the document is lost");
  return 0;
}
