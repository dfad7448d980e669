#include "apiserver/audit/trail.h"

#include <algorithm>

#include "apiserver/answer_end.h"
#include "apiserver/audit/document.h"
#include "base/cat.h"
#include "codec/json.h"

namespace kpp::apiserver {
namespace {

constexpr std::size_t kLongestAgent = 1024;
constexpr std::size_t kHead = 64;  // bytes that a kind stands in

void member(std::string& out, std::string_view name, std::string_view value) {
  if (value.empty()) return;
  out += cat(out.ends_with('{') ? "" : ",", "\"", name, "\":");
  json::write_string(out, value);
}

void list(std::string& out, std::string_view name, const std::vector<std::string>& values) {
  if (values.empty()) return;
  out += out.ends_with('{') ? "" : ",";
  json::write_string(out, name);
  out += ":[";
  for (const auto& value : values) {
    if (!out.ends_with('[')) out += ',';
    json::write_string(out, value);
  }
  out += ']';
}

std::string user_text(const User& user) {
  std::string out = "{";
  member(out, "username", user.name);
  member(out, "uid", user.uid);
  list(out, "groups", user.groups);
  if (!user.extra.empty()) {
    out += cat(out.ends_with('{') ? "" : ",", "\"extra\":{");
    for (const auto& [key, values] : user.extra) list(out, key, values);
    out += '}';
  }
  return out + "}";
}

void drop_managed_fields(json::Value& object) {
  auto* metadata = object.is_object() ? object.as_object().if_contains("metadata") : nullptr;
  if (metadata != nullptr && metadata->is_object()) metadata->as_object().erase("managedFields");
}

std::string text_of(json::Value document, bool without_managed_fields) {
  if (without_managed_fields && document.is_object()) {
    drop_managed_fields(document);
    auto* items = document.as_object().if_contains("items");
    if (items != nullptr && items->is_array()) {
      for (auto& item : items->as_array()) drop_managed_fields(item);
    }
  }
  return json::write(document);
}

// Whether an answer is worth reading to see what it says about the request.
bool may_be_status(std::string_view type, std::string_view body, int code) {
  if (code >= 400) return true;
  return type.starts_with("application/json") ? body.starts_with(R"({"kind":"Status",)")
                                              : body.substr(0, kHead).contains("Status");
}

// Where a request came from: what proxies say, and who sent it.
std::vector<std::string> addresses_of(const net::Request& request) {
  std::vector<std::string> out;
  const auto add = [&](std::string_view text) {
    while (text.starts_with(' ')) text.remove_prefix(1);
    while (text.ends_with(' ')) text.remove_suffix(1);
    if (!text.empty() && std::find(out.begin(), out.end(), text) == out.end())
      out.emplace_back(text);
  };
  std::string_view forwarded = request.headers.get("X-Forwarded-For");
  while (!forwarded.empty()) {
    const auto comma = forwarded.find(',');
    add(forwarded.substr(0, comma));
    forwarded = comma == std::string_view::npos ? std::string_view() : forwarded.substr(comma + 1);
  }
  add(request.headers.get("X-Real-Ip"));
  std::string_view remote = request.remote_address;
  if (const auto colon = remote.rfind(':'); colon != std::string_view::npos)
    remote = remote.substr(0, colon);
  if (remote.starts_with('[') && remote.ends_with(']'))
    remote = remote.substr(1, remote.size() - 2);
  add(remote == "in-process" ? "127.0.0.1" : remote);
  return out;
}

}  // namespace

AuditTrail::AuditTrail(Audit& audit, std::string id, const net::Request& request, WallTime received)
    : audit_(audit),
      id_(std::move(id)),
      received_(received),
      uri_(request.query.empty() ? request.path : cat(request.path, "?", request.query)),
      agent_(request.headers.get("User-Agent")),
      addresses_(addresses_of(request)) {
  if (agent_.size() <= kLongestAgent) return;
  agent_.resize(kLongestAgent);
  agent_ += "...TRUNCATED";
}

void AuditTrail::begin(const User& user, const AccessRequest& access) {
  user_ = user;
  access_ = access;
  decision_ = audit_.policy.decide(user, access);
  write(AuditStage::kRequestReceived);
}

void AuditTrail::begin_unknown(const AccessRequest& access) {
  unknown_ = true;
  access_ = access;
  decision_ = audit_.policy.decide({}, access);
}

void AuditTrail::acts_as(const User& user) { acting_ = user; }

void AuditTrail::annotate(std::string key, std::string value) {
  if (decision_.level != AuditLevel::kNone) annotations_.emplace(std::move(key), std::move(value));
}

void AuditTrail::set_request(json::Value document) {
  request_object_ = text_of(std::move(document), decision_.without_managed_fields);
}

void AuditTrail::name_object(std::string_view ns, std::string_view name, std::string_view uid,
                             std::string_view version) {
  if (access_.namespace_.empty()) access_.namespace_ = ns;
  if (access_.name.empty()) access_.name = name;
  uid_ = uid;
  version_ = version;
}

void AuditTrail::read_answer(const net::Response& response) {
  code_ = response.status;
  if (response.body.empty()) return;
  const bool wanted =
      decision_.level == AuditLevel::kRequestResponse && access_.is_resource && !response.stream;
  const std::string_view type = response.headers.get("Content-Type");
  if (!wanted && !may_be_status(type, *response.body.front(), code_)) return;
  auto document = read_document(type, response.body_text());
  if (!document || !document->is_object()) return;
  if (json::text_at(*document, "kind") == "Status") {
    std::string out = "{";
    for (const char* field : {"status", "message", "reason"})
      member(out, field, json::text_at(*document, field));
    if (const auto* details = json::find(*document, "details"))
      out += cat(out.ends_with('{') ? "" : ",", "\"details\":", json::write(*details));
    status_ = out.substr(1);
  }
  if (wanted) response_object_ = text_of(std::move(*document), decision_.without_managed_fields);
}

bool AuditTrail::goes_on() const {
  const std::string_view sub = access_.subresource;
  return access_.verb == "watch" || sub == "log" || sub == "exec" || sub == "attach" ||
         sub == "portforward" || sub == "proxy";
}

void AuditTrail::finish(std::unique_ptr<AuditTrail> trail, net::Response& response) {
  if (trail->decision_.level == AuditLevel::kNone) return;
  trail->read_answer(response);
  if (trail->unknown_) return trail->write(AuditStage::kResponseStarted);
  if (trail->goes_on()) trail->write(AuditStage::kResponseStarted);
  when_over(response, [kept = std::move(trail)] { kept->write(AuditStage::kResponseComplete); });
}

std::string AuditTrail::event(AuditStage stage, WallTime now) const {
  std::string out = R"({"kind":"Event","apiVersion":"audit.k8s.io/v1")";
  member(out, "level", kAuditLevelNames[static_cast<std::size_t>(decision_.level)]);
  member(out, "auditID", id_);
  member(out, "stage", kAuditStageNames[static_cast<std::size_t>(stage)]);
  member(out, "requestURI", uri_);
  member(out, "verb", access_.verb);
  out += cat(",\"user\":", user_text(user_));
  if (acting_) out += cat(",\"impersonatedUser\":", user_text(*acting_));
  list(out, "sourceIPs", addresses_);
  member(out, "userAgent", agent_);
  if (access_.is_resource) {
    std::string about = "{";
    member(about, "resource", access_.resource);
    member(about, "namespace", access_.namespace_);
    member(about, "name", access_.name);
    member(about, "uid", uid_);
    member(about, "apiGroup", access_.group);
    member(about, "apiVersion", access_.version);
    member(about, "resourceVersion", version_);
    member(about, "subresource", access_.subresource);
    out += cat(",\"objectRef\":", about, "}");
  }
  if (code_ != 0) {
    out += cat(R"(,"responseStatus":{"metadata":{},)", status_, status_.empty() ? "" : ",",
               "\"code\":", code_, "}");
  }
  if (stage != AuditStage::kRequestReceived && !request_object_.empty())
    out += cat(",\"requestObject\":", request_object_);
  if (stage == AuditStage::kResponseComplete && !response_object_.empty())
    out += cat(",\"responseObject\":", response_object_);
  member(out, "requestReceivedTimestamp", rfc3339_micro(received_));
  member(out, "stageTimestamp", rfc3339_micro(now));
  if (!annotations_.empty()) {
    out += ",\"annotations\":{";
    for (const auto& [key, value] : annotations_) {
      out += out.ends_with('{') ? "" : ",";
      json::write_string(out, key);
      out += ':';
      json::write_string(out, value);
    }
    out += '}';
  }
  return out + "}\n";
}

void AuditTrail::write(AuditStage stage) {
  if (!decision_.writes(stage)) return;
  const WallTime now = audit_.executor.wall();
  if (const Status written = audit_.file->append(event(stage, now), now); !written.ok())
    audit_.log.error("An audit event was lost", {kv("err", written.to_string())});
}

}  // namespace kpp::apiserver
