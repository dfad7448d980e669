#include "controllers/node_ipam/node_ipam_controller.h"

#include "codec/json.h"

namespace kpp::controllers {
namespace {

std::vector<std::string> ranges_of(const corev1::Node& node) {
  if (!node.spec.pod_cidrs.empty()) return node.spec.pod_cidrs;
  if (node.spec.pod_cidr.empty()) return {};
  return {node.spec.pod_cidr};
}

}  // namespace

Result<std::vector<CidrSet>> NodeIpamController::sets_of(const NodeIpamOptions& options) {
  std::vector<CidrSet> out;
  for (const auto& range : options.cluster_cidrs) {
    const bool v6 = range.find(':') != std::string::npos;
    KPP_ASSIGN(auto set, CidrSet::make(range, v6 ? options.mask_ipv6 : options.mask_ipv4));
    for (const auto& services : options.service_cidrs) (void)set.take(services);
    out.push_back(std::move(set));
  }
  return out;
}

NodeIpamController::NodeIpamController(ControllerContext context, const NodeIpamOptions& options)
    : Controller(context, "node-ipam-controller", "cidrAllocator", 1),
      nodes_(watch<corev1::Node>(
          [this](const NodeRef& before, const NodeRef& after) { on_node(before, after); })) {
  auto sets = sets_of(options);
  if (sets) {
    sets_ = std::move(*sets);
  } else {
    log().error("Nodes get no addresses", {kv("err", sets.error().to_string())});
  }
}

void NodeIpamController::on_node(const NodeRef& before, const NodeRef& after) {
  if (!after) return release(ranges_of(*before));
  const bool had = before && !ranges_of(*before).empty();
  if (!ranges_of(*after).empty()) {
    if (!had) occupy(*after);
    return;
  }
  queue().add(api::key_of(*after));
}

bool NodeIpamController::occupy(const corev1::Node& node) {
  bool all = true;
  for (const auto& range : ranges_of(node)) {
    bool taken = false;
    for (auto& set : sets_) taken = taken || set.take(range);
    all = all && taken;
  }
  return all;
}

void NodeIpamController::release(const std::vector<std::string>& ranges) {
  for (const auto& range : ranges) {
    for (auto& set : sets_) {
      if (set.release(range)) break;
    }
  }
}

async::Task<Status> NodeIpamController::reconcile(api::ObjectKey key, async::StopToken stop) {
  const auto node = nodes_.get(key);
  if (!node || !ranges_of(*node).empty() || sets_.empty()) co_return Status();
  std::vector<std::string> ranges;
  for (auto& set : sets_) {
    auto range = set.take_next();
    if (!range) {
      release(ranges);
      corev1::ObjectReference about = client::reference_to(corev1::Node::desc(), node->metadata);
      events().event(about, "Normal", "CIDRNotAvailable",
                     cat("Node ", key.name, " status is now: CIDRNotAvailable"));
      co_return Status(Reason::kServiceUnavailable,
                       "CIDR allocation failed; there are no remaining CIDRs left to allocate in "
                       "the accepted range");
    }
    ranges.push_back(std::move(*range));
  }
  json::Array list;
  for (const auto& range : ranges) list.emplace_back(range);
  const json::Value patch = json::Object{
      {"spec", json::Object{{"podCIDR", ranges.front()}, {"podCIDRs", std::move(list)}}}};
  auto patched = co_await client().patch<corev1::Node>(key, client::PatchType::kStrategicMerge,
                                                       json::write(patch), {}, stop);
  if (patched) co_return Status();
  release(ranges);
  if (patched.error().is(Reason::kNotFound)) co_return Status();
  co_return std::move(patched).error();
}

namespace {

// With more nodes, kubelets ask more seldom; the bounds overlap, so that a few nodes do not swing
// it.
struct Step {
  int least, most, seconds;
};
constexpr std::array<Step, 5> kSteps = {
    {{0, 100, 0}, {90, 500, 15}, {450, 1000, 30}, {900, 2000, 60}, {1800, 10000, 300}}};
constexpr const char* kTtl = "node.alpha.kubernetes.io/ttl";

}  // namespace

TtlController::TtlController(ControllerContext context)
    : Controller(context, "ttl-controller", "ttl-controller", 1),
      nodes_(watch<corev1::Node>([this](const auto& before, const auto& after) {
        if (!before) resize(1);
        if (!after) resize(-1);
        if (after) queue().add(api::key_of(*after));
      })) {}

void TtlController::resize(int by) {
  count_ += by;
  const std::size_t old = step_;
  while (step_ + 1 < kSteps.size() && count_ > kSteps[step_].most) ++step_;
  while (step_ > 0 && count_ < kSteps[step_].least) --step_;
  if (step_ == old) return;
  for (const auto& node : nodes_.all()) queue().add(api::key_of(*node));
}

async::Task<Status> TtlController::reconcile(api::ObjectKey key, async::StopToken stop) {
  const auto node = nodes_.get(key);
  if (!node) co_return Status();
  const std::string wanted = std::to_string(kSteps[step_].seconds);
  const auto it = node->metadata.annotations.find(kTtl);
  if (it != node->metadata.annotations.end() && it->second == wanted) co_return Status();
  const json::Value patch =
      json::Object{{"metadata", json::Object{{"annotations", json::Object{{kTtl, wanted}}}}}};
  auto patched = co_await client().patch<corev1::Node>(key, client::PatchType::kStrategicMerge,
                                                       json::write(patch), {}, stop);
  if (patched || patched.error().is(Reason::kNotFound)) co_return Status();
  co_return std::move(patched).error();
}

}  // namespace kpp::controllers
