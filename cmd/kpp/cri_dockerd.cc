// The CRI shim over Docker Engine.
#include "commands.h"
#include "dockershim/shim.h"
#include "flags.h"
#include "process.h"

namespace kpp::cmd {
namespace {

constexpr std::string_view kUnix = "unix://";

// "unix:///path" or a path.
Status take_socket(const char* flag, std::string given, std::string& path) {
  if (given.starts_with(kUnix)) given.erase(0, kUnix.size());
  if (!given.starts_with('/'))
    return {Reason::kInvalid, cat("--", flag, ": not a unix socket: ", quoted(given))};
  path = std::move(given);
  return {};
}

async::Task<Status> run_shim(Process& process, dockershim::ShimOptions options) {
  dockershim::Shim shim(process.executor, process.pool, process.log, std::move(options));
  Status started = co_await shim.start();
  if (started.ok()) {
    async::Waiter waiter(process.executor);
    co_await waiter.wait(process.stop);
  }
  co_await shim.stop();
  co_return started;
}

}  // namespace

int cri_dockerd_main(int argc, char** argv) {
  dockershim::ShimOptions options;
  std::string endpoint = cat(kUnix, options.listen);
  std::string docker = cat(kUnix, options.docker_socket);
  std::string plugin = "cni";
  int verbosity = 0;
  Flags flags("kpp cri-dockerd", "Serves the Container Runtime Interface with Docker Engine.");
  flags.add("container-runtime-endpoint", &endpoint, "the socket to serve CRI on");
  flags.add("docker-endpoint", &docker, "the socket of Docker Engine");
  flags.add("cri-dockerd-root-directory", &options.state_directory, "where its state is kept");
  flags.add("pod-infra-container-image", &options.pod_infra_image,
            "the image of every pod's first container");
  flags.add("network-plugin", &plugin, "how pods get their network: cni");
  flags.add("cni-conf-dir", &options.network.config_directory,
            "where configurations of CNI are looked for");
  flags.add("cni-bin-dir", &options.network.program_directories,
            "where the plugins of CNI are looked for");
  flags.add("cni-cache-dir", &options.network.results_directory,
            "where results of CNI's plugins are kept");
  flags.add("image-pull-progress-deadline", &options.pull_progress_deadline,
            "a pull that says nothing for as long is given up");
  flags.add("streaming-bind-addr", &options.streaming_address,
            "the address to serve exec, attach and port-forward on");
  flags.add_verbosity(&verbosity);
  if (Status s = flags.parse(argc, argv); !s.ok()) return report("kpp cri-dockerd", s);
  if (plugin != "cni") {
    return report("kpp cri-dockerd",
                  Status(Reason::kInvalid,
                         cat("--network-plugin: ", quoted(plugin), " is not known; there is cni")));
  }
  Status sockets = take_socket("container-runtime-endpoint", endpoint, options.listen);
  if (sockets.ok()) sockets = take_socket("docker-endpoint", docker, options.docker_socket);
  if (!sockets.ok()) return report("kpp cri-dockerd", sockets);
  return run_process(verbosity, "cri-dockerd", [&](Process& p) { return run_shim(p, options); });
}

}  // namespace kpp::cmd
