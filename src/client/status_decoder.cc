#include "client/status_decoder.h"

namespace kpp::client {

Reason reason_for_code(int http_code) {
  switch (http_code) {
    case 400:
      return Reason::kBadRequest;
    case 401:
      return Reason::kUnauthorized;
    case 403:
      return Reason::kForbidden;
    case 404:
      return Reason::kNotFound;
    case 405:
      return Reason::kMethodNotAllowed;
    case 406:
      return Reason::kNotAcceptable;
    case 409:
      return Reason::kConflict;
    case 410:
      return Reason::kExpired;
    case 413:
      return Reason::kRequestEntityTooLarge;
    case 415:
      return Reason::kUnsupportedMediaType;
    case 422:
      return Reason::kInvalid;
    case 429:
      return Reason::kTooManyRequests;
    case 503:
      return Reason::kServiceUnavailable;
    case 504:
      return Reason::kTimeout;
    default:
      return http_code >= 500 ? Reason::kInternalError : Reason::kUnknown;
  }
}

Status status_from_document(const json::Value& document, int http_code) {
  const int code = static_cast<int>(json::int_at(document, "code", http_code));
  Reason reason = reason_from_text(json::text_at(document, "reason"));
  if (reason == Reason::kUnknown) reason = reason_for_code(code);
  StatusDetails details;
  details.name = json::text_at(document, "details.name");
  details.group = json::text_at(document, "details.group");
  details.kind = json::text_at(document, "details.kind");
  details.uid = json::text_at(document, "details.uid");
  details.retry_after_seconds =
      static_cast<int>(json::int_at(document, "details.retryAfterSeconds"));
  const json::Value* causes = json::find(document, "details.causes");
  if (causes && causes->is_array()) {
    for (const auto& cause : causes->get_array()) {
      details.causes.push_back({std::string(json::text_at(cause, "reason")),
                                std::string(json::text_at(cause, "message")),
                                std::string(json::text_at(cause, "field"))});
    }
  }
  return Status(reason, std::string(json::text_at(document, "message")), std::move(details))
      .with_code(code);
}

Status decode_status(int http_code, std::string_view body) {
  const auto document = json::parse(body);
  if (document && json::text_at(*document, "kind") == "Status")
    return status_from_document(*document, http_code);
  constexpr std::size_t kMaxMessage = 2048;
  return Status(reason_for_code(http_code), body.empty() ? cat("the server answered ", http_code)
                                                         : std::string(body.substr(0, kMaxMessage)))
      .with_code(http_code);
}

}  // namespace kpp::client
