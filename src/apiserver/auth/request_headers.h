// Users that a proxy in front of the server speaks for: it shows a certificate of its own and names
// the user in headers.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "apiserver/auth/user.h"
#include "net/http.h"

namespace kpp::apiserver {

// The flags --requestheader-*.
struct RequestHeaderOptions {
  std::string client_ca_pem;               // empty: no proxy is believed
  std::vector<std::string> allowed_names;  // common names of proxies; empty: any
  std::vector<std::string> username_headers;
  std::vector<std::string> uid_headers;
  std::vector<std::string> group_headers;
  std::vector<std::string> extra_header_prefixes;
};

// The user that the headers name; nullopt if the peer is no proxy that may say so, or says nothing.
// The headers are taken out of the request then, so that nobody after this believes them again.
std::optional<User> user_of_request_headers(const RequestHeaderOptions& options,
                                            net::Request& request);

}  // namespace kpp::apiserver
