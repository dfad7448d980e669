#include "kubeadm/kubelet_start.h"

#include <charconv>

#include "base/fs.h"
#include "codec/yaml.h"
#include "kubeadm/patches.h"
#include "linux/process.h"

namespace kpp::kubeadm {
namespace {

constexpr const char* kPidFile = "/run/kubelet.pid";
constexpr const char* kLogFile = "/var/log/kubelet.log";
constexpr std::string_view kFlagsVariable = "KUBELET_KUBEADM_ARGS=";

bool has_systemd() { return fs::exists("/run/systemd/system"); }

std::string config_path() { return cat(kKubeletDirectory, "/config.yaml"); }
std::string flags_path() { return cat(kKubeletDirectory, "/kubeadm-flags.env"); }

// The kubelet that we started, if it still runs: "PID START" stands in the file.
pid_t running_kubelet() {
  const auto text = fs::read_file(kPidFile, 64);
  if (!text) return 0;
  pid_t pid = 0;
  const char* const end = text->data() + text->size();
  const auto [space, error] = std::from_chars(text->data(), end, pid);
  if (error != std::errc() || pid <= 0) return 0;
  std::uint64_t start = 0;
  std::from_chars(std::min(space + 1, end), end, start);
  const auto found = sys::process_start_time(pid);
  return found && *found == start ? pid : 0;
}

std::string log_tail() {
  const std::string log = fs::read_file(kLogFile).value_or("");
  return log.size() > 1500 ? log.substr(log.find('\n', log.size() - 1500) + 1) : log;
}

template <class T>
void set_default(json::Object& object, std::string_view name, T value) {
  if (!object.contains(name)) object[name] = std::move(value);
}

Status systemctl(std::vector<std::string> words) {
  words.insert(words.begin(), "systemctl");
  auto done = sys::run_checked(std::move(words));
  return done ? Status() : std::move(done).error();
}

}  // namespace

json::Object kubelet_configuration(const ClusterConfig& config, const json::Object& given,
                                   const std::string& cgroup_driver) {
  json::Object out = given;
  out["apiVersion"] = "kubelet.config.k8s.io/v1beta1";
  out["kind"] = "KubeletConfiguration";
  set_default(
      out, "authentication",
      json::Object{
          {"anonymous", json::Object{{"enabled", false}}},
          {"webhook", json::Object{{"enabled", true}}},
          {"x509", json::Object{{"clientCAFile", cat(config.certificates_dir, "/ca.crt")}}}});
  set_default(out, "authorization", json::Object{{"mode", "Webhook"}});
  set_default(out, "cgroupDriver", std::string(cgroup_driver.empty() ? "systemd" : cgroup_driver));
  set_default(out, "clusterDNS",
              json::Array{service_address(config.service_subnet, 10).value_or("")});
  set_default(out, "clusterDomain", config.dns_domain);
  set_default(out, "healthzBindAddress", "127.0.0.1");
  set_default(out, "healthzPort", 10248);
  set_default(out, "rotateCertificates", true);
  set_default(out, "staticPodPath", kManifestsDirectory);
  return out;
}

Result<std::string> kubelet_config_text(json::Object configuration, const std::string& patches_dir,
                                        const Printer& print) {
  KPP_ASSIGN(const json::Value document, patched(json::Value(std::move(configuration)), patches_dir,
                                                 "kubeletconfiguration", nullptr, print));
  return yaml::write(document);
}

std::vector<std::string> kubelet_flags(const NodeRegistration& node, const std::string& node_ip) {
  std::vector<std::string> out = {cat("--container-runtime-endpoint=", node.cri_socket),
                                  cat("--hostname-override=", node.name)};
  if (!node_ip.empty()) out.push_back(cat("--node-ip=", node_ip));
  if (node.taints && !node.taints->empty()) {
    std::vector<std::string> taints;
    for (const Taint& taint : *node.taints)
      taints.push_back(cat(taint.key, "=", taint.value, ":", taint.effect));
    out.push_back(cat("--register-with-taints=", join(taints, ",")));
  }
  for (const Argument& argument : node.kubelet_args) {
    const std::string flag = cat("--", argument.name, "=");
    std::erase_if(out, [&](const std::string& word) { return word.starts_with(flag); });
    out.push_back(flag + argument.value);
  }
  return out;
}

std::string flags_file_text(const std::vector<std::string>& flags) {
  return cat(kFlagsVariable, "\"", join(flags, " "), "\"\n");
}

Result<std::vector<std::string>> read_flags_file(std::string_view text) {
  const std::size_t open = text.find('"');
  const std::size_t close = text.rfind('"');
  if (!text.starts_with(kFlagsVariable) || open == close) {
    return fail(Reason::kInvalid, cat(flags_path(), " does not hold ", kFlagsVariable, "\"...\""));
  }
  std::string_view words = text.substr(open + 1, close - open - 1);
  std::vector<std::string> out;
  while (!words.empty()) {
    const std::size_t end = std::min(words.find(' '), words.size());
    if (end > 0) out.emplace_back(words.substr(0, end));
    words.remove_prefix(std::min(end + 1, words.size()));
  }
  return out;
}

Status write_kubelet_files(const std::string& config_yaml, const std::vector<std::string>& flags,
                           const Printer& print) {
  KPP_RETURN_IF_ERROR(fs::make_directories(std::string(kKubeletDirectory), 0750));
  print(cat("[kubelet-start] Writing kubelet environment file with flags to file ",
            quoted(flags_path())));
  KPP_RETURN_IF_ERROR(fs::write_file_atomic(flags_path(), flags_file_text(flags)));
  print(cat("[kubelet-start] Writing kubelet configuration to file ", quoted(config_path())));
  return fs::write_file_atomic(config_path(), config_yaml);
}

Status start_kubelet(const Printer& print) {
  if (print) print("[kubelet-start] Starting the kubelet");
  if (has_systemd()) {
    KPP_RETURN_IF_ERROR(systemctl({"daemon-reload"}));
    return systemctl({"restart", "kubelet"});
  }
  KPP_RETURN_IF_ERROR(stop_kubelet());
  KPP_ASSIGN(const std::string env, fs::read_file(flags_path()));
  KPP_ASSIGN(const std::vector<std::string> flags, read_flags_file(env));
  sys::DaemonSpec daemon;
  daemon.argv = {
      "kubelet", cat("--bootstrap-kubeconfig=", kKubernetesDirectory, "/bootstrap-kubelet.conf"),
      cat("--kubeconfig=", kKubernetesDirectory, "/kubelet.conf"), cat("--config=", config_path())};
  daemon.argv.insert(daemon.argv.end(), flags.begin(), flags.end());
  daemon.log_file = kLogFile;
  KPP_ASSIGN(const pid_t pid, sys::start_daemon(daemon));
  const std::uint64_t start = sys::process_start_time(pid).value_or(0);
  return fs::write_file_atomic(kPidFile, cat(pid, " ", start, "\n"));
}

Status stop_kubelet() {
  if (has_systemd()) {
    return systemctl({"stop", "kubelet"});
  }
  if (const pid_t pid = running_kubelet(); pid != 0) {
    KPP_RETURN_IF_ERROR(sys::kill_and_wait(pid, std::chrono::seconds(20)));
  }
  return fs::remove_all(kPidFile);
}

Status check_kubelet_runs() {
  if (has_systemd() || running_kubelet() != 0) return {};
  return {Reason::kIo,
          cat("the kubelet has ended; its log ", kLogFile, " ends with:\n", log_tail())};
}

}  // namespace kpp::kubeadm
