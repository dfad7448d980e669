#include <algorithm>
#include <string>
#include <vector>

#include "apiserver/table/printers.h"
#include "base/cat.h"

namespace kpp::apiserver {
namespace {

void binding_row(const metav1::ObjectMeta& meta, const rbacv1::RoleRef& role,
                 const std::vector<rbacv1::Subject>& subjects, Row& row) {
  std::vector<std::string> users, groups, accounts;
  for (const auto& subject : subjects) {
    if (subject.kind == "User") users.push_back(subject.name);
    if (subject.kind == "Group") groups.push_back(subject.name);
    if (subject.kind == "ServiceAccount")
      accounts.push_back(cat(subject.namespace_, '/', subject.name));
  }
  row.text(meta.name)
      .text(cat(role.kind, '/', role.name))
      .age(meta)
      .text(join(users, ", "))
      .text(join(groups, ", "))
      .text(join(accounts, ", "));
}

std::string request_state(const certificatesv1::CertificateSigningRequestStatus& status) {
  const auto has = [&status](std::string_view type) {
    return std::ranges::find(status.conditions, type,
                             &certificatesv1::CertificateSigningRequestCondition::type) !=
           status.conditions.end();
  };
  std::string out = has("Denied") ? "Denied" : has("Approved") ? "Approved" : "Pending";
  if (has("Failed")) out += ",Failed";
  if (!status.certificate.empty()) out += ",Issued";
  return out;
}

}  // namespace

void api_service_row(const apiregistrationv1::APIService& service, Row& row) {
  std::string available = "Unknown";
  for (const auto& condition : service.status.conditions) {
    if (condition.type != "Available") continue;
    available = condition.status;
    if (condition.status != "True") available += cat(" (", condition.reason, ')');
  }
  const auto& backend = service.spec.service;
  row.text(service.metadata.name)
      .text(backend ? cat(backend->namespace_, '/', backend->name) : std::string("Local"))
      .text(available)
      .age(service.metadata);
}

void cluster_role_binding_row(const rbacv1::ClusterRoleBinding& binding, Row& row) {
  binding_row(binding.metadata, binding.role_ref, binding.subjects, row);
}

void role_binding_row(const rbacv1::RoleBinding& binding, Row& row) {
  binding_row(binding.metadata, binding.role_ref, binding.subjects, row);
}

void flow_schema_row(const flowcontrolv1::FlowSchema& schema, Row& row) {
  const auto& spec = schema.spec;
  const auto dangling = std::ranges::find(schema.status.conditions, "Dangling",
                                          &flowcontrolv1::FlowSchemaCondition::type);
  row.text(schema.metadata.name)
      .text(spec.priority_level_configuration.name)
      .number(spec.matching_precedence)
      .text(spec.distinguisher_method ? std::string_view(spec.distinguisher_method->type) : kNone)
      .age(schema.metadata)
      .text(dangling == schema.status.conditions.end() ? std::string_view("?")
                                                       : std::string_view(dangling->status));
}

void priority_level_row(const flowcontrolv1::PriorityLevelConfiguration& level, Row& row) {
  const auto& limited = level.spec.limited;
  row.text(level.metadata.name).text(level.spec.type);
  if (limited)
    row.number(limited->nominal_concurrency_shares.value_or(0));
  else
    row.text(kNone);
  if (limited && limited->limit_response.queuing) {
    const auto& queuing = *limited->limit_response.queuing;
    row.number(queuing.queues).number(queuing.hand_size).number(queuing.queue_length_limit);
  } else {
    row.text(kNone).text(kNone).text(kNone);
  }
  row.age(level.metadata);
}

void lease_row(const coordinationv1::Lease& lease, Row& row) {
  row.text(lease.metadata.name).text(lease.spec.holder_identity.value_or("")).age(lease.metadata);
}

void signing_request_row(const certificatesv1::CertificateSigningRequest& request, Row& row) {
  const auto& spec = request.spec;
  row.text(request.metadata.name)
      .age(request.metadata)
      .text(spec.signer_name)
      .text(spec.username)
      .text(spec.expiration_seconds ? human_duration(std::chrono::seconds(*spec.expiration_seconds))
                                    : std::string(kNone))
      .text(request_state(request.status));
}

}  // namespace kpp::apiserver
