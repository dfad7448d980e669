// The group flowcontrol.apiserver.k8s.io.
#include "api/defaults/rules.h"
#include "api/flowcontrolv1.h"

namespace kpp::api::defaults {
namespace {

using namespace flowcontrolv1;

void flow_schema(FlowSchemaSpec& spec) { set(spec.matching_precedence, 1000); }
void exempt(ExemptPriorityLevelConfiguration& level) {
  set(level.nominal_concurrency_shares, 0);
  set(level.lendable_percent, 0);
}
void limited(LimitedPriorityLevelConfiguration& level) {
  set(level.nominal_concurrency_shares, 30);
  set(level.lendable_percent, 0);
}
void queuing(QueuingConfiguration& queues) {
  set(queues.hand_size, 8);
  set(queues.queues, 64);
  set(queues.queue_length_limit, 50);
}

constexpr Rule kRules[] = {
    rule<FlowSchemaSpec, flow_schema>(),
    rule<ExemptPriorityLevelConfiguration, exempt>(),
    rule<LimitedPriorityLevelConfiguration, limited>(),
    rule<QueuingConfiguration, queuing>(),
};

}  // namespace

std::span<const Rule> flowcontrol_rules() { return kRules; }

}  // namespace kpp::api::defaults
