#include "lab/containerd.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>

#include "base/fs.h"
#include "images/pause_image.h"
#include "lab/state_file.h"
#include "linux/fd.h"

namespace kpp::lab {
namespace {

// Plugins that a node of ours has no use for; each costs a part of the start.
constexpr std::string_view kUnused[] = {
    "io.containerd.snapshotter.v1.aufs",       "io.containerd.snapshotter.v1.btrfs",
    "io.containerd.snapshotter.v1.devmapper",  "io.containerd.snapshotter.v1.native",
    "io.containerd.snapshotter.v1.zfs",        "io.containerd.internal.v1.restart",
    "io.containerd.tracing.processor.v1.otlp", "io.containerd.internal.v1.tracing"};

Result<std::string> find_cni_programs() {
  // Debian's package, then the place where everybody else puts them.
  for (const char* directory : {"/usr/lib/cni", "/opt/cni/bin"}) {
    if (fs::exists(cat(directory, "/bridge"))) return std::string(directory);
  }
  return fail(Reason::kNotFound,
              "the CNI plugins are not installed; install them: apt-get install "
              "containernetworking-plugins");
}

Status write_files(const ContainerdOptions& options, const std::string& cni_programs) {
  const std::string& data = options.data_directory;
  if (options.cni_directory.empty()) {
    KPP_RETURN_IF_ERROR(fs::make_directories(cat(data, "/cni")));
    KPP_RETURN_IF_ERROR(
        fs::write_file_atomic(cat(data, "/cni/10-kpp.conflist"), cni_config(options)));
  }
  for (const std::string& registry : options.plain_http_registries) {
    const std::string directory = cat(data, "/certs.d/", registry);
    KPP_RETURN_IF_ERROR(fs::make_directories(directory));
    KPP_RETURN_IF_ERROR(fs::write_file_atomic(cat(directory, "/hosts.toml"),
                                              cat("server = \"http://", registry, "\"\n")));
  }
  return fs::write_file_atomic(cat(data, "/config.toml"), containerd_config(options, cni_programs));
}

// Where the socket is for the caller: the node's /run is seen through its init, or is the caller's
// own.
std::string socket_of(const Node* node) {
  return node == nullptr ? std::string(kContainerdSocket)
                         : cat("/proc/", node->init, "/root", kContainerdSocket);
}

bool listens(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return false;
  std::memcpy(address.sun_path, path.data(), path.size());
  const sys::Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  return ::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
}

bool same_process(const std::string& pid_file) {
  const auto state = StateFile::load(pid_file);
  if (!state || state->get("pid").empty()) return false;
  const auto started = sys::process_start_time(std::atoi(state->get("pid").c_str()));
  return started && cat(*started) == state->get("start");
}

std::string end_of_log(const std::string& path) {
  std::string log = fs::read_file(path).value_or("");
  while (!log.empty() && log.back() == '\n') log.pop_back();
  const std::size_t line = log.rfind('\n');
  return line == std::string::npos ? log : log.substr(line + 1);
}

Status write_and_spawn(const Node* node, const ContainerdOptions& options,
                       const std::string& pid_file, const std::string& log) {
  for (const char* program : {"containerd", "runc"}) {
    if (!sys::find_program(program)) {
      return {Reason::kNotFound,
              cat(program, " is not installed; install it: apt-get install ", program)};
    }
  }
  KPP_ASSIGN(const std::string cni_programs, find_cni_programs());
  KPP_RETURN_IF_ERROR(fs::make_directories(options.data_directory));
  KPP_RETURN_IF_ERROR(write_files(options, cni_programs));
  const std::vector<std::string> argv = {"containerd", "--config",
                                         cat(options.data_directory, "/config.toml")};
  sys::DaemonSpec here;
  here.argv = argv;
  here.log_file = log;
  const auto pid = node != nullptr ? start_in_node(*node, argv, log) : sys::start_daemon(here);
  if (!pid) return pid.error();
  StateFile state;
  state.add("pid", cat(*pid));
  state.add("start", cat(sys::process_start_time(*pid).value_or(0)));
  return state.save(pid_file);
}

Status start(const Node* node, const ContainerdOptions& options,
             std::chrono::milliseconds deadline) {
  const std::string socket = socket_of(node);
  const std::string pid_file = cat(options.data_directory, "/containerd.pid");
  const std::string log = cat(options.data_directory, "/containerd.log");
  if (listens(socket)) return {};
  if (!same_process(pid_file)) {
    KPP_RETURN_IF_ERROR(write_and_spawn(node, options, pid_file, log));
  }
  const auto end = std::chrono::steady_clock::now() + deadline;
  while (!listens(socket)) {
    if (!same_process(pid_file)) {
      return {Reason::kIo,
              cat("containerd ended; its log (", log, ") ends with: ", end_of_log(log))};
    }
    if (std::chrono::steady_clock::now() >= end) {
      return {Reason::kTimeout,
              cat("containerd does not listen; its log (", log, ") ends with: ", end_of_log(log))};
    }
    ::poll(nullptr, 0, 5);
  }
  return {};
}

}  // namespace

std::string containerd_config(const ContainerdOptions& options, const std::string& cni_programs) {
  std::string disabled;
  for (const std::string_view plugin : kUnused) {
    disabled += cat(disabled.empty() ? "" : ", ", "\"", plugin, "\"");
  }
  const std::string& data = options.data_directory;
  const std::string cni = options.cni_directory.empty() ? cat(data, "/cni") : options.cni_directory;
  return cat("version = 2\nroot = \"", data, "/root\"\nstate = \"/run/containerd\"\n",
             "disabled_plugins = [", disabled, "]\n\n", "[grpc]\n  address = \"", kContainerdSocket,
             "\"\n\n", "[plugins.\"io.containerd.internal.v1.opt\"]\n  path = \"", data,
             "/opt\"\n\n", "[plugins.\"io.containerd.grpc.v1.cri\"]\n",
             // The machine may forbid to lower it, and runc then fails without saying why.
             "  restrict_oom_score_adj = true\n", "  sandbox_image = \"", kPauseImage, "\"\n",
             "  [plugins.\"io.containerd.grpc.v1.cri\".cni]\n", "    bin_dir = \"", cni_programs,
             "\"\n    conf_dir = \"", cni, "\"\n",
             "  [plugins.\"io.containerd.grpc.v1.cri\".containerd]\n",
             "    snapshotter = \"overlayfs\"\n    default_runtime_name = \"runc\"\n",
             "    [plugins.\"io.containerd.grpc.v1.cri\".containerd.runtimes.runc]\n",
             "      runtime_type = \"io.containerd.runc.v2\"\n",
             "      [plugins.\"io.containerd.grpc.v1.cri\".containerd.runtimes.runc.options]\n",
             "        SystemdCgroup = false\n",
             "  [plugins.\"io.containerd.grpc.v1.cri\".registry]\n", "    config_path = \"", data,
             "/certs.d\"\n");
}

std::string cni_config(const ContainerdOptions& options) {
  // Addresses are kept in /run: they end with the node, as the pods do that hold them.
  return cat(R"({
  "cniVersion": "1.0.0",
  "name": "kpp",
  "plugins": [
    {
      "type": "bridge",
      "bridge": "cni0",
      "isDefaultGateway": true,
      "ipMasq": true,
      "hairpinMode": true,
      "ipam": {
        "type": "host-local",
        "dataDir": "/run/cni",
        "ranges": [[{"subnet": ")",
             options.pod_cidr, R"("}]]
      }
    },
    {"type": "portmap", "capabilities": {"portMappings": true}}
  ]
}
)");
}

Status start_containerd(const Node& node, const ContainerdOptions& options,
                        std::chrono::milliseconds deadline) {
  return start(&node, options, deadline);
}

Status start_containerd_here(const ContainerdOptions& options, std::chrono::milliseconds deadline) {
  return start(nullptr, options, deadline);
}

Status load_pause_image(const Node& node, const ContainerdOptions& options) {
  sys::ProcessSpec list;
  list.argv = {"ctr",         "--address", std::string(kContainerdSocket),
               "--namespace", "k8s.io",    "images",
               "ls",          "--quiet",   cat("name==", kPauseImage)};
  KPP_ASSIGN(const sys::ProcessResult listed, run_in_node(node, list));
  if (listed.ok() && listed.out == cat(kPauseImage, "\n")) return {};
  KPP_ASSIGN(images::Image image, images::pause_image(std::string(kPauseImage)));
  KPP_ASSIGN(const std::string archive, images::write_archive({std::move(image)}));
  const std::string path = cat(options.data_directory, "/pause.tar");
  KPP_RETURN_IF_ERROR(fs::write_file_atomic(path, archive));
  return load_images(node, {path});
}

Status load_images(const Node& node, const std::vector<std::string>& archives) {
  for (const std::string& archive : archives) {
    sys::ProcessSpec spec;
    spec.argv = {"ctr",
                 "--address",
                 std::string(kContainerdSocket),
                 "--namespace",
                 "k8s.io",
                 "images",
                 "import",
                 "--snapshotter",
                 "overlayfs",
                 "-"};
    spec.input_file = archive;
    spec.deadline = std::chrono::minutes(5);
    KPP_ASSIGN(const sys::ProcessResult result, run_in_node(node, spec));
    if (!result.ok()) return {Reason::kIo, cat("loading ", archive, ": ", result.err)};
  }
  return {};
}

}  // namespace kpp::lab
