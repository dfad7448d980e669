// `kpp kubeadm ...`: makes clusters out of machines. Finds the command; what all commands share.
#include <unistd.h>

#include <climits>
#include <cstdio>

#include "base/fs.h"
#include "commands.h"
#include "kubeadm_commands.h"
#include "process.h"

namespace kpp::cmd {
namespace {

constexpr const char* kUsage =
    "kubeadm makes clusters out of machines\n\n"
    "  kubeadm init                    set up the control plane on this machine\n"
    "  kubeadm init phase NAME [PART]  one phase of it alone\n"
    "  kubeadm join HOST:PORT          join this machine to a cluster\n"
    "  kubeadm join phase NAME [PART]  one phase of it alone\n"
    "  kubeadm reset                   take off what init or join put on this machine\n"
    "  kubeadm reset phase NAME        one phase of it alone\n"
    "  kubeadm token create|list|delete|generate\n"
    "  kubeadm config images list|pull\n"
    "  kubeadm config print init-defaults|join-defaults|reset-defaults\n"
    "  kubeadm config validate|migrate\n"
    "  kubeadm certs check-expiration|renew NAME|certificate-key\n"
    "  kubeadm kubeconfig user --client-name NAME\n"
    "  kubeadm version\n\n"
    "--help after a command lists its flags.\n";

}  // namespace

void print_line(std::string_view line) {
  std::printf("%.*s\n", static_cast<int>(line.size()), line.data());
  std::fflush(stdout);
}

int complain(const Status& status) {
  if (status.ok() || status.is(Reason::kCanceled)) return 0;
  std::fprintf(stderr, "error: %s\n", status.message().c_str());
  return 1;
}

std::string own_path() {
  char buffer[PATH_MAX] = {};
  const ssize_t n = readlink("/proc/self/exe", buffer, sizeof buffer - 1);
  return {buffer, n > 0 ? static_cast<std::size_t>(n) : 0};
}

int run_kubeadm(std::function<async::Task<Status>(kubeadm::Setting, async::StopToken)> body) {
  Status result;
  const int code = run_process(0, "kubeadm", [&](Process& process) -> async::Task<Status> {
    return [](Process& p, const auto& work, Status& out) -> async::Task<Status> {
      out = co_await work(kubeadm::Setting{p.executor, print_line, own_path()}, p.stop);
      co_return Status();
    }(process, body, result);
  });
  return code != 0 ? code : complain(result);
}

void warn(const std::vector<std::string>& warnings) {
  for (const std::string& warning : warnings)
    std::fprintf(stderr, "[config] WARNING: %s\n", warning.c_str());
}

Result<std::string> read_file_of_person(const std::string& path) {
  auto text = fs::read_file(path, 4U << 20);
  if (text) return text;
  return fail(
      std::move(text).error().with_context(cat("unable to read config from ", quoted(path), " ")));
}

Status read_config_file(const std::string& path, kubeadm::InitConfig& config) {
  if (path.empty()) return {};
  KPP_ASSIGN(const std::string text, read_file_of_person(path));
  std::vector<std::string> warnings;
  KPP_RETURN_IF_ERROR(kubeadm::read_init_config(text, config, warnings));
  warn(warnings);
  return {};
}

void CommonFlags::add_to(Flags& flags) {
  flags.add("config", &config_file, "path to a kubeadm configuration file");
  flags.add("dry-run", &dry_run, "make no changes; say what would be done");
  flags.add("cri-socket", &cri_socket, "the CRI runtime's socket");
  flags.add("node-name", &node_name, "the node's name");
  flags.add("patches", &patches,
            "a directory of files TARGET[SUFFIX][+TYPE].yaml that change what is written");
  flags.add("skip-phases", &skip_phases, "phases that are left out; repeatable");
  flags.add("ignore-preflight-errors", &ignore,
            "checks whose errors are shown as warnings; 'all' for all");
}

void CommonFlags::over(kubeadm::NodeRegistration& node) const {
  if (!cri_socket.empty())
    node.cri_socket = cri_socket.contains("://") ? cri_socket : cat("unix://", cri_socket);
  if (!node_name.empty()) node.name = node_name;
  node.ignore_preflight_errors.insert(node.ignore_preflight_errors.end(), ignore.begin(),
                                      ignore.end());
}

void ClusterFlags::add_to(Flags& flags) {
  flags.add("image-repository", &repository, "the registry that images are named after");
  flags.add("kubernetes-version", &version, "the version of the control plane");
  flags.add("store", &store,
            "where the API server keeps its objects: etcd, or embedded (a store of its own)");
}

Status ClusterFlags::over(kubeadm::ClusterConfig& cluster) const {
  if (!repository.empty()) cluster.image_repository = repository;
  if (!version.empty())
    cluster.kubernetes_version = version.starts_with("v") ? version : cat("v", version);
  if (store == "embedded") {
    cluster.store = kubeadm::StoreKind::kEmbedded;
  } else if (!store.empty() && store != "etcd") {
    return {Reason::kInvalid, cat("--store must be etcd or embedded, not ", quoted(store))};
  }
  return {};
}

PhaseWords PhaseWords::take(int& argc, char**& argv) {
  PhaseWords out;
  if (argc < 2 || std::string_view(argv[1]) != "phase") return out;
  out.alone = true;
  int taken = 1;
  while (taken < 3 && taken + 1 < argc && argv[taken + 1][0] != '-') {
    out.words.emplace_back(argv[taken + 1]);
    ++taken;
  }
  argc -= taken;
  argv += taken;
  return out;
}

Result<kubeadm::PhaseChoice> PhaseWords::choice(const std::vector<kubeadm::Phase>& known,
                                                const std::vector<std::string>& skipped) const {
  return alone ? kubeadm::PhaseChoice::only(known, words)
               : kubeadm::PhaseChoice::all_but(known, skipped);
}

int kubeadm_main(int argc, char** argv) {
  const std::string_view verb = argc > 1 ? argv[1] : "--help";
  const struct {
    std::string_view name;
    int (*main)(int, char**);
  } verbs[] = {{"init", kubeadm_init_main},
               {"join", kubeadm_join_main},
               {"reset", kubeadm_reset_main},
               {"token", kubeadm_token_main},
               {"config", kubeadm_config_main},
               {"certs", kubeadm_certs_main},
               {"kubeconfig", kubeadm_kubeconfig_main},
               {"version", kubeadm_version_main}};
  for (const auto& known : verbs) {
    if (known.name == verb) return known.main(argc - 1, argv + 1);
  }
  if (verb == "--help" || verb == "-h" || verb == "help") {
    std::fputs(kUsage, stdout);
    return 0;
  }
  if (verb == "upgrade") {
    return complain(Status(Reason::kInvalid,
                           "this kubeadm does not upgrade clusters: it brings one version alone"));
  }
  std::fprintf(stderr, "error: unknown command \"%s\" for \"kubeadm\"\n%s", argv[1], kUsage);
  return 2;
}

}  // namespace kpp::cmd
