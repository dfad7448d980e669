#include "controllers/cluster_role_aggregation/cluster_role_aggregation.h"

#include <algorithm>

#include "api/json_codec.h"
#include "controllers/label_matching.h"

namespace kpp::controllers {
namespace {

bool same_rules(const std::vector<rbacv1::PolicyRule>& a,
                const std::vector<rbacv1::PolicyRule>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](const auto& x, const auto& y) { return api::equal(x, y); });
}

}  // namespace

// Any role's change may concern every role that aggregates.
ClusterRoleAggregation::ClusterRoleAggregation(ControllerContext context)
    : Controller(context, "clusterrole-aggregation-controller",
                 "clusterrole-aggregation-controller", 1),
      roles_(watch<rbacv1::ClusterRole>([this](const auto&, const auto&) {
        for (const auto& role : roles_.all()) {
          if (role->aggregation_rule) queue().add(api::key_of(*role));
        }
      })) {}

async::Task<Status> ClusterRoleAggregation::reconcile(api::ObjectKey key, async::StopToken stop) {
  const auto role = roles_.get(key);
  if (!role || !role->aggregation_rule) co_return Status();
  std::vector<rbacv1::PolicyRule> rules;
  for (const auto& selector : role->aggregation_rule->cluster_role_selectors) {
    for (const auto& other : roles_.all()) {  // in the order of names
      if (other->metadata.name == key.name || !selects(selector, other->metadata.labels)) continue;
      for (const auto& rule : other->rules) {
        const bool there = std::any_of(rules.begin(), rules.end(),
                                       [&](const auto& r) { return api::equal(r, rule); });
        if (!there) rules.push_back(rule);
      }
    }
  }
  if (same_rules(rules, role->rules)) co_return Status();
  rbacv1::ClusterRole next = *role;
  next.rules = std::move(rules);
  auto updated = co_await client().update<rbacv1::ClusterRole>(std::move(next), stop);
  if (updated || updated.error().is(Reason::kNotFound)) co_return Status();
  co_return std::move(updated).error();
}

}  // namespace kpp::controllers
