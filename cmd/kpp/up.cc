// `kpp up`, `down`, `status`, `kubeconfig`: a cluster of one lab node.
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <thread>

#include "base/fs.h"
#include "commands.h"
#include "flags.h"
#include "lab/containerd.h"
#include "lab/docker.h"
#include "lab/lab.h"
#include "lab/lab_commands.h"
#include "lab/machines.h"
#include "process.h"

namespace kpp::cmd {
namespace {

using Clock = std::chrono::steady_clock;
constexpr const char* kNodeName = "node1";
constexpr auto kReadyWithin = std::chrono::seconds(60);

struct Place {
  std::string name = lab::kDefaultLab;
  std::string data_dir;
  std::string audit_policy_file;  // of `up`; empty: nothing is written down
  std::string runtime;            // "": the one that the cluster has, containerd at first

  std::string data() const {
    return data_dir.empty() ? cat("/var/lib/kpp/clusters/", name) : data_dir;
  }
  std::string kubeconfig() const { return cat(data(), "/admin.conf"); }
  std::string ready_file() const { return cat(data(), "/ready"); }
  std::string log_file() const { return cat(data(), "/kpp.log"); }
  std::string runtime_file() const { return cat(data(), "/runtime"); }
  std::string audit_log() const { return cat(data(), "/audit/audit.log"); }
  std::string audit_policy() const { return cat(data(), "/audit-policy.yaml"); }
};

// Where the cluster was put, where the person does not say it again.
Status find_place(const lab::Lab& cluster_lab, Place& place) {
  if (!place.data_dir.empty()) {
    // The node sees it at the same place.
    char here[PATH_MAX];
    if (place.data_dir[0] == '/') return {};
    if (::getcwd(here, sizeof here) == nullptr) return errno_status("working directory", errno);
    place.data_dir = cat(here, "/", place.data_dir);
    return {};
  }
  const auto node = cluster_lab.node(kNodeName);
  if (node) {
    place.data_dir = node->note;
  } else if (!node.error().is(Reason::kNotFound)) {
    return node.error();
  }
  return {};
}

Result<lab::Lab> open_lab(Place& place) {
  lab::LabOptions options;
  options.name = place.name;
  KPP_ASSIGN(lab::Lab cluster_lab, lab::Lab::open(options));
  KPP_RETURN_IF_ERROR(find_place(cluster_lab, place));
  return cluster_lab;
}

void add_place(Flags& flags, Place& place) {
  flags.add("name", &place.name, "the cluster's name");
  flags.add("data-dir", &place.data_dir, "where it is kept; /var/lib/kpp/clusters/<name> if empty");
}

// A line per step with its time.
class Steps {
 public:
  void done(const std::string& what) {
    const auto now = Clock::now();
    std::printf("%-34s %6.2f s\n", what.c_str(),
                std::chrono::duration<double>(now - last_).count());
    std::fflush(stdout);
    last_ = now;
  }
  double total() const { return std::chrono::duration<double>(Clock::now() - start_).count(); }

 private:
  const Clock::time_point start_ = Clock::now();
  Clock::time_point last_ = start_;
};

std::string own_path() {
  char buffer[PATH_MAX] = {};
  const ssize_t n = readlink("/proc/self/exe", buffer, sizeof buffer - 1);
  return n > 0 ? std::string(buffer, static_cast<std::size_t>(n)) : "kpp";
}

lab::ContainerdOptions containerd_of(const Place& place) {
  lab::ContainerdOptions out;
  out.data_directory = cat(place.data(), "/containerd");
  return out;
}

// The process in the node, as the node's process ids count; 0 if the file is not there or it has
// ended.
pid_t process_in_node(const lab::Node& node, const Place& place) {
  const auto text = fs::read_file(place.ready_file(), 64);
  if (!text) return 0;
  const pid_t pid = static_cast<pid_t>(std::atoi(text->c_str()));
  const auto found = lab::run_in_node(
      node, {.argv = {"/bin/sh", "-c", cat("tr '\\0' ' ' </proc/", pid, "/cmdline")}});
  if (!found || found->out.find(" node ") == std::string::npos) return 0;
  return pid;
}

std::string log_tail(const Place& place) {
  const auto text = fs::read_file(place.log_file());
  if (!text) return "";
  const auto from = text->size() > 2000 ? text->find('\n', text->size() - 2000) : 0;
  return text->substr(from == std::string::npos ? 0 : from);
}

Result<lab::Node> make_node(lab::Lab& cluster_lab, const Place& place) {
  lab::NodeSpec spec;
  spec.name = kNodeName;
  spec.note = place.data();
  spec.binds.push_back({place.data(), place.data(), false});
  const std::string shared = cat(place.data(), "/shared");
  KPP_RETURN_IF_ERROR(fs::make_directories(shared));
  spec.binds.push_back({shared, std::string(lab::kSharedDirectory), false});
  return cluster_lab.create_node(spec);
}

Status wait_ready(pid_t pid, const Place& place) {
  const auto deadline = Clock::now() + kReadyWithin;
  while (!fs::exists(place.ready_file())) {
    if (kill(pid, 0) != 0)
      return Status(Reason::kIo, cat("the cluster's process ended; the end of ", place.log_file(),
                                     ":\n", log_tail(place)));
    if (Clock::now() > deadline) {
      return Status(Reason::kTimeout, cat("the node is not ready after 60 s; see ",
                                          place.log_file(), ":\n", log_tail(place)));
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return {};
}

// A cluster keeps the runtime that it was made with: its pods are there.
Result<lab::Runtime> runtime_of(const Place& place, bool fresh) {
  const auto kept = fs::read_file(place.runtime_file(), 64);
  if (!kept && fresh)
    return lab::parse_runtime(place.runtime.empty() ? "containerd" : place.runtime);
  KPP_ASSIGN(const lab::Runtime runtime, lab::parse_runtime(kept ? *kept : "containerd"));
  if (place.runtime.empty()) return runtime;
  KPP_ASSIGN(const lab::Runtime wanted, lab::parse_runtime(place.runtime));
  if (wanted != runtime) {
    return fail(Reason::kInvalid, cat("the cluster's runtime is ", kept ? *kept : "containerd",
                                      "; remove the cluster first: kpp down"));
  }
  return runtime;
}

// What of the runtime does not run is started; what runs is left alone.
Status start_runtime(const lab::Node& node, const Place& place, lab::Runtime runtime,
                     Steps* steps) {
  const lab::ContainerdOptions containerd = containerd_of(place);
  KPP_RETURN_IF_ERROR(lab::start_containerd(node, containerd));
  if (steps != nullptr) steps->done("containerd answers");
  if (runtime != lab::Runtime::kDocker) return {};
  lab::DockerOptions docker;
  docker.data_directory = cat(place.data(), "/docker");
  docker.program = own_path();
  docker.cni_directory = cat(containerd.data_directory, "/cni");
  KPP_RETURN_IF_ERROR(lab::start_docker(node, docker));
  if (steps != nullptr) steps->done("docker answers");
  return {};
}

Status start_process(const lab::Node& node, const Place& place, bool fresh, int verbosity,
                     Steps& steps) {
  if (Status s = fs::remove_all(place.ready_file()); !s.ok()) return s;
  const lab::ContainerdOptions containerd = containerd_of(place);
  KPP_ASSIGN(const lab::Runtime runtime, runtime_of(place, fresh));
  KPP_RETURN_IF_ERROR(fs::write_file_atomic(place.runtime_file(), lab::name_of(runtime)));
  std::vector<std::string> command = {own_path(),
                                      "node",
                                      "--data-dir",
                                      place.data(),
                                      "--node-name",
                                      kNodeName,
                                      "--node-ip",
                                      node.address,
                                      "--pod-cidr",
                                      containerd.pod_cidr,
                                      "--container-runtime-endpoint",
                                      cat("unix://", lab::socket_of(runtime)),
                                      "--ready-file",
                                      place.ready_file(),
                                      cat("--v=", verbosity)};
  if (fs::exists(place.audit_policy())) {
    command.push_back(cat("--audit-policy-file=", place.audit_policy()));
    command.push_back(cat("--audit-log-path=", place.audit_log()));
  }
  KPP_ASSIGN(const pid_t pid, lab::start_in_node(node, std::move(command), place.log_file()));
  KPP_RETURN_IF_ERROR(start_runtime(node, place, runtime, &steps));
  KPP_RETURN_IF_ERROR(wait_ready(pid, place));
  steps.done("node is Ready");
  if (fresh) {
    KPP_RETURN_IF_ERROR(lab::load_pause_image(node, containerd));
    steps.done("pause image is loaded");
  }
  return {};
}

Status up(Place place, int verbosity) {
  if (geteuid() != 0)
    return Status(Reason::kForbidden, "kpp up needs root: it makes namespaces, mounts and cgroups");
  KPP_RETURN_IF_ERROR(lab::check_name("cluster", place.name));
  KPP_ASSIGN(lab::Lab cluster_lab, open_lab(place));
  KPP_RETURN_IF_ERROR(fs::make_directories(place.data(), 0700));
  if (!place.audit_policy_file.empty()) {
    KPP_ASSIGN(const std::string policy, fs::read_file(place.audit_policy_file, 1u << 20));
    KPP_RETURN_IF_ERROR(fs::write_file_atomic(place.audit_policy(), policy, 0600));
  }
  Steps steps;
  if (auto node = cluster_lab.node(kNodeName)) {
    if (process_in_node(*node, place) != 0) {
      KPP_ASSIGN(const lab::Runtime runtime, runtime_of(place, false));
      KPP_RETURN_IF_ERROR(start_runtime(*node, place, runtime, nullptr));
      std::printf("cluster \"%s\" is already running\n  export KUBECONFIG=%s\n", place.name.c_str(),
                  place.kubeconfig().c_str());
      return {};
    }
    std::printf("cluster \"%s\" has a node without its process; starting it again\n",
                place.name.c_str());
    KPP_RETURN_IF_ERROR(start_process(*node, place, false, verbosity, steps));
  } else {
    KPP_ASSIGN(const lab::Node made, make_node(cluster_lab, place));
    steps.done("lab node is made");
    if (Status s = start_process(made, place, true, verbosity, steps); !s.ok()) {
      (void)cluster_lab.remove_node(kNodeName);
      return s;
    }
  }
  std::printf("cluster \"%s\" is up in %.2f s\n  export KUBECONFIG=%s\n", place.name.c_str(),
              steps.total(), place.kubeconfig().c_str());
  return {};
}

Status down(Place place, bool keep_data) {
  KPP_ASSIGN(lab::Lab cluster_lab, open_lab(place));
  KPP_RETURN_IF_ERROR(cluster_lab.remove());
  if (!keep_data) KPP_RETURN_IF_ERROR(fs::remove_all(place.data()));
  std::printf("cluster \"%s\" is gone\n", place.name.c_str());
  return {};
}

}  // namespace

int up_main(int argc, char** argv) {
  Place place;
  bool foreground = false;
  int verbosity = 0;
  Flags flags("kpp up", "Starts a one-node cluster; returns when its node is Ready.");
  add_place(flags, place);
  flags.add("audit-policy-file", &place.audit_policy_file,
            "write requests down in audit/audit.log of the data directory, as this Policy says");
  flags.add("runtime", &place.runtime, "containerd, or docker");
  flags.add("foreground", &foreground, "stay, and stop the cluster's process on an interrupt");
  flags.add_verbosity(&verbosity);
  if (Status s = flags.parse(argc, argv); !s.ok()) return report("kpp up", s);
  const Status done = up(place, verbosity);
  if (!done.ok() || !foreground) return report("kpp up", done);
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  sigprocmask(SIG_BLOCK, &set, nullptr);
  int signal = 0;
  sigwait(&set, &signal);
  return report("kpp up", down(place, true));
}

int down_main(int argc, char** argv) {
  Place place;
  bool keep_data = false;
  Flags flags("kpp down", "Removes a cluster: processes, namespaces, mounts, cgroups, data.");
  add_place(flags, place);
  flags.add("keep-data", &keep_data, "leave the store, the certificates and the images");
  if (Status s = flags.parse(argc, argv); !s.ok()) return report("kpp down", s);
  return report("kpp down", down(place, keep_data));
}

int status_main(int argc, char** argv) {
  Place place;
  Flags flags("kpp status", "Says what runs; answers 0 if the cluster is up.");
  add_place(flags, place);
  if (Status s = flags.parse(argc, argv); !s.ok()) return report("kpp status", s);
  auto cluster_lab = open_lab(place);
  if (!cluster_lab) return report("kpp status", cluster_lab.error());
  const auto node = cluster_lab->node(kNodeName);
  if (!node) {
    std::printf("cluster \"%s\" does not run\n", place.name.c_str());
    return 1;
  }
  const pid_t pid = process_in_node(*node, place);
  std::printf("cluster \"%s\": node %s at %s, process %s\n  export KUBECONFIG=%s\n",
              place.name.c_str(), kNodeName, node->address.c_str(),
              pid != 0 ? "runs" : "has ended (kpp up starts it again)", place.kubeconfig().c_str());
  return pid != 0 ? 0 : 1;
}

int kubeconfig_main(int argc, char** argv) {
  Place place;
  Flags flags("kpp kubeconfig", "Prints the path of the cluster's kubeconfig.");
  add_place(flags, place);
  if (Status s = flags.parse(argc, argv); !s.ok()) return report("kpp kubeconfig", s);
  if (const auto cluster_lab = open_lab(place); !cluster_lab) {
    return report("kpp kubeconfig", cluster_lab.error());
  }
  if (!fs::exists(place.kubeconfig())) {
    return report("kpp kubeconfig",
                  Status(Reason::kNotFound, cat("cluster ", quoted(place.name),
                                                " has no kubeconfig yet; run kpp up")));
  }
  std::printf("%s\n", place.kubeconfig().c_str());
  return 0;
}

}  // namespace kpp::cmd
