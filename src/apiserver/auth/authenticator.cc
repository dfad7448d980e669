#include "apiserver/auth/authenticator.h"

#include <openssl/crypto.h>

#include <algorithm>

#include "apiserver/errors.h"
#include "base/fs.h"
#include "codec/base64.h"
#include "net/websocket.h"

namespace kpp::apiserver {
namespace {

constexpr const char* kCredentialId = "authentication.kubernetes.io/credential-id";

// The fields of one line of a token file; a field in double quotes may hold commas, "" in it is one
// quote.
std::vector<std::string> csv_fields(std::string_view line) {
  std::vector<std::string> out(1);
  bool quoted_field = false;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (quoted_field) {
      if (c != '"') {
        out.back() += c;
      } else if (i + 1 < line.size() && line[i + 1] == '"') {
        out.back() += '"';
        ++i;
      } else {
        quoted_field = false;
      }
    } else if (c == '"' && out.back().empty()) {
      quoted_field = true;
    } else if (c == ',') {
      out.emplace_back();
    } else {
      out.back() += c;
    }
  }
  return out;
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t' || text.back() == '\r'))
    text.remove_suffix(1);
  return text;
}

// Token in an Authorization header of scheme Bearer; empty: the header is none of ours.
std::string_view bearer_token(std::string_view header) {
  header = trim(header);
  const auto space = header.find(' ');
  if (space == std::string_view::npos) return {};
  const std::string_view scheme = header.substr(0, space);
  static constexpr std::string_view kBearer = "bearer";
  const bool is_bearer =
      std::equal(scheme.begin(), scheme.end(), kBearer.begin(), kBearer.end(), [](char a, char b) {
        return (a >= 'A' && a <= 'Z' ? static_cast<char>(a + ('a' - 'A')) : a) == b;
      });
  if (!is_bearer) return {};
  const std::string_view rest = header.substr(space + 1);
  return rest.substr(0, rest.find(' '));
}

void add_authenticated(User& user) {
  if (user.name != kUserAnonymous && !user.in_group(kGroupAuthenticated))
    user.groups.emplace_back(kGroupAuthenticated);
}

bool same_secret(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

// A token that a browser puts among the protocols of its WebSocket, as it cannot set other headers.
struct ProtocolToken {
  std::string token;   // empty: there was none
  std::string others;  // the list without it
};

Result<ProtocolToken> websocket_token(const net::Request& request) {
  static constexpr std::string_view kPrefix = "base64url.bearer.authorization.k8s.io.";
  ProtocolToken out;
  if (!request.upgradable || !net::wants_websocket(request.headers)) return out;
  bool seen = false;
  for (const auto& protocol : net::websocket_protocols(request.headers)) {
    if (!protocol.starts_with(kPrefix)) {
      out.others += cat(out.others.empty() ? "" : ",", protocol);
      continue;
    }
    auto token = base64_url_decode(std::string_view(protocol).substr(kPrefix.size()));
    if (seen || !token) return fail(unauthorized());
    seen = true;
    out.token = std::move(*token);
  }
  // One must be left to be agreed upon.
  if (!out.token.empty() && out.others.empty()) return fail(unauthorized());
  return out;
}

std::string go_list(const std::vector<std::string>& items) {
  std::string out = "[";
  for (const auto& item : items) out += cat(out.size() > 1 ? " " : "", quoted(item));
  return out + "]";
}

}  // namespace

Result<std::unique_ptr<Authenticator>> Authenticator::make(AuthenticatorOptions options,
                                                           const ServiceAccountTokens* tokens) {
  std::unique_ptr<Authenticator> out(new Authenticator(std::move(options), tokens));
  const std::string& path = out->options_.token_auth_file;
  if (path.empty()) return out;
  KPP_ASSIGN(const std::string text, fs::read_file(path));
  std::size_t number = 0;
  for (std::size_t at = 0; at < text.size();) {
    const auto end = std::min(text.find('\n', at), text.size());
    const std::string_view line = trim(std::string_view(text).substr(at, end - at));
    at = end + 1;
    ++number;
    if (line.empty()) continue;
    const auto fields = csv_fields(line);
    if (fields.size() < 3) {
      return fail(Reason::kInvalid,
                  cat("token file ", quoted(path),
                      " must have at least 3 columns (token, user name, user uid), found ",
                      fields.size(), " in line ", number));
    }
    if (fields[0].empty()) continue;
    User user;
    user.name = fields[1];
    user.uid = fields[2];
    if (fields.size() > 3) {
      std::string_view groups = fields[3];
      while (!groups.empty()) {
        const auto comma = groups.find(',');
        if (comma != 0) user.groups.emplace_back(groups.substr(0, comma));
        if (comma == std::string_view::npos) break;
        groups.remove_prefix(comma + 1);
      }
    }
    out->add_token(fields[0], std::move(user));
  }
  return out;
}

void Authenticator::add_token(std::string token, User user) {
  add_authenticated(user);
  static_tokens_.emplace_back(std::move(token), std::move(user));
}

const User* Authenticator::static_user(std::string_view token) const {
  const User* found = nullptr;
  // All are compared, so that the time tells nothing about which one was near.
  for (const auto& [known, user] : static_tokens_) {
    if (same_secret(known, token)) found = &user;
  }
  return found;
}

std::optional<User> Authenticator::user_of_token(std::string_view token, WallTime now) const {
  if (const User* user = static_user(token)) return *user;
  if (tokens_ != nullptr) {
    if (const auto claims = tokens_->verify(token, now); claims && is_in_force(*claims, now)) {
      User out = ServiceAccountTokens::user_of(*claims);
      add_authenticated(out);
      return out;
    }
  }
  return user_of_sources(token, now);
}

void Authenticator::add_source(TokenSource source) { sources_.push_back(std::move(source)); }

std::optional<User> Authenticator::user_of_sources(std::string_view token, WallTime now) const {
  for (const TokenSource& source : sources_) {
    if (auto user = source(token, now)) {
      add_authenticated(*user);
      return user;
    }
  }
  return std::nullopt;
}

Result<ReviewedToken> Authenticator::review(std::string_view token,
                                            const std::vector<std::string>& audiences,
                                            WallTime now) const {
  const std::vector<std::string> own = {
      tokens_ != nullptr ? tokens_->issuer() : std::string(ServiceAccountTokens::kIssuer)};
  const std::vector<std::string>& wanted = audiences.empty() ? own : audiences;
  const auto common = [&](const std::vector<std::string>& has) {
    std::vector<std::string> out;
    for (const auto& audience : wanted) {
      if (std::find(has.begin(), has.end(), audience) != has.end()) out.push_back(audience);
    }
    return out;
  };
  ReviewedToken out;
  std::optional<User> other;
  if (const User* user = static_user(token)) {
    other = *user;
  } else {
    other = user_of_sources(token, now);
  }
  if (other) {
    // A token that names no audience is good for the API server itself.
    out.audiences = common(own);
    if (out.audiences.empty()) return fail(Reason::kUnauthorized, "invalid bearer token");
    out.user = std::move(*other);
    return out;
  }
  if (tokens_ == nullptr) return fail(Reason::kUnauthorized, "invalid bearer token");
  auto claims = tokens_->claims_of(token, now);
  if (!claims || !is_in_force(*claims, now))
    return fail(Reason::kUnauthorized, "invalid bearer token");
  out.audiences = common(claims->audiences);
  if (out.audiences.empty()) {
    return fail(Reason::kUnauthorized,
                cat("[invalid bearer token, token audiences ", go_list(claims->audiences),
                    " is invalid for the target audiences ", go_list(wanted), "]"));
  }
  out.user = ServiceAccountTokens::user_of(*claims);
  add_authenticated(out.user);
  return out;
}

Result<User> Authenticator::authenticate(net::Request& request, WallTime now) const {
  if (auto user = user_of_request_headers(options_.request_headers, request)) {
    add_authenticated(*user);
    return std::move(*user);
  }
  if (request.peer_certificate && request.peer_certificate->verified &&
      !request.peer_certificate->common_name.empty()) {
    User out;
    out.name = request.peer_certificate->common_name;
    out.groups = request.peer_certificate->organizations;
    if (!request.peer_certificate->sha256.empty())
      out.extra[kCredentialId] = {cat("X509SHA256=", request.peer_certificate->sha256)};
    add_authenticated(out);
    return out;
  }
  if (const std::string_view token = bearer_token(request.headers.get("Authorization"));
      !token.empty()) {
    if (auto user = user_of_token(token, now)) {
      request.headers.remove("Authorization");
      return std::move(*user);
    }
    return fail(unauthorized());
  }
  KPP_ASSIGN(ProtocolToken offered, websocket_token(request));
  if (!offered.token.empty()) {
    auto user = user_of_token(offered.token, now);
    if (!user) return fail(unauthorized());
    request.headers.set("Sec-WebSocket-Protocol", std::move(offered.others));
    return std::move(*user);
  }
  if (!options_.anonymous) return fail(unauthorized());
  User out;
  out.name = kUserAnonymous;
  out.groups = {std::string(kGroupUnauthenticated)};
  return out;
}

}  // namespace kpp::apiserver
