#include "lab/docker.h"

#include "base/fs.h"
#include "codec/json.h"
#include "images/pause_image.h"
#include "lab/capabilities.h"
#include "lab/node_daemon.h"

namespace kpp::lab {

Result<Runtime> parse_runtime(std::string_view name) {
  if (name == "containerd") return Runtime::kContainerd;
  if (name == "docker") return Runtime::kDocker;
  return fail(Reason::kInvalid,
              cat("no such runtime: ", quoted(name), "; there are containerd and docker"));
}

std::string_view name_of(Runtime runtime) {
  return runtime == Runtime::kDocker ? "docker" : "containerd";
}

std::string_view socket_of(Runtime runtime) {
  return runtime == Runtime::kDocker ? kCriDockerdSocket : kContainerdSocket;
}

std::string docker_config(const DockerOptions& options) {
  json::Array registries;
  for (const std::string& registry : options.plain_http_registries)
    registries.emplace_back(registry);
  json::Object config{{"data-root", cat(options.data_directory, "/root")},
                      {"exec-root", "/run/docker"},
                      {"pidfile", "/run/docker.pid"},
                      {"hosts", json::Array{cat("unix://", kDockerSocket)}},
                      {"containerd", kContainerdSocket},
                      {"storage-driver", "overlay2"},
                      {"exec-opts", json::Array{"native.cgroupdriver=cgroupfs"}},
                      {"bridge", "none"},
                      {"iptables", false},
                      {"live-restore", true},
                      {"insecure-registries", std::move(registries)}};
  if (!options.runc.empty()) {
    config["runtimes"] = json::Object{{"lab", json::Object{{"path", options.runc}}}};
    config["default-runtime"] = "lab";
  }
  return json::write_pretty(std::move(config));
}

namespace {

// The options, and a runc that leaves out what this machine's root lacks.
Result<DockerOptions> with_runc(DockerOptions options) {
  const std::vector<std::string> missing = missing_capabilities();
  if (missing.empty() || !options.runc.empty()) return options;
  const auto runc = sys::find_program("runc");
  if (!runc) return options;
  options.runc = cat(options.data_directory, "/runc");
  KPP_RETURN_IF_ERROR(fs::write_file_atomic(options.runc, runc_without(missing, *runc), 0755));
  return options;
}

}  // namespace

Status start_docker(const Node& node, const DockerOptions& options,
                    std::chrono::milliseconds deadline) {
  if (!sys::find_program("dockerd")) {
    return {Reason::kNotFound,
            "dockerd is not installed; install it: apt-get install --no-install-recommends "
            "docker.io"};
  }
  KPP_ASSIGN(const std::string cni_programs, find_cni_programs());
  const std::string& data = options.data_directory;
  KPP_RETURN_IF_ERROR(fs::make_directories(data));
  const std::string config = cat(data, "/daemon.json");
  KPP_ASSIGN(const DockerOptions made, with_runc(options));
  KPP_RETURN_IF_ERROR(fs::write_file_atomic(config, docker_config(made)));
  KPP_RETURN_IF_ERROR(ensure_daemon(
      &node, {"dockerd", {"dockerd", "--config-file", config}, std::string(kDockerSocket), data},
      deadline));
  return ensure_daemon(&node,
                       {"cri-dockerd",
                        {options.program, "cri-dockerd",
                         cat("--container-runtime-endpoint=unix://", kCriDockerdSocket),
                         cat("--docker-endpoint=unix://", kDockerSocket),
                         cat("--cri-dockerd-root-directory=", data, "/cri-dockerd"),
                         cat("--pod-infra-container-image=", kPauseImage),
                         cat("--cni-conf-dir=", options.cni_directory),
                         cat("--cni-bin-dir=", cni_programs), "--cni-cache-dir=/run/cni/results"},
                        std::string(kCriDockerdSocket),
                        data},
                       deadline);
}

bool has_docker(const Node& node) { return daemon_listens(&node, std::string(kDockerSocket)); }

Status load_docker_images(const Node& node, const std::vector<std::string>& archives) {
  for (const std::string& archive : archives) {
    sys::ProcessSpec spec;
    spec.argv = {"docker", "--host", cat("unix://", kDockerSocket), "load"};
    spec.input_file = archive;
    spec.deadline = std::chrono::minutes(5);
    KPP_ASSIGN(const sys::ProcessResult result, run_in_node(node, spec));
    if (!result.ok()) return {Reason::kIo, cat("loading ", archive, ": ", result.err)};
  }
  return {};
}

Status load_docker_pause_image(const Node& node, const std::string& directory) {
  sys::ProcessSpec look;
  look.argv = {"docker", "--host",  cat("unix://", kDockerSocket),
               "image",  "inspect", std::string(kPauseImage)};
  KPP_ASSIGN(const sys::ProcessResult found, run_in_node(node, look));
  if (found.ok()) return {};
  KPP_ASSIGN(images::Image image, images::pause_image(std::string(kPauseImage)));
  KPP_ASSIGN(const std::string archive, images::write_archive({std::move(image)}));
  const std::string path = cat(directory, "/pause.tar");
  KPP_RETURN_IF_ERROR(fs::write_file_atomic(path, archive));
  return load_docker_images(node, {path});
}

}  // namespace kpp::lab
