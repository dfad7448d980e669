#include "apiserver/flow_control_status.h"

#include "apiserver/handlers/common.h"
#include "apiserver/handlers/write.h"

namespace kpp::apiserver {
namespace {

constexpr std::string_view kManager = "api-priority-and-fairness-config-consumer-v1";
constexpr std::string_view kGroup = "flowcontrol.apiserver.k8s.io";
constexpr std::string_view kDangling = "Dangling";
constexpr std::chrono::seconds kRetry{1};

const flowcontrolv1::FlowSchemaCondition* find_condition(const flowcontrolv1::FlowSchema& schema) {
  for (const auto& condition : schema.status.conditions) {
    if (condition.type == kDangling) return &condition;
  }
  return nullptr;
}

bool says_the_same(const flowcontrolv1::FlowSchemaCondition& a,
                   const flowcontrolv1::FlowSchemaCondition& b) {
  return a.status == b.status && a.reason == b.reason && a.message == b.message;
}

void set_condition(flowcontrolv1::FlowSchema& schema,
                   const flowcontrolv1::FlowSchemaCondition& wanted) {
  std::erase_if(schema.status.conditions, [](const auto& c) { return c.type == kDangling; });
  schema.status.conditions.push_back(wanted);
  auto& managers = schema.metadata.managed_fields;
  std::erase_if(managers,
                [](const auto& m) { return m.manager == kManager && m.subresource == "status"; });
  metav1::ManagedFieldsEntry entry;
  entry.manager = kManager;
  entry.operation = "Apply";
  entry.api_version = cat(kGroup, "/v1");
  entry.time = wanted.last_transition_time;
  entry.fields_type = "FieldsV1";
  entry.fields_v1.emplace().json =
      R"({"f:status":{"f:conditions":{"k:{\"type\":\"Dangling\"}":{".":{},"f:lastTransitionTime":{},"f:message":{},)"
      R"("f:reason":{},"f:status":{},"f:type":{}}}}})";
  entry.subresource = "status";
  // Who applied stands before who updated.
  managers.insert(managers.begin(), std::move(entry));
}

}  // namespace

flowcontrolv1::FlowSchemaCondition dangling_condition(const flowcontrolv1::FlowSchema& schema,
                                                      bool exists, WallTime now) {
  flowcontrolv1::FlowSchemaCondition out;
  out.type = kDangling;
  out.status = exists ? "False" : "True";
  out.reason = exists ? "Found" : "NotFound";
  out.message = cat("This FlowSchema references the PriorityLevelConfiguration object named ",
                    quoted(schema.spec.priority_level_configuration.name),
                    exists ? " and it exists" : " but there is no such object");
  out.last_transition_time = api::Time::from(now);
  return out;
}

FlowControlStatus::FlowControlStatus(Core& core)
    : core_(core),
      schemas_(*core.table.find(kGroup, "v1", "flowschemas")),
      levels_(*core.table.find(kGroup, "v1", "prioritylevelconfigurations")),
      changed_(std::make_shared<async::Event>(core.executor)),
      scope_(core.executor) {
  for (const auto* resource : {&schemas_, &levels_}) {
    core.cache.add_listener(*resource, [changed = changed_](const CacheEvent&) { changed->set(); });
  }
}

void FlowControlStatus::start() {
  changed_->set();
  scope_.spawn(follow(scope_.stop_token()));
}

async::Task<void> FlowControlStatus::stop() {
  scope_.request_stop();
  co_await scope_.join();
}

async::Task<void> FlowControlStatus::follow(async::StopToken stop) {
  while (true) {
    const bool changed = co_await changed_->wait(stop);
    if (!changed || stop.stop_requested()) co_return;
    changed_->reset();
    const bool done = co_await update_all(stop);
    if (done) continue;
    changed_->set();
    const bool slept = co_await async::sleep_for(core_.executor, kRetry, stop);
    if (!slept) co_return;
  }
}

async::Task<bool> FlowControlStatus::update_all(async::StopToken stop) {
  bool done = true;
  std::vector<CachedRef> all;
  for (const auto& [key, object] : core_.cache.cache(schemas_).objects()) all.push_back(object);
  for (const auto& object : all) {
    if (stop.stop_requested()) co_return true;
    const api::Object typed = decode_cached(schemas_, *object);
    const auto& schema = *typed.as<flowcontrolv1::FlowSchema>();
    const auto level = levels_.store_key("", schema.spec.priority_level_configuration.name);
    const auto wanted = dangling_condition(
        schema, core_.cache.cache(levels_).find(level) != nullptr, core_.executor.wall());
    if (const auto* present = find_condition(schema);
        present != nullptr && says_the_same(*present, wanted))
      continue;
    Call call{core_, {}, {}, {}, {}, &schemas_, schemas_.subresource("status"), {}, {}, {}, stop};
    call.info.name = object->name;
    call.user.name = "system:apiserver";
    call.user.groups = {std::string(kGroupMasters), std::string(kGroupAuthenticated)};
    ModifyOptions options;
    options.subresource = "status";
    options.validate = false;
    options.track_fields = false;
    Change change = [wanted](const api::Object& current) -> Result<api::Object> {
      api::Object out = current;
      set_condition(*out.as<flowcontrolv1::FlowSchema>(), wanted);
      return out;
    };
    const auto written = co_await modify_object(call, std::move(change), options);
    if (!written && !written.error().is(Reason::kNotFound)) done = false;
  }
  co_return done;
}

}  // namespace kpp::apiserver
