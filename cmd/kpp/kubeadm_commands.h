// The commands of kubeadm, and what they share. argv[0] is the command's name.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "flags.h"
#include "kubeadm/config.h"
#include "kubeadm/init.h"

namespace kpp::cmd {

int kubeadm_init_main(int argc, char** argv);
int kubeadm_join_main(int argc, char** argv);
int kubeadm_reset_main(int argc, char** argv);
int kubeadm_token_main(int argc, char** argv);
int kubeadm_config_main(int argc, char** argv);
int kubeadm_certs_main(int argc, char** argv);
int kubeadm_kubeconfig_main(int argc, char** argv);
int kubeadm_version_main(int argc, char** argv);

void print_line(std::string_view line);
// Tells the person what went wrong, and answers the exit code.
int complain(const Status& status);
// Warnings of a configuration file.
void warn(const std::vector<std::string>& warnings);
std::string own_path();
// Runs a piece of kubeadm on an executor of its own; answers the exit code.
int run_kubeadm(std::function<async::Task<Status>(kubeadm::Setting, async::StopToken)> body);

Result<std::string> read_file_of_person(const std::string& path);
// Nothing is read where the path is empty.
Status read_config_file(const std::string& path, kubeadm::InitConfig& config);

// Flags that init and join have in common; they go over the configuration file.
struct CommonFlags {
  std::string config_file;
  bool dry_run = false;
  std::string cri_socket, node_name, patches;
  std::vector<std::string> ignore, skip_phases;

  void add_to(Flags& flags);
  void over(kubeadm::NodeRegistration& node) const;
};

// Flags that say what the cluster is; shared by init and config images.
struct ClusterFlags {
  std::string repository, store, version;

  void add_to(Flags& flags);
  Status over(kubeadm::ClusterConfig& cluster) const;
};

// `kubeadm init phase certs ca --flags`: the words after "phase", taken out of the command line.
struct PhaseWords {
  bool alone = false;
  std::vector<std::string> words;

  static PhaseWords take(int& argc, char**& argv);
  Result<kubeadm::PhaseChoice> choice(const std::vector<kubeadm::Phase>& known,
                                      const std::vector<std::string>& skipped) const;
};

}  // namespace kpp::cmd
