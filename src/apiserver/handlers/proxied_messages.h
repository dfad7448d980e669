// What the proxy subresource makes of requests and answers on their way.
#pragma once

#include <string>
#include <string_view>

#include "apiserver/handlers/proxied_links.h"
#include "net/http.h"

namespace kpp::apiserver {

// The request for the target, at `path`, without its body: with neither the client's credential nor
// what it said of its own connection; X-Forwarded-Uri and X-Forwarded-For say where it comes from.
// It asks for no compression, since links in compressed pages could not be read.
net::Request proxied_request(const net::Request& asked, std::string path, const LinkScope& scope);

// The target's answer to a request of that method for the client: its Location, and the links of an
// HTML page, lead through the proxy.
net::Response proxied_response(net::Response answer, const LinkScope& scope,
                               std::string_view method);

}  // namespace kpp::apiserver
