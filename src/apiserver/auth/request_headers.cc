#include "apiserver/auth/request_headers.h"

#include <algorithm>

namespace kpp::apiserver {
namespace {

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
  }
  return out;
}

// The first value of the first of the headers that has one.
std::string first_of(const net::Headers& headers, const std::vector<std::string>& names) {
  for (const auto& name : names) {
    if (const auto value = headers.get(name); !value.empty()) return std::string(value);
  }
  return {};
}

bool is_proxy(const RequestHeaderOptions& options, const net::Request& request) {
  const auto& peer = request.peer_certificate;
  if (options.client_ca_pem.empty() || !peer || !peer->of_proxy) return false;
  return options.allowed_names.empty() ||
         std::find(options.allowed_names.begin(), options.allowed_names.end(), peer->common_name) !=
             options.allowed_names.end();
}

void read_extra(const net::Headers& headers, const std::vector<std::string>& prefixes, User& user,
                std::vector<std::string>& used) {
  for (const auto& [name, value] : headers.fields()) {
    const std::string key = lower(name);
    for (const auto& prefix : prefixes) {
      const std::string begin = lower(prefix);
      if (!key.starts_with(begin)) continue;
      user.extra[lower(net::percent_decode(key.substr(begin.size()), false))].push_back(value);
      used.push_back(name);
    }
  }
}

}  // namespace

std::optional<User> user_of_request_headers(const RequestHeaderOptions& options,
                                            net::Request& request) {
  if (!is_proxy(options, request)) return std::nullopt;
  User out;
  out.name = first_of(request.headers, options.username_headers);
  if (out.name.empty()) return std::nullopt;
  out.uid = first_of(request.headers, options.uid_headers);
  for (const auto& name : options.group_headers) {
    for (const auto group : request.headers.all(name)) out.groups.emplace_back(group);
  }
  std::vector<std::string> used;
  for (const auto* names :
       {&options.username_headers, &options.uid_headers, &options.group_headers})
    used.insert(used.end(), names->begin(), names->end());
  read_extra(request.headers, options.extra_header_prefixes, out, used);
  for (const auto& name : used) request.headers.remove(name);
  return out;
}

}  // namespace kpp::apiserver
