#include "apiserver/handlers/common.h"

#include "api/corev1.h"
#include "api/proto_codec.h"
#include "apiserver/admission/admission.h"
#include "apiserver/conversion.h"
#include "apiserver/errors.h"
#include "apiserver/registry/strategy.h"
#include "apiserver/service_claims.h"
#include "apiserver/table/table.h"
#include "codec/yaml.h"

namespace kpp::apiserver {
namespace {

constexpr std::chrono::seconds kRequestTimeout{60};
// For a version that a client asks for and that this server does not know of.
constexpr std::chrono::seconds kVersionTimeout{3};

net::SharedBytes shared(std::string text) {
  return std::make_shared<const std::string>(std::move(text));
}

std::string partial_metadata(const ServedResource& served, const CachedObject& object,
                             std::string_view version) {
  const api::Object typed = decode_cached(served, object);
  const auto meta = bare_metadata(served, typed);
  std::string out = cat(R"({"kind":"PartialObjectMetadata","apiVersion":"meta.k8s.io/)", version,
                        R"(","metadata":)");
  api::to_json(out, metav1::ObjectMeta::desc(), &meta);
  return out + "}";
}

}  // namespace

std::string Call::field_manager() const {
  if (const auto* manager = query.find("fieldManager"); manager != nullptr && !manager->empty())
    return *manager;
  const std::string_view agent = request.headers.get("User-Agent");
  std::string out(agent.substr(0, agent.find('/')));
  if (out.size() > 128) out.resize(128);
  return out.empty() ? "unknown" : out;
}

// --- answers

void add_warnings(net::Response& response, const Call& call) {
  for (const auto& warning : call.warnings)
    response.headers.add("Warning", cat("299 - ", quoted(warning)));
}

net::Response respond_json(int status, std::string body) {
  return net::Response::text(status, "application/json", std::move(body));
}

net::Response respond_status(const Status& status, const Call* call) {
  // ApiServer gives it the media type that the client takes.
  net::Response out = respond_json(status.code(), status_body(status) + "\n");
  if (status.details().retry_after_seconds > 0) {
    out.headers.set("Retry-After", cat(status.details().retry_after_seconds));
  }
  if (call != nullptr) add_warnings(out, *call);
  return out;
}

api::Object to_served(const ServedResource& served, api::Object storage_object) {
  return served.storage == &served ? std::move(storage_object)
                                   : convert(storage_object, *served.type);
}

api::Object to_storage(const ServedResource& served, api::Object object) {
  return served.storage == &served ? std::move(object) : convert(object, *served.storage->type);
}

api::Object decode_cached(const ServedResource& served, const CachedObject& object) {
  api::Object out(*served.storage->type);
  (void)api::from_json_text(*object.json, *served.storage->type, out.data());
  return to_served(served, std::move(out));
}

metav1::ObjectMeta bare_metadata(const ServedResource& served, const api::Object& object) {
  metav1::ObjectMeta out = *api::metadata(*served.type, object.data());
  for (const auto name : served.strategy->made_annotations)
    out.annotations.erase(std::string(name));
  return out;
}

net::SharedBytes served_json(const ServedResource& served, const CachedObject& object) {
  if (served.storage == &served) return object.json;
  const api::Object converted = decode_cached(served, object);
  std::string text;
  api::to_json(text, *served.type, converted.data());
  return shared(std::move(text));
}

Status check_include_object(const Call& call) {
  const std::string_view include = call.query.get("includeObject");
  if (call.accept.form != Form::kTable || include.empty() || include == "Metadata" ||
      include == "Object" || include == "None") {
    return {};
  }
  return bad_request(cat("Unable to convert to Table as requested: includeObject: Invalid value: ",
                         quoted(include), ": must be 'Metadata', 'Object', 'None', or empty"));
}

net::Response respond_object(Call& call, int status, const CachedObject& object) {
  const ServedResource& served = *call.resource;
  net::Response out;
  if (Status s = check_include_object(call); !s.ok()) return respond_status(s, &call);
  if (call.accept.form == Form::kTable) {
    const api::Object typed = decode_cached(served, object);
    const std::string_view include = call.query.get("includeObject");
    const TableRow row = table_row(typed, call.core.executor.wall());
    std::string text =
        cat(R"({"kind":"Table","apiVersion":"meta.k8s.io/)", call.accept.form_version,
            R"(","metadata":{"resourceVersion":")", object.revision, R"("},"columnDefinitions":)",
            table_columns(*served.type), R"(,"rows":[{"cells":)", row.cells);
    if (!row.conditions.empty()) text += cat(",\"conditions\":", row.conditions);
    text += ",\"object\":";
    if (include == "None") {
      text += "null";
    } else if (include == "Object") {
      text += *served_json(served, object);
    } else {
      text += partial_metadata(served, object, call.accept.form_version);
    }
    text += "}]}";
    out = respond_json(status, text + "\n");
    add_warnings(out, call);
    return out;
  }
  if (call.accept.form == Form::kPartialMetadataList) {
    return respond_status(
        Status(Reason::kNotAcceptable, cat("you requested PartialObjectMetadataList, but the "
                                           "requested object is not a list (*core.",
                                           served.kind(), ")")),
        nullptr);
  }
  net::SharedBytes bytes = call.accept.form == Form::kPartialMetadata
                               ? shared(partial_metadata(served, object, call.accept.form_version))
                               : served_json(served, object);
  if (call.accept.media == MediaType::kProtobuf) {
    const api::Object typed = decode_cached(served, object);
    if (call.accept.form == Form::kPartialMetadata) {
      metav1::PartialObjectMetadata partial;
      partial.metadata = bare_metadata(served, typed);
      out = net::Response::text(status, call.accept.content_type(),
                                api::to_envelope(partial.desc(), &partial));
    } else {
      out = net::Response::text(status, call.accept.content_type(),
                                api::to_envelope(*served.type, typed.data()));
    }
  } else if (call.accept.media == MediaType::kYaml || call.accept.pretty) {
    const auto document = json::parse(*bytes);
    out = net::Response::text(status, call.accept.content_type(),
                              !document ? *bytes
                              : call.accept.media == MediaType::kYaml
                                  ? yaml::write(*document)
                                  : json::write_pretty(*document) + "\n");
  } else {
    static const auto kNewline = shared("\n");
    out.status = status;
    out.headers.add("Content-Type", "application/json");
    out.body.push_back(std::move(bytes));
    out.body.push_back(kNewline);
  }
  add_warnings(out, call);
  return out;
}

namespace {

std::string typed_table(const Call& call, const api::Object& object) {
  const TableRow row = table_row(object, call.core.executor.wall());
  const auto& meta = *api::metadata(object.desc(), object.data());
  std::string out = cat(R"({"kind":"Table","apiVersion":"meta.k8s.io/)", call.accept.form_version,
                        R"(","metadata":{"resourceVersion":)", quoted(meta.resource_version),
                        R"(},"columnDefinitions":)", table_columns(object.desc()),
                        R"(,"rows":[{"cells":)", row.cells, ",\"object\":");
  const std::string_view include = call.query.get("includeObject");
  if (include == "None") {
    out += "null";
  } else if (include == "Object") {
    api::to_json(out, object.desc(), object.data());
  } else {
    metav1::PartialObjectMetadata partial;
    partial.metadata = meta;
    out += api::to_json(partial);
  }
  return out + "}]}\n";
}

}  // namespace

net::Response respond_typed(Call& call, int status, const api::Object& object) {
  net::Response out;
  const bool has_metadata = api::metadata(object.desc(), object.data()) != nullptr;
  if (call.accept.form == Form::kTable && has_metadata) {
    if (Status s = check_include_object(call); !s.ok()) return respond_status(s, &call);
    out = respond_json(status, typed_table(call, object));
    add_warnings(out, call);
    return out;
  }
  if (call.accept.form == Form::kPartialMetadata && has_metadata) {
    metav1::PartialObjectMetadata partial;
    partial.metadata = *api::metadata(object.desc(), object.data());
    call.accept.form = Form::kObject;
    return respond_typed(call, status, api::Object::of(partial));
  }
  if (call.accept.media == MediaType::kProtobuf) {
    out = net::Response::text(status, call.accept.content_type(),
                              api::to_envelope(object.desc(), object.data()));
  } else {
    std::string text;
    api::to_json(text, object.desc(), object.data());
    if (call.accept.media == MediaType::kYaml || call.accept.pretty) {
      const auto document = json::parse(text);
      if (document)
        text = call.accept.media == MediaType::kYaml ? yaml::write(*document)
                                                     : json::write_pretty(*document);
    }
    if (call.accept.media == MediaType::kJson) text += '\n';
    out = net::Response::text(status, call.accept.content_type(), std::move(text));
  }
  add_warnings(out, call);
  return out;
}

// --- store

Status admit_action(Call& call, api::Object& object) {
  AdmissionRequest request;
  request.resource = call.resource;
  request.subresource = call.info.subresource;
  request.namespace_ = call.info.namespace_;
  request.name = call.info.name;
  request.user = &call.user;
  request.dry_run = call.dry_run();
  request.now = call.core.executor.wall();
  request.warnings = &call.warnings;
  request.audit = call.audit;
  KPP_RETURN_IF_ERROR(call.core.admission.mutate(object, request));
  return call.core.admission.validate(object, request);
}

namespace {

// Nobody asked for the revision, so it is not too large: a busy server answers late, not with an
// error.
async::Task<Status> wait_until_seen(Call& call, store::Revision revision) {
  if (call.core.cache.revision() >= revision) co_return Status();
  const bool seen = co_await call.core.cache.wait_for(revision, kRequestTimeout, call.stop);
  if (!seen) co_return timed_out();
  co_return Status();
}

}  // namespace

async::Task<Status> freshen(Call& call) {
  const auto newest = co_await call.core.store.newest(call.stop);
  if (!newest) co_return newest.error();
  co_return co_await wait_until_seen(call, *newest);
}

async::Task<Status> reach(Call& call, store::Revision revision) {
  const auto known = call.core.store.revision();
  if (revision > known) {
    const bool seen = co_await call.core.cache.wait_for(revision, kVersionTimeout, call.stop);
    if (!seen) co_return too_large_version(revision, call.core.cache.revision());
  }
  co_return co_await wait_until_seen(call, known);
}

CachedRef cached(const Call& call) {
  return call.core.cache.cache(*call.resource)
      .find(call.resource->store_key(call.info.namespace_, call.info.name));
}

namespace {

constexpr std::size_t kUsualSize = 4096;  // of an object's JSON

std::chrono::seconds time_to_live(const Call& call, const ServedResource& storage) {
  return storage.name() == "events" ? call.core.event_ttl : std::chrono::seconds(0);
}

net::SharedBytes stored_form(const ServedResource& storage, const api::Object& object) {
  std::string text;
  text.reserve(kUsualSize);
  api::to_json(text, *storage.type, object.data());
  return shared(std::string(text));  // as much memory as it needs: the store keeps it for a while
}

}  // namespace

async::Task<Result<Written>> store_new(Call& call, const ServedResource& resource,
                                       const api::Object& object) {
  api::Object converted;
  if (resource.storage != &resource) converted = convert(object, *resource.storage->type);
  const api::Object& stored = converted ? converted : object;
  const auto& meta = *api::metadata(stored.desc(), stored.data());
  const net::SharedBytes bytes = stored_form(*resource.storage, stored);
  Written out;
  out.created = true;
  if (call.dry_run()) {
    auto preview = std::make_shared<CachedObject>();
    preview->json = bytes;
    out.object = std::move(preview);
    co_return out;
  }
  std::string key = resource.store_key(meta.namespace_, meta.name);
  store::Write write{.key = key,
                     .value = bytes,
                     .expected_revision = 0,
                     .ttl = time_to_live(call, *resource.storage)};
  auto revision = co_await call.core.store.write(std::move(write), call.stop);
  if (!revision) {
    if (revision.error().is(Reason::kAlreadyExists) || revision.error().is(Reason::kConflict)) {
      co_return fail(already_exists(resource.group, resource.name(), meta.name));
    }
    co_return fail(std::move(revision).error());
  }
  out.object = WatchCache::make_object(*resource.storage, stored, *bytes, *revision);
  call.core.cache.offer(std::move(key), out.object);
  co_return out;
}

async::Task<Result<Written>> store_changed(Call& call, const ServedResource& resource,
                                           api::Object object, CachedRef current) {
  api::Object stored = to_storage(resource, std::move(object));
  auto& meta = *api::metadata(stored);
  meta.resource_version.clear();
  const net::SharedBytes bytes = stored_form(*resource.storage, stored);
  Written out;
  auto after = WatchCache::make_object(*resource.storage, stored, *bytes, current->revision);
  if (call.dry_run() || *after->json == *current->json) {
    // Nothing changed: no write, the revision stays.
    out.object = after;
    co_return out;
  }
  std::string key = resource.store_key(meta.namespace_, meta.name);
  store::Write write{.key = key,
                     .value = bytes,
                     .expected_revision = current->revision,
                     .ttl = time_to_live(call, *resource.storage)};
  auto revision = co_await call.core.store.write(std::move(write), call.stop);
  if (!revision) {
    if (revision.error().is(Reason::kNotFound)) {
      co_return fail(not_found(resource.group, resource.name(), meta.name));
    }
    if (revision.error().is(Reason::kConflict)) {
      co_return fail(modified_conflict(resource.group, resource.name(), meta.name));
    }
    co_return fail(std::move(revision).error());
  }
  out.object = WatchCache::make_object(*resource.storage, stored, *bytes, *revision);
  call.core.cache.offer(std::move(key), out.object);
  co_return out;
}

async::Task<Result<store::Revision>> store_removed(Call& call, const ServedResource& resource,
                                                   CachedRef current) {
  if (call.dry_run()) co_return current->revision;
  store::Write write;
  write.key = resource.store_key(current->namespace_, current->name);
  write.expected_revision = current->revision;
  auto revision = co_await call.core.store.write(std::move(write), call.stop);
  if (!revision) {
    if (revision.error().is(Reason::kNotFound)) {
      co_return fail(not_found(resource.group, resource.name(), current->name));
    }
    if (revision.error().is(Reason::kConflict)) {
      co_return fail(modified_conflict(resource.group, resource.name(), current->name));
    }
    co_return revision;
  }
  if (call.core.claims != nullptr && resource.type == &corev1::Service::desc()) {
    const api::Object last = decode_cached(resource, *current);
    const auto& service = *last.as<corev1::Service>();
    co_await call.core.claims->release(service, ServiceClaims::held(service, nullptr), {});
  }
  co_return revision;
}

}  // namespace kpp::apiserver
