#include "dockershim/cni/network.h"

#include <unistd.h>

#include <algorithm>

#include "base/fs.h"
#include "linux/process.h"

namespace kpp::dockershim::cni {
namespace {

constexpr std::string_view kInterface = "eth0";
constexpr std::chrono::minutes kLongest{2};

// The calls of one pod, made one after another on a thread of the pool.
class Plugins {
 public:
  Plugins(const NetworkOptions& options, const Attachment& pod) : options_(options), pod_(pod) {}

  Result<json::Value> call(std::string_view command, const Plugin& plugin,
                           const std::string& input) const {
    const std::string program = find(plugin.type);
    if (program.empty()) {
      return fail(Reason::kNotFound,
                  cat("failed to find plugin ", quoted(plugin.type), " in path [",
                      join(options_.program_directories, " "), "]"));
    }
    sys::ProcessSpec spec;
    spec.argv = {program};
    spec.input = input;
    spec.deadline = kLongest;
    spec.environment = environment(command);
    KPP_ASSIGN(const sys::ProcessResult result, sys::run_process(spec));
    if (!result.ok()) return fail(Reason::kUnknown, why(plugin, result));
    if (result.out.empty()) return json::Value();
    return json::parse(result.out);
  }

  std::string results_file(const NetworkConfig& network) const {
    return cat(options_.results_directory, "/", network.name, "-", pod_.id, "-", kInterface);
  }

 private:
  std::string find(const std::string& type) const {
    for (const std::string& directory : options_.program_directories) {
      std::string path = cat(directory, "/", type);
      if (::access(path.c_str(), X_OK) == 0) return path;
    }
    return {};
  }

  std::vector<std::string> environment(std::string_view command) const {
    const char* path = ::getenv("PATH");
    return {cat("PATH=", path != nullptr ? path : "/usr/sbin:/usr/bin:/sbin:/bin"),
            cat("CNI_COMMAND=", command),
            cat("CNI_CONTAINERID=", pod_.id),
            cat("CNI_NETNS=", pod_.network_namespace),
            cat("CNI_IFNAME=", kInterface),
            cat("CNI_PATH=", join(options_.program_directories, ":")),
            cat("CNI_ARGS=IgnoreUnknown=1;K8S_POD_NAMESPACE=", pod_.pod_namespace, ";K8S_POD_NAME=",
                pod_.name, ";K8S_POD_INFRA_CONTAINER_ID=", pod_.id, ";K8S_POD_UID=", pod_.uid)};
  }

  // A plugin says what went wrong as JSON on its standard output.
  static std::string why(const Plugin& plugin, const sys::ProcessResult& result) {
    std::string message;
    if (const auto error = json::parse(result.out)) {
      message = json::text_at(*error, "msg");
      if (const auto details = json::text_at(*error, "details"); !details.empty())
        message += cat("; ", details);
    }
    if (message.empty()) message = result.timed_out ? "timed out" : result.err;
    if (message.empty()) message = cat("exit code ", result.exit_code);
    return cat("plugin type=", quoted(plugin.type), " failed: ", message);
  }

  const NetworkOptions& options_;
  const Attachment& pod_;
};

json::Value kept_result(const std::string& file) {
  const auto text = fs::read_file(file, 1u << 20);
  if (!text) return {};
  auto parsed = json::parse(*text);
  return parsed ? std::move(*parsed) : json::Value();
}

// The last plugin first; all are called, the first error is the answer.
Status remove_now(const NetworkOptions& options, const Attachment& pod) {
  auto network = load_network_config(options.config_directory);
  if (!network) return network.error();
  const Plugins plugins(options, pod);
  const std::string file = plugins.results_file(*network);
  const json::Value result = kept_result(file);
  Status out;
  for (auto plugin = network->plugins.rbegin(); plugin != network->plugins.rend(); ++plugin) {
    auto done =
        plugins.call("DEL", *plugin, plugin_input(*network, *plugin, pod.capabilities, result));
    if (!done && out.ok()) out = std::move(done).error();
  }
  if (out.ok()) ::unlink(file.c_str());
  return out;
}

Result<std::vector<std::string>> add_now(const NetworkOptions& options, const Attachment& pod) {
  KPP_ASSIGN(const NetworkConfig network, load_network_config(options.config_directory));
  const Plugins plugins(options, pod);
  json::Value result;
  for (const Plugin& plugin : network.plugins) {
    auto added =
        plugins.call("ADD", plugin, plugin_input(network, plugin, pod.capabilities, result));
    if (!added) {
      (void)remove_now(options, pod);
      return fail(std::move(added).error());
    }
    if (!added->is_null()) result = std::move(*added);
  }
  Status kept = fs::make_directories(options.results_directory, 0700);
  if (kept.ok())
    kept = fs::write_file_atomic(plugins.results_file(network), json::write(result), 0600);
  auto addresses = addresses_of(result);
  if (kept.ok() && addresses.empty())
    kept = Status(Reason::kUnknown, cat("network ", quoted(network.name), " gave no address"));
  if (!kept.ok()) {
    (void)remove_now(options, pod);
    return fail(std::move(kept));
  }
  return addresses;
}

Status check_now(const NetworkOptions& options, const Attachment& pod) {
  KPP_ASSIGN(const NetworkConfig network, load_network_config(options.config_directory));
  // CHECK came with 0.4.0.
  const bool has_check = network.version.starts_with("0.4.") || network.version.starts_with("1.");
  if (network.disable_check || !has_check) return {};
  const Plugins plugins(options, pod);
  const json::Value result = kept_result(plugins.results_file(network));
  if (result.is_null()) return {};
  for (const Plugin& plugin : network.plugins) {
    auto done =
        plugins.call("CHECK", plugin, plugin_input(network, plugin, pod.capabilities, result));
    if (!done) return std::move(done).error();
  }
  return {};
}

}  // namespace

std::vector<std::string> addresses_of(const json::Value& result) {
  std::vector<std::string> out;
  const auto add = [&](std::string_view address) {
    address = address.substr(0, address.find('/'));
    if (!address.empty()) out.emplace_back(address);
  };
  if (const json::Value* ips = json::find(result, "ips"); ips != nullptr && ips->is_array()) {
    for (const json::Value& ip : ips->as_array()) add(json::text_at(ip, "address"));
  }
  // 0.2.0
  add(json::text_at(result, "ip4.ip"));
  add(json::text_at(result, "ip6.ip"));
  return out;
}

async::Task<Status> Network::ready() {
  const std::string directory = options_.config_directory;
  auto config = co_await async::offload(executor_, pool_,
                                        [directory] { return load_network_config(directory); });
  if (config) co_return Status();
  co_return Status(Reason::kServiceUnavailable,
                   cat("docker: network plugin is not ready: cni config uninitialized: ",
                       config.error().message()));
}

async::Task<Result<std::vector<std::string>>> Network::add(Attachment pod) {
  const NetworkOptions* const options = &options_;
  auto added = co_await async::offload(
      executor_, pool_, [options, pod = std::move(pod)] { return add_now(*options, pod); });
  co_return added;
}

async::Task<Status> Network::remove(Attachment pod) {
  const NetworkOptions* const options = &options_;
  auto removed = co_await async::offload(
      executor_, pool_, [options, pod = std::move(pod)] { return remove_now(*options, pod); });
  co_return removed;
}

async::Task<Status> Network::check(Attachment pod) {
  const NetworkOptions* const options = &options_;
  auto checked = co_await async::offload(
      executor_, pool_, [options, pod = std::move(pod)] { return check_now(*options, pod); });
  co_return checked;
}

}  // namespace kpp::dockershim::cni
