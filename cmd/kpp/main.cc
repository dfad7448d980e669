// One binary for all components: chosen by the name that it is called by, or by the first word.
#include <nss.h>

#include <csignal>
#include <cstdio>
#include <cstring>
#include <string_view>

#include "base/version.h"
#include "commands.h"
#include "images/image_commands.h"
#include "lab/lab_commands.h"
#include "lab/node_init.h"

namespace {

using Main = int (*)(int, char**);

int version_main(int, char**) {
  std::printf("k++ %s (Kubernetes %s)\n", kpp::kVersion.data(), kpp::kKubernetesVersion.data());
  return 0;
}

struct Command {
  std::string_view name;
  Main main;
  const char* help;  // nullptr: not for people
};

constexpr Command kCommands[] = {
    {"up", kpp::cmd::up_main, "start a one-node cluster on this machine"},
    {"down", kpp::cmd::down_main, "stop it and remove everything it made"},
    {"status", kpp::cmd::status_main, "say what runs"},
    {"kubeconfig", kpp::cmd::kubeconfig_main, "print the path of the cluster's kubeconfig"},
    {"server", kpp::cmd::server_main, "run API server, scheduler and controllers, without a node"},
    {"lab", kpp::lab::lab_main, "enter, list or remove lab nodes"},
    {"image", kpp::images::image_main, "build image archives"},
    {"kube-apiserver", kpp::cmd::kube_apiserver_main, "run the API server alone"},
    {"kube-controller-manager", kpp::cmd::kube_controller_manager_main,
     "run the controllers alone"},
    {"kube-scheduler", kpp::cmd::kube_scheduler_main, "run the scheduler alone"},
    {"kubelet", kpp::cmd::kubelet_main, "run the node agent alone"},
    {"kube-proxy", kpp::cmd::kube_proxy_main, "run the service proxy alone"},
    {"kubeadm", kpp::cmd::kubeadm_main, "make clusters out of machines"},
    {"kpp-dns", kpp::cmd::dns_main, "run the cluster's name server alone"},
    {"coredns", kpp::cmd::dns_main, nullptr},  // as its image and its Deployment call it
    {"network-agent", kpp::cmd::network_agent_main, "join this node's pods with those of others"},
    {"kpp-net", kpp::cmd::network_agent_main, nullptr},
    {"cri-dockerd", kpp::cmd::cri_dockerd_main, "serve CRI with Docker Engine"},
    {"version", version_main, "print the version"},
    {"lab-init", kpp::lab::lab_init_main, nullptr},
    {"node", kpp::cmd::node_main, nullptr},
};

int usage(std::FILE* out) {
  std::fputs(
      "k++: Kubernetes in one binary\n\nUsage: kpp COMMAND [FLAGS]   (--help after a command lists "
      "its flags)\n\n",
      out);
  for (const auto& command : kCommands) {
    if (command.help != nullptr) {
      std::fprintf(out, "  %-25.*s %s\n", static_cast<int>(command.name.size()),
                   command.name.data(), command.help);
    }
  }
  return out == stderr ? 2 : 0;
}

}  // namespace

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);
  // Names of hosts as the original resolves them, whatever modules nsswitch.conf names: a static
  // program loads none.
  __nss_configure_lookup("hosts", "files dns");
  const char* slash = std::strrchr(argv[0], '/');
  const std::string_view called = slash != nullptr ? slash + 1 : argv[0];
  for (const auto& command : kCommands) {
    if (command.name == called) return command.main(argc, argv);
  }
  if (argc < 2) return usage(stderr);
  const std::string_view word = argv[1];
  if (word == "help" || word == "--help" || word == "-h") return usage(stdout);
  if (word == "--version") return version_main(0, nullptr);
  for (const auto& command : kCommands) {
    if (command.name == word) return command.main(argc - 1, argv + 1);
  }
  std::fprintf(stderr, "kpp: unknown command \"%s\"\n\n", argv[1]);
  return usage(stderr);
}
