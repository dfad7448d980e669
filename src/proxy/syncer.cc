#include "proxy/syncer.h"

#include "proxy/rules/names.h"

namespace kpp::proxy {

FamilySyncer::Plan FamilySyncer::plan(Model& model, const RuleOptions& options,
                                      const KernelRules& kernel, bool may_remove_chains) {
  Plan out;
  out.full = full_;
  out.changed = model.take_changes(family_);
  out.changed.merge(unwritten_);
  RestoreText text;
  RuleRequest request;
  request.model = &model.family(family_);
  request.options = &options;
  request.full = full_;
  request.changed = out.changed;
  request.existing_chains = chains_;
  if (full_) {
    write_missing_frame(kernel, canaries_, text);
    request.existing_chains.clear();
    if (const auto nat = kernel.tables.find("nat"); nat != kernel.tables.end()) {
      for (const auto& [chain, rules] : nat->second) {
        if (is_service_chain(chain)) request.existing_chains.insert(chain);
      }
    }
  }
  // A large cluster removes chains only now and then: each removal makes the kernel copy the table.
  request.keep_stale_chains =
      request.model->total_endpoints() > kLargeCluster && !may_remove_chains;
  out.chains = write_rules(request, text).chains;
  out.text = text.to_string();
  return out;
}

void FamilySyncer::done(const Plan& plan) {
  full_ = false;
  canaries_ = false;
  chains_ = plan.chains;
  unwritten_.clear();
}

void FamilySyncer::failed(const Plan& plan) {
  full_ = true;
  unwritten_.insert(plan.changed.begin(), plan.changed.end());
}

}  // namespace kpp::proxy
