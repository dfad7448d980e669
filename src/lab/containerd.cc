#include "lab/containerd.h"

#include "base/fs.h"
#include "images/pause_image.h"
#include "lab/docker.h"
#include "lab/node_daemon.h"

namespace kpp::lab {
namespace {

// Plugins that a node of ours has no use for; each costs a part of the start.
constexpr std::string_view kUnused[] = {
    "io.containerd.snapshotter.v1.aufs",       "io.containerd.snapshotter.v1.btrfs",
    "io.containerd.snapshotter.v1.devmapper",  "io.containerd.snapshotter.v1.native",
    "io.containerd.snapshotter.v1.zfs",        "io.containerd.internal.v1.restart",
    "io.containerd.tracing.processor.v1.otlp", "io.containerd.internal.v1.tracing"};

}  // namespace

Result<std::string> find_cni_programs() {
  // Debian's package, then the place where everybody else puts them.
  for (const char* directory : {"/usr/lib/cni", "/opt/cni/bin"}) {
    if (fs::exists(cat(directory, "/bridge"))) return std::string(directory);
  }
  return fail(Reason::kNotFound,
              "the CNI plugins are not installed; install them: apt-get install "
              "containernetworking-plugins");
}

namespace {

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

Status start(const Node* node, const ContainerdOptions& options,
             std::chrono::milliseconds deadline) {
  const std::string socket(kContainerdSocket);
  if (daemon_listens(node, socket)) return {};
  for (const char* program : {"containerd", "runc"}) {
    if (!sys::find_program(program)) {
      return {Reason::kNotFound,
              cat(program, " is not installed; install it: apt-get install ", program)};
    }
  }
  KPP_ASSIGN(const std::string cni_programs, find_cni_programs());
  KPP_RETURN_IF_ERROR(fs::make_directories(options.data_directory));
  KPP_RETURN_IF_ERROR(write_files(options, cni_programs));
  return ensure_daemon(node,
                       {"containerd",
                        {"containerd", "--config", cat(options.data_directory, "/config.toml")},
                        socket,
                        options.data_directory},
                       deadline);
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
  if (has_docker(node)) return load_docker_pause_image(node, options.data_directory);
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
  if (has_docker(node)) return load_docker_images(node, archives);
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
