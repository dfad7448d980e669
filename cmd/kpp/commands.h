// The commands of the binary; each answers the exit code. argv[0] is the command's name.
#pragma once

namespace kpp::cmd {

int kube_apiserver_main(int argc, char** argv);
int kube_scheduler_main(int argc, char** argv);
int kube_controller_manager_main(int argc, char** argv);
int kubelet_main(int argc, char** argv);
int kube_proxy_main(int argc, char** argv);
int kubeadm_main(int argc, char** argv);
int dns_main(int argc, char** argv);
int network_agent_main(int argc, char** argv);
int cri_dockerd_main(int argc, char** argv);

int server_main(int argc, char** argv);  // control plane without a node
int up_main(int argc, char** argv);      // one-node cluster
int node_main(int argc, char** argv);    // what up runs inside the lab node
int down_main(int argc, char** argv);
int status_main(int argc, char** argv);
int kubeconfig_main(int argc, char** argv);

}  // namespace kpp::cmd
