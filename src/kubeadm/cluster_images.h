// The images of a cluster: their names, and how they come into a runtime without a registry.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "kubeadm/config.h"

namespace kpp::kubeadm {

// REPOSITORY/kube-apiserver:v1.36.2 and the like; of kube-apiserver, kube-controller-manager,
// kube-scheduler, kube-proxy, coredns, pause, etcd.
std::string image_name(std::string_view component, const ClusterConfig& config);

// What a control plane with this configuration needs, as `kubeadm config images list` prints it.
std::vector<std::string> image_names(const ClusterConfig& config);
// What a worker needs.
std::vector<std::string> worker_image_names(const ClusterConfig& config);

// The same and the image that the runtime keeps a pod's namespaces with, where it is a pause image
// under another name.
std::vector<std::string> with_sandbox_image(std::vector<std::string> names,
                                            const std::string& sandbox_image);

// Makes those of the images that the containerd at the socket does not have, from `program` (this
// binary) and programs of this machine, and loads them. kNotFound names a program that is not
// installed, and its package.
Status ensure_images(const std::string& cri_socket, const std::vector<std::string>& names,
                     const std::string& program);

}  // namespace kpp::kubeadm
