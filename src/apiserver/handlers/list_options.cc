#include "apiserver/handlers/list_options.h"

#include "apiserver/errors.h"
#include "apiserver/handlers/common.h"
#include "apiserver/handlers/options.h"
#include "codec/base64.h"
#include "codec/json.h"

namespace kpp::apiserver {
namespace {

bool truthy(const std::string* value) {
  return value != nullptr && *value != "0" && *value != "false" && *value != "False" &&
         *value != "FALSE";
}

void check_match(const Call& call, bool watching, validation::FieldErrors& errors) {
  const std::string_view match = call.query.get("resourceVersionMatch");
  const std::string_view version = call.query.get("resourceVersion");
  const bool has_continue = !call.query.get("continue").empty();
  const bool initial_given = call.query.has("sendInitialEvents");
  const validation::FieldPath at("resourceVersionMatch");
  if (watching) {
    if (has_continue)
      errors.forbidden(at, "resourceVersionMatch is forbidden when continue is provided");
    if (initial_given) {
      if (match.empty()) {
        errors.forbidden(at,
                         "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan");
      } else if (match != "NotOlderThan") {
        errors.not_supported(at, match, {"NotOlderThan"});
      }
    } else if (!match.empty()) {
      errors.forbidden(
          at, "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided");
      if (match != "NotOlderThan") errors.not_supported(at, match, {"NotOlderThan"});
    }
    return;
  }
  if (initial_given) {
    errors.forbidden(validation::FieldPath("sendInitialEvents"),
                     "sendInitialEvents is forbidden for list");
  }
  if (match.empty()) return;
  if (has_continue)
    errors.forbidden(at, "resourceVersionMatch is forbidden when continue is provided");
  if (version.empty())
    errors.forbidden(at, "resourceVersionMatch is forbidden unless resourceVersion is provided");
  if (match != "Exact" && match != "NotOlderThan")
    errors.not_supported(at, match, {"Exact", "NotOlderThan", ""});
  if (match == "Exact" && version == "0") {
    errors.forbidden(at, "resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\"");
  }
}

Status parse_revision(const Call& call, bool watching, ListOptions& out) {
  const std::string_view text = call.query.get("resourceVersion");
  if (text.empty()) return {};
  out.revision_given = true;
  const auto version = parse_resource_version(text);
  if (!version) {
    const std::string& why = version.error().message();
    return watching ? Status(Reason::kUnknown, why).with_code(500)
                    : bad_request(cat("invalid resource version: ", why));
  }
  out.revision = *version;
  return {};
}

// Where a text stops being unpadded base64 of the URL alphabet: its first byte of another, or the
// last one, which is left over.
std::size_t first_fault(std::string_view token) {
  constexpr std::string_view kAlphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  const auto at = token.find_first_not_of(kAlphabet);
  return at == std::string_view::npos ? token.size() - 1 : at;
}

// Whether a key has no empty, "." or ".." step.
bool stays_within(std::string_view key) {
  if (key.starts_with('/')) key.remove_prefix(1);
  if (key.empty()) return true;
  while (true) {
    const auto slash = key.find('/');
    const std::string_view step = key.substr(0, slash);
    if (step.empty() || step == "." || step == "..") return false;
    if (slash == std::string_view::npos) return true;
    key.remove_prefix(slash + 1);
  }
}

Status parse_continue(const Call& call, ListOptions& out) {
  const std::string_view token = call.query.get("continue");
  if (token.empty()) return {};
  const auto invalid = [](std::string_view why) {
    return bad_request(cat("invalid continue token: continue key is not valid: ", why));
  };
  const auto text = base64_url_decode(token);
  if (!text) return invalid(cat("illegal base64 data at input byte ", first_fault(token)));
  const auto document = json::parse(*text);
  if (!document) return invalid(document.error().message());
  const std::string_view version = json::text_at(*document, "v");
  if (version != "meta.k8s.io/v1") {
    return invalid(cat("server does not recognize this encoded version ", version));
  }
  out.revision = json::int_at(*document, "rv");
  if (out.revision == 0)
    return invalid("incorrect encoded start resourceVersion (version meta.k8s.io/v1)");
  const std::string_view start = json::text_at(*document, "start");
  if (start.empty()) return invalid("encoded start key empty (version meta.k8s.io/v1)");
  // A key that leads out of the resource is none.
  if (!stays_within(start)) return invalid(start);
  out.continue_key = start;
  // The token holds the key that follows the last one given: that key and a zero byte.
  if (out.continue_key.back() == '\0') out.continue_key.pop_back();
  return {};
}

}  // namespace

Result<ListOptions> parse_list_options(const Call& call) {
  const bool watching = call.info.verb == "watch";
  ListOptions out;
  KPP_ASSIGN(const auto limit, parse_int(call, "limit"));
  KPP_ASSIGN(const auto timeout, parse_int(call, "timeoutSeconds"));
  out.limit = limit ? std::max<std::int64_t>(*limit, 0) : 0;
  out.timeout_seconds = timeout.value_or(0);
  out.bookmarks = truthy(call.query.find("allowWatchBookmarks"));
  out.send_initial_events_given = call.query.has("sendInitialEvents");
  out.send_initial_events = truthy(call.query.find("sendInitialEvents"));
  out.exact = call.query.get("resourceVersionMatch") == "Exact";
  validation::FieldErrors errors;
  check_match(call, watching, errors);
  if (!errors.empty()) return fail(invalid_options("ListOptions", errors));
  if (!watching) KPP_RETURN_IF_ERROR(parse_continue(call, out));
  if (!out.continue_key.empty()) {
    const std::string_view version = call.query.get("resourceVersion");
    if (!version.empty() && version != "0") {
      return fail(bad_request("specifying resource version is not allowed when using continue"));
    }
    return out;
  }
  KPP_RETURN_IF_ERROR(parse_revision(call, watching, out));
  return out;
}

std::string make_continue_token(store::Revision revision, std::string_view prefix,
                                std::string_view last_key) {
  std::string start(last_key.substr(prefix.size()));
  start += '\0';
  std::string text = cat(R"({"v":"meta.k8s.io/v1","rv":)", revision, ",\"start\":");
  json::write_string(text, start);
  return base64_url_encode(text + "}");
}

Status expired_continue(const Call& call, const Selection& selection) {
  (void)selection;
  (void)call;
  return Status(Reason::kExpired,
                "The provided continue parameter is too old to display a consistent list result. "
                "You can start a new list "
                "without the continue parameter, or use the continue token in this response to "
                "retrieve the remainder of "
                "the results. Continuing with the provided token results in an inconsistent list - "
                "objects that were "
                "created, modified, or deleted between the time the first chunk was returned and "
                "now may show up in the "
                "list.");
}

}  // namespace kpp::apiserver
