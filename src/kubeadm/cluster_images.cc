#include "kubeadm/cluster_images.h"

#include <unistd.h>

#include <algorithm>

#include "base/fs.h"
#include "images/archive.h"
#include "images/pause_image.h"
#include "images/recipe.h"
#include "linux/process.h"

namespace kpp::kubeadm {
namespace {

constexpr std::string_view kPauseTag = "3.10.1";
constexpr std::string_view kEtcdTag = "3.4.23-0";
constexpr std::string_view kBinDirectory = "/usr/local/bin/";
constexpr std::string_view kLinks[] = {"kube-apiserver", "kube-controller-manager",
                                       "kube-scheduler", "kube-proxy",
                                       "coredns",        "kpp-net"};

std::string strip_scheme(const std::string& socket) {
  constexpr std::string_view kUnix = "unix://";
  return socket.starts_with(kUnix) ? socket.substr(kUnix.size()) : socket;
}

sys::ProcessSpec ctr(const std::string& socket, std::vector<std::string> words) {
  sys::ProcessSpec spec;
  spec.argv = {"ctr", "--address", strip_scheme(socket), "--namespace", "k8s.io", "images"};
  spec.argv.insert(spec.argv.end(), words.begin(), words.end());
  spec.deadline = std::chrono::minutes(5);
  return spec;
}

// Docker keeps its images to itself; its shim's socket tells that it is the runtime.
bool is_docker(const std::string& socket) { return socket.contains("cri-dockerd"); }

// A name a line.
sys::ProcessSpec list_command(const std::string& socket) {
  if (!is_docker(socket)) return ctr(socket, {"ls", "--quiet"});
  sys::ProcessSpec spec;
  spec.argv = {"docker", "image", "ls", "--format", "{{.Repository}}:{{.Tag}}"};
  return spec;
}

// Reads an archive on its standard input.
sys::ProcessSpec load_command(const std::string& socket) {
  if (!is_docker(socket)) return ctr(socket, {"import", "--snapshotter", "overlayfs", "-"});
  sys::ProcessSpec spec;
  spec.argv = {"docker", "load"};
  spec.deadline = std::chrono::minutes(5);
  return spec;
}

// "kube-proxy" of "repo/x/kube-proxy:v1".
std::string_view component_of(std::string_view name) {
  name = name.substr(name.rfind('/') + 1);
  return name.substr(0, name.find(':'));
}

// All components are one binary: its layer is made once and shared by their images.
Result<std::string> binary_layer(const std::string& program) {
  images::Recipe recipe;
  recipe.name = "layer/kpp:1";
  recipe.programs = {program};
  recipe.directories = {{"/tmp", 01777}};
  for (const std::string_view link : kLinks) {
    if (const std::string path = cat(kBinDirectory, link); path != program) {
      recipe.links[path] = program;
    }
  }
  KPP_ASSIGN(images::Image image, images::build_image(recipe, ""));
  return std::move(image.layers[0]);
}

// What kube-proxy and the network's agent run: iptables with its extensions, nft, conntrack, ip.
Result<std::string> netfilter_layer() {
  images::Recipe recipe;
  recipe.name = "layer/netfilter:1";
  for (const char* name :
       {"iptables", "iptables-restore", "iptables-save", "ip6tables", "ip6tables-restore",
        "ip6tables-save", "conntrack", "ip", "nft", "sysctl"}) {
    const auto found = sys::find_program(name);
    if (!found) {
      return fail(Reason::kNotFound, cat(name,
                                         " is not installed; install it: apt-get install "
                                         "iptables nftables conntrack iproute2 procps"));
    }
    recipe.programs.push_back(*found);
  }
  for (const char* directory : {"/usr/lib/x86_64-linux-gnu/xtables",
                                "/usr/lib/aarch64-linux-gnu/xtables", "/usr/lib/xtables"}) {
    if (!fs::exists(directory)) continue;
    recipe.machine_files.emplace_back(directory);
    // The one extension in use that needs a library which none of the programs needs.
    recipe.programs.push_back(cat(directory, "/libxt_statistic.so"));
  }
  recipe.directories = {{"/run", 0755}};
  KPP_ASSIGN(images::Image image, images::build_image(recipe, ""));
  return std::move(image.layers[0]);
}

Result<images::Image> etcd_image(const std::string& name) {
  const auto program = sys::find_program("etcd");
  if (!program) {
    return fail(Reason::kNotFound,
                "etcd is not installed on this machine, and its image is made from it; install it: "
                "apt-get install etcd-server, or use --store embedded");
  }
  images::Recipe recipe;
  recipe.name = name;
  recipe.programs = {*program};
  if (*program != "/usr/local/bin/etcd") recipe.links["/usr/local/bin/etcd"] = *program;
  recipe.directories = {{"/tmp", 01777}};
  KPP_ASSIGN(images::Image image, images::build_image(recipe, ""));
  return image;
}

Result<std::vector<images::Image>> make_images(const std::vector<std::string>& names,
                                               const std::string& program) {
  std::vector<images::Image> out;
  std::string binary;
  for (const std::string& name : names) {
    const std::string_view component = component_of(name);
    if (component == "pause") {
      KPP_ASSIGN(images::Image image, images::pause_image(name));
      out.push_back(std::move(image));
      continue;
    }
    if (component == "etcd") {
      KPP_ASSIGN(images::Image image, etcd_image(name));
      out.push_back(std::move(image));
      continue;
    }
    if (binary.empty()) {
      KPP_ASSIGN(binary, binary_layer(program));
    }
    images::Image image;
    image.name = name;
    image.layers = {binary};
    if (component == "kube-proxy") {
      KPP_ASSIGN(std::string netfilter, netfilter_layer());
      image.layers.push_back(std::move(netfilter));
    }
    image.config.entrypoint = {cat(kBinDirectory, component)};
    image.config.environment = {
        "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"};
    out.push_back(std::move(image));
  }
  return out;
}

Result<std::vector<std::string>> missing_images(const std::string& cri_socket,
                                                const std::vector<std::string>& names) {
  KPP_ASSIGN(const std::string listed, sys::run_checked(list_command(cri_socket)));
  std::vector<std::string> out;
  for (const std::string& name : names) {
    if (!cat("\n", listed).contains(cat("\n", name, "\n"))) out.push_back(name);
  }
  return out;
}

}  // namespace

std::string image_name(std::string_view component, const ClusterConfig& config) {
  const auto tagged = [](std::string_view given, std::string_view own) {
    return given.empty() ? own : given;
  };
  const std::string& repository = config.image_repository;
  if (component == "etcd") {
    const ImageMeta& image = config.etcd_image;
    return cat(tagged(image.repository, repository), "/etcd:", tagged(image.tag, kEtcdTag));
  }
  if (component == "pause") return cat(repository, "/pause:", kPauseTag);
  if (component == "coredns") {
    // The default registry keeps it one folder deeper.
    const ImageMeta& image = config.dns_image;
    const bool deeper = image.repository.empty() && repository == kDefaultRepository;
    return cat(tagged(image.repository, repository), deeper ? "/coredns" : "",
               "/coredns:", tagged(image.tag, kKubernetesVersion));
  }
  return cat(repository, "/", component, ":", kKubernetesVersion);
}

std::vector<std::string> image_names(const ClusterConfig& config) {
  std::vector<std::string> out;
  for (const char* component :
       {"kube-apiserver", "kube-controller-manager", "kube-scheduler", "kube-proxy"}) {
    out.push_back(image_name(component, config));
  }
  if (!config.dns_disabled) out.push_back(image_name("coredns", config));
  out.push_back(image_name("pause", config));
  if (config.store == StoreKind::kEtcd) out.push_back(image_name("etcd", config));
  return out;
}

std::vector<std::string> worker_image_names(const ClusterConfig& config) {
  std::vector<std::string> out = {image_name("kube-proxy", config), image_name("pause", config)};
  if (!config.dns_disabled) out.push_back(image_name("coredns", config));
  return out;
}

std::vector<std::string> with_sandbox_image(std::vector<std::string> names,
                                            const std::string& sandbox_image) {
  const bool ours = component_of(sandbox_image) == "pause";
  if (ours && std::ranges::find(names, sandbox_image) == names.end())
    names.push_back(sandbox_image);
  return names;
}

Status ensure_images(const std::string& cri_socket, const std::vector<std::string>& names,
                     const std::string& program) {
  KPP_ASSIGN(const std::vector<std::string> missing, missing_images(cri_socket, names));
  if (missing.empty()) return {};
  KPP_ASSIGN(const std::vector<images::Image> made, make_images(missing, program));
  KPP_ASSIGN(const std::string archive, images::write_archive(made));
  const std::string path = cat("/var/tmp/kubeadm-images-", ::getpid(), ".tar");
  KPP_RETURN_IF_ERROR(fs::write_file_atomic(path, archive, 0600));
  sys::ProcessSpec load = load_command(cri_socket);
  load.input_file = path;
  const auto loaded = sys::run_checked(load);
  KPP_RETURN_IF_ERROR(fs::remove_all(path));
  return loaded ? Status() : Status(loaded.error()).with_context("loading images");
}

}  // namespace kpp::kubeadm
