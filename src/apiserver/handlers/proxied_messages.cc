#include "apiserver/handlers/proxied_messages.h"

#include <algorithm>
#include <utility>

#include "net/text.h"

namespace kpp::apiserver {
namespace {

// Headers that are of one connection, of the credential, or set anew are not. Answers are asked for
// as they are, since links in compressed ones could not be read.
bool is_passed_on(std::string_view name) {
  std::string key(name);
  std::ranges::transform(key, key.begin(), net::lower);
  static constexpr std::string_view kOwn[] = {"accept-encoding",
                                              "authorization",
                                              "connection",
                                              "content-length",
                                              "host",
                                              "keep-alive",
                                              "te",
                                              "trailer",
                                              "transfer-encoding",
                                              "upgrade"};
  return !key.starts_with("impersonate-") && !key.starts_with("proxy-") &&
         std::ranges::find(kOwn, key) == std::end(kOwn);
}

std::string host_of(std::string_view address_and_port) {
  const auto colon = address_and_port.rfind(':');
  std::string_view host = address_and_port.substr(0, colon);
  if (host.starts_with("[") && host.ends_with("]")) host = host.substr(1, host.size() - 2);
  return std::string(host);
}

// A page's body, its links rewritten on the way.
class LinkedPage final : public net::BodySource {
 public:
  LinkedPage(LinkScope scope, net::Response& answer)
      : links_(std::move(scope)), first_(answer.body_text()), rest_(std::move(answer.stream)) {}

  async::Task<Result<net::SharedBytes>> next(async::StopToken stop) override {
    // An empty piece would end the body.
    while (!ended_) {
      std::string piece;
      if (!first_.empty()) {
        piece = links_.feed(std::exchange(first_, {}));
      } else {
        net::SharedBytes more;
        if (rest_) {
          KPP_CO_ASSIGN(more, co_await rest_->next(stop));
        }
        ended_ = more == nullptr;
        piece = ended_ ? links_.finish() : links_.feed(*more);
      }
      if (!piece.empty()) co_return std::make_shared<const std::string>(std::move(piece));
    }
    co_return net::SharedBytes();
  }

 private:
  HtmlLinks links_;
  std::string first_;
  std::unique_ptr<net::BodySource> rest_;
  bool ended_ = false;
};

bool is_plain_html(const net::Headers& headers) {
  const std::string_view type = headers.get("Content-Type");
  const std::string_view encoding = headers.get("Content-Encoding");
  return net::equal_ignoring_case(net::trim(type.substr(0, type.find(';'))), "text/html") &&
         (encoding.empty() || encoding == "identity");
}

}  // namespace

net::Request proxied_request(const net::Request& asked, std::string path, const LinkScope& scope) {
  net::Request out;
  out.method = asked.method;
  out.path = std::move(path);
  out.query = asked.query;
  for (const auto& [name, value] : asked.headers.fields()) {
    if (is_passed_on(name)) out.headers.add(name, value);
  }
  const std::string_view host = asked.headers.get("Host");
  out.headers.set("Host", host.empty() ? scope.target_host : std::string(host));
  out.headers.set("X-Forwarded-Uri", cat(scope.prefix, out.path));
  const std::string client = host_of(asked.remote_address);
  const std::string_view before = out.headers.get("X-Forwarded-For");
  out.headers.set("X-Forwarded-For", before.empty() ? client : cat(before, ", ", client));
  return out;
}

net::Response proxied_response(net::Response answer, const LinkScope& scope,
                               std::string_view method) {
  net::Response out;
  out.status = answer.status;
  for (const auto& [name, value] : answer.headers.fields()) {
    if (!is_passed_on(name)) continue;
    out.headers.add(
        name, net::equal_ignoring_case(name, "Location") ? proxied_link(value, scope) : value);
  }
  const bool has_body = method != "HEAD" && answer.status != 204 && answer.status != 304;
  if (has_body && answer.headers.find("Location") == nullptr && is_plain_html(answer.headers)) {
    out.stream = std::make_unique<LinkedPage>(scope, answer);
    return out;
  }
  // The bytes are the same, and so is their number.
  if (const std::string* length = answer.headers.find("Content-Length"))
    out.headers.add("Content-Length", *length);
  out.body = std::move(answer.body);
  out.stream = std::move(answer.stream);
  return out;
}

}  // namespace kpp::apiserver
