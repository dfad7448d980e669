#include "apiserver/errors.h"

#include "base/cat.h"
#include "codec/json.h"

namespace kpp::apiserver {
namespace {

StatusDetails about(std::string_view group, std::string_view resource, std::string_view name) {
  StatusDetails out;
  out.group = group;
  out.kind = resource;
  out.name = name;
  return out;
}

void member(std::string& out, bool& first, std::string_view name, std::string_view value) {
  if (value.empty()) return;
  if (!first) out += ',';
  first = false;
  json::write_string(out, name);
  out += ':';
  json::write_string(out, value);
}

void write_details(std::string& out, const StatusDetails& d) {
  out += "\"details\":{";
  bool first = true;
  member(out, first, "name", d.name);
  member(out, first, "group", d.group);
  member(out, first, "kind", d.kind);
  member(out, first, "uid", d.uid);
  if (!d.causes.empty()) {
    if (!first) out += ',';
    first = false;
    out += "\"causes\":[";
    for (std::size_t i = 0; i < d.causes.size(); ++i) {
      if (i > 0) out += ',';
      out += '{';
      bool first_member = true;
      member(out, first_member, "reason", d.causes[i].type);
      member(out, first_member, "message", d.causes[i].message);
      member(out, first_member, "field", d.causes[i].field);
      out += '}';
    }
    out += ']';
  }
  if (d.retry_after_seconds > 0) {
    if (!first) out += ',';
    out += cat("\"retryAfterSeconds\":", d.retry_after_seconds);
  }
  out += '}';
}

}  // namespace

std::string qualified(std::string_view resource, std::string_view group) {
  return group.empty() ? std::string(resource) : cat(resource, ".", group);
}

Status not_found(std::string_view group, std::string_view resource, std::string_view name) {
  return Status(Reason::kNotFound, cat(qualified(resource, group), " ", quoted(name), " not found"),
                about(group, resource, name));
}

Status already_exists(std::string_view group, std::string_view resource, std::string_view name) {
  return Status(Reason::kAlreadyExists,
                cat(qualified(resource, group), " ", quoted(name), " already exists"),
                about(group, resource, name));
}

Status conflict(std::string_view group, std::string_view resource, std::string_view name,
                std::string_view why) {
  return Status(Reason::kConflict,
                cat("Operation cannot be fulfilled on ", qualified(resource, group), " ",
                    quoted(name), ": ", why),
                about(group, resource, name));
}

Status modified_conflict(std::string_view group, std::string_view resource, std::string_view name) {
  return conflict(group, resource, name,
                  "the object has been modified; please apply your changes to the latest version "
                  "and try again");
}

Status forbidden(std::string_view group, std::string_view resource, std::string_view name,
                 std::string_view why) {
  std::string message =
      name.empty() ? cat(qualified(resource, group), " is forbidden: ", why)
                   : cat(qualified(resource, group), " ", quoted(name), " is forbidden: ", why);
  return Status(Reason::kForbidden, std::move(message), about(group, resource, name));
}

Status unauthorized() { return Status(Reason::kUnauthorized, "Unauthorized"); }

Status bad_request(std::string message) { return Status(Reason::kBadRequest, std::move(message)); }

Status method_not_supported(std::string_view group, std::string_view resource,
                            std::string_view verb) {
  return Status(
      Reason::kMethodNotAllowed,
      cat(verb, " is not supported on resources of kind ", quoted(qualified(resource, group))),
      about(group, resource, ""));
}

Status no_such_resource() {
  return Status(Reason::kNotFound, "the server could not find the requested resource",
                StatusDetails{});
}

Status method_not_allowed() {
  return Status(Reason::kMethodNotAllowed,
                "the server does not allow this method on the requested resource", StatusDetails{});
}

Status unsupported_media_type() {
  return Status(Reason::kUnsupportedMediaType, "415: Unsupported Media Type", StatusDetails{});
}

Status not_acceptable() {
  return Status(
      Reason::kNotAcceptable,
      "406: Not Acceptable\n\nAvailable representations: application/json, application/yaml, "
      "application/vnd.kubernetes.protobuf",
      StatusDetails{});
}

Status internal(std::string_view why) {
  StatusDetails details;
  details.causes.push_back({"", std::string(why), ""});
  return Status(Reason::kInternalError, cat("Internal error occurred: ", why), std::move(details));
}

Status too_old_version(std::int64_t asked, std::int64_t oldest) {
  return Status(Reason::kExpired, cat("too old resource version: ", asked, " (", oldest, ")"));
}

Status too_large_version(std::int64_t asked, std::int64_t current) {
  StatusDetails details;
  details.causes.push_back({"ResourceVersionTooLarge", "Too large resource version", ""});
  details.retry_after_seconds = 1;
  return Status(Reason::kTimeout,
                cat("Timeout: Too large resource version: ", asked, ", current: ", current),
                std::move(details));
}

Status timed_out() {
  return Status(Reason::kTimeout, "Timeout: request did not complete within the allotted timeout",
                StatusDetails{});
}

std::string status_body(const Status& status) {
  std::string out = R"({"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure")";
  if (!status.message().empty()) {
    out += ",\"message\":";
    json::write_string(out, status.message());
  }
  if (const auto reason = reason_text(status.reason()); !reason.empty()) {
    out += ",\"reason\":";
    json::write_string(out, reason);
  }
  if (status.has_details()) {
    out += ',';
    write_details(out, status.details());
  }
  out += cat(",\"code\":", status.code(), "}");
  return out;
}

std::string success_body(const StatusDetails& details) {
  std::string out = R"({"kind":"Status","apiVersion":"v1","metadata":{},"status":"Success",)";
  write_details(out, details);
  return out + "}";
}

}  // namespace kpp::apiserver
