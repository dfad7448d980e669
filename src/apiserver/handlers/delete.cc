#include "api/corev1.h"
#include "api/metav1.h"
#include "api/proto_codec.h"
#include "apiserver/admission/admission.h"
#include "apiserver/audit/request_object.h"
#include "apiserver/errors.h"
#include "apiserver/handlers/common.h"
#include "apiserver/handlers/handlers.h"
#include "apiserver/handlers/list_options.h"
#include "apiserver/handlers/options.h"
#include "apiserver/handlers/page.h"
#include "apiserver/registry/strategy.h"
#include "apiserver/selection.h"
#include "codec/yaml.h"

namespace kpp::apiserver {
namespace {

constexpr std::string_view kOrphanFinalizer = "orphan";
constexpr std::string_view kForegroundFinalizer = "foregroundDeletion";
constexpr int kTries = 6;

// Any version will do: clients name that of the object's group, of the core group or of
// meta.k8s.io.
Status check_options_kind(std::string_view version, std::string_view kind) {
  if (kind.empty() || version.empty() || kind == "DeleteOptions") return {};
  return bad_request(cat("no kind ", quoted(kind), " is registered for version ", quoted(version),
                         " in scheme \"pkg/apis/meta/internalversion/scheme/register.go:27\""));
}

Result<metav1::DeleteOptions> options_of_envelope(std::string_view bytes) {
  auto envelope = api::parse_envelope(bytes);
  if (!envelope) return fail(bad_request(std::string(envelope.error().message())));
  KPP_RETURN_IF_ERROR(check_options_kind(envelope->api_version, envelope->kind));
  return api::parse_proto<metav1::DeleteOptions>(envelope->raw);
}

Result<metav1::DeleteOptions> options_of_body(const Call& call) {
  KPP_ASSIGN(const MediaType media, body_media(call.request.headers));
  if (media == MediaType::kProtobuf) return options_of_envelope(call.request.body);
  metav1::DeleteOptions out;
  KPP_ASSIGN(const Body body, parse_body(call, ""));
  if (!body.document.is_object()) return out;
  KPP_RETURN_IF_ERROR(check_options_kind(json::text_at(body.document, "apiVersion"),
                                         json::text_at(body.document, "kind")));
  KPP_RETURN_IF_ERROR(api::from_json(body.document, metav1::DeleteOptions::desc(), &out));
  return out;
}

Result<metav1::DeleteOptions> options_of_query(const Call& call) {
  metav1::DeleteOptions out;
  KPP_ASSIGN(const auto grace, parse_int(call, "gracePeriodSeconds"));
  out.grace_period_seconds = grace;
  const std::string_view policy = call.query.get("propagationPolicy");
  if (!policy.empty()) out.propagation_policy = std::string(policy);
  const std::string_view orphan = call.query.get("orphanDependents");
  if (!orphan.empty()) out.orphan_dependents = orphan != "false" && orphan != "0";
  for (const auto value : call.query.all("dryRun")) out.dry_run.emplace_back(value);
  return out;
}

// DeleteOptions from the body, or from the query where there is no body.
Result<metav1::DeleteOptions> parse_options(const Call& call) {
  KPP_ASSIGN(metav1::DeleteOptions out,
             call.request.body.empty() ? options_of_query(call) : options_of_body(call));
  validation::FieldErrors errors;
  const validation::FieldPath at("propagationPolicy");
  if (out.propagation_policy && out.orphan_dependents) {
    errors.invalid(at, *out.propagation_policy,
                   "orphanDependents and deletionPropagation cannot be both set");
  }
  if (out.propagation_policy && *out.propagation_policy != "Background" &&
      *out.propagation_policy != "Foreground" && *out.propagation_policy != "Orphan") {
    errors.not_supported(at, *out.propagation_policy,
                         {"Foreground", "Background", "Orphan", "nil"});
  }
  check_dry_run(errors, out.dry_run);
  if (!errors.empty()) return fail(invalid_options("DeleteOptions", errors));
  note_request_body(call, "DeleteOptions");
  return out;
}

void set_finalizer(std::vector<std::string>& list, std::string_view name, bool wanted) {
  const auto at = std::find(list.begin(), list.end(), name);
  if (wanted && at == list.end()) list.emplace_back(name);
  if (!wanted && at != list.end()) list.erase(at);
}

// Which of the garbage collector's finalizers the object shall carry.
void set_propagation(const Strategy& strategy, const metav1::DeleteOptions& options,
                     metav1::ObjectMeta& meta) {
  const auto has = [&](std::string_view name) {
    return std::find(meta.finalizers.begin(), meta.finalizers.end(), name) != meta.finalizers.end();
  };
  bool orphan = has(kOrphanFinalizer);
  bool foreground = has(kForegroundFinalizer);
  if (options.orphan_dependents) {
    orphan = *options.orphan_dependents;
    foreground = false;
  } else if (options.propagation_policy) {
    orphan = *options.propagation_policy == "Orphan";
    foreground = *options.propagation_policy == "Foreground";
  } else if (!orphan && !foreground) {
    orphan = strategy.orphan_by_default;
  }
  set_finalizer(meta.finalizers, kOrphanFinalizer, orphan);
  set_finalizer(meta.finalizers, kForegroundFinalizer, foreground);
}

// How long the object may go on before it is taken away; 0: now.
std::int64_t grace_of(const Strategy& strategy, const metav1::DeleteOptions& options,
                      const api::Object& object) {
  if (strategy.default_grace == nullptr) return 0;
  const std::int64_t natural = strategy.default_grace(object);
  if (natural == 0) return 0;
  std::int64_t grace = options.grace_period_seconds.value_or(natural);
  if (grace < 0) grace = 1;
  return grace;
}

struct Deleted {
  CachedRef object;   // its last state
  bool gone = false;  // false: it waits for finalizers or its grace period
};

net::SharedBytes encode(const ServedResource& resource, const api::Object& object) {
  std::string text;
  const api::Object stored = to_storage(resource, object);
  api::to_json(text, *resource.storage->type, stored.data());
  return std::make_shared<const std::string>(std::move(text));
}

async::Task<Result<Deleted>> delete_one(Call& call, std::string namespace_, std::string name,
                                        metav1::DeleteOptions options) {
  const ServedResource& resource = *call.resource;
  const Strategy& strategy = *resource.strategy;
  const bool dry = call.dry_run() || !options.dry_run.empty();
  const std::string key = resource.store_key(namespace_, name);
  for (int attempt = 1;; ++attempt) {
    const Status fresh = co_await freshen(call);
    if (!fresh.ok()) co_return fail(fresh);
    const CachedRef current = call.core.cache.cache(resource).find(key);
    if (!current) co_return fail(not_found(resource.group, resource.name(), name));
    api::Object object = decode_cached(resource, *current);
    auto& meta = *api::metadata(object);
    if (options.preconditions) {
      const auto& p = *options.preconditions;
      if (p.uid && *p.uid != meta.uid) {
        co_return fail(conflict(resource.group, resource.name(), name,
                                cat("Precondition failed: UID in precondition: ", *p.uid,
                                    ", UID in object meta: ", meta.uid)));
      }
      if (p.resource_version && *p.resource_version != cat(current->revision)) {
        co_return fail(conflict(
            resource.group, resource.name(), name,
            cat("Precondition failed: ResourceVersion in precondition: ", *p.resource_version,
                ", ResourceVersion in object meta: ", current->revision)));
      }
    }
    AdmissionRequest request;
    request.operation = Operation::kDelete;
    request.resource = &resource;
    request.namespace_ = namespace_;
    request.name = name;
    request.user = &call.user;
    request.old_object = &object;
    request.dry_run = dry;
    request.now = call.core.executor.wall();
    request.warnings = &call.warnings;
    request.audit = call.audit;
    KPP_CO_RETURN_IF_ERROR(call.core.admission.validate_delete(request));

    const std::string before = *encode(resource, object);
    const bool was_deleting = meta.deletion_timestamp.has_value();
    std::int64_t grace = grace_of(strategy, options, object);
    set_propagation(strategy, options, meta);
    const bool is_namespace = object.desc().name == "Namespace";
    bool waits = !meta.finalizers.empty() || grace > 0;
    if (auto* ns = object.as<corev1::Namespace>(); ns != nullptr) {
      waits = waits || (ns->spec.finalizers.size() > 0);
      if (waits) ns->status.phase = "Terminating";
    }
    if (waits) {
      const WallTime now = call.core.executor.wall();
      const std::int64_t had = meta.deletion_grace_period_seconds.value_or(0);
      if (!was_deleting) {
        meta.deletion_timestamp = api::Time::from(now + std::chrono::seconds(grace));
        if (!is_namespace) meta.deletion_grace_period_seconds = grace;
        if (meta.generation > 0) ++meta.generation;
      } else if (options.grace_period_seconds && grace < had) {
        // A shorter grace than the one that runs: counted from when the deletion began.
        meta.deletion_timestamp = api::Time(meta.deletion_timestamp->seconds - had + grace, 0);
        meta.deletion_grace_period_seconds = grace;
      } else {
        grace = had;
      }
      waits = !meta.finalizers.empty() || grace > 0 || is_namespace;
    }
    if (waits) {
      const auto bytes = encode(resource, object);
      if (*bytes == before || dry) {
        co_return Deleted{WatchCache::make_object(*resource.storage, *bytes, current->revision),
                          false};
      }
      auto written = co_await store_changed(call, resource, object, current);
      if (written) co_return Deleted{written->object, false};
      if (!written.error().is(Reason::kConflict) || attempt >= kTries)
        co_return fail(std::move(written).error());
      continue;
    }
    // A kind that knows grace shows that none is left.
    CachedRef last = current;
    if (strategy.default_grace != nullptr) {
      if (!was_deleting) {
        meta.deletion_timestamp = api::Time::from(call.core.executor.wall());
        if (meta.generation > 0) ++meta.generation;
      }
      meta.deletion_grace_period_seconds = 0;
      meta.resource_version.clear();
      last =
          WatchCache::make_object(*resource.storage, *encode(resource, object), current->revision);
    }
    if (dry) co_return Deleted{last, true};
    auto removed = co_await store_removed(call, resource, current);
    if (removed) co_return Deleted{last, true};
    if (!removed.error().is(Reason::kConflict) || attempt >= kTries)
      co_return fail(std::move(removed).error());
  }
}

}  // namespace

async::Task<net::Response> handle_delete(Call& call) {
  auto accept = negotiate(call.request.headers, call.query, true);
  if (!accept) co_return respond_status(accept.error());
  call.accept = *accept;
  auto options = parse_options(call);
  if (!options) co_return respond_status(options.error(), &call);
  if (call.resource->name() == "jobs" && !options->propagation_policy &&
      !options->orphan_dependents) {
    call.warnings.emplace_back(
        "child pods are preserved by default when jobs are deleted; set "
        "propagationPolicy=Background to remove them or set "
        "propagationPolicy=Orphan to suppress this warning");
  }
  auto deleted =
      co_await delete_one(call, call.info.namespace_, call.info.name, std::move(*options));
  if (!deleted) co_return respond_status(deleted.error(), &call);
  const bool shows_object = !deleted->gone || call.resource->type == &corev1::Pod::desc() ||
                            call.resource->type == &corev1::Service::desc() ||
                            call.resource->strategy->answers_deleted_object;
  if (shows_object) co_return respond_object(call, 200, *deleted->object);
  const api::Object object = decode_cached(*call.resource, *deleted->object);
  StatusDetails details;
  details.name = call.info.name;
  details.group = call.resource->group;
  details.kind = call.resource->name();
  details.uid = api::metadata(object.desc(), object.data())->uid;
  net::Response out = respond_json(200, success_body(details) + "\n");
  add_warnings(out, call);
  co_return out;
}

async::Task<net::Response> handle_delete_collection(Call& call) {
  auto accept = negotiate(call.request.headers, call.query, true);
  if (!accept) co_return respond_status(accept.error());
  call.accept = *accept;
  auto options = parse_options(call);
  if (!options) co_return respond_status(options.error(), &call);
  auto list_options = parse_list_options(call);
  if (!list_options) co_return respond_status(list_options.error(), &call);
  auto selection = Selection::parse(call);
  if (!selection) co_return respond_status(selection.error(), &call);
  const Status fresh = co_await freshen(call);
  if (!fresh.ok()) co_return respond_status(fresh, &call);
  std::vector<CachedRef> chosen;
  call.core.cache.cache(*call.resource)
      .each(selection->prefix(), {}, [&](const std::string&, const CachedRef& object) {
        if (list_options->limit > 0 &&
            static_cast<std::int64_t>(chosen.size()) >= list_options->limit)
          return false;
        if (selection->matches(*object)) chosen.push_back(object);
        return true;
      });
  Page page;
  page.items = std::move(chosen);
  page.revision = call.core.cache.revision();
  for (std::size_t i = 0; i < page.items.size(); ++i) {
    const CachedRef object = page.items[i];
    const auto deleted = co_await delete_one(call, object->namespace_, object->name, *options);
    if (!deleted && !deleted.error().is(Reason::kNotFound))
      co_return respond_status(deleted.error(), &call);
  }
  // What was chosen, as it was before.
  co_return respond_page(call, page);
}

}  // namespace kpp::apiserver
