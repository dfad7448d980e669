#include <algorithm>
#include <string>

#include "api/meta.h"
#include "apiserver/table/printers.h"
#include "base/cat.h"

namespace kpp::apiserver {
namespace {

std::string job_status(const batchv1::Job& job) {
  const auto has = [&job](std::string_view type) {
    return std::ranges::any_of(job.status.conditions, [type](const batchv1::JobCondition& c) {
      return c.type == type && c.status == "True";
    });
  };
  if (has("Complete")) return "Complete";
  if (has("Failed")) return "Failed";
  if (job.metadata.deletion_timestamp) return "Terminating";
  for (const char* type : {"Suspended", "FailureTarget", "SuccessCriteriaMet"})
    if (has(type)) return type;
  return "Running";
}

std::string job_completions(const batchv1::Job& job) {
  if (job.spec.completions) return cat(job.status.succeeded, '/', *job.spec.completions);
  const auto parallelism = job.spec.parallelism.value_or(0);
  return parallelism > 1 ? cat(job.status.succeeded, "/1 of ", parallelism)
                         : cat(job.status.succeeded, "/1");
}

std::string job_duration(const batchv1::Job& job, WallTime now) {
  const auto& status = job.status;
  if (!status.start_time) return {};
  const auto end = status.completion_time ? status.completion_time->wall() : now;
  return human_duration(end - status.start_time->wall());
}

}  // namespace

void controller_revision_row(const appsv1::ControllerRevision& revision, Row& row) {
  std::string controller(kNone);
  if (const auto* owner = api::controller_of(revision.metadata)) {
    const auto slash = owner->api_version.find('/');
    const auto group =
        slash == std::string::npos ? std::string() : owner->api_version.substr(0, slash);
    controller =
        cat(lower(group.empty() ? owner->kind : cat(owner->kind, '.', group)), '/', owner->name);
  }
  row.text(revision.metadata.name)
      .text(controller)
      .number(revision.revision)
      .age(revision.metadata);
}

void cron_job_row(const batchv1::CronJob& cron_job, Row& row) {
  const auto& spec = cron_job.spec;
  const auto& last = cron_job.status.last_schedule_time;
  row.text(cron_job.metadata.name)
      .text(spec.schedule)
      .text(spec.time_zone.value_or(std::string(kNone)))
      .text(!spec.suspend ? kUnset : std::string_view(*spec.suspend ? "True" : "False"))
      .number(static_cast<std::int64_t>(cron_job.status.active.size()))
      .text(last ? row.since(*last) : std::string(kNone))
      .age(cron_job.metadata)
      .containers(spec.job_template.spec.template_.spec.containers)
      .text(format_selector(spec.job_template.spec.selector));
}

void daemon_set_row(const appsv1::DaemonSet& set, Row& row) {
  const auto& status = set.status;
  const auto& pod = set.spec.template_.spec;
  row.text(set.metadata.name)
      .number(status.desired_number_scheduled)
      .number(status.current_number_scheduled)
      .number(status.number_ready)
      .number(status.updated_number_scheduled)
      .number(status.number_available)
      .text(format_labels(pod.node_selector))
      .age(set.metadata)
      .containers(pod.containers)
      .text(format_selector(set.spec.selector));
}

void deployment_row(const appsv1::Deployment& deployment, Row& row) {
  const auto& status = deployment.status;
  row.text(deployment.metadata.name)
      .text(cat(status.ready_replicas, '/', deployment.spec.replicas.value_or(0)))
      .number(status.updated_replicas)
      .number(status.available_replicas)
      .age(deployment.metadata)
      .containers(deployment.spec.template_.spec.containers)
      .text(plain_selector(deployment.spec.selector));
}

void job_row(const batchv1::Job& job, Row& row) {
  row.text(job.metadata.name)
      .text(job_status(job))
      .text(job_completions(job))
      .text(job_duration(job, row.now()))
      .age(job.metadata)
      .containers(job.spec.template_.spec.containers)
      .text(format_selector(job.spec.selector));
}

void pod_disruption_budget_row(const policyv1::PodDisruptionBudget& budget, Row& row) {
  const auto amount = [](const std::optional<api::IntOrString>& value) {
    return value ? value->to_string() : std::string("N/A");
  };
  row.text(budget.metadata.name)
      .text(amount(budget.spec.min_available))
      .text(amount(budget.spec.max_unavailable))
      .number(budget.status.disruptions_allowed)
      .age(budget.metadata);
}

void priority_class_row(const schedulingv1::PriorityClass& priority_class, Row& row) {
  row.text(priority_class.metadata.name)
      .number(priority_class.value)
      .boolean(priority_class.global_default)
      .age(priority_class.metadata)
      .text(priority_class.preemption_policy.value_or(""));
}

void replica_set_row(const appsv1::ReplicaSet& set, Row& row) {
  row.text(set.metadata.name)
      .number(set.spec.replicas.value_or(0))
      .number(set.status.replicas)
      .number(set.status.ready_replicas)
      .age(set.metadata)
      .containers(set.spec.template_.spec.containers)
      .text(format_selector(set.spec.selector));
}

void runtime_class_row(const nodev1::RuntimeClass& runtime_class, Row& row) {
  row.text(runtime_class.metadata.name).text(runtime_class.handler).age(runtime_class.metadata);
}

void stateful_set_row(const appsv1::StatefulSet& set, Row& row) {
  row.text(set.metadata.name)
      .text(cat(set.status.ready_replicas, '/', set.spec.replicas.value_or(0)))
      .age(set.metadata)
      .containers(set.spec.template_.spec.containers);
}

}  // namespace kpp::apiserver
