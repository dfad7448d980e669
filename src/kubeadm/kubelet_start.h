// The kubelet of this machine: its configuration, its start, its end.
#pragma once

#include <string>
#include <vector>

#include "base/status.h"
#include "codec/json.h"
#include "kubeadm/config.h"
#include "kubeadm/printer.h"

namespace kpp::kubeadm {

// KubeletConfiguration for the cluster: what the person gave, over kubeadm's own choices.
json::Object kubelet_configuration(const ClusterConfig& config, const json::Object& given,
                                   const std::string& cgroup_driver);

// As config.yaml holds it: with the person's patches. kInvalid for a patch that does not apply.
Result<std::string> kubelet_config_text(json::Object configuration, const std::string& patches_dir,
                                        const Printer& print);

// KUBELET_KUBEADM_ARGS="...": flags that belong to this machine alone.
std::vector<std::string> kubelet_flags(const NodeRegistration& node, const std::string& node_ip);
std::string flags_file_text(const std::vector<std::string>& flags);
Result<std::vector<std::string>> read_flags_file(std::string_view text);

// Writes config.yaml and kubeadm-flags.env below /var/lib/kubelet.
Status write_kubelet_files(const std::string& config_yaml, const std::vector<std::string>& flags,
                           const Printer& print);

// Starts the kubelet anew: as a unit of systemd where systemd runs the machine, else as a process
// of our own, whose log is /var/log/kubelet.log. Without a printer nothing is said.
Status start_kubelet(const Printer& print);
Status stop_kubelet();
// kIo with the end of the log if a kubelet that we started as a process has ended.
Status check_kubelet_runs();

}  // namespace kpp::kubeadm
