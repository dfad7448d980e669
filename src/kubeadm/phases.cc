#include "kubeadm/phases.h"

#include <algorithm>

#include "base/cat.h"

namespace kpp::kubeadm {
namespace {

std::vector<std::string> leaves_of(const Phase& phase) {
  std::vector<std::string> out;
  for (const std::string_view part : phase.parts) out.push_back(cat(phase.name, "/", part));
  if (out.empty()) out.emplace_back(phase.name);
  return out;
}

}  // namespace

const std::vector<Phase>& init_phases() {
  static const std::vector<Phase> phases = {
      {"preflight", {}},
      {"certs",
       {"ca", "apiserver", "apiserver-kubelet-client", "front-proxy-ca", "front-proxy-client",
        "etcd-ca", "etcd-server", "etcd-peer", "etcd-healthcheck-client", "apiserver-etcd-client",
        "sa"}},
      {"kubeconfig", {"admin", "super-admin", "kubelet", "controller-manager", "scheduler"}},
      {"etcd", {"local"}},
      {"control-plane", {"apiserver", "controller-manager", "scheduler"}},
      {"kubelet-start", {}},
      {"wait-control-plane", {}},
      {"upload-config", {"kubeadm", "kubelet"}},
      {"upload-certs", {}},
      {"mark-control-plane", {}},
      {"bootstrap-token", {}},
      {"kubelet-finalize", {"enable-client-cert-rotation"}},
      {"addon", {"coredns", "kube-proxy"}},
      {"show-join-command", {}}};
  return phases;
}

const std::vector<Phase>& join_phases() {
  static const std::vector<Phase> phases = {
      {"preflight", {}},
      {"control-plane-prepare", {"download-certs", "certs", "kubeconfig", "control-plane"}},
      {"kubelet-start", {}},
      {"etcd-join", {}},
      {"kubelet-wait-bootstrap", {}},
      {"control-plane-join", {"mark-control-plane"}},
      {"wait-control-plane", {}}};
  return phases;
}

const std::vector<Phase>& reset_phases() {
  static const std::vector<Phase> phases = {
      {"preflight", {}}, {"remove-etcd-member", {}}, {"cleanup-node", {}}};
  return phases;
}

Result<PhaseChoice> PhaseChoice::all_but(const std::vector<Phase>& known,
                                         const std::vector<std::string>& skipped) {
  std::set<std::string, std::less<>> wanted;
  for (const Phase& phase : known) {
    for (std::string& leaf : leaves_of(phase)) wanted.insert(std::move(leaf));
  }
  for (const std::string& name : skipped) {
    bool found = false;
    for (const Phase& phase : known) {
      for (const std::string& leaf : leaves_of(phase)) {
        if (phase.name != name && leaf != name) continue;
        found = true;
        wanted.erase(leaf);
      }
    }
    if (!found) return fail(Reason::kInvalid, cat("invalid phase name: ", name));
  }
  PhaseChoice out;
  out.wanted_ = std::move(wanted);
  return out;
}

Result<PhaseChoice> PhaseChoice::only(const std::vector<Phase>& known,
                                      const std::vector<std::string>& words) {
  const auto phase = words.empty() ? known.end() : std::ranges::find(known, words[0], &Phase::name);
  if (phase == known.end()) {
    return fail(Reason::kInvalid,
                cat("invalid subcommand: ", quoted(words.empty() ? "" : words[0])));
  }
  PhaseChoice out;
  out.alone_ = true;
  if (words.size() < 2 || words[1] == "all") {
    const auto leaves = leaves_of(*phase);
    out.wanted_.emplace(leaves.begin(), leaves.end());
    return out;
  }
  if (words.size() > 2 || std::ranges::find(phase->parts, words[1]) == phase->parts.end()) {
    return fail(Reason::kInvalid, cat("invalid subcommand: ", quoted(words.back())));
  }
  out.wanted_.emplace().insert(cat(words[0], "/", words[1]));
  return out;
}

bool PhaseChoice::wants(std::string_view phase) const {
  if (!wanted_ || wanted_->contains(phase)) return true;
  const std::string prefix = cat(phase, "/");
  const auto first_part = wanted_->lower_bound(prefix);
  return first_part != wanted_->end() && first_part->starts_with(prefix);
}

}  // namespace kpp::kubeadm
